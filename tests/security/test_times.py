"""Times: no header and no timestamp makes silence or room for more than the file can hold."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

JPEG = bytes(cv2.imencode(".jpg", np.full((64, 64, 3), 90, np.uint8))[1].tobytes())


def _timed(path: Path, sound: list[float], pictures: list[float], last: int = 1) -> Path:
    """A file with a tenth of a second of noise and a picture at each of these times; `last` ticks (1 ms) for the last one."""
    tick = Fraction(1, 1000)
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as out:
        voice = out.add_stream("pcm_s16le", rate=16_000, layout="mono")
        film = out.add_stream("mjpeg", rate=10)
        film.width = film.height = 64
        film.pix_fmt = "yuvj420p"
        packets = [(time, voice, rng.integers(-9999, 9999, 1600, np.int16).tobytes(), 100) for time in sound]
        packets += [(time, film, JPEG, 100) for time in pictures]
        packets.sort(key=lambda packet: packet[0])
        for n, (time, stream, data, duration) in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, tick, True
            packet.pts = packet.dts = round(time * 1000)
            packet.duration = last if n == len(packets) - 1 else duration
            out.mux(packet)
    return path


STEADY = [n / 10 for n in range(10)]
AGES = 1e9  # s, three decades


@pytest.mark.parametrize(
    ("sound", "pictures", "last"),
    [
        ([*STEADY, AGES], STEADY, 1),
        ([AGES + time for time in STEADY], STEADY, 1),
        (STEADY, [*STEADY, AGES], 1),
        ([*STEADY, *(1 + n * 3000.0 for n in range(1, 20))], STEADY, 1),  # each less than an hour behind the one before
        (STEADY, [*STEADY[:-1], 0.95], int(AGES)),
    ],
    ids=["sound late", "sound begins late", "picture late", "again and again", "last picture long"],
)
def test_no_timestamp_makes_decades_of_silence(
    attack: Callable[..., Any], tmp_path: Path, sound: list[float], pictures: list[float], last: int
) -> None:
    path = _timed(tmp_path / "ages.mkv", sound, pictures, last)
    outcome = attack("medium", path)
    outcome.bounded(mib=100)
    heard, seen, _partial, length = outcome.value
    most = max(3600, path.stat().st_size / 8)
    assert heard < most + 10 if len(sound) > 20 else heard == pytest.approx(len(sound) / 10, abs=0.02)
    assert seen == len(pictures)
    assert length < most + 10


def _announced(path: Path, name: bytes, behind: int, kind: str, value: float) -> Path:
    """Every field of that kind so many bytes behind a name says something else."""
    content, place = bytearray(path.read_bytes()), -1
    while (place := content.find(name, place + 1)) >= 0:
        struct.pack_into(kind, content, place + len(name) + behind, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("a.mkv", [(b"\x44\x89\x88", 0, ">d", 1e12)]),
        ("a.avi", [(b"vids", 28, "<I", 0x7FFFFFFF), (b"auds", 28, "<I", 0x7FFFFFFF)]),
    ],
    ids=["mkv", "avi"],
)
def test_a_header_that_announces_ages_is_not_believed(
    attack: Callable[..., Any], make_clip: Any, tmp_path: Path, name: str, fields: list[tuple[bytes, int, str, float]]
) -> None:
    path = make_clip(tmp_path / name, 2.0)
    for field in fields:
        _announced(path, *field)
    outcome = attack("medium", path)
    outcome.bounded(mib=100)
    heard, seen, partial, length = outcome.value
    assert heard == pytest.approx(2.0, abs=0.2)
    assert seen == 20
    assert length == pytest.approx(2.0, abs=0.3)
    assert partial is (len(fields) > 1)  # the streams themselves announce more than they have
    told = attack("problems", path).value
    assert len(told) == 1
    assert "bytes cannot hold" in told[0]


@pytest.mark.parametrize("ticks", [0x7FFFFFFF, 0x100000, 0xFFFFFFFF, 0])
def test_no_picture_of_an_mp4_lasts_for_days(
    attack: Callable[..., Any], make_clip: Any, tmp_path: Path, ticks: int
) -> None:
    path = make_clip(tmp_path / "a.mp4", 2.0)
    for field in ((b"stts", 12, ">I", ticks), (b"mdhd", 16, ">I", 0xFFFFFFFE), (b"mvhd", 16, ">I", 0xFFFFFFFE)):
        _announced(path, *field)
    outcome = attack("medium", path)
    outcome.bounded(mib=100)
    assert outcome.value[0] < 3700
    assert outcome.value[3] < 3700


def test_subtitles_behind_a_medium_that_does_not_say_how_long_it_is_are_left_out(
    attack: Callable[..., Any], make_clip: Any, tmp_path: Path
) -> None:
    path = _announced(make_clip(tmp_path / "a.mkv", 2.0), b"\x44\x89\x88", 0, ">d", 1e12)
    path.with_suffix(".srt").write_text(
        "1\n00:00:00,500 --> 99999:00:00,000\nhello\n\n2\n99999:00:01,000 --> 99999:00:02,000\nage\n"
    )
    (cue,) = attack("told", path).value
    assert cue[2] == "hello"
    assert cue[1] == pytest.approx(2.0, abs=0.3)
