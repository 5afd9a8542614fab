"""Plan → run → fuse on a real clip, with tiny plugins."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.engine.events import Failed, Finished, Piece, PlannedPlugin, Started
from mien.errors import Cancelled, DeviceError, MediaMissing, NotMedia, ParameterError, UnknownPlugin
from mien.library.library import Library


def started(events: list[Any]) -> dict[str, PlannedPlugin]:
    return {p.id: p for e in events if isinstance(e, Started) for p in e.plugins}


def test_all_kinds_of_input_reach_their_plugins(run: Any, clip: Path, tmp_path: Path) -> None:
    done, _ = run(clip, "heard", "cropmean", fusion="tiny")
    assert done.failed == {}
    assert done.partial == ""
    with Library(tmp_path / "library.db") as library:
        tracks = library.medium(done.medium).tracks()
        level, heard, bright, crops = (tracks[f"tiny.{n}"] for n in ("level", "heard", "brightness", "crops"))
        # The clip's tone is loud in every other second: two windows of half a second each.
        assert (level.values[:, 0] > -20).tolist()[:12] == [True, True, False, False] * 3
        assert heard.values[:, 0] == pytest.approx(0.1, abs=1e-3)
        assert len(bright) == pytest.approx(30, abs=1)
        assert np.diff(bright.times).min() > 0.19
        # A crop of the middle of an even picture is as bright as the picture.
        assert crops.times.tolist() == bright.times.tolist()
        assert np.abs(crops.values - bright.values).max() < 3
        assert {"fusion.score", "fusion.weights", "fusion.verdicts"} <= set(tracks)
        assert tracks["tiny.level"].provenance.run == done.runs["tiny.level"]


def test_a_medium_is_decoded_once_for_all_that_read_it(run: Any, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound and pictures, two branches, five plugins: one pass through the file."""
    from mien.media.decode import Decoder

    made: list[Decoder] = []
    pieces: list[float] = []
    begin, go = Decoder.__init__, Decoder.__iter__

    def begun(self: Decoder, *given: Any, **how: Any) -> None:
        begin(self, *given, **how)
        made.append(self)

    def told(self: Decoder) -> Any:
        for piece in go(self):
            pieces.append(getattr(piece, "time", -1.0))
            yield piece

    monkeypatch.setattr(Decoder, "__init__", begun)
    monkeypatch.setattr(Decoder, "__iter__", told)
    done, _ = run(clip, "heard", "cropmean", "brightness", fusion="tiny")
    assert len(done.runs) == 5
    assert len(made) == 1
    pictures = [time for time in pieces if time >= 0]
    assert len(pictures) == len(set(pictures)) == 60
    assert len(pictures) < len(pieces)  # and sound


def test_readings_beyond_what_a_file_announces_are_kept(
    run: Any, make_clip: Any, announce_half: Any, tmp_path: Path
) -> None:
    path = announce_half(make_clip(tmp_path / "longer.avi", 6.0, audio=False))
    for _ in range(2):  # the second time nothing is decoded
        done, _events = run(path, "brightness", fusion="tiny")
        assert "3.00 s are announced" in done.partial
        assert done.failed == {}
        assert done.duration == pytest.approx(6.0, abs=0.2)
        with Library(tmp_path / "library.db") as library:
            medium = library.medium(done.medium)
            assert medium.duration == pytest.approx(6.0, abs=0.2)
            assert medium.tracks()["tiny.brightness"].times[-1] > 5.5
            assert all(r.partial for r in medium.runs())


