"""The threshold a person set: it holds from the first moment, is a step to undo, and is there again at the next start."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien.config import config_dir
from mien.library import Library
from mien_desktop.document import Document
from mien_desktop.events import wishes
from mien_desktop.events.panel import EventsPanel
from mien_desktop.events.sources import Source
from mien_desktop.look.palette import DARK
from mien_desktop.work import steps
from mien_desktop.work.background import Background

from .conftest import Settle, tracks

FUSED, CONFLICT = Source("fusion.score", "hostility"), Source("conflict.intensity", "conflict")


@pytest.fixture
def empty(qtbot: QtBot, background: Background, library: Library, tmp_path: Path) -> tuple[EventsPanel, Document]:
    """The panel over the medium before anything was read of it."""
    document = Document()
    document.open(tmp_path / "clip.mp4")
    panel = EventsPanel(DARK, background, lambda: library, "Ada")
    qtbot.addWidget(panel)
    panel.bind(document)
    panel.show()
    return panel, document


def test_a_threshold_set_before_the_events_are_ready_holds(
    empty: tuple[EventsPanel, Document], qtbot: QtBot, settle: Settle, tmp_path: Path
) -> None:
    panel, document = empty
    told: list[float] = []
    panel.threshold_changed.connect(told.append)
    panel.set_threshold(0.85)
    panel.head.least.setValue(1.0)
    document.describe(None, "clip-id")
    document.load(tracks())
    qtbot.waitUntil(lambda: panel.ready, timeout=20_000)
    settle()
    assert panel.threshold == panel.head.level.value() == 0.85
    assert panel.model.rule.min_length == 1.0
    assert [e.score >= 0.85 for e in panel.events] == [True, True]
    assert set(told) == {0.85}
    assert wishes.load(config_dir() / "thresholds" / "clip-id.json") == {FUSED: {"threshold": 0.85, "min_length": 1.0}}


def test_the_line_of_the_fused_lane_waits_for_the_fused_reading(
    empty: tuple[EventsPanel, Document], qtbot: QtBot, settle: Settle
) -> None:
    panel, document = empty
    some = tracks()
    fused = some.pop("fusion.score")
    document.load(some)
    qtbot.waitUntil(lambda: panel.ready, timeout=20_000)
    settle()
    assert panel.source == CONFLICT
    before = panel.threshold
    panel.set_threshold_of("fusion.score", 0.85)
    assert panel.threshold == before  # conflict's own stays
    document.load({**some, "fusion.score": fused})
    qtbot.waitUntil(lambda: panel.source == FUSED and panel.ready and panel.threshold == 0.85, timeout=20_000)


def test_moving_the_fused_line_shows_the_fused_events(panel: EventsPanel, qtbot: QtBot, settle: Settle) -> None:
    panel.head.choice.setCurrentText("conflict")
    panel.head.choice.activated.emit(panel.head.choice.currentIndex())
    qtbot.waitUntil(lambda: panel.ready, timeout=20_000)
    conflict = panel.threshold
    panel.set_threshold_of("fusion.score", 0.85)
    qtbot.waitUntil(lambda: panel.source == FUSED and panel.ready, timeout=20_000)
    assert panel.threshold == 0.85
    assert len(panel.events) == 2
    panel.head.choice.setCurrentText("conflict")
    panel.head.choice.activated.emit(panel.head.choice.currentIndex())
    qtbot.waitUntil(lambda: panel.ready, timeout=20_000)
    assert panel.threshold == conflict


def test_a_drag_is_one_step_to_undo_and_to_redo(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(steps.time, "monotonic", lambda: clock[0])
    for level in (0.72, 0.75, 0.8):
        clock[0] += 0.1
        panel.set_threshold(level)
    clock[0] += 5.0
    panel.set_threshold(0.9)
    panel.act("accept")  # nothing is chosen: no step
    assert panel.history.stack.undoText() == "Threshold of fused"
    seen = []
    for step in ("undo", "undo", "redo", "redo"):
        panel.act(step)
        seen.append((panel.threshold, panel.head.level.value(), len(panel.events)))
    settle()
    assert [s[0] for s in seen] == [0.8, 0.7, 0.8, 0.9]
    assert [s[1] for s in seen] == [0.8, 0.7, 0.8, 0.9]
    assert [s[2] for s in seen] == [3, 6, 3, 1]
    panel.act("undo")
    panel.act("undo")
    settle()
    assert wishes.load(config_dir() / "thresholds" / "clip-id.json") == {}  # the run's own holds again
    assert not panel.history.stack.canUndo()


def test_a_step_of_another_source_is_undone_where_it_is_seen(panel: EventsPanel, qtbot: QtBot, settle: Settle) -> None:
    panel.set_threshold(0.85)
    panel.head.choice.setCurrentText("conflict")
    panel.head.choice.activated.emit(panel.head.choice.currentIndex())
    qtbot.waitUntil(lambda: panel.ready, timeout=20_000)
    panel.act("undo")
    qtbot.waitUntil(lambda: panel.source == FUSED and panel.ready, timeout=20_000)
    assert panel.threshold == 0.7


def test_it_is_there_at_the_next_start_with_the_decisions_that_hang_on_it(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, document: Document, background: Background, library: Library
) -> None:
    panel.set_threshold(0.5)
    panel.change([panel.events[0]], {"state": "accepted"})
    settle()
    again = EventsPanel(DARK, background, lambda: library, "Bo")
    qtbot.addWidget(again)
    again.bind(document)
    again.show()
    qtbot.waitUntil(lambda: again.ready and again.threshold == 0.5, timeout=20_000)
    qtbot.waitUntil(lambda: again.events[0].state == "accepted", timeout=20_000)
    assert again.head.level.value() == 0.5
    # Of another medium nothing was set.
    document.open(Path("other.mp4"))
    document.describe(None, "other-id")
    document.load(tracks())
    qtbot.waitUntil(lambda: again.ready, timeout=20_000)
    settle()
    assert again.threshold == 0.7


def test_what_cannot_be_kept_is_told_and_what_cannot_be_read_was_never_set(
    panel: EventsPanel, settle: Settle, tmp_path: Path
) -> None:
    (config_dir() / "thresholds").parent.mkdir(parents=True, exist_ok=True)
    (config_dir() / "thresholds").write_text("a file in the folder's place")
    panel.set_threshold(0.85)
    settle()
    assert panel.problem.text().startswith("The threshold could not be kept (")
    assert len(panel.events) == 2
    for broken in ("", "{", "[1]", '[{"track": "a"}]', '[{"track": "a", "channel": "b", "threshold": "x"}]', "null"):
        (tmp_path / "broken.json").write_text(broken)
        assert wishes.load(tmp_path / "broken.json") == {}
