"""What an explanation shows is written as `mien explain` writes it, off the GUI's thread; what cannot be is one sentence."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from mien.exchange.heat import overlaid
from mien.sdk.protocols import Explanation, FaceExplanation
from mien_desktop.explain.panel import ExplainPanel

HEATED = 18.6
PATIENCE = 20_000


@pytest.fixture
def seen(panel: ExplainPanel, face: FaceExplanation) -> ExplainPanel:
    """The tab with a face under its heat."""
    panel.explain(HEATED)
    panel.ask_face.click()
    panel.show_face(face)
    return panel


@pytest.fixture
def heard(panel: ExplainPanel, voice: Explanation) -> ExplainPanel:
    """The tab with the seconds of a reading."""
    panel.explain(HEATED)
    panel.asking_seconds.buttons[0].click()
    panel.show_seconds("emotion", "Emotion attributes", voice)
    return panel


def test_the_picture_is_what_is_seen(seen: ExplainPanel, face: FaceExplanation, tmp_path: Path, qtbot: QtBot) -> None:
    target = tmp_path / "face.png"
    seen.face.strength.setValue(80)
    seen.saver.write_picture(face, seen.face.strength.value() / 100, target)
    qtbot.waitUntil(lambda: seen.asking_face.text == "Written: face.png", timeout=PATIENCE)
    written = cv2.imread(str(target))[..., ::-1]
    assert np.array_equal(written, np.hstack([face.crop, overlaid(face, 0.8)]))
    assert [file.name for file in tmp_path.iterdir()] == ["face.png"]


def test_the_button_asks_where_to(
    seen: ExplainPanel, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real dialog, Qt's own: a name is typed, and Return pressed."""
    monkeypatch.chdir(tmp_path)
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        line = dialog.findChild(QLineEdit)
        assert line is not None
        assert line.text() == "face 5.00 s.png"
        line.setText(str(tmp_path / "chosen.png"))
        qtbot.keyClick(line, Qt.Key.Key_Return)

    QTimer.singleShot(300, answer)
    qtbot.mouseClick(seen.face.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: seen.asking_face.text == "Written: chosen.png", timeout=PATIENCE)
    assert cv2.imread(str(tmp_path / "chosen.png")) is not None
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs, False)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone/face.png", "The picture cannot be written (No such file or directory)"),
        ("face.docx", "No picture can be written as '.docx'; name the file .png"),
    ],
)
def test_an_unwritable_place_is_one_sentence(
    seen: ExplainPanel, face: FaceExplanation, tmp_path: Path, qtbot: QtBot, name: str, said: str
) -> None:
    seen.saver.write_picture(face, 0.5, tmp_path / name)
    qtbot.waitUntil(lambda: seen.asking_face.text.startswith(said), timeout=PATIENCE)
    assert "\n" not in seen.asking_face.text
    assert seen.face.isVisible()
    assert not list(tmp_path.iterdir())


def test_what_stands_there_stays_when_it_cannot_be_replaced(
    seen: ExplainPanel, face: FaceExplanation, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "face.png").mkdir()  # no file of that name can be put there
    (tmp_path / "face.png" / "kept").touch()
    seen.saver.write_picture(face, 0.5, tmp_path / "face.png")
    qtbot.waitUntil(lambda: "cannot be written" in seen.asking_face.text, timeout=PATIENCE)
    assert [file.name for file in tmp_path.rglob("*")] == ["face.png", "kept"]


def test_seconds_are_a_table_or_all_of_it(
    heard: ExplainPanel, voice: Explanation, tmp_path: Path, qtbot: QtBot
) -> None:
    assert heard.save_seconds.isVisible()
    heard.saver.write_values("emotion", voice, tmp_path / "seconds.csv")
    qtbot.waitUntil(lambda: heard.asking_seconds.text == "Written: seconds.csv", timeout=PATIENCE)
    rows = list(csv.DictReader((tmp_path / "seconds.csv").read_text().splitlines()))
    assert [float(row["start"]) for row in rows] == pytest.approx([float(v) for v in voice.parts.start])
    told = [float(row["contribution"] or "nan") for row in rows]
    assert told == pytest.approx([float(v) for v in voice.parts.score], abs=5e-7, nan_ok=True)  # six decimals
    heard.saver.write_values("emotion", voice, tmp_path / "seconds.json")
    qtbot.waitUntil(lambda: heard.asking_seconds.text == "Written: seconds.json", timeout=PATIENCE)
    facts = json.loads((tmp_path / "seconds.json").read_text())
    assert (facts["plugin"], facts["of"]) == ("emotion", "arousal")
    assert facts["reading"] == pytest.approx(voice.reading)
    assert len(facts["parts"]) == len(rows)


def test_another_moment_has_nothing_to_save(heard: ExplainPanel) -> None:
    heard.explain(5.0)
    assert not heard.save_seconds.isVisible()
    assert not heard.face.save.isVisible()


def test_it_is_written_in_a_thread_of_its_own(
    heard: ExplainPanel, voice: Explanation, tmp_path: Path, qtbot: QtBot
) -> None:
    """The answer comes by the event loop, so that until then it is known to run."""
    heard.saver.write_values("emotion", voice, tmp_path / "one.csv")
    heard.saver.write_values("emotion", voice, tmp_path / "two.csv")
    assert heard.asking_seconds.text == "Another file is being written; wait until that is done."
    qtbot.waitUntil(lambda: heard.asking_seconds.text == "Written: one.csv", timeout=PATIENCE)
    assert not (tmp_path / "two.csv").exists()
