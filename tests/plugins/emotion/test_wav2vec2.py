"""The optional wav2vec 2.0: a tiny one of the published architecture and file layout, imported and read."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mien.engine.check import check_piece
from mien.errors import LicenceError, ModelError
from mien.models import store
from mien.models.install import import_folder, pull, stated
from mien.sdk import Block, MediaInfo, Windows
from mien_plugins.emotion.analyzer import EmotionAnalyzer
from mien_plugins.emotion.info import DIMENSIONS, EMBEDDING, EMOTION, WAV2VEC2, EmotionParams
from mien_plugins.emotion.wav2vec2 import Wav2Vec2Reader, load
from mien_plugins.fusion.info import LATE, MAJORITY

RATE, WIDTH = 16_000, 32
NAMES = {"0": "arousal", "1": "dominance", "2": "valence"}


@pytest.fixture(scope="module")
def transformers() -> Any:
    return pytest.importorskip("transformers")


@pytest.fixture
def make(transformers: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder as the hub has it: the net's tensors under `wav2vec2.`, the head's under `classifier.`."""

    def write(name: str = "model", labels: dict[str, str] | None = None, seed: int = 0, **sound: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        torch.manual_seed(seed)
        config = transformers.Wav2Vec2Config(
            hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, conv_dim=(8,) * 7,
            num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, do_stable_layer_norm=True,
            feat_extract_norm="layer", conv_bias=True, initializer_range=0.3,
        )  # fmt: skip
        weights = {f"wav2vec2.{k}": v for k, v in transformers.Wav2Vec2Model(config).state_dict().items()}
        for part, rows in (("dense", WIDTH), ("out_proj", 3)):
            weights[f"classifier.{part}.weight"] = 0.03 * torch.randn(rows, WIDTH)
            weights[f"classifier.{part}.bias"] = 0.1 * torch.randn(rows) + (0.5 if rows == 3 else 0.0)
        save_file({k: v.contiguous() for k, v in weights.items()}, folder / "model.safetensors")
        fields = config.to_dict() | {
            "architectures": ["Wav2Vec2ForSpeechClassification"],
            "problem_type": "regression",
            "pooling_mode": "mean",
            "vocab_size": None,
            "id2label": labels or NAMES,
        }
        (folder / "config.json").write_text(json.dumps(fields))
        settings = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": RATE, "do_normalize": True}
        settings |= {"feature_size": 1, "padding_value": 0.0, "return_attention_mask": True, **sound}
        (folder / "preprocessor_config.json").write_text(json.dumps(settings))
        return folder

    return write


def reference(transformers: Any, folder: Path, sound: np.ndarray, normalise: bool = True) -> tuple[Any, Any]:
    """(3,) arousal, dominance, valence and (H,) mean hidden state by the paper's formula, from the files."""
    net = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config.from_pretrained(folder)).eval()
    weights = load_file(folder / "model.safetensors")
    own = {k.removeprefix("wav2vec2."): v for k, v in weights.items() if k.startswith("wav2vec2.")}
    net.load_state_dict(own)
    x = torch.from_numpy(sound).double()
    if normalise:
        x = (x - x.mean()) / torch.sqrt(x.var(correction=0) + 1e-7)
    with torch.inference_mode():
        hidden = net(x[None].float()).last_hidden_state[0].mean(0)
    dense, out = (
        (weights[f"classifier.{part}.weight"], weights[f"classifier.{part}.bias"]) for part in ("dense", "out_proj")
    )
    return (out[0] @ torch.tanh(dense[0] @ hidden + dense[1]) + out[1]).numpy(), hidden.numpy()


def sounds(*seconds: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(0.05 * rng.standard_normal(int(s * RATE)) + 0.01).astype(np.float32) for s in seconds]


def read(reader: Wav2Vec2Reader, heard: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return reader.read([reader.hear(sound) for sound in heard])


@pytest.mark.parametrize("normalise", [True, False])
def test_it_reads_as_the_paper_says(make: Callable[..., Path], transformers: Any, normalise: bool) -> None:
    folder = make(do_normalize=normalise)
    heard = sounds(1.0, 1.0, 0.6, 1.0)
    values, vectors = read(load(folder), heard)
    assert values.shape == (4, 3)
    assert vectors.shape == (4, WIDTH)
    for sound, value, vector in zip(heard, values, vectors, strict=True):
        (arousal, dominance, valence), hidden = reference(transformers, folder, sound, normalise)
        expected = np.clip(2 * np.array([valence, arousal, dominance]) - 1, -1, 1)
        np.testing.assert_allclose(value, expected, atol=1e-4)
        np.testing.assert_allclose(vector, hidden, atol=1e-4)
    assert np.abs(values).max() < 1.0  # none of them was only clipped


def test_what_the_hub_states_is_enough_to_read_it(make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "core" / "models"))
    from hub import Hub, serve

    monkeypatch.delenv("MIEN_OFFLINE")
    folder = make()
    content = {path.name: path.read_bytes() for path in folder.iterdir()} | {"pytorch_model.bin": b"\x80"}
    with serve(Hub(content)) as hub:
        found = stated(WAV2VEC2, accept_licence=True, endpoint=hub.address)
        pulled = pull(WAV2VEC2, accept_licence=True, trusted=found, endpoint=hub.address)
    sys.modules.pop("hub", None)
    ours, theirs = (read(load(place), sounds(0.5))[0] for place in (pulled.path, folder))
    np.testing.assert_array_equal(ours, theirs)


