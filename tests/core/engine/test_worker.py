"""The worker process: events cross it, a cancel is quick, its death is a sentence, the next job runs."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mien
from mien.engine.choice import Choice
from mien.engine.events import Done, Explained, Finished, MediumFailed, Piece, Progress, Started
from mien.engine.worker import Worker
from mien.errors import NotMedia, WorkerError
from mien.library.library import Library
from mien.sdk import FaceExplanation


def choice(*names: str) -> Choice:
    return Choice(analyzers=tuple(f"tiny.{n}" for n in names), fusion="", device="cpu")


def test_a_worker_survives_bad_media_dies_with_a_bad_plugin_and_starts_again(clip: Path, tmp_path: Path) -> None:
    place = str(tmp_path / "library.db")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with Worker(place) as worker:
        bad = list(worker.analyze(empty, choice("level")))[-1]
        assert isinstance(bad, MediumFailed)
        assert bad.kind == "NotMedia"
        first = worker.pid
        events = list(worker.analyze(clip, choice("level")))
        assert isinstance(events[0], Started)
        assert isinstance(events[-1], Done)
        assert any(isinstance(e, Piece) for e in events)
        assert worker.pid == first

        with pytest.raises(WorkerError, match="exit code 7"):
            list(worker.analyze(clip, choice("dies", "level")))
        assert isinstance(list(worker.analyze(clip, choice("loud")))[-1], Done)
        assert worker.pid != first
    with Library(place) as library:
        runs = library.runs(library.media()[0], current=False)
        assert {r.analyzer: r.status for r in runs} == {
            "tiny.level": "complete",
            "tiny.loud": "complete",
            "tiny.dies": "interrupted",
        }
        assert library.verify() == []


@pytest.mark.parametrize(
    ("plugin", "fusion", "moment"),
    [("sleeps", "", Started), ("chatters", "", Started), ("level", "fusion.slow", Finished)],
    ids=["a plugin that sleeps", "one that chatters", "the fusion"],
)
def test_a_cancel_takes_effect_within_two_seconds_whatever_a_plugin_does(
    clip: Path, tmp_path: Path, plugin: str, fusion: str, moment: type[Any]
) -> None:
    with Worker(str(tmp_path / "library.db")) as worker:
        events = worker.analyze(clip, replace(choice(plugin), fusion=fusion))
        next(event for event in events if isinstance(event, moment))
        time.sleep(0.3)
        begun = time.monotonic()
        worker.cancel()
        last = list(events)[-1]
        assert isinstance(last, MediumFailed)
        assert last.exit_code == 130
        assert time.monotonic() - begun < 2
        assert isinstance(list(worker.analyze(clip, choice("level")))[-1], Done)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
def test_a_cancel_while_words_are_recognised_ends_the_recognisers_processes(tmp_path: Path) -> None:
    demo = Path(__file__).resolve().parents[3] / "resources" / "demo" / "demo.mp4"
    spoken = Choice(("speech.transcript",), "", {"speech.transcript": {"backend": "pocketsphinx"}}, device="cpu")
    with Worker(str(tmp_path / "library.db")) as worker:
        events = worker.analyze(demo, spoken)
        next(event for event in events if isinstance(event, Piece))  # where speech is; the words take longer
        told = (Path(f"/proc/{worker.pid}/task")).glob("*/children")
        helpers = [int(pid) for listed in told for pid in listed.read_text().split()]
        assert helpers
        begun = time.monotonic()
        worker.cancel()
        last = list(events)[-1]
        assert time.monotonic() - begun < 2
        assert isinstance(last, MediumFailed)
        assert last.exit_code == 130
        while any(_lives(pid) for pid in helpers):
            assert time.monotonic() - begun < 10
            time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_closing_the_iterator_cancels(clip: Path, tmp_path: Path) -> None:
    with Worker(str(tmp_path / "library.db")) as worker:
        events = worker.analyze(clip, choice("sleeps"))
        next(events)
        events.close()  # type: ignore[attr-defined]
        assert isinstance(list(worker.analyze(clip, choice("level")))[-1], Done)


def test_a_worker_may_be_started_ahead_and_ends_by_itself_when_dismissed(clip: Path, tmp_path: Path) -> None:
    with Worker(str(tmp_path / "library.db")) as worker:
        worker.start()
        first = worker.pid
        assert first is not None
        assert isinstance(list(worker.analyze(clip, choice("level")))[-1], Done)
        assert worker.pid == first
        worker.dismiss()
        deadline = time.monotonic() + 5
        while worker.pid is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert worker.pid is None
        # Whoever asks for more all the same gets a new one.
        assert isinstance(list(worker.analyze(clip, choice("loud")))[-1], Done)


def test_a_worker_explains_between_two_analyses(clip: Path, tmp_path: Path) -> None:
    with Worker(str(tmp_path / "library.db")) as worker:
        list(worker.analyze(clip, choice("level")))
        pid = worker.pid
        [found] = list(worker.explain(clip, "tiny.level", 3.0, choice("level")))
        assert isinstance(found, Explained)
        assert found.plugin == "tiny.level"
        assert found.explanation.parts.start.tolist() == pytest.approx([2.75, 3.0], abs=0.01)
        [refused] = list(worker.explain(clip, "tiny.loud", 3.0, choice("loud")))
        assert isinstance(refused, MediumFailed)
        assert "cannot explain" in refused.reason
        assert isinstance(list(worker.analyze(clip, choice("loud")))[-1], Done)
        assert worker.pid == pid


def test_a_worker_explains_a_face_that_the_library_knows(clip: Path, tmp_path: Path) -> None:
    with Worker(str(tmp_path / "library.db")) as worker:
        list(worker.analyze(clip, choice("cropmean")))
        *told, found = list(worker.explain(clip, "tiny.cropmean", 3.0, choice("cropmean"), person=0))
        assert told == [Progress("tiny.cropmean", 0.5)]
        assert isinstance(found, Explained)
        assert isinstance(found.explanation, FaceExplanation)
        assert found.explanation.person == 0
        assert found.explanation.time == pytest.approx(3.0)
        [refused] = list(worker.explain(clip, "tiny.cropmean", 3.0, choice("cropmean"), person=4))
        assert isinstance(refused, MediumFailed)
        assert "Person 4 is not seen at 3.0 s" in refused.reason


def test_a_killed_worker_is_a_sentence(clip: Path, tmp_path: Path) -> None:
    with Worker(str(tmp_path / "library.db")) as worker:
        events = worker.analyze(clip, choice("sleeps"))
        next(events)
        os.kill(worker.pid or 0, signal.SIGKILL)
        with pytest.raises(WorkerError, match="SIGKILL"):
            list(events)


def test_the_public_call_raises_what_the_worker_met(clip: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no medium")
    with pytest.raises(NotMedia):
        list(mien.analyze(text, library=tmp_path / "l.db", analyzers=["tiny.level"], fusion=""))
    with mien.Library(tmp_path / "l.db") as library:
        events: list[Any] = list(mien.analyze(clip, library=library, analyzers=["tiny.level"], fusion=""))
        assert isinstance(events[-1], Done)
        frame = library.medium(clip).tracks()["tiny.level"].to_pandas()
    assert list(frame.columns) == ["time", "level"]
