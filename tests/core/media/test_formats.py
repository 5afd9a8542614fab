"""Every container that is promised: written, then probed and decoded with the content where it was put."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mien.media.decode import Decoder
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.probe import extent, probe
from mien.media.resample import to_mono

OPEN_FILES = Path("/proc/self/fd")
BOTH = [
    ("clip.mp4", "libx264", "aac", 16_000),
    ("clip.mov", "libx264", "aac", 44_100),
    ("clip.mkv", "libx264", "flac", 16_000),
    ("clip.webm", "libvpx-vp9", "libopus", 48_000),
    ("clip.avi", "mpeg4", "pcm_s16le", 16_000),
    ("clip.mpg", "mpeg1video", "mp2", 44_100),
    ("clip.ts", "mpeg2video", "mp2", 48_000),
]
SOUND = [
    ("sound.wav", "pcm_s16le", 8_000),
    ("sound8.wav", "pcm_u8", 11_025),
    ("soundf.wav", "pcm_f32le", 48_000),
    ("sound.flac", "flac", 22_050),
    ("sound.mp3", "libmp3lame", 44_100),
    ("sound.m4a", "aac", 44_100),
    ("sound.ogg", "libopus", 48_000),
]


def burst_times(pieces: list[AudioPiece]) -> np.ndarray:
    """Where the bursts of `clicks` lie, in seconds."""
    mono = np.concatenate([to_mono(p.samples, p.layout) for p in pieces])
    start, rate = pieces[0].start, pieces[0].rate
    found, at = [], 0
    loud = np.abs(mono) > 0.25
    while at < len(mono):
        if loud[at]:
            window = np.abs(mono[at : at + round(0.02 * rate)]).astype(np.float64)
            found.append(start + (at + (window * np.arange(len(window))).sum() / window.sum()) / rate)
            at += round(0.1 * rate)
        at += 1
    return np.asarray(found)


@pytest.mark.parametrize(("name", "vcodec", "acodec", "rate"), BOTH)
def test_video_with_sound(make, bursts, name, vcodec, acodec, rate):
    times = np.arange(50) / 25
    path = make(
        name, times=times, vcodec=vcodec, acodec=acodec, rate=rate, sounds=[bursts(2.0, rate)],
        size=(128, 96), noisy=name == "clip.mpg",
    )  # fmt: skip
    medium = probe(path)
    assert [s.kind for s in medium.streams] == ["video", "audio"]
    assert medium.video is not None
    assert medium.audio is not None
    assert medium.video.size == (128, 96)
    assert medium.audio.sample_rate == rate
    assert medium.duration == pytest.approx(2.0, abs=0.12)
    assert extent(path) == pytest.approx(2.0, abs=0.12)
    with Decoder(medium) as decoder:
        pieces = list(decoder)
    shown = np.asarray([p.time for p in pieces if isinstance(p, FramePiece)])
    # Sound and pictures keep their distance; where the muxer put the first picture is its affair.
    np.testing.assert_allclose(np.diff(shown), 0.04, atol=1e-3 + 1e-6)
    assert len(shown) == 50
    heard = burst_times([p for p in pieces if isinstance(p, AudioPiece)])
    np.testing.assert_allclose(heard - shown[0], [0.25, 0.75, 1.25, 1.75], atol=4e-3)
    assert not decoder.partial


@pytest.mark.parametrize(("name", "acodec", "rate"), SOUND)
def test_sound_alone(make, bursts, name, acodec, rate):
    path = make(name, acodec=acodec, rate=rate, sounds=[bursts(2.0, rate)])
    medium = probe(path)
    assert medium.video is None
    with Decoder(medium) as decoder:
        pieces = list(decoder)
    assert all(isinstance(p, AudioPiece) for p in pieces)
    assert pieces[0].start == pytest.approx(0.0, abs=1e-3)
    assert sum(len(p.samples) for p in pieces) / rate == pytest.approx(2.0, abs=0.06)
    np.testing.assert_allclose(burst_times(pieces), [0.25, 0.75, 1.25, 1.75], atol=4e-3)
    assert not decoder.partial


def test_gif_is_a_video(make):
    medium = probe(make("moving.gif", times=np.arange(10) / 10, vcodec="gif"))
    assert medium.video is not None
    assert not medium.audios
    with Decoder(medium) as decoder:
        times = [p.time for p in decoder]
    np.testing.assert_allclose(times, np.arange(10) / 10, atol=0.011)


def test_pieces_come_in_order_and_sound_is_contiguous(make, sine):
    path = make("clip.mp4", times=np.arange(75) / 25, sounds=[sine(3.0, 16_000)], vcodec="libx264")
    with Decoder(path) as decoder:
        pieces = list(decoder)
    starts = [p.start if isinstance(p, AudioPiece) else p.time for p in pieces]
    assert starts == sorted(starts)
    sound = [p for p in pieces if isinstance(p, AudioPiece)]
    for before, after in pairwise(sound):
        assert after.start == pytest.approx(before.end, abs=1e-9)
    assert all(len(p.samples) >= 8000 for p in sound[:-1])


def test_a_file_that_is_not_interleaved_comes_out_in_order(make, sine):
    path = make(
        "apart.mkv", times=np.arange(100) / 25, sounds=[sine(4.0, 16_000)], acodec="flac", interleave=False,
        options={"max_interleave_delta": "1"},
    )  # fmt: skip
    with Decoder(path) as decoder:
        starts = [p.start if isinstance(p, AudioPiece) else p.time for p in decoder]
    assert starts == sorted(starts)
    assert len(starts) > 100


def test_a_stretch_is_cut_out_exactly(make, bursts):
    path = make(
        "long.mp4", times=np.arange(250) / 25, vcodec="libx264", acodec="aac", rate=16_000,
        sounds=[bursts(10.0, 16_000)],
    )  # fmt: skip
    with Decoder(path, begin=4.1, end=6.3) as decoder:
        pieces = list(decoder)
    shown = [p.time for p in pieces if isinstance(p, FramePiece)]
    sound = [p for p in pieces if isinstance(p, AudioPiece)]
    np.testing.assert_allclose(shown, np.arange(103, 158) / 25, atol=1e-4)
    assert sound[0].start == pytest.approx(4.1, abs=1e-3)
    assert sound[-1].end == pytest.approx(6.3, abs=1e-3)
    np.testing.assert_allclose(burst_times(sound), [4.25, 4.75, 5.25, 5.75, 6.25], atol=3e-3)


STRETCHES = [
    ("long.mkv", "mpeg4", "flac", 16_000), ("long.ts", "mpeg2video", "mp2", 48_000),
    ("long.avi", "mpeg4", "pcm_s16le", 16_000), ("long.flac", None, "flac", 16_000),
    ("long.ogg", None, "libopus", 48_000), ("long.wav", None, "pcm_s16le", 8_000),
    ("long.m4a", None, "aac", 44_100), ("long.mp3", None, "libmp3lame", 44_100),
]  # fmt: skip


@pytest.mark.parametrize(("name", "vcodec", "acodec", "rate"), STRETCHES)
def test_a_stretch_in_every_format(make, bursts, name, vcodec, acodec, rate):
    times = None if vcodec is None else np.arange(250) / 25
    sounds = [bursts(10.0, rate)]
    path = make(name, times=times, vcodec=vcodec or "", acodec=acodec, rate=rate, sounds=sounds, noisy=True)
    with Decoder(path) as decoder:
        whole = burst_times([p for p in decoder if isinstance(p, AudioPiece)])
    with Decoder(path, begin=4.1, end=6.4) as decoder:
        pieces = list(decoder)
    sound = [p for p in pieces if isinstance(p, AudioPiece)]
    assert sound[0].start == pytest.approx(4.1, abs=2e-3)
    assert sound[-1].end == pytest.approx(6.4, abs=2e-3)
    expected = whole[(whole > 4.1) & (whole < 6.4)]
    np.testing.assert_allclose(burst_times(sound), expected, atol=3e-3)
    if vcodec is not None:
        shown = [p.time for p in pieces if isinstance(p, FramePiece)]
        assert shown[0] == pytest.approx(4.12, abs=0.05)
        assert shown[-1] == pytest.approx(6.36, abs=0.05)


def test_only_what_is_wanted(make, sine):
    path = make("clip.mp4", times=np.arange(25) / 25, sounds=[sine(1.0, 16_000)])
    with Decoder(path, audio=None) as decoder:
        assert all(isinstance(p, FramePiece) for p in decoder)
    with Decoder(path, video=None) as decoder:
        assert all(isinstance(p, AudioPiece) for p in decoder)
    with Decoder(path, audio=None, video=None) as decoder:
        assert list(decoder) == []


def test_closing_in_the_middle_lets_go_of_the_file(make, sine):
    path = make("clip.mp4", times=np.arange(25) / 25, sounds=[sine(1.0, 16_000)])
    decoder = Decoder(path)
    next(iter(decoder))
    assert not OPEN_FILES.is_dir() or _is_open(path)
    decoder.close()
    decoder.close()
    assert not _is_open(path)
    path.unlink()


def _is_open(path):
    """Whether this process holds the file, as far as the system tells."""
    found = OPEN_FILES.iterdir() if OPEN_FILES.is_dir() else ()
    return any(os.path.realpath(entry) == str(path) for entry in found)
