"""Subtitles: what a player shows is all that they do. No pattern may search them in squared time, no tag fill the memory."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.media.ffmpeg import ffmpeg_path
from mien.media.subtitles import MAX_BYTES, parse

_SRT = "1\n00:00:00,000 --> 00:00:01,000\n"
_VTT = "WEBVTT\n\n00:00.100 --> 00:00.600\n"
_ASS = "[Events]\nDialogue: 0,0:00:01.00,0:00:01.50,Default,Bob,0,0,0,,"
_MANY = 100_000

SLOW = {
    "voices that do not end": (".srt", _SRT + "<v." * _MANY),
    "voices that do not end, in WebVTT": (".vtt", _VTT + "<v.a" * _MANY),
    "tags that do not end": (".srt", _SRT + "<a" * _MANY),
    "a tag of spaces": (".srt", _SRT + "<" + " " * _MANY + "x"),
    "a tag of tabs": (".srt", _SRT + "<\t" * _MANY + "x"),
    "empty lines": (".srt", _SRT + "a" + "\n" * _MANY + "b"),
    "lines of spaces": (".srt", _SRT + "a" + "\n " * _MANY + "b"),
    "lines of returns": (".srt", _SRT + "a" + "\r\n" * _MANY + "b"),
    "braces that do not end": (".srt", _SRT + "{" * _MANY),
    "braces whose ends are in tags": (".srt", _SRT + "{<a }>" * _MANY),
    "tags for every letter": (".srt", _SRT + "<i>" * _MANY + "x"),
    "overrides for every letter": (".ass", _ASS + "{\\i1}" * _MANY + "x"),
    "drawings that do not end": (".ass", _ASS + "{\\p" * _MANY),
    "a heading that does not end": (".ass", "[Events]\n[" + "a" * 3 * _MANY),
    "a heading that does not end, indented": (".ass", "[Events]\n \ufeff [" + "a" * 3 * _MANY),
    "broken lines": (".ass", _ASS + "hi\n" + "Dialogue:\n" * (_MANY // 10) + "Dialogue: x,y,z"),
    "numbers of many digits": (".ass", _ASS.replace("0,0:", "9" * 5000 + ",0:") + "hi"),
    "one line": (".srt", _SRT + "word " * _MANY),
    "one line of entities": (".srt", _SRT + "&" * _MANY),
    "attachments": (".ass", "[Fonts]\nfontname: ../../evil.ttf\n" + "!" * _MANY + "\n\n" + _ASS + "hi"),
    "cues": (".srt", (_SRT + "x\n\n") * (_MANY // 10)),
}  # fmt: skip


@pytest.mark.parametrize("what", SLOW)
def test_no_text_takes_squared_time_or_memory(attack: Callable[..., Any], tmp_path: Path, what: str) -> None:
    suffix, text = SLOW[what]
    path = tmp_path / f"clip{suffix}"
    path.write_text(text, encoding="utf-8", newline="")
    outcome = attack("cues", path)
    outcome.bounded(mib=150, seconds=5)
    assert not list(tmp_path.rglob("*.ttf"))


def test_a_gigabyte_in_one_line_is_not_read(attack: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "clip.srt"
    with path.open("wb") as file:
        file.write(_SRT.encode())
        file.truncate(1 << 30)  # a hole: it takes no place on the disk
    outcome = attack("cues", path)
    outcome.refused(f"larger than {MAX_BYTES >> 20} MiB")
    outcome.bounded(mib=10)


def test_a_subtitle_that_is_a_device_or_a_link_to_one_is_left(attack: Callable[..., Any], tmp_path: Path) -> None:
    for target in ("/dev/zero", "/dev/stdin", "/proc/self/mem"):
        path = tmp_path / "clip.srt"
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        outcome = attack("cues", path)
        outcome.refused()
        outcome.bounded(mib=20)


def test_the_same_inside_a_medium(attack: Callable[..., Any], tmp_path: Path, make_clip: Any) -> None:
    """FFmpeg hands out embedded text in packets; ours and pysubs2's patterns go over it as well."""
    clip = make_clip(tmp_path / "plain.mkv", 2.0)
    for n, (suffix, text) in enumerate(
        [(".vtt", _VTT + "<v." * 50_000), (".srt", _SRT + "{" * 50_000), (".ass", _ASS + "{\\i1}" * 20_000)]
    ):
        side = tmp_path / f"words{suffix}"
        side.write_text(text)
        path = tmp_path / f"with {n}.mkv"
        command = [str(ffmpeg_path()), "-v", "error", "-i", str(clip), "-i", str(side), "-c", "copy", str(path)]
        subprocess.run(command, check=True)
        outcome = attack("medium", path)
        outcome.bounded()
        assert outcome.value[0] == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (_SRT + "I <3 you, and <i>her</i>", "srt", "I <3 you, and her"),
        (_SRT + "a < b {not closed", "srt", "a < b {not closed"),
        (_SRT + "{\\an8}{\\i1}both{\\i0} { one", "srt", "both { one"),
        (_VTT + "<v Ann>if a < b</v>", "vtt", "if a < b"),
        (_VTT + "{} {laughs} <i>so</i> {\\an8}", "vtt", "{} {laughs} so {\\an8}"),
        (_SRT + "{} {laughs} {\\an8}<b>so</b>", "srt", "{} {laughs} so"),
        (_ASS + "{\\b1}late{\\b0} [loud] {", "ass", "late [loud] {"),
    ],
)
def test_signs_that_open_nothing_are_text(text: str, kind: str, said: str) -> None:
    assert [cue.text for cue in parse(text, kind)] == [said]
