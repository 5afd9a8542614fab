"""What can be read of a damaged medium is kept, and the rest is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.errors import MediaError
from mien.media.damage import DamageLog
from mien.media.decode import Decoder
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.probe import extent


def whole(make, sine, name, **more):
    rate = 48_000 if name.endswith((".webm", ".ts")) else 16_000
    codecs = {
        "mp4": ("libx264", "aac"),
        "mkv": ("mpeg4", "flac"),
        "avi": ("mpeg4", "pcm_s16le"),
        "ts": ("mpeg2video", "mp2"),
    }
    vcodec, acodec = codecs[name.rsplit(".", 1)[1]]
    return make(
        name, times=np.arange(150) / 25, vcodec=vcodec, acodec=acodec, rate=rate, sounds=[sine(6.0, rate)],
        noisy=True, size=(96, 64), **more,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["cut.mkv", "cut.avi", "cut.ts", "cut.mp4"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_truncated_file_keeps_what_was_read(make, sine, name, share):
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = whole(make, sine, name, options=options)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with Decoder(path) as decoder:
        pieces = list(decoder)
    shown = [p.time for p in pieces if isinstance(p, FramePiece)]
    sound = [p for p in pieces if isinstance(p, AudioPiece)]
    assert shown[-1] == pytest.approx(6.0 * share, abs=0.6)
    assert sound[-1].end == pytest.approx(6.0 * share, abs=0.6)
    assert extent(path) == pytest.approx(6.0 * share, abs=0.8)
    if not name.endswith("ts"):  # a broadcast says nowhere how long it is
        assert decoder.partial
        assert max(d.end for d in decoder.damage if d.lost) == pytest.approx(6.0 * share, abs=0.8)


def test_a_file_longer_than_it_announces_is_read_whole_and_says_so(make, sine, announce_half):
    path = announce_half(whole(make, sine, "longer.avi"))
    with Decoder(path) as decoder:
        shown = [p.time for p in decoder if isinstance(p, FramePiece)]
    assert shown[-1] == pytest.approx(6.0, abs=0.1)
    assert decoder.partial
    assert [str(d) for d in decoder.damage] == ["stream 0: it goes on, though 3.00 s are announced, at 6.00 s"]


@pytest.mark.parametrize(("options", "counted"), [({}, True), ({"write_xing": "0"}, False)], ids=["xing", "stream"])
def test_a_cut_mp3_is_partial_where_it_counts_its_frames(tmp_path, options, counted):
    path = tmp_path / "a.mp3"
    _mp3(path, 6.0, options)
    with Decoder(path) as decoder:
        assert list(decoder)[-1].end == pytest.approx(6.0, abs=0.1)
        assert not decoder.partial
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Decoder(path) as decoder:
        assert list(decoder)[-1].end == pytest.approx(3.0, abs=0.2)
        assert decoder.partial == counted


def _mp3(path, seconds, options):
    import av

    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libmp3lame", rate=16_000, layout="mono")
        t = np.arange(round(16_000 * seconds)) / 16_000
        wave = (0.3 * np.sin(2 * np.pi * 330 * t)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_an_intact_file_is_whole(make, sine):
    for name in ("a.mp4", "b.mkv", "c.avi", "d.ts"):
        with Decoder(whole(make, sine, name)) as decoder:
            for _ in decoder:
                pass
        assert not decoder.partial, (name, decoder.damage)
        assert decoder.reached == pytest.approx(6.0, abs=0.1)


@settings(deadline=None, max_examples=16, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), name=st.sampled_from(["a.mp4", "b.mkv", "c.avi", "d.ts"]))
def test_any_bytes_may_be_wrong(make, sine, tmp_path, seed, name):
    """Whatever is overwritten: a MediaError, or pieces with times in order and samples within bounds."""
    source = tmp_path / name
    if not source.exists():
        whole(make, sine, name)
    rng = np.random.default_rng(seed)
    data = bytearray(source.read_bytes())
    for at in rng.integers(0, len(data), rng.integers(1, 200)):
        data[at] = rng.integers(0, 256)
    hurt = tmp_path / f"hurt-{name}"
    hurt.write_bytes(data)
    last, ends, told = -1.0, None, ""
    try:
        with Decoder(hurt) as decoder:
            for n, piece in enumerate(decoder):
                if isinstance(piece, FramePiece):
                    assert piece.time > last
                    last = piece.time
                else:
                    assert ends is None or piece.start == pytest.approx(ends, abs=1e-6)
                    assert np.abs(piece.samples).max() <= 1.0
                    ends = piece.end
                assert n < 20_000
    except MediaError as error:
        told = str(error)
    assert "\n" not in told


def test_the_log_stays_short():
    log = DamageLog()
    for n in range(10_000):
        log.add(n % 3, n * 5.0, "data could not be decoded")
    assert len(log.entries) <= 200
    assert sum(d.count for d in log.entries) == 10_000
    assert log.lost
    near = DamageLog()
    for n in range(10):
        near.add(0, n * 0.5, "pictures are damaged", lost=False)
    assert len(near.entries) == 1
    assert str(near.entries[0]) == "stream 0: pictures are damaged from 0.00 to 4.50 s (10 times)"
    assert not near.lost
