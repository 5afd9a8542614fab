"""A plugin that fails says why in its lane, at once; every other lane shows what was read."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mien.engine.choice import Choice
from mien.engine.events import Done, Failed, PlannedPlugin, Started
from mien.engine.registry import Registry
from mien.sdk import MediaInfo
from mien.tracks import AROUSAL, VALENCE, Curve
from mien_desktop.document import Document
from mien_desktop.look.palette import DARK
from mien_desktop.shell.lanes import LaneSet, written_by
from mien_desktop.timeline.lanes import Lane

from .conftest import PATIENCE, MakeWindow

BAD = Path(__file__).resolve().parents[2] / "core" / "engine" / "isolation"
SOON = 2.0
"""s from the deed to the reason in the lane."""
TRIES = 3
"""A machine that others keep busy may make a single try late."""
AFFECT = Curve("face.affect", np.arange(3.0), np.zeros((3, 2)), (VALENCE, AROUSAL))


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """With the engine's plugins that do what no plugin should."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BAD))
        patch.setenv("MIEN_PLUGINS", "bad_plugins")
        yield Registry.load()
    sys.modules.pop("bad_plugins", None)


@pytest.fixture
def document(qapp: object) -> Iterator[Document]:
    made = Document()
    yield made
    made.open(None)  # while something is analysed the time left is told from second to second


@pytest.fixture
def lanes(document: Document, registry: Registry) -> LaneSet:
    return LaneSet(document, DARK, written=lambda plugin: written_by(registry, plugin))


def lane(lanes: LaneSet, name: str) -> Lane:
    return next(one for one in lanes.lanes if one.id == name)


def begin(document: Document, *plugins: str) -> None:
    document.begin()
    planned = tuple(PlannedPlugin(plugin, plugin, "run", "") for plugin in plugins)
    document.take(Started("medium", MediaInfo(Path("clip.mp4"), 3.0), planned, (), "CPU"))


def test_the_reason_stands_in_the_lane_while_the_others_still_read(document: Document, lanes: LaneSet) -> None:
    begin(document, "face.affect", "text", "fusion.late")
    document.take(Failed("face.affect", "The face's model cannot be read."))
    document.take(Failed("fusion.late", "The fusion crashed."))
    assert lane(lanes, "expressions").waiting == "The face's model cannot be read."
    assert lane(lanes, "face.affect").waiting == "The face's model cannot be read."
    assert lane(lanes, "fused").waiting == lane(lanes, "weights").waiting == "The fusion crashed."
    assert "appear here" in lane(lanes, "text").waiting
    document.load({"text.attributes": Curve("text.attributes", np.arange(3.0), np.zeros((3, 1)), (AROUSAL,))})
    document.take(Done("medium", {}, {"face.affect": "…"}, "", 3.0, 1.0))
    assert lane(lanes, "expressions").waiting == "The face's model cannot be read."  # and not that there is no face
    assert lane(lanes, "conflict").waiting == "Nothing was read"
    for sound in ("waveform", "spectrogram"):  # which nobody analysed, and which may come yet
        assert lane(lanes, sound).waiting.endswith("appears here when the medium has sound")


def test_what_was_read_before_stays_and_the_tooltip_tells(document: Document, lanes: LaneSet) -> None:
    begin(document, "face.affect")
    document.load({"face.affect": AFFECT})
    document.take(Failed("face.affect", "It crashed."))
    assert not lane(lanes, "face.affect").empty
    assert lane(lanes, "face.affect").about == "Valence and arousal of the face. It crashed."
    begin(document, "face.affect")
    assert lane(lanes, "face.affect").about == "Valence and arousal of the face"


def test_a_plugin_that_nobody_foresaw_gets_a_lane_to_say_it_in(document: Document, lanes: LaneSet) -> None:
    added: list[Lane] = []
    lanes.added.connect(added.append)
    begin(document, "bad.raises", "speech.voice", "nobody.knows")
    for plugin in ("bad.raises", "speech.voice", "nobody.knows"):
        document.take(Failed(plugin, f"{plugin} failed."))
    assert [(one.id, one.waiting) for one in added] == [("bad.raises", "bad.raises failed.")]
    document.open(None)
    assert "appear here" in added[0].waiting


def test_a_plugin_of_others_that_crashes_says_so_in_its_lane_of_the_window(
    make_window: MakeWindow,
    make_clip: Callable[..., Path],
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the crash in its own process to the lane on the screen."""
    monkeypatch.syspath_prepend(str(BAD))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(BAD), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MIEN_PLUGINS", "bad_plugins")
    monkeypatch.setenv("MIEN_ISOLATE", "1")
    monkeypatch.setenv("DEEDS", str(tmp_path))
    clip = make_clip(tmp_path / "clip.mp4", 2.0, video=False)
    window = make_window(tmp_path / "new.db")
    window.open(clip)
    seen: list[float] = []
    late = float("inf")

    def crashed() -> bool:
        shown = [one for one in window.workspace.timeline.lanes if one.id == "bad.segfaults" and one.empty]
        return any(re.match(r"bad\.segfaults crashed \(SIGSEGV\)", one.waiting) for one in shown)

    def note() -> None:
        if not seen and crashed():
            seen.append(time.monotonic())

    window.document.progressed.connect(note)
    for salt in range(TRIES):
        settings = {plugin: {"salt": salt} for plugin in ("bad.good", "bad.segfaults")}
        choice = Choice(analyzers=tuple(settings), fusion="", settings=settings, device="cpu", threads=1)
        window.conductor.choose(choice)
        window.conductor.analyse()
        qtbot.waitUntil(lambda: bool(seen) and window.conductor._job is None, timeout=PATIENCE)
        late = seen.pop() - float((tmp_path / "segfaults").read_text().split()[0])
        if late < SOON:
            break
    assert late < SOON
    assert crashed()
    good = window.document.readings.get("bad.good")
    assert good is not None
    assert len(good) >= 8
    sys.modules.pop("bad_plugins", None)