def test_batches_change_nothing(make: Callable[..., Path]) -> None:
    reader = load(make())
    heard = sounds(0.5, 0.5, 0.5, 0.7, 0.5)
    together, alone = read(reader, heard)[0], np.concatenate([read(reader, [sound])[0] for sound in heard])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_folder_names_its_outputs(make: Callable[..., Path]) -> None:
    heard = sounds(0.5)
    values = read(load(make()), heard)[0][0]
    turned = make("turned", {"0": "valence", "1": "arousal", "2": "dominance"})
    np.testing.assert_allclose(read(load(turned), heard)[0][0], values[[1, 2, 0]], atol=1e-6)
    unnamed = make("unnamed", {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"})
    np.testing.assert_allclose(read(load(unnamed), heard)[0][0], values, atol=1e-6)
    with pytest.raises(ModelError, match="its outputs are calm, angry, sad"):
        load(make("other", {"0": "calm", "1": "angry", "2": "sad"}))


def test_tensors_under_their_older_names(make: Callable[..., Path]) -> None:
    """Weight normalisation had other names before torch 2.1, and the published file is older."""
    folder, older = make(), make("older", seed=1)
    weights = load_file(folder / "model.safetensors")
    place = "wav2vec2.encoder.pos_conv_embed.conv."
    for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
        weights[f"{place}{old}"] = weights.pop(f"{place}parametrizations.weight.{new}")
    weights = {k: v.half() for k, v in weights.items() if "masked_spec_embed" not in k}
    save_file(weights, older / "model.safetensors")
    heard = sounds(0.5)
    np.testing.assert_allclose(read(load(older), heard)[0], read(load(folder), heard)[0], atol=0.02)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: (f / "model.safetensors").write_bytes(b"\0" * 40), "cannot be loaded"),
        (lambda f: (f / "model.safetensors").unlink(), "cannot be loaded"),
        (lambda f: (f / "config.json").write_text("[]"), "holds no JSON object"),
        (lambda f: (f / "config.json").write_text('{"model_type": "hubert"}'), "hubert, no wav2vec2"),
        (lambda f: (f / "preprocessor_config.json").unlink(), "preprocessor_config.json"),
        (lambda f: (f / "preprocessor_config.json").write_text('{"sampling_rate": 8000}'), "8000 samples a second"),
        (lambda f: _without(f, "classifier."), "4 tensors missing, such as classifier.dense.bias"),
        (lambda f: _without(f, "", wav2vec2_head=torch.zeros(1)), "1 tensors unknown"),
    ],
)
def test_what_is_no_such_model_is_one_sentence(make: Callable[..., Path], change: Any, says: str) -> None:
    folder = make()
    change(folder)
    if not (folder / "model.safetensors").exists():  # there may be a pickle, which is not looked at
        torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=says) as failure:
        load(folder)
    assert "\n" not in str(failure.value)


def _without(folder: Path, prefix: str, **more: torch.Tensor) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {k: v for k, v in weights.items() if not prefix or not k.startswith(prefix)}
    save_file(kept | more, folder / "model.safetensors")


def test_a_device_that_is_too_small_reads_fewer_at_once(make: Callable[..., Path], monkeypatch: Any) -> None:
    notes: list[str] = []
    reader = load(make(), note=notes.append)
    heard = sounds(*[0.5] * 6)
    expected = read(reader, heard)[0]
    run, tried = reader._run, []

    def cramped(batch: np.ndarray) -> Any:
        tried.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("no room")
        return run(batch)

    monkeypatch.setattr(reader, "_run", cramped)
    monkeypatch.setattr(Wav2Vec2Reader, "_device", torch.device("meta"))
    np.testing.assert_allclose(read(reader, heard)[0], expected, atol=1e-5)
    assert tried == [6, 4, 2, 2, 2]  # room for eight, then four, then two
    assert notes[-1].startswith("The device was out of memory: 2 windows")


