"""The conflict analyzer: where it reads, where it does not, and that batches and pieces change nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.engine.halves import split
from mien.errors import ModelError
from mien.sdk import Block, MediaInfo, Windows
from mien.tracks import Spans
from mien_plugins.conflict.analyzer import ConflictAnalyzer
from mien_plugins.conflict.features import normalise
from mien_plugins.conflict.info import INFO, ConflictParams
from mien_plugins.conflict.lime import explain_window
from mien_plugins.conflict.model import load_net
from mien_plugins.conflict.net import SAMPLES, ConflictNet

RATE = 8_000


class Host:
    """The context of a run on the CPU, with a model folder of the test's own."""

    device, precision, threads, cancelled = "cpu", "float32", 1, False
    log = logging.getLogger("test")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rng = np.random.default_rng(0)

    def model(self, model_id: str) -> Path:
        assert model_id in INFO.models
        return self.folder

    def check_cancelled(self) -> None:
        """Nobody cancels."""

    def progress(self, fraction: float) -> None:
        """Nobody looks."""

    def optional_model(self, model_id: str) -> None:
        """None is installed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Some weights: what the analyzer does around the net does not depend on what it has learnt."""
    from mien.training.card import save_model

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("conflictnet")
    save_model(folder, ConflictNet().state_dict(), {"gates": "hard_sigmoid"})
    return folder


def windows(starts: list[float], silent: tuple[int, ...] = (), valid: int = SAMPLES) -> Windows:
    rng = np.random.default_rng(5)
    samples = rng.standard_normal((len(starts), SAMPLES)).astype(np.float32) * 0.05
    samples[:, valid:] = 0
    for row in silent:
        samples[row] = 0
    return Windows(np.asarray(starts, float), RATE, samples, np.full(len(starts), valid, np.int32))


def voice(*spans: tuple[float, float]) -> dict[str, tuple[Spans, ...]]:
    rows = [(begin, end, "speech") for begin, end in spans]
    return {"speech.voice": (Spans.of("speech.voice", rows),)}


def start(folder: Path, **params: float) -> ConflictAnalyzer:
    analyzer = ConflictAnalyzer()
    analyzer.prepare(MediaInfo(Path("a.wav"), 60.0, has_audio=True), ConflictParams(**params), Host(folder))
    return analyzer


def times(pieces) -> list[float]:
    return [float(t) for piece in pieces for t in piece.times]


def test_reads_the_middle_of_windows_with_speech(folder):
    analyzer = start(folder, batch=2)
    given = windows([0.0, 5.0, 10.0])
    out = list(analyzer.process(Block(0, 40, windows=given, tracks=voice((1, 9), (20, 39)))))
    assert times(out) == [15.0, 20.0, 25.0]
    assert out[0].name == "conflict.intensity"
    assert out[0].channels == ("conflict",)
    net = analyzer._net
    with torch.inference_mode():
        alone = [float(net(torch.from_numpy(normalise(row))[None]).clamp(-1, 1)) for row in given.samples]
    np.testing.assert_allclose(np.concatenate([p.values[:, 0] for p in out]), alone, atol=1e-4)
    assert not list(analyzer.finish())
    analyzer.close()


def test_no_reading_without_speech_or_sound(folder):
    analyzer = start(folder, min_speech=1.0)
    out = list(analyzer.process(Block(0, 60, windows=windows([0.0, 30.0], silent=(0,)), tracks=voice((2, 9)))))
    out += analyzer.finish()
    assert times(out) == []  # the first is silent, the second holds no speech
    assert not list(start(folder).finish())


def test_waits_until_speech_is_known(folder):
    analyzer = start(folder)
    assert not list(analyzer.process(Block(30, 35, windows=windows([0.0]))))
    out = list(analyzer.process(Block(35, 40, tracks=voice((24.0, 38.0)))))  # an utterance that went on
    assert times(out) == [15.0]


def test_windows_without_speech_do_not_pile_up(folder):
    analyzer = start(folder)
    for k in range(30):
        assert not list(analyzer.process(Block(30.0 + 5 * k, 35.0 + 5 * k, windows=windows([5.0 * k]))))
    assert len(analyzer._waiting) <= 9
    assert not list(analyzer.finish())


