"""The Truth tab, driven as a user drives it, over a real library."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from mien.library import Library
from mien.sdk.media import MediaInfo
from mien.tracks import CONFLICT, VALENCE, Curve
from mien_desktop.look.palette import LIGHT
from mien_desktop.truth.scatter import Scatter

from .conftest import NAMES, compare, figures

Load = Callable[..., None]
Desk = Any  # the class of the same name in conftest.py


def click(qtbot: QtBot, scatter: Scatter, number: int) -> None:
    qtbot.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=scatter.position(number).toPoint())


def test_labels_are_read_matched_and_scored(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    assert not desk.panel.export_button.isEnabled()
    loaded()
    panel = desk.panel
    result = panel.result
    assert result is not None
    assert result.match.name == "valence ↔ emotion.attributes.valence"
    assert result.whole.n == 90
    ccc = result.whole.figure("CCC")
    assert ccc is not None
    assert figures(desk)["CCC"] == f"{ccc.value:.3f}"
    assert figures(desk)["Samples"] == "90"
    assert [row.cells[:2] for row in panel.results.media.rows] == [(name, "30") for name in NAMES]
    switches = [switch.text() for switch in panel.results.kinds.switches]
    assert switches == [f"{name} {result.count(n)}" for n, name in enumerate(result.kind_names)]
    assert sum(result.count(n) for n in range(4)) == 90
    wrong = [float(row.cells[0].rstrip("%")) for row in panel.results.worst.rows]
    assert wrong == sorted(wrong, reverse=True)
    assert [panel.choice.column.itemText(n) for n in range(panel.choice.column.count())] == [
        "valence",
        "emotion",
        "offensive",
        "text",
    ]


def test_each_dot_plays_its_sample(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    panel, result = desk.panel, desk.panel.result
    assert result is not None
    # A dot that no other covers.
    at = np.array([(panel.results.scatter.position(n).x(), panel.results.scatter.position(n).y()) for n in range(90)])
    away = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) + np.eye(90) * 1e6
    number = int(away.min(1).argmax())
    with qtbot.waitSignal(panel.play_asked) as asked:
        click(qtbot, panel.results.scatter, number)
    sample = result.samples[number]
    assert asked.args == [sample.path, sample.start, sample.end]
    assert panel.results.scatter.current == number
    assert sample.path.name in panel.results.scatter.accessibleDescription()
    with qtbot.assertNotEmitted(panel.play_asked, wait=50):
        qtbot.mouseClick(panel.results.scatter, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))


def test_dots_are_chosen_and_played_by_keys(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    scatter, result = desk.panel.results.scatter, desk.panel.result
    assert result is not None
    seen = []
    for key in (Qt.Key.Key_Right, *[Qt.Key.Key_Left] * 200):
        qtbot.keyClick(scatter, key)
        seen.append(scatter.current)
    leftmost = min(sample.truth for sample in result.samples if isinstance(sample.truth, float))
    assert result.samples[seen[-1]].truth == leftmost
    with qtbot.waitSignal(desk.panel.play_asked) as asked:
        qtbot.keyClick(scatter, Qt.Key.Key_Return)
    assert asked.args[0] == result.samples[scatter.current].path
    qtbot.keyClick(scatter, Qt.Key.Key_Escape)
    assert scatter.current == -1
    assert "90 samples" in scatter.accessibleDescription()


def test_equal_dots_are_all_reached_by_keys(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded("medium,start,end,valence\n" + "".join(f"anna.mp4,{n},{n},0.5\n" for n in (0.5, 0.5, 0.5)))
    scatter = desk.panel.results.scatter
    seen = set()
    for _ in range(5):
        qtbot.keyClick(scatter, Qt.Key.Key_Right)
        seen.add(scatter.current)
    assert seen == {0, 1, 2}


def test_the_worst_are_listed_marked_and_played(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    panel, result = desk.panel, desk.panel.result
    assert result is not None
    panel.results.worst_view.selectRow(2)
    assert result.samples[panel.results.scatter.current] is result.worst()[2]
    with qtbot.waitSignal(panel.play_asked) as asked:
        qtbot.keyClick(panel.results.worst_view, Qt.Key.Key_Return)
    assert asked.args[0] == result.worst()[2].path
    panel.results.scatter.choose(result.samples.index(result.worst()[5]))
    assert panel.results.worst_view.currentIndex().row() == 5


def test_one_medium_and_one_kind_alone(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    panel, result = desk.panel, desk.panel.result
    assert result is not None
    panel.results.medium_view.selectRow(1)
    qtbot.keyClick(panel.results.medium_view, Qt.Key.Key_Return)
    assert panel.choice.chosen_medium == "id-bo.mp4"
    assert figures(desk)["Samples"] == "30"
    other = next(n for n, sample in enumerate(result.samples) if sample.medium != "id-bo.mp4")
    near = panel.results.scatter.position(other)
    hit = panel.results.scatter.dot_at(near.x(), near.y())
    assert hit == -1 or result.samples[hit].medium == "id-bo.mp4"
    panel.results.kinds.switches[0].click()
    assert all(
        result.kinds[hit] != 0
        for n in range(90)
        if (
            hit := panel.results.scatter.dot_at(
                panel.results.scatter.position(n).x(), panel.results.scatter.position(n).y()
            )
        )
        >= 0
    )


def test_classes_yes_and_no_and_words(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    panel = desk.panel
    compare(qtbot, desk, "emotion")
    assert panel.result is not None
    assert set(figures(desk)) >= {"F1 macro", "UAR", "WAR"}
    assert panel.results.dots is not None
    assert sum(count for _, _, count in panel.results.dots.cells) == 90
    compare(qtbot, desk, "offensive")
    assert {"Hit", "Missed", "False alarm", "Correct rejection"} == set(panel.result.kind_names)
    before = panel.result.count(0)
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        panel.choice.threshold.setValue(0.95)
    assert panel.result.match.threshold == 0.95
    assert panel.result.count(0) < before
    compare(qtbot, desk, "text")
    assert float(figures(desk)["WER"]) > 0
    panel.grab()


def test_labels_on_a_scale_of_their_own(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    table = "medium,start,end,mood\n" + "".join(
        f"anna.mp4,{n},{n + 1},{3 + 2 * np.sin((n + 0.5) / 5):.4f}\n" for n in range(60)
    )
    loaded(table)
    panel = desk.panel
    compare(qtbot, desk, "mood", "emotion.attributes.valence")
    assert panel.result is not None
    assert any("reach from 1" in note for note in panel.result.notes)
    place = panel.choice.scale.findText("1 … 5")
    assert place >= 0
    panel.choice.scale.setCurrentIndex(place)
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        panel.choice.scale.activated.emit(place)
    assert float(figures(desk)["CCC"]) == pytest.approx(1.0, abs=0.001)
    assert panel.result.notes == ()
    # It is the labels' own: another analysis and another reading are compared on it too.
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        desk.document.finished.emit("")
    assert panel.choice.scale.currentText() == "1 … 5"
    assert float(figures(desk)["CCC"]) == pytest.approx(1.0, abs=0.001)
    place = panel.choice.reading.findText("emotion.attributes.arousal")
    panel.choice.reading.setCurrentIndex(place)
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        panel.choice.reading.activated.emit(place)
    assert panel.choice.scale.currentText() == "1 … 5"
    assert panel.result.notes == ()


def test_a_scale_that_was_typed_stays(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    panel = desk.panel
    edit = panel.choice.scale.lineEdit()
    assert edit is not None
    edit.setText("3 … 3")
    edit.editingFinished.emit()
    assert panel.problem
    edit.setText("-2 … 2")
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        edit.editingFinished.emit()
    assert panel.problem == ""  # what was wrong with the scale before is not wrong with this one
    half = figures(desk)["RMSE"]
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        desk.document.finished.emit("")
    assert (panel.choice.chosen_scale, figures(desk)["RMSE"]) == ((-2.0, 2.0), half)


def test_labels_that_nothing_answers_to_leave_no_figures_of_others(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    (desk.folder / "dora.mp4").write_bytes(b"dora")
    with Library(desk.place) as library:
        medium = library.add_medium(MediaInfo(desk.folder / "dora.mp4", 9.0, False, True), "id-dora")
        run = library.begin_run(medium, key="one", analyzer="one", version="1")
        run.write(Curve("conflict.intensity", np.arange(9.0), np.zeros((9, 1)), (CONFLICT,)))
        run.complete()
    path = desk.folder / "colours.csv"
    path.write_text("medium,start,end,colour\ndora.mp4,0,1,red\ndora.mp4,1,2,blue\n")
    with qtbot.waitSignal(desk.panel.failed, timeout=20_000):
        desk.panel.load([path])
    assert desk.panel.result is None
    assert desk.panel.pages.currentIndex() == 0
    assert not desk.panel.export_button.isEnabled()
    assert "No reading of these media" in desk.panel.problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0,1,0.5\n", "The first line must name the columns"),
        (
            "medium,start,end,valence\nzoe.mp4,0,1,0.5\n",
            "The library does not know this medium; analyze it first: zoe.mp4",
        ),
        ("medium,start,end,colour\nanna.mp4,0,1,red\nbo.mp4,0,1,blue\n", ""),
    ],
)
def test_bad_labels_are_one_sentence(qtbot: QtBot, desk: Desk, loaded: Load, text: str, said: str) -> None:
    path = desk.folder / "bad.csv"
    path.write_text(text)
    if not said:  # odd labels can still be compared by hand
        loaded(text, "odd.csv")
        return
    with qtbot.waitSignal(desk.panel.failed, timeout=20_000) as failed:
        desk.panel.load([path])
    assert said in failed.args[0]
    assert desk.panel.pages.currentIndex() == 0
    loaded()
    assert desk.panel.pages.currentIndex() == 1


def test_an_unknown_medium_among_others_is_told(qtbot: QtBot, desk: Desk, loaded: Load, table: str) -> None:
    loaded(table + "\nzoe.mp4,0,1,0.5,sad,no,never\n")
    shown = [w for w in desk.panel.findChildren(QWidget) if "zoe.mp4" in w.accessibleName()]
    assert shown
    assert shown[0].isVisibleTo(desk.panel)
    assert figures(desk)["Samples"] == "90"


def test_labels_without_a_medium_are_about_the_open_one(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    path = desk.folder / "gold.csv"
    path.write_text("time,valence\n0,0.5\n1,0.4\n")
    with qtbot.waitSignal(desk.panel.failed, timeout=20_000):
        desk.panel.load([path])
    desk.document.open(desk.folder / "bo.mp4")
    with Library(desk.place) as library, qtbot.waitSignal(desk.panel.scored, timeout=20_000):
        desk.document.medium = library.medium("id-bo.mp4").id
        desk.document.described.emit()
    assert desk.panel.result is not None
    assert {sample.medium for sample in desk.panel.result.samples} == {"id-bo.mp4"}


def test_new_readings_are_scored_anew(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    before = figures(desk)["RMSE"]
    with Library(desk.place) as library:
        run = library.begin_run("id-anna.mp4", key="another", analyzer="other", version="2")
        times = np.arange(60) + 0.5
        run.write(Curve("emotion.attributes", times, np.full((60, 1), -0.9), (VALENCE,)))
        run.complete()
    with qtbot.waitSignal(desk.panel.scored, timeout=20_000):
        desk.document.finished.emit("")
    assert figures(desk)["RMSE"] != before


def test_files_are_dropped(qtbot: QtBot, desk: Desk, table: str) -> None:
    panel = desk.panel
    path = desk.folder / "dropped.csv"
    path.write_text(table)

    def mime(file: Path) -> QMimeData:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(file))])
        return data

    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    video = mime(desk.folder / "anna.mp4")
    entering = QDragEnterEvent(QPoint(9, 9), copy, video, left, none)
    entering.ignore()
    panel.dragEnterEvent(entering)
    assert not entering.isAccepted()
    dropped = mime(path)
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        panel.dropEvent(QDropEvent(QPointF(9, 9), copy, dropped, left, none))
    assert panel.result is not None


def test_figures_are_exported(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    table, told = desk.folder / "out.csv", desk.folder / "out.json"
    desk.panel.export_to(table)
    desk.panel.export_to(told)
    qtbot.waitUntil(lambda: told.exists() and bool(told.read_text().strip()), timeout=20_000)
    assert "valence,emotion.attributes.valence,scale" in table.read_text()
    assert json.loads(told.read_text())["matches"][0]["all"]["n"] == 90
    desk.panel.export_to(desk.folder / "absent" / "out.csv")
    qtbot.waitUntil(
        lambda: any("cannot be written" in w.accessibleName() for w in desk.panel.findChildren(QWidget)), timeout=20_000
    )


def test_all_labels_of_all_media_are_exported_with_their_pairs(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    panel = desk.panel
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        panel.choice.choose("offensive", "conflict.intensity.conflict")  # not what its name means, but what was wanted
    target, pairs = desk.folder / "all.csv", desk.folder / "all-samples.csv"
    panel.export_to(target)
    qtbot.waitUntil(lambda: panel._progress.text() == "Written: all.csv and all-samples.csv", timeout=20_000)
    figures_ = list(csv.DictReader(target.read_text(encoding="utf-8").splitlines()))
    samples = list(csv.DictReader(pairs.read_text(encoding="utf-8").splitlines()))
    compared = {(row["label"], row["reading"]) for row in figures_}
    assert compared == {
        ("valence", "emotion.attributes.valence"),
        ("emotion", "face.expression"),
        ("offensive", "conflict.intensity.conflict"),
        ("text", "speech.transcript"),
    }
    for label, metrics in (("valence", {"CCC", "Pearson", "RMSE", "UAR", "WAR"}), ("text", {"WER"})):
        rows = [row for row in figures_ if row["label"] == label]
        assert {row["metric"] for row in rows} == metrics
        assert {Path(row["medium"]).name for row in rows} == {"", *NAMES}
    # Every labelled stretch of every column, with its truth and what was read there.
    assert Counter(row["label"] for row in samples) == dict.fromkeys(("valence", "emotion", "offensive", "text"), 90)
    first = next(row for row in samples if row["label"] == "valence")
    assert (first["start"], first["end"]) == ("0", "2")
    assert float(first["prediction"]) == pytest.approx(float(np.sin([0.1, 0.3]).mean()), abs=1e-3)


def test_only_the_last_choice_is_shown(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    panel = desk.panel
    shown: list[str] = []
    panel.scored.connect(lambda: shown.append(panel.result.match.column.name if panel.result else ""))
    for column in ("emotion", "offensive", "text"):
        panel.choice.choose(column)
    qtbot.waitUntil(lambda: "text" in shown, timeout=20_000)
    assert shown == ["text"]


def test_every_control_has_a_name_and_is_reached_by_tab(desk: Desk, qtbot: QtBot, loaded: Load) -> None:
    loaded()
    for widget in desk.panel.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QComboBox | Scatter) and widget.isVisibleTo(desk.panel):
            named = widget.accessibleName() or (widget.parentWidget() or widget).accessibleName()
            assert named, widget
    for widget in (
        desk.panel.results.scatter,
        desk.panel.load_button,
        desk.panel.results.worst_view,
        *desk.panel.results.kinds.switches,
    ):
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_it_wears_light_and_dark_and_fits_small_windows(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    dark = desk.panel.results.scatter.grab().toImage()
    desk.panel.wear(LIGHT)
    light = desk.panel.results.scatter.grab().toImage()
    assert dark.pixelColor(dark.width() // 2 + 9, dark.height() // 3).lightness() < 110
    assert light.pixelColor(light.width() // 2 + 9, light.height() // 3).lightness() > 200
    assert desk.panel.minimumSizeHint().width() <= 600
    assert desk.panel.minimumSizeHint().height() <= 400
