"""Voice activity: the net, the cutting, and both together on real conversations."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from mien.errors import ModelError
from mien.sdk import MediaInfo
from mien_plugins.speech import silero
from mien_plugins.speech.denoise import StreamingGate, gate
from mien_plugins.speech.info import VOICE, VoiceParams
from mien_plugins.speech.segment import Cutting, Segmenter
from mien_plugins.speech.silero import StreamingVad, load_net
from mien_plugins.speech.voice import VoiceAnalyzer

RATE = 16_000


def _babble(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise whose loudness and colour change four times a second: something for the net to react to."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 20))
    return (buzz * (1 + np.sin(2 * np.pi * 4 * time)) * 0.1 + rng.standard_normal(len(time)) * 0.01).astype("f4")


def test_our_net_gives_the_probabilities_of_the_wheels_own_model() -> None:
    sound = _babble(4.0)
    (wheel,) = (Path(place) / "data" for place in find_spec("silero_vad").submodule_search_locations)
    vad = StreamingVad(load_net())
    ours = np.concatenate([vad.push(sound), vad.flush()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script = torch.jit.load(str(wheel / "silero_vad.jit"))
    padded = torch.from_numpy(np.pad(sound, (0, -len(sound) % 512)))
    with torch.inference_mode():
        theirs = [script(chunk, RATE).item() for chunk in padded.split(512)]
    assert np.ptp(ours) > 0.05
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_probabilities_do_not_depend_on_the_blocks() -> None:
    sound, net = _babble(3.0), load_net()
    whole = StreamingVad(net)
    expected = np.concatenate([whole.push(sound), whole.flush()])
    parts = StreamingVad(net)
    found = [parts.push(sound[i : i + 1111]) for i in range(0, len(sound), 1111)]
    np.testing.assert_allclose(np.concatenate([*found, parts.flush()]), expected, atol=1e-6)


def test_finding_speech_loads_no_torch() -> None:
    """It takes longer than finding the speech of ten minutes, and the transcript waits for this first."""
    program = (
        "import sys; from mien_plugins.speech.voice import VoiceAnalyzer; VoiceAnalyzer().prepare(None, None, None)"
    )
    program = program.replace(
        "None, None", "None, __import__('mien_plugins.speech.info', fromlist=['x']).VoiceParams()"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; print('torch' in sys.modules)"], capture_output=True, text=True
    )
    assert done.stdout.split() == ["False"], done.stderr


def test_missing_and_damaged_weights_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = dict(load_file(silero.weights_path()))
    monkeypatch.setattr(silero, "weights_path", lambda: tmp_path / "voice.safetensors")
    with pytest.raises(ModelError, match="missing or damaged"):
        load_net()
    (tmp_path / "voice.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(ModelError, match="missing or damaged"):
        load_net()
    weights["lstm.input"] = weights["lstm.input"][:100]
    save_file(weights, tmp_path / "voice.safetensors")
    with pytest.raises(ModelError, match="missing or damaged"):
        load_net()
    del weights["lstm.input"]
    save_file(weights, tmp_path / "voice.safetensors")
    with pytest.raises(ModelError, match="missing or damaged"):
        load_net()


CUTTING = Cutting(hop=0.1, threshold=0.5, min_pause=0.4, min_speech=0.2, max_utterance=3.0, padding=0.1)


def _cut(values: list[float], cutting: Cutting = CUTTING, origin: float = 0.0) -> list[tuple[float, float]]:
    segmenter = Segmenter(cutting, origin)
    found = segmenter.push(np.array(values, np.float32)) + segmenter.flush(origin + len(values) * cutting.hop)
    return [(round(s.start, 3), round(s.end, 3)) for s in found]


def test_a_pause_ends_an_utterance_and_a_short_one_does_not() -> None:
    assert _cut([0.0] * 5 + [0.9] * 5 + [0.0] * 3 + [0.9] * 5 + [0.0] * 6) == [(0.4, 1.9)]
    assert _cut([0.0] * 5 + [0.9] * 5 + [0.0] * 4 + [0.9] * 5 + [0.0] * 6) == [(0.4, 1.1), (1.3, 2.0)]


def test_speech_fades_out_below_the_threshold_it_began_at() -> None:
    assert _cut([0.0, 0.9, 0.9, 0.4, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1]) == [(0.0, 0.6)]


def test_short_bursts_are_dropped() -> None:
    assert _cut([0.0] * 3 + [0.9] + [0.0] * 8) == []


def test_a_long_utterance_is_cut_where_it_is_least_speech() -> None:
    values = [0.9] * 20 + [0.42] * 3 + [0.9] * 20 + [0.0] * 5
    (first, cut), (again, last) = _cut(values)
    assert first == 0.0
    assert 2.0 <= cut <= 2.3
    assert cut == again
    assert last == 4.4


def test_utterances_lie_inside_the_sound_and_never_overlap() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        values = np.clip(np.cumsum(rng.normal(0, 0.25, 200)) % 1.0, 0, 1).tolist()
        spans = _cut(values, Cutting(0.032, 0.4, 0.3, 0.1, 2.0, 0.5), origin=1.5)
        flat = [time for span in spans for time in span]
        assert flat == sorted(flat)
        assert all(1.5 <= time <= 1.5 + 200 * 0.032 for time in flat)
        assert all(end - start <= 2.0 + 0.4 for start, end in spans)


def test_the_descriptor_says_what_is_written() -> None:
    assert [w.name for w in VOICE.outputs] == ["speech.voice"]
    with pytest.raises(ValueError):
        VoiceParams(threshold=1.5)


@pytest.mark.parametrize("denoise", [False, True])
def test_no_speech_in_silence_noise_and_tones(tools, ctx, denoise: bool) -> None:
    rng = np.random.default_rng(0)
    time = np.arange(6 * RATE) / RATE
    chord = sum(0.1 * np.sin(2 * np.pi * f * time) for f in (220, 277, 330))
    for sound in (np.zeros(6 * RATE), 0.1 * rng.standard_normal(6 * RATE), chord):
        assert tools.run(VoiceAnalyzer(), tools.blocks(sound), VoiceParams(denoise=denoise), ctx) == {}


def test_odd_sound_is_survived(tools, ctx) -> None:
    broken = _babble(2.0)
    broken[5000:5100] = np.nan
    broken[9000] = np.inf
    analyzer = VoiceAnalyzer()
    analyzer.prepare(MediaInfo(Path("x.wav"), has_audio=True), VoiceParams(), ctx)
    for block in tools.blocks(broken):
        list(analyzer.process(block))
    # What the net remembers is what it will hear the rest of the medium with.
    assert all(np.isfinite(part).all() for part in analyzer._stream._vad._state)
    analyzer.close()
    for count in (0, 1, 800):
        assert tools.run(VoiceAnalyzer(), tools.blocks(np.zeros(count)), VoiceParams(denoise=True), ctx) == {}


def test_the_gate_keeps_length_and_does_not_depend_on_the_blocks() -> None:
    sound = _babble(11.0)
    results = []
    for step in (len(sound), 16_000, 7777):
        stream = StreamingGate(RATE)
        parts = [stream.push(sound[i : i + step]) for i in range(0, len(sound), step)]
        results.append(np.concatenate([*parts, stream.flush()]))
    assert all(len(result) == len(sound) for result in results)
    np.testing.assert_allclose(results[1], results[0], atol=1e-6)
    np.testing.assert_allclose(results[2], results[0], atol=1e-6)


def test_the_gate_attenuates_steady_noise_and_keeps_what_stands_out() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(6 * RATE) / RATE
    burst = np.where((time > 3.0) & (time < 3.3), rng.standard_normal(len(time)), 0.0)
    gated = gate((0.02 * rng.standard_normal(len(time)) + 0.3 * burst).astype(np.float32), RATE)
    assert np.std(gated[:RATE]) < 0.3 * 0.02
    inside = slice(int(3.05 * RATE), int(3.25 * RATE))
    assert np.std(gated[inside]) > 0.7 * np.std(0.3 * burst[inside])
    assert np.isfinite(gate(np.zeros(RATE, np.float32), RATE)).all()


def _reference(rttm: Path, name: str, count: int) -> np.ndarray:
    """(count,) whether anybody speaks, every 10 ms."""
    speech = np.zeros(count, bool)
    for line in rttm.read_text(encoding="utf-8").splitlines():
        _, file, _, start, length = line.split()[:5]
        if file == name:
            speech[int(float(start) * 100) : int((float(start) + float(length)) * 100)] = True
    return speech


# Distant microphones (dev00, dev01) are hard; the telephone is not.
@pytest.mark.parametrize(
    ("file", "rttm", "name", "recall", "precision"),
    [
        ("dev00", "dev", "dev00", 0.75, 0.95),
        ("dev01", "dev", "dev01", 0.85, 0.95),
        ("phone_sample", "phone_sample", "sample", 0.97, 0.94),
    ],
)
def test_real_conversations(
    shared: Path, tools, ctx, file: str, rttm: str, name: str, recall: float, precision: float
) -> None:
    folder = shared / "media" / "conversation"
    sound = tools.read(folder / f"{file}.flac")
    spans = tools.run(VoiceAnalyzer(), tools.blocks(sound), VoiceParams(), ctx)["speech.voice"]
    said = _reference(folder / f"{rttm}.rttm", name, len(sound) // 160)
    found = np.zeros_like(said)
    for start, end in zip(spans.start, spans.end, strict=True):
        found[int(start * 100) : int(end * 100)] = True
    assert (found & said).sum() / said.sum() >= recall
    assert (found & said).sum() / found.sum() >= precision
    assert set(spans.label) == {"speech"}
    assert ((spans.score > 0.2) & (spans.score <= 1)).all()
    assert (spans.start[1:] >= spans.end[:-1]).all()
    assert (spans.end - spans.start).max() <= 15.5


def test_utterances_come_as_soon_as_they_are_closed(shared: Path, tools, ctx) -> None:
    sound = tools.read(shared / "media" / "conversation" / "phone_sample.flac")
    analyzer = VoiceAnalyzer()
    analyzer.prepare(None, VoiceParams(max_utterance=28.0), ctx)
    found = 0
    for block in tools.blocks(sound, seconds=0.5):
        for piece in analyzer.process(block):
            found += len(piece)
            assert (piece.end >= block.start - 0.5).all(), "an utterance came more than a block late"
    analyzer.close()
    assert found >= 1


def test_sound_that_starts_late_or_has_a_hole(shared: Path, tools, ctx) -> None:
    sound = tools.read(shared / "media" / "asr" / "spk1_snt2.flac")
    feed = [*tools.blocks(sound, start=1.5), *tools.blocks(sound, start=20.0)]
    spans = tools.run(VoiceAnalyzer(), feed, VoiceParams(), ctx)["speech.voice"]
    assert len(spans) == 2
    assert 1.5 <= spans.start[0] < spans.end[0] <= 1.5 + len(sound) / RATE + 1e-6
    np.testing.assert_allclose(spans.start[1] - spans.start[0], 18.5, atol=1e-6)
