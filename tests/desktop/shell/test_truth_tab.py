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


def _at(place: QPointF) -> tuple[float, float]:
    return place.x(), place.y()
