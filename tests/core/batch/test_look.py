"""Files are looked into in processes of their own: one that kills or keeps the process costs no other file."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

from mien.batch.look import Look, look_into
from mien.media.identity import content_id


def test_one_that_kills_and_one_that_never_ends(tmp_path: Path, make_clip: Any) -> None:
    from odd_paths import DEADLY, ENDLESS

    good = make_clip(tmp_path / "good.mp4", 0.5)
    (tmp_path / "good.srt").write_text("1\n00:00:00,000 --> 00:00:00,400\nhello\n")
    empty = tmp_path / "empty.wav"
    empty.touch()
    looks = [
        Look(0, DEADLY),
        Look(1, good, identify=True),
        Look(3, empty),
        Look(4, good),
        Look(5, good, audio_stream=7),
    ]
    found = {looked.number: looked for looked in look_into(looks)}
    found |= {looked.number: looked for looked in look_into([Look(2, ENDLESS)], patience=2.0)}
    assert sorted(found) == [0, 1, 2, 3, 4, 5]
    assert "signal SIGSEGV" in found[0].reason
    assert "longer than 2 s" in found[2].reason
    assert "empty" in found[3].reason
    assert found[1].medium == content_id(good)
    assert found[4].medium == ""
    assert found[4].media is not None
    assert found[4].media.cue_source == "good.srt"
    assert (found[5].media, found[5].exit_code) == (None, 2)


def test_looking_ends_when_it_is_told_to_whatever_a_file_does() -> None:
    from odd_paths import ENDLESS

    before = set(multiprocessing.active_children())
    begun = time.monotonic()
    looks = look_into([Look(0, ENDLESS)], stopped=lambda: time.monotonic() - begun > 0.5)
    assert list(looks) == []
    assert time.monotonic() - begun < 5.0
    assert set(multiprocessing.active_children()) == before
