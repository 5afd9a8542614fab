"""Export from the window: every format, the selection, what cannot be written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import av
import pandas as pd
import pympi
import pysubs2
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLineEdit
from pytestqt.qtbot import QtBot

from mien.engine.registry import Registry
from mien_desktop.export.dialog import ExportDialog
from mien_desktop.look.palette import LIGHT

WAIT = 60_000


def _export(qtbot: QtBot, dialog: ExportDialog) -> dict[str, Path]:
    with qtbot.waitSignal(dialog.written, timeout=WAIT) as told:
        dialog.start.click()
    return dict(zip(dialog.formats.wanted, told.args[0], strict=True))


def test_every_format_is_written_and_reads_back(
    dialog: ExportDialog, registry: Registry, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.formats.want(*registry.exporters)
    written = _export(qtbot, dialog)
    assert set(written) == {"csv", "parquet", "json", "srt", "vtt", "eaf", "textgrid", "report", "video"}
    assert len(pd.read_csv(written["csv"] / "fusion.score.csv")) == 12
    assert len(pd.read_parquet(written["parquet"] / "odd.vectors.parquet")) == 12
    assert json.loads(written["json"].read_text(encoding="utf-8"))["span"] is None
    assert len(pysubs2.load(str(written["srt"]))) == 5
    assert "word3" in written["vtt"].read_text(encoding="utf-8")
    assert "speech.words A" in pympi.Eaf(str(written["eaf"])).get_tier_names()
    assert "IntervalTier" in written["textgrid"].read_text(encoding="utf-8")
    assert "word3" in written["report"].read_text(encoding="utf-8")
    with av.open(str(written["video"])) as container:
        assert sum(1 for _ in container.decode(video=0)) == 60
    assert dialog.said == "9 formats were written."
    assert dialog.shown.isVisible()
    assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".part")]


def test_only_the_selection_is_written(dialog: ExportDialog, clip: Path, qtbot: QtBot, tmp_path: Path) -> None:
    assert not dialog.part.isEnabled()
    dialog.open_for(clip, (1.5, 4.0))
    assert dialog.part.isChecked()
    assert dialog.part.text() == "Selection, 0:01.5 to 0:04.0 (2.5 s)"
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.formats.want("csv", "srt", "video")
    assert dialog._names.text() == ("Writes clip-1.5s-4s-mien-csv/, clip-1.5s-4s-mien.srt, clip-1.5s-4s-mien.mp4")
    written = _export(qtbot, dialog)
    score = pd.read_csv(written["csv"] / "fusion.score.csv")
    assert (score.time.min(), score.time.max()) == (1.5, 3.5)
    subs = pysubs2.load(str(written["srt"]))
    assert next((s.start, s.end) for s in subs) == (1500, 1800)
    with av.open(str(written["video"])) as container:
        assert sum(1 for _ in container.decode(video=0)) == pytest.approx(25, abs=1)
    dialog.open_for(clip, None)
    assert dialog.whole.isChecked()
    assert dialog.span is None


def test_a_stretch_that_is_selected_while_it_stands_open_can_be_exported(dialog: ExportDialog, clip: Path) -> None:
    assert "Drag over the lanes" in dialog.part.toolTip()
    dialog.formats.want("srt")
    dialog.follow(clip, (1.0, 3.0))
    assert dialog.part.isEnabled()
    assert dialog.span == (1.0, 3.0)
    assert dialog._names.text() == "Writes clip-1s-3s-mien.srt"
    dialog.follow(clip.with_name("other.mp4"), (0.0, 1.0))  # of the medium that is open by then, not of this one
    assert dialog.span == (1.0, 3.0)
    dialog.follow(clip, None)
    assert (dialog.whole.isChecked(), dialog.span) == (True, None)


def test_options_of_a_format_are_used_or_refused(dialog: ExportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    dialog.folder.setText(str(tmp_path / "out"))
    assert not dialog.start.isEnabled()
    assert dialog._names.text() == "Choose at least one format above."
    dialog.formats.want("csv")
    form = dialog.formats.form("csv")
    form.take({"tracks": "fusion.*"})
    assert dialog.start.isEnabled()
    written = _export(qtbot, dialog)
    tables = {p.name for p in written["csv"].iterdir() if p.suffix == ".csv"}
    assert "fusion.score.csv" in tables
    assert "speech.words.csv" not in tables
    dialog.formats.select("csv")
    line = next(e for e in form.findChildren(QLineEdit) if e.accessibleName() == "Digits")
    line.setText("99")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert not dialog.start.isEnabled()
    assert dialog._names.text().startswith("CSV tables: ")
    dialog.formats.want("srt")
    assert dialog.start.isEnabled()


def test_a_place_that_cannot_be_written_is_one_sentence(dialog: ExportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    dialog.folder.setText(str(tmp_path / "file" / "below"))
    dialog.formats.want("srt")
    with qtbot.waitSignal(dialog.failed, timeout=WAIT) as told:
        dialog.start.click()
    assert "folder" in told.args[0]
    assert "\n" not in told.args[0]
    assert dialog.said == told.args[0]
    assert dialog.start.isEnabled()
    assert not dialog.shown.isVisible()
    dialog.folder.setText("")
    assert not dialog.start.isEnabled()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_a_full_disk_is_one_sentence(
    dialog: ExportDialog, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The staged file is one that takes nothing, as a full disk does."""
    from mien.exchange import write

    monkeypatch.setattr(write.secrets, "token_hex", lambda _: "0000")
    out = tmp_path / "out"
    out.mkdir()
    (out / ".part-0000-clip-mien.json").symlink_to("/dev/full")
    dialog.folder.setText(str(out))
    dialog.formats.want("json")
    with qtbot.waitSignal(dialog.failed, timeout=WAIT) as told:
        dialog.start.click()
    assert "The disk is full; free some space" in told.args[0]