def test_what_reads_the_partial_readings_of_an_earlier_run_is_partial_too(
    run: Any, clip: Path, tmp_path: Path, make_clip: Any
) -> None:
    """As when a scan was killed between the run that decoded a cut file and the runs that read its tracks."""
    path = make_clip(tmp_path / "whole.mkv", 3.0)
    path.write_bytes(path.read_bytes()[: 2 * path.stat().st_size // 3])
    done, _ = run(path, "level")
    assert "breaks off" in done.partial
    again, _ = run(path, "level", "loud", "brightness", fusion="tiny")
    assert again.partial.startswith(done.partial)  # the pictures break off as well
    assert again.partial.count("breaks off") == 2
    with Library(tmp_path / "library.db") as library:
        (medium,) = library.media()
        assert {r.analyzer: r.partial for r in medium.runs()} == dict.fromkeys(
            ("tiny.level", "tiny.loud", "tiny.brightness", "fusion.tiny"), True
        )


def test_providers_are_added_and_come_first(run: Any, clip: Path) -> None:
    _, events = run(clip, "heard")
    assert list(started(events)) == ["tiny.level", "tiny.loud", "tiny.heard"]


def test_one_changed_parameter_runs_only_its_plugin_and_dependants_again(run: Any, clip: Path) -> None:
    run(clip, "heard", "brightness")
    _, again = run(clip, "heard", "brightness")
    assert {p.state for p in started(again).values()} == {"cached"}
    assert not [e for e in again if isinstance(e, Piece)]
    _, changed = run(clip, "heard", "brightness", settings={"tiny.level": {"window": 0.25}})
    assert {i: p.state for i, p in started(changed).items()} == {
        "tiny.level": "run",
        "tiny.loud": "run",
        "tiny.heard": "run",
        "tiny.brightness": "cached",
    }


def test_cached_tracks_feed_new_readers(run: Any, clip: Path, tmp_path: Path) -> None:
    run(clip, "loud", "brightness")
    done, events = run(clip, "heard", "cropmean")
    assert started(events)["tiny.loud"].state == "cached"
    fresh, _ = run(clip, "heard", "cropmean", settings={"tiny.level": {"window": 0.5001}})
    with Library(tmp_path / "library.db") as library:
        for name in ("tiny.heard", "tiny.crops"):
            old = library.tracks([library.find_run(done.medium, done.runs["tiny." + n]) for n in ("heard", "cropmean")])
            assert len(old[name]) > 5
    assert fresh.failed == {}


def test_a_failure_is_its_own(run: Any, clip: Path, tmp_path: Path) -> None:
    done, events = run(clip, "raises", "nonsense", "level")
    reasons = {e.plugin: e.reason for e in events if isinstance(e, Failed)}
    assert set(reasons) == {"tiny.raises", "tiny.nonsense"}
    assert "RuntimeError: this plugin always fails" in reasons["tiny.raises"]
    assert "outside the extent" in reasons["tiny.nonsense"]
    assert [e.plugin for e in events if isinstance(e, Finished)] == ["tiny.level"]
    with Library(tmp_path / "library.db") as library:
        status = {r.analyzer: r.status for r in library.runs(done.medium, current=False)}
    assert status == {"tiny.raises": "failed", "tiny.nonsense": "failed", "tiny.level": "complete"}


def test_processes_of_a_plugin_are_started_before_its_provider_loads(run: Any, clip: Path, tmp_path: Path) -> None:
    from mien.media.ffmpeg import ffmpeg_path

    sound = tmp_path / "sound.wav"
    subprocess.run([str(ffmpeg_path()), "-v", "error", "-i", str(clip), str(sound)], check=True)
    _, events = run(sound, "aside")
    waits = [e.track.values[0, 0] for e in events if isinstance(e, Piece) and e.track.name == "tiny.aside"]
    assert waits
    assert min(waits) > 0
    done, _ = run(clip, "aside")  # where it cannot start one, that is its own failure
    assert list(done.failed) == ["tiny.aside"]
    assert "the process cannot be started" in done.failed["tiny.aside"]


def test_what_does_not_apply_is_skipped_with_its_reason(run: Any, tmp_path: Path, make_clip: Any) -> None:
    mute = make_clip(tmp_path / "mute.mp4", 1.0, audio=False)
    done, events = run(mute, "heard", "cropmean")
    reasons = {i: p.reason for i, p in started(events).items() if p.state == "skipped"}
    assert reasons == dict.fromkeys(["tiny.level", "tiny.loud", "tiny.heard"], "the medium has no sound")
    assert set(done.runs) == {"tiny.brightness", "tiny.cropmean"}
    sound = make_clip(tmp_path / "sound.m4a", 1.0, video=False)
    done, _ = run(sound, "level", "brightness")
    assert set(done.runs) == {"tiny.level"}


def test_a_medium_that_no_chosen_plugin_can_read_is_refused_with_the_reason(
    run: Any, tmp_path: Path, make_clip: Any
) -> None:
    mute = make_clip(tmp_path / "mute.mp4", 1.0, audio=False)
    with pytest.raises(NotMedia, match=r"None of the chosen plugins .*the medium has no sound.*mute\.mp4"):
        run(mute, "level")
    with Library(tmp_path / "library.db") as library:
        assert library.media() == []


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, MediaMissing), (b"", NotMedia), (b"plain text, no medium\n" * 50, NotMedia)],
    ids=["missing", "empty", "text"],
)
def test_a_bad_medium_leaves_the_library_as_it_was(
    run: Any, tmp_path: Path, content: bytes | None, error: type[Exception]
) -> None:
    path = tmp_path / "bad one.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error) as caught:
        run(path, "level")
    assert "\n" not in str(caught.value)
    with Library(tmp_path / "library.db") as library:
        assert library.media() == []