class Host:
    """As much of the context as the analyzer uses, over the user's store."""

    device, precision, threads = "cpu", "float32", 1
    log = logging.getLogger("test")

    def __init__(self) -> None:
        self.notes: list[str] = []

    def model(self, model_id: str) -> Path:
        return store.resolve(model_id)

    def optional_model(self, model_id: str) -> Path | None:
        return store.resolve(model_id) if store.is_installed(model_id) else None

    def note(self, text: str) -> None:
        self.notes.append(text)

    def check_cancelled(self) -> None:
        pass


def analyse(host: Host, sound: np.ndarray, **params: Any) -> dict[str, Any]:
    """track → its pieces joined, each checked as the engine does."""
    chosen = EmotionParams(window=2.0, gate="energy", **params)
    size, step = 2 * RATE, RATE
    starts = np.arange(0, len(sound) - size + 1, step)
    block = Windows(
        starts / RATE,
        RATE,
        np.stack([sound[s : s + size] for s in starts]),
        np.full(len(starts), size, np.int32),
    )
    analyzer = EmotionAnalyzer()
    pieces: dict[str, list[Any]] = {}
    try:
        analyzer.prepare(MediaInfo(Path("x.wav")), chosen, host)  # type: ignore[arg-type]
        for piece in [*analyzer.process(Block(0.0, len(sound) / RATE, windows=block)), *analyzer.finish()]:
            pieces.setdefault(piece.name, []).append(check_piece(EMOTION, piece, len(sound) / RATE))
    finally:
        analyzer.close()
    return {name: type(found[0]).concat(found) for name, found in pieces.items()}


def test_imported_with_consent_and_used_by_the_analyzer(make: Callable[..., Path], transformers: Any) -> None:
    host, folder = Host(), make()
    with pytest.raises(ModelError, match="mien models import wav2vec2-emotion-dim DIR"):
        analyse(host, sounds(4.0)[0], model="wav2vec2")
    with pytest.raises(LicenceError, match="not be used commercially"):
        import_folder(WAV2VEC2, folder)
    import_folder(WAV2VEC2, folder, accept_licence=True)
    (sound,) = sounds(4.0)
    found = analyse(host, sound, model="wav2vec2")
    curve = found[DIMENSIONS]
    assert curve.channels == ("valence", "arousal", "dominance")
    np.testing.assert_allclose(curve.times, [0.0, 1.0, 2.0, 3.0, 4.0])  # cut short at both ends
    (arousal, dominance, valence), hidden = reference(transformers, folder, sound[RATE : 3 * RATE])
    np.testing.assert_allclose(curve.values[2], 2 * np.array([valence, arousal, dominance]) - 1, atol=1e-4)
    np.testing.assert_allclose(found[EMBEDDING].vectors[2], hidden, atol=1e-4)


def test_no_fusion_takes_its_readings_for_those_that_are_calibrated(make: Callable[..., Path]) -> None:
    import_folder(WAV2VEC2, make(), accept_licence=True)
    host = Host()
    assert set(analyse(host, sounds(3.0)[0], model="wav2vec2")) == {DIMENSIONS, EMBEDDING}
    assert any("no probability of anger" in note for note in host.notes)
    assert DIMENSIONS not in (*LATE.accepts, *MAJORITY.accepts)
    assert "emotion.attributes" in LATE.accepts


@pytest.mark.parametrize(("model", "track"), [("mtl", "emotion.attributes"), ("wav2vec2", DIMENSIONS)])
def test_only_the_tracks_of_the_chosen_model_are_promised(model: str, track: str) -> None:
    """A track that nobody writes would be told to hold nothing."""
    promised = {w.name for w in EMOTION.outputs_for(EmotionParams(model=model))}  # type: ignore[arg-type]
    assert promised == {track, EMBEDDING}


def test_nothing_to_hear_is_nothing_to_read(make: Callable[..., Path]) -> None:
    reader = load(make())
    assert len(reader.hear(np.zeros(10, np.float32))) == 0
    broken = sounds(0.5)[0]
    broken[100:200] = np.nan
    assert np.isfinite(read(reader, [broken])[0]).all()


def test_earlier_runs_keep_their_keys() -> None:
    """A parameter is part of a run's key: one that came later is not, while it has its default."""
    assert "model" not in EmotionParams().model_dump(mode="json")
    chosen = EmotionParams(model="wav2vec2")
    assert EmotionParams(**chosen.model_dump(mode="json")) == chosen
    assert EmotionParams(**EmotionParams().model_dump(mode="json")) == EmotionParams()