def test_the_buttons_stand_at_the_end_whether_something_is_said_or_not(dialog: ExportDialog, clip: Path) -> None:
    dialog.open_for(clip)
    for text in ("", "Written."):
        dialog._say(text)
        dialog.layout().activate()
        assert dialog.start.width() == dialog.start.sizeHint().width()
        assert dialog.start.geometry().right() > dialog.width() - 40


def test_a_medium_without_readings_is_told(dialog: ExportDialog, tmp_path: Path, qtbot: QtBot) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(b"x")
    dialog.open_for(other)
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.formats.want("srt")
    with qtbot.waitSignal(dialog.failed, timeout=WAIT) as told:
        dialog.start.click()
    assert "other.mp4" in told.args[0]
    dialog.open_for(tmp_path / "gone.mp4")
    dialog.formats.want("video", "srt")
    assert dialog.formats._items["video"].isDisabled()


def test_it_is_cancelled_and_leaves_nothing_half_written(dialog: ExportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.formats.want("video")
    dialog.formats.form("video").take({"max_rate": 120.0, "crf": 1})
    dialog.start.click()
    assert dialog.cancel.isVisible()
    assert not dialog.formats.isEnabled()
    dialog.cancel.click()
    qtbot.waitUntil(lambda: not dialog.job.runs, timeout=WAIT)
    assert dialog.said == "Stopped; files that were complete stay."
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    assert dialog.start.isEnabled()


def test_shutting_down_stops_it(dialog: ExportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.formats.want("video")
    dialog.start.click()
    dialog.close()
    dialog.shutdown()
    assert not dialog.job.runs
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_every_control_is_named_and_it_wears_both_palettes(dialog: ExportDialog) -> None:
    for name in dialog._registry.exporters:
        dialog.formats.select(name)
    for kind in (QAbstractButton, QLineEdit):
        for control in dialog.findChildren(kind):
            assert control.accessibleName(), control
            assert control.toolTip(), control.accessibleName()
    dialog.wear(LIGHT)
    assert dialog.minimumSizeHint().width() <= 1280
    assert dialog.minimumSizeHint().height() <= 680
