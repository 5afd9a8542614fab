"""Labels of the open medium in the real window: dropped as ELAN wrote them, each dot plays its sample."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE

LEFT = Qt.MouseButton.LeftButton


def elan(values: list[float]) -> str:
    """An annotation of arousal every two seconds."""
    slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="t{n}" TIME_VALUE="{2000 * n}"/>' for n in range(len(values) + 1))
    said = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n}" TIME_SLOT_REF1="t{n}" TIME_SLOT_REF2="t{n + 1}">'
        f"<ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
        for n, value in enumerate(values)
    )
    return (
        '<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+01:00" FORMAT="3.0" VERSION="3.0">'
        f'<HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="{DEMO.as_uri()}" MIME_TYPE="video/mp4"/></HEADER>'
        f'<TIME_ORDER>{slots}</TIME_ORDER><TIER LINGUISTIC_TYPE_REF="a" TIER_ID="arousal">{said}</TIER>'
        "</ANNOTATION_DOCUMENT>"
    )


def test_a_dot_of_labels_from_elan_plays_its_sample(opened: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    space, player = opened.workspace, opened.workspace.player
    panel = space.truth
    path = tmp_path / "demo.eaf"
    path.write_text(elan([-0.9, 0.9, -0.5, 0.5, -0.2, 0.2, -0.9, 0.9, 0.0]), encoding="utf-8")
    space.tabs.setCurrentWidget(panel)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, held = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(60, 60), copy, data, LEFT, held)
    QApplication.sendEvent(panel, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(60, 60), copy, data, LEFT, held)
    with qtbot.waitSignal(panel.scored, timeout=PATIENCE):
        QApplication.sendEvent(panel, drop)
    result = panel.result
    assert result is not None
    assert result.match.name == "arousal ↔ emotion.attributes.arousal"
    assert {row.cells[0] for row in panel.results.figures.rows} >= {"CCC", "Pearson", "RMSE"}
    assert [region.name for region in panel.results.dots.regions] == ["Agree", "Missed", "False alarm", "Far off"]  # type: ignore[union-attr]
    scatter = panel.results.scatter
    number = next(n for n in range(len(result.samples)) if scatter.dot_at(*_at(scatter.position(n))) == n)
    sample = result.samples[number]
    qtbot.mouseClick(scatter, LEFT, pos=scatter.position(number).toPoint())
    qtbot.waitUntil(lambda: player.playing, timeout=PATIENCE)
    assert opened.document.path == DEMO
    assert space.selection == (sample.start, sample.end)
    qtbot.waitUntil(lambda: not player.playing, timeout=PATIENCE)
    assert player.position == pytest.approx(sample.end, abs=1.5)
    assert player.position >= sample.end


def test_a_table_and_an_elan_file_at_once(opened: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    """Both about the clip: the table names it and labels offence, the tier of the other arousal, and both a stretch of it."""
    panel = opened.workspace.truth
    opened.workspace.tabs.setCurrentWidget(panel)
    table, tiers, other = tmp_path / "labels.csv", tmp_path / "demo.eaf", tmp_path / "more.csv"
    rows = [f"{DEMO.name},{n},{n + 2},{'yes' if n >= 16 else 'no'}" for n in range(0, 22, 2)]
    table.write_text("medium,start,end,offensive\n" + "\n".join(rows) + "\n", encoding="utf-8")
    tiers.write_text(elan([-0.9, 0.9, -0.5, 0.5, -0.2, 0.2, -0.9, 0.9, 0.0]), encoding="utf-8")
    other.write_text(f"medium,start,end,arousal\n{DEMO.name},18,20,0.8\n", encoding="utf-8")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file)) for file in (table, tiers, other)])
    copy, held = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(panel, QDragEnterEvent(QPoint(60, 60), copy, data, LEFT, held))
    drop = QDropEvent(QPointF(60, 60), copy, data, LEFT, held)
    with qtbot.waitSignal(panel.scored, timeout=PATIENCE):
        QApplication.sendEvent(panel, drop)
    about = panel._about.text()
    assert about == "labels.csv, demo.eaf … · 21 labels · 1 medium"
    assert all(str(file) in panel._about.toolTip() for file in (table, tiers, other))
    assert not panel.problem
    column = panel.choice.column
    assert {column.itemText(n) for n in range(column.count())} == {"offensive", "arousal"}
    found = {}
    for name in ("offensive", "arousal"):
        with qtbot.waitSignal(panel.scored, timeout=PATIENCE):
            panel.choice.choose(name, "")
        assert panel.result is not None
        found[name] = panel.result
    assert found["offensive"].match.name == "offensive ↔ text.offence"
    assert found["arousal"].match.name == "arousal ↔ emotion.attributes.arousal"
    # Labels of one name from two files are one column: nine tiers' and one row's.
    truths = sorted((sample.start, float(sample.truth)) for sample in found["arousal"].samples)
    assert truths == [
        (0, -0.9), (2, 0.9), (4, -0.5), (6, 0.5), (8, -0.2), (10, 0.2), (12, -0.9), (14, 0.9), (16, 0.0), (18, 0.8),
    ]  # fmt: skip
    assert found["offensive"].whole.n == sum(sample.start < 22 for sample in found["offensive"].samples)
    assert {row.cells[0] for row in panel.results.figures.rows} >= {"CCC", "Pearson", "RMSE"}
    # One that cannot be read is named, and what was loaded stays.
    broken = tmp_path / "broken.eaf"
    broken.write_text("<ANNOTATION_DOCUMENT", encoding="utf-8")
    with qtbot.waitSignal(panel.failed, timeout=PATIENCE):
        panel.load([table, broken])
    assert "broken.eaf" in panel.problem
    assert panel.result is found["arousal"]
    assert panel._about.text() == about


def _at(place: QPointF) -> tuple[float, float]:
    return place.x(), place.y()
