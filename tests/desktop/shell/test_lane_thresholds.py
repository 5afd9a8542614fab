"""Every source of events has its threshold on its own lane, where it is moved and taken back like that of the fused one."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mien.config import config_dir
from mien_desktop.events import wishes
from mien_desktop.events.sources import Source
from mien_desktop.shell.window import MainWindow
from mien_desktop.timeline.colours import mixed
from mien_desktop.timeline.lanes.thresholds import Threshold
from mien_desktop.timeline.view import TimelineView

from .conftest import DEMO, PATIENCE, MakeWindow
from .test_hands import drag, settled, spot, tall

__all__ = ["tall"]
ALWAYS = {
    Source("fusion.score", "hostility"): ("fused", ""),
    Source("conflict.intensity", "conflict"): ("conflict", "conflict"),
    Source("text.offence"): ("text", "text.offence"),
    Source("text.hate"): ("text", "text.hate"),
}
"""Sources whose threshold is always drawn: lane and channel."""
CHOSEN = {
    Source("emotion.attributes", "arousal"): ("emotion.attributes", "arousal"),
    Source("face.affect", "valence"): ("face.affect", "valence"),
    Source("face.expression", "angry"): ("expressions", "angry"),
}
"""One of many on its lane: drawn once it is chosen, or set."""


def line(view: TimelineView, lane: str, channel: str) -> Threshold | None:
    slot = next(slot for slot in view.slots if slot.lane.id == lane)
    return next((one for one in slot.lane.thresholds(slot.height) if one.channel == channel), None)


def on(view: TimelineView, lane: str, channel: str, value: float | None = None) -> QPoint:
    """The place of a threshold, or of another value on its scale."""
    found = line(view, lane, channel)
    assert found is not None
    return spot(view, 10.0, lane, found.share(value))


def dashed(view: TimelineView, lane: str, channel: str) -> bool:
    """Whether a dashed line of the threshold's colour runs across the lane at its height."""
    found, at = line(view, lane, channel), on(view, lane, channel)
    assert found is not None
    ink = mixed(view.palette_worn.panel, found.colour, 0.9)
    image = view.grab().toImage()
    ratio = image.devicePixelRatio()
    columns = range(int(view.plot.left() * ratio), int(view.plot.right() * ratio))
    rows = range(round(at.y() * ratio) - 2, round(at.y() * ratio) + 3)
    # Dashes take five ninths of the width; readings may be drawn over some of them.
    return any(sum(image.pixelColor(x, y).name() == ink for x in columns) > 0.3 * len(columns) for y in rows)


@pytest.mark.parametrize("source", [*ALWAYS, *CHOSEN], ids=str)
def test_a_threshold_is_moved_on_its_lane_and_taken_back(source: Source, tall: MainWindow, qtbot: QtBot) -> None:
    space = tall.workspace
    view, events = space.timeline, space.events
    lane, channel = {**ALWAYS, **CHOSEN}[source]
    if source in CHOSEN:
        assert line(view, lane, channel) is None
        assert events.head.pick(source.track, source.channel)
        events.head.source_chosen.emit()
        qtbot.waitUntil(lambda: settled(events), timeout=PATIENCE)
    view.lane(lane).height = 150
    before = line(view, lane, channel)
    assert before is not None
    assert dashed(view, lane, channel)
    target = before.low + 0.3 * (before.high - before.low)
    drag(view, on(view, lane, channel), on(view, lane, channel, target))
    qtbot.waitUntil(lambda: settled(events) and events.source == source, timeout=PATIENCE)
    moved = line(view, lane, channel)
    assert moved is not None
    assert moved.value == events.threshold == events.head.level.value()
    assert moved.value == pytest.approx(target, abs=0.04 * (before.high - before.low))
    assert all(e.added or e.score >= moved.value - 1e-6 for e in events.events)
    assert view.selection is None
    # By the panel's box, and by the keys on the lane.
    events.head.level.setValue(target + 0.1)
    followed = line(view, lane, channel)
    assert followed is not None
    assert followed.value == pytest.approx(target + 0.1, abs=1e-6)
    view.choose(view.lane(lane))
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_BracketRight)
    stepped = line(view, lane, channel)
    assert stepped is not None
    assert stepped.value == pytest.approx(target + 0.11, abs=1e-6)
    while events.history.stack.canUndo():
        space.undo()
    after = line(view, lane, channel)
    assert after is not None
    assert after.value == before.value == events.threshold
    while events.history.stack.canRedo():
        space.redo()
    qtbot.waitUntil(lambda: settled(events), timeout=PATIENCE)
    again = line(view, lane, channel)
    assert again is not None
    assert again.value == events.threshold != before.value


def test_each_source_keeps_its_own(tall: MainWindow, place: Path, make_window: MakeWindow, qtbot: QtBot) -> None:
    """What was set for one stays drawn while events of another are looked at, and is there at the next start."""
    space = tall.workspace
    view, events = space.timeline, space.events
    for track, channel, value in (
        ("conflict.intensity", "conflict", 0.2), ("text.hate", "", 0.35), ("face.expression", "angry", 0.6),
    ):  # fmt: skip
        events.set_threshold_of(track, value, channel)
        qtbot.waitUntil(lambda track=track: settled(events) and events.source.track == track, timeout=PATIENCE)

    def drawn(of: TimelineView) -> list[float | None]:
        spots = (("conflict", "conflict"), ("text", "text.hate"), ("text", "text.offence"), ("expressions", "angry"))
        return [found.value if (found := line(of, *one)) is not None else None for one in spots]

    assert drawn(view) == pytest.approx([0.2, 0.35, 0.5, 0.6])
    assert [badge.text for badge in view.lane("conflict").badges()] == ["0.20"]
    assert {r.name: r.value for r in view.lane("expressions").values_at(10.0)}["angry threshold"] == 0.6
    kept = wishes.load(config_dir() / "thresholds" / f"{tall.document.medium}.json")
    assert {source.track for source in kept} == {"conflict.intensity", "text.hate", "face.expression"}
    tall.close()
    again = make_window(place)
    again.open(DEMO)
    later = again.workspace.timeline
    qtbot.waitUntil(lambda: drawn(later) == pytest.approx([0.2, 0.35, 0.5, 0.6]), timeout=PATIENCE)
    assert space.lanes.fused.threshold == 0.7
