"""Times are presentation times: variable rate, late and shifted streams, gaps, overlaps, jumps, missing
timestamps.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.media.damage import DamageLog
from mien.media.decode import Decoder
from mien.media.packets import Clock
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.probe import probe
from mien.media.sound import SoundAssembler, to_float

RATE = 16_000


def decode(path, **wanted):
    with Decoder(path, **wanted) as decoder:
        pieces = list(decoder)
    shown = np.asarray([p.time for p in pieces if isinstance(p, FramePiece)])
    return shown, [p for p in pieces if isinstance(p, AudioPiece)], decoder


@pytest.mark.parametrize("name", ["vfr.mkv", "vfr.mp4"])
def test_variable_frame_rate(make, name):
    times = [0.0, 0.04, 0.1, 0.5, 0.52, 1.3, 1.31, 2.0]
    shown, _, decoder = decode(make(name, times=times, vcodec="libx264"))
    np.testing.assert_allclose(shown, times, atol=1e-3 if name.endswith("mkv") else 1e-4)
    assert decoder.damage == ()


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv"])
def test_sound_that_begins_late_begins_late(make, sine, name):
    sounds = [sine(1.5, RATE)]
    path = make(name, times=np.arange(75) / 25, vcodec="libx264", acodec="flac", sounds=sounds, late=1.5)
    shown, sound, _ = decode(path)
    assert shown[0] == pytest.approx(0.0, abs=1e-3)
    assert sound[0].start == pytest.approx(1.5, abs=1e-3)
    assert sound[-1].end == pytest.approx(3.0, abs=2e-3)


SHIFTED = [("shifted.mkv", 5.0), ("shifted.ts", 100.0), ("shifted.mp4", 3.0)]


@pytest.mark.parametrize(("name", "shift"), SHIFTED)
def test_the_medium_begins_at_zero_whatever_its_clock_says(make, bursts, name, shift):
    path = make(
        name, times=np.arange(50) / 25, vcodec="libx264", acodec="mp2", rate=48_000,
        sounds=[bursts(2.0, 48_000)], shift=shift,
    )  # fmt: skip
    medium = probe(path)
    shown, sound, decoder = decode(medium)
    assert min(shown[0], sound[0].start) == pytest.approx(0.0, abs=0.03)
    assert shown[-1] == pytest.approx(shown[0] + 1.96, abs=2e-3)
    assert max(shown[-1], sound[-1].end) < 2.2
    assert not decoder.partial


def test_two_sound_tracks_by_number_and_language(make, sine):
    sounds = [sine(1.0, RATE, 300), sine(1.0, RATE, 1200)]
    path = make("two.mkv", sounds=sounds, languages=["ger", "eng"], acodec="flac")
    medium = probe(path)
    for which, frequency in ((0, 300), ("eng", 1200), ("1", 1200), ("GER", 300), (None, 300)):
        stream = medium.choose_audio(which)
        assert stream is not None
        _, sound, _ = decode(medium, audio=stream.index)
        mono = np.concatenate([p.samples[:, 0] for p in sound])
        assert np.argmax(np.abs(np.fft.rfft(mono[:RATE]))) == pytest.approx(frequency, abs=1)


def test_clips_of_one_picture_and_of_a_twentieth_second(make, sine):
    shown, _, _ = decode(make("one.mp4", times=[0.0], vcodec="libx264"))
    assert shown.tolist() == [0.0]
    _, sound, _ = decode(make("short.wav", acodec="pcm_s16le", sounds=[sine(0.05, RATE)]))
    assert sum(len(p.samples) for p in sound) == 800


def test_a_cut_broadcast_goes_on(make, sine, tmp_path):
    parts = [
        make(f"{n}.ts", times=np.arange(50) / 25, vcodec="mpeg2video", acodec="mp2", rate=48_000,
             sounds=[sine(2.0, 48_000)], shift=shift, noisy=True)
        for n, shift in enumerate((1.0, 500.0, 20.0))
    ]  # fmt: skip
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    shown, sound, _ = decode(joined)
    assert len(shown) == pytest.approx(150, abs=6)
    assert (np.diff(shown) > 0).all()
    assert shown[-1] == pytest.approx(6.0, abs=0.4)
    assert sound[-1].end == pytest.approx(6.0, abs=0.4)


# The assembler alone, with frames whose timestamps are made up ---------------------------------------------


def frame(samples, rate=RATE, layout="mono"):
    packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
    made = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
    made.sample_rate, made.time_base = rate, Fraction(1, rate)
    return made


def assembled(entries, **options):
    log = DamageLog()
    assembler = SoundAssembler(1, log, block=0.1, **options)
    pieces = [p for samples, time in entries for p in assembler.add(frame(samples), time)]
    pieces += list(assembler.finish())
    for before, after in pairwise(pieces):
        assert after.start == pytest.approx(before.end, abs=1e-9)
    return pieces[0].start, np.concatenate([p.samples[:, 0] for p in pieces]), log


def ramp(first, count=1024):
    """Samples that tell their own position."""
    return np.arange(first, first + count) / 1e6


def test_gap_is_filled_with_silence():
    start, sound, log = assembled([(ramp(0), 0.0), (ramp(5024), 5024 / RATE)])
    assert start == 0.0
    np.testing.assert_allclose(sound[:1024], ramp(0), atol=1e-7)
    assert not sound[1024:5024].any()
    np.testing.assert_allclose(sound[5024:], ramp(5024), atol=1e-7)
    assert [d.lost for d in log.entries] == [False]


def test_overlap_is_cut():
    _, sound, log = assembled([(ramp(0), 0.0), (ramp(500), 500 / RATE), (ramp(1524), 1524 / RATE)])
    np.testing.assert_allclose(sound, ramp(0, 2548), atol=1e-7)
    assert "overlap" in str(log.entries[0])


def test_missing_timestamps_follow_on():
    times = [0.2, None, None, 0.2 + 3072 / RATE]
    _, sound, log = assembled([(ramp(n * 1024), time) for n, time in enumerate(times)])
    np.testing.assert_allclose(sound, ramp(0, 4096), atol=1e-7)
    assert log.entries == ()


def test_a_coarse_clock_leaves_the_sound_alone():
    rng = np.random.default_rng(3)
    entries = [(ramp(n * 1024), n * 1024 / RATE + rng.uniform(-4e-3, 4e-3)) for n in range(60)]
    _, sound, log = assembled([(entries[0][0], 0.0), *entries[1:]])
    np.testing.assert_allclose(sound, ramp(0, 60 * 1024), atol=1e-7)
    assert log.entries == ()


def test_a_small_lasting_shift_is_corrected():
    late = [(ramp(n * 1024), n * 1024 / RATE + (0.010 if n >= 5 else 0.0)) for n in range(40)]
    _, sound, _ = assembled(late)
    assert len(sound) == 40 * 1024 + 160
    np.testing.assert_allclose(sound[-1024:], ramp(39 * 1024), atol=1e-7)


def test_an_hour_of_silence_comes_in_small_pieces():
    log = DamageLog()
    assembler = SoundAssembler(1, log, block=0.5)
    list(assembler.add(frame(ramp(0)), 0.0))
    sizes = [len(p.samples) for p in assembler.add(frame(ramp(0)), 3600.0)]
    assert max(sizes) <= 16_000
    assert sum(sizes) == pytest.approx(3600 * RATE, abs=16_000)


def test_rate_and_channels_that_change_are_converted():
    log = DamageLog()
    assembler = SoundAssembler(1, log, block=0.1)
    pieces = list(assembler.add(frame(np.full(1600, 0.25)), 0.0))
    pieces += list(assembler.add(frame(np.full((4800, 2), 0.25), rate=48_000, layout="stereo"), 0.1))
    pieces += list(assembler.finish())
    sound = np.concatenate([p.samples for p in pieces])
    assert sound.shape == (3200, 1)
    np.testing.assert_allclose(sound[1700:3100], 0.25, atol=0.01)


def test_nonsense_samples_become_silence_and_full_scale():
    np.testing.assert_array_equal(
        to_float(frame(np.asarray([0.5, np.nan, np.inf, 7.0, -9.0])))[:, 0], [0.5, 0.0, 0.0, 1.0, -1.0]
    )


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(100, 3000), st.one_of(st.just(0.0), st.floats(-0.3, 0.3), st.none())),
        min_size=1,
        max_size=12,
    )
)
def test_index_and_timestamp_never_lie_far_apart(steps):
    """Frames of any length with gaps and overlaps of any size: 1 ms where the clock jumps, 20 ms at most
    where it jitters.
    """
    log = DamageLog()
    assembler = SoundAssembler(0, log, block=0.05)
    time, reached = 1.0, None
    pieces = []
    for count, jump in steps:
        stamp = None if jump is None else max(0.0, time + jump)
        before = assembler.reached
        pieces += list(assembler.add(frame(np.ones(count)), stamp))
        if stamp is not None:
            end = assembler.reached
            assert end is not None
            # Where a frame lies wholly in what is there, it adds nothing.
            expected = max(stamp + count / RATE, before or 0.0)
            jumped = before is None or abs(stamp - before) > 0.0201
            assert abs(end - expected) <= (1e-3 if jumped else 0.0205) + 2 / RATE
        time = (stamp if stamp is not None else time) + count / RATE
    pieces += list(assembler.finish())
    for piece in pieces:
        assert reached is None or piece.start == pytest.approx(reached, abs=1e-9)
        reached = piece.end


def test_clock_takes_out_jumps_and_distrusts_the_absurd():
    base = Fraction(1, 1000)
    broadcast = Clock(2.0, jumps=True, duration=10.0)
    assert broadcast.seconds(2000, base, None) == 0.0
    assert broadcast.seconds(500_000, base, 0.04) == pytest.approx(0.04)
    assert broadcast.seconds(500_040, base, 0.08) == pytest.approx(0.08)
    film = Clock(0.0, jumps=False, duration=10.0)
    assert film.seconds(30_000, base, 0.04) == 30.0
    assert film.seconds(10**9, base, 0.04) is None
    assert film.seconds(1_000, base, 100.0) == pytest.approx(100.0)
    assert film.seconds(None, base, 1.0) is None