def test_short_media_are_padded_and_read_once(folder):
    analyzer = start(folder)
    out = list(analyzer.process(Block(0, 6, windows=windows([0.0], valid=6 * RATE), tracks=voice((1, 5)))))
    out += analyzer.finish()
    assert times(out) == [3.0]
    assert -1 <= out[0].values[0, 0] <= 1


def test_later_readings_come_in_batches(folder):
    analyzer = start(folder, batch=3)
    sizes = []
    for k in range(5):
        block = Block(30.0 + k, 31.0 + k, windows=windows([float(k)]), tracks=voice((k + 5.0, k + 9.0)))
        sizes.append(len(times(analyzer.process(block))))
    sizes.append(len(times(analyzer.finish())))
    assert sizes == [1, 0, 0, 3, 0, 1]


def test_explains_on_request(folder):
    samples = np.random.default_rng(0).standard_normal(4 * RATE)
    padded = np.pad(samples, (0, SAMPLES - len(samples))).astype(np.float32)
    window = Windows(np.array([100.0]), RATE, padded[None], np.array([4 * RATE], np.int32))
    found = ConflictAnalyzer().explain(window, ConflictParams(), Host(folder))
    # 4 s of sound: one whole super-sample of 3 s, and the beginning of the next.
    assert found.parts.start.tolist() == [100.0, 103.0]
    assert found.parts.end.tolist() == [103.0, 104.0]
    with torch.inference_mode():
        read = float(load_net(folder)(torch.from_numpy(normalise(padded))[None]))
    assert found.reading == pytest.approx(read, abs=1e-4)
    assert found.of == "conflict"
    # The same numbers as LIME's, of the intensity itself: (1 + intensity) / 2 is no calibrated probability, and not called one.
    seed = int(np.random.default_rng(0).integers(2**31))
    plain = explain_window(load_net(folder), padded, heard=4 * RATE, seed=seed)
    assert found.unit == ""
    np.testing.assert_allclose(found.parts.score, 2 * plain.coefficients[:2], rtol=1e-5)
    assert found.intercept == pytest.approx(2 * plain.intercept - 1)
    assert found.intercept + 2 * plain.coefficients.sum() == pytest.approx(2 * plain.local - 1, abs=1e-6)
    with pytest.raises(ModelError, match="not installed"):
        ConflictAnalyzer().explain(window, ConflictParams(model="rated"), Host(folder))
    again = ConflictAnalyzer().explain(window, ConflictParams(), Host(folder))
    assert np.array_equal(found.parts.score, again.parts.score, equal_nan=True)


def test_damaged_weights_are_one_sentence(folder, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(ModelError, match="cannot be read"):
        start(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    for text in ("[]", "null", "{", '{"gates": []}', '{"gates": "hard", "variant": {}}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ModelError, match="cannot be read"):
            start(tmp_path)


def test_parameters_have_bounds():
    audio = INFO.inputs_for(ConflictParams(hop=2.5))[0]
    assert (audio.rate, audio.window, audio.hop) == (8_000, 30.0, 2.5)
    with pytest.raises(ValueError):
        ConflictParams(hop=0)
    with pytest.raises(ValueError):
        ConflictParams(unknown=1)


def test_a_device_that_runs_out_of_memory_changes_nothing_but_the_batches(folder):
    def read(block, fits):
        analyzer = start(folder, batch=8, min_speech=10)
        net = analyzer._net
        forward = net.forward

        def small(x):
            if len(x) > fits:
                raise torch.OutOfMemoryError("no room")
            return forward(x)

        net.forward = small

        def as_the_host(part):
            try:
                return list(analyzer.process(part))
            except torch.OutOfMemoryError:
                return [piece for half in split(part) for piece in as_the_host(half)]

        out = as_the_host(block) + list(analyzer.finish())
        return times(out), np.concatenate([p.values[:, 0] for p in out])

    # 12 s of speech lie in the first two windows, 8 s in the others: too little, unless they counted twice.
    block = Block(0, 37, windows=windows([0.0, 1.0, 6.0, 7.0]), tracks=voice((1, 5), (20, 28)))
    whole, halved = read(block, 8), read(block, 1)
    assert halved[0] == whole[0] == [15.0, 16.0]
    np.testing.assert_allclose(halved[1], whole[1], atol=1e-4)