def test_bad_names_and_values_are_refused_before_anything_is_read(run: Any, tmp_path: Path) -> None:
    nowhere = tmp_path / "not read.mp4"
    with pytest.raises(UnknownPlugin, match=r"tiny\.levle.*did you mean tiny\.level"):
        run(nowhere, "levle")
    with pytest.raises(UnknownPlugin, match="no fusion named 'magic'"):
        run(nowhere, "level", fusion="magic")
    with pytest.raises(ParameterError, match=r"tiny\.level\.window: .*less than or equal to 10, not 99"):
        run(nowhere, "level", settings={"tiny.level": {"window": 99}})
    with pytest.raises(ParameterError, match=r"tiny\.level has no parameter 'windw'; it has window"):
        run(nowhere, "level", settings={"tiny.level": {"windw": 1}})


def test_a_missing_device_is_refused_before_decoding(registry: Any, tmp_path: Path) -> None:
    from mien.engine.choice import Choice
    from mien.engine.run import analyze_medium

    events: list[Any] = []
    with Library(tmp_path / "library.db") as library, pytest.raises(DeviceError, match="cuda:77 is not there"):
        analyze_medium(
            tmp_path / "not read.mp4",
            Choice(analyzers=("tiny.level",), fusion="", device="cuda:77"),
            registry,
            library,
            events.append,
            threading.Event(),
        )
    assert events == []


def test_a_cancel_leaves_nothing_behind(registry: Any, clip: Path, tmp_path: Path) -> None:
    from mien.engine.choice import Choice
    from mien.engine.run import analyze_medium

    cancel = threading.Event()

    def emit(event: Any) -> None:
        if isinstance(event, Piece):
            cancel.set()

    choice = Choice(analyzers=("tiny.level",), fusion="", device="cpu")
    with Library(tmp_path / "library.db") as library:
        with pytest.raises(Cancelled):
            analyze_medium(clip, choice, registry, library, emit, cancel)
        assert library.media() == []


def test_a_cancel_leaves_what_another_program_reads_of_the_medium(registry: Any, clip: Path, tmp_path: Path) -> None:
    from mien.engine.choice import Choice
    from mien.engine.run import analyze_medium

    cancel = threading.Event()
    others: list[Any] = []

    def emit(event: Any) -> None:
        if isinstance(event, Piece) and not others:
            (medium,) = other.media()
            others.append(other.begin_run(medium, key="other", analyzer="other", version="1"))
            cancel.set()

    choice = Choice(analyzers=("tiny.level",), fusion="", device="cpu")
    with Library(tmp_path / "library.db") as library, Library(tmp_path / "library.db") as other:
        with pytest.raises(Cancelled):
            analyze_medium(clip, choice, registry, library, emit, cancel)
        others[0].complete()
        assert [run.analyzer for m in library.media() for run in m.runs()] == ["other"]


def test_a_stream_of_sound_is_known_however_it_is_named(run: Any, two_sounds: Path) -> None:
    """The default stream, its number and its language are one; another stream is another reading."""
    done, _ = run(two_sounds, "level")
    for name in (1, "1", "deu"):
        again, events = run(two_sounds, "level", audio_stream=name)
        assert again.runs == done.runs, name
        assert started(events)["tiny.level"].state == "cached", name
    other, events = run(two_sounds, "level", audio_stream="2")
    assert other.runs != done.runs
    assert started(events)["tiny.level"].state == "run"
    assert run(two_sounds, "level", audio_stream="eng")[0].runs == other.runs
