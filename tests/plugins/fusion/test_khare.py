"""From a user's recordings to readings: the filterbanks, and both nets trained, installed and run on a medium."""

from __future__ import annotations

import csv
import itertools
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.engine.backend import Backend
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.registry import Registry
from mien.engine.run import analyze_medium
from mien.errors import ModelError
from mien.library.library import Library
from mien.models.store import user_models
from mien.sdk import Aligned, Block
from mien.sdk.blocks import AudioChunk
from mien.training import job
from mien.training.card import save_model, sha256_of
from mien_plugins.fusion import khare_card
from mien_plugins.fusion.bigru_net import BiGruConfig, BiGruNet
from mien_plugins.fusion.khare import BiGruFusion, KhareFusion, unrepeated
from mien_plugins.fusion.khare_audio import FilterbankAnalyzer, filterbank
from mien_plugins.fusion.khare_info import StreamParams
from mien_plugins.fusion.khare_model import Said, StreamModel
from mien_plugins.fusion.khare_net import KhareConfig, KhareNet
from mien_plugins.fusion.mml_net import Mml

RATE = 16_000


def test_two_hundred_numbers_every_fifty_milliseconds() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    heard = filterbank(tone)
    assert heard.shape == (20, 200)
    assert filterbank(tone[:801]).shape == (2, 200)
    assert filterbank(tone[:0]).shape == (0, 200)
    assert np.isfinite(filterbank(np.zeros(1000, np.float32))).all()
    # Forty bands, five times: a tone stands in the same band of each of the five frames.
    loudest = heard[:-1].reshape(-1, 5, 40).argmax(axis=2)
    assert (loudest == loudest[0, 0]).all()
    assert 10 <= loudest[0, 0] <= 18


def test_in_pieces_it_hears_the_same() -> None:
    sound = np.random.default_rng(0).normal(size=9_300).astype(np.float32)
    analyzer = FilterbankAnalyzer()
    analyzer.prepare(None, None, None)  # type: ignore[arg-type]
    pieces, at = [], 0
    for size in (100, 3_000, 1, 4_000, 2_199):
        chunk = AudioChunk(2.0 + at / RATE, RATE, sound[at : at + size])
        pieces += list(analyzer.process(Block(chunk.start, chunk.end, chunk)))
        at += size
    pieces += list(analyzer.finish())
    analyzer.close()
    assert np.allclose(np.concatenate([p.vectors for p in pieces]), filterbank(sound), atol=1e-4)
    times = np.concatenate([p.times for p in pieces])
    assert np.allclose(times, 2.025 + 0.05 * np.arange(12))


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Speakers whose tone is high when they are angry; nothing is seen or said."""
    import av

    folder, rows = tmp_path / "data", []
    folder.mkdir()
    rng = np.random.default_rng(0)
    for speaker, split in {"ann": "train", "bob": "train", "cid": "valid", "dan": "test"}.items():
        for number in range(4):
            angry = number % 2
            t = np.arange(RATE) / RATE
            wave = 0.3 * np.sin(2 * np.pi * (300 + 1500 * angry) * t) + 0.01 * rng.normal(size=t.size)
            with av.open(str(folder / f"{speaker}{number}.wav"), "w") as container:
                stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
                frame = av.AudioFrame.from_ndarray((wave * 32767).astype("i2")[None], format="s16", layout="mono")
                frame.sample_rate = RATE
                container.mux(stream.encode(frame))
                container.mux(stream.encode())
            rows.append([f"{speaker}{number}.wav", speaker, split, ("calm", "angry")[angry]])
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "speaker", "split", "emotion{calm|angry}"], *rows])
    return folder


@pytest.mark.parametrize("name", ["khare", "bigru"])
def test_trained_by_the_user_it_runs_on_a_medium(
    recordings: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(khare_card, "REPEATS", 20)
    before = Registry.load().fusion(name)
    assert f"mien train fusion-{name}" in before.needs_training
    choice = Choice(analyzers=("fusion.filterbank",), fusion=f"fusion.{name}", device="cpu", threads=1)
    with Library(tmp_path / "l.db") as library:
        with pytest.raises(ModelError, match=f"mien train fusion-{name}"):
            run(recordings / "dan1.wav", choice, library)
        options = {"width": 8, "layers": 1, "batch": 4, "epochs": 12, "rate": 0.02}
        options |= {"pretrain_epochs": 0} if name == "khare" else {}
        store = user_models() / f"fusion-{name}"
        wanted = job.Job(recordings, store, device="cpu", threads=1, progress=False, options=options)
        job.train(Registry.load().recipe(f"fusion-{name}"), wanted)
        assert not Registry.load().fusion(name).needs_training
        said = {}
        for medium in ("dan0.wav", "dan1.wav"):
            tracks = run(recordings / medium, choice, library)
            assert tracks["fusion.weights"].channels == ("sound",)
            assert np.allclose(tracks["fusion.weights"].values, 1)
            assert tracks["fusion.emotions"].channels == ("calm", "angry")
            said[medium] = float(tracks["fusion.score"].values.mean())
    assert said["dan1.wav"] > said["dan0.wav"] + 0.2


def run(medium: Path, choice: Choice, library: Library) -> Any:
    """Analyse in this process; the tracks by name."""
    analyze_medium(medium, choice, Registry.load(), library, lambda event: None, threading.Event())
    return library.medium(medium).tracks()


WIDTHS = {"audio": 5, "video": 4, "text": 3}
TRACKS = {"audio": "sound.filterbank", "video": "face.embedding", "text": "text.embedding"}


def tiny(tmp_path: Path, *labels: str, **more: Any) -> RunContext:
    torch.manual_seed(0)
    config = KhareConfig(**WIDTHS, width=8, heads=2, feed_forward=6, layers=1, outputs=len(labels))
    about = {"id": "fusion-khare", "kind": "khare", "net": config.to_dict(), "labels": list(labels), "neighbours": 0}
    about |= {"weight": [1.0] * len(labels), **more}
    save_model(tmp_path / "tiny", KhareNet(config).state_dict(), about)
    made = RunContext("fusion.khare", Backend("cpu", "float32", "cpu", 1), threading.Event(), models=("fusion-khare",))
    made.model = lambda model_id: tmp_path / "tiny"  # type: ignore[method-assign]
    return made


def grid(there: dict[str, np.ndarray], widths: dict[str, int] = WIDTHS, hop: float = 0.05) -> Aligned:
    rng, size = np.random.default_rng(0), len(next(iter(there.values())))
    values = {TRACKS[m]: rng.normal(size=(size, widths[m])).astype(np.float32) for m in there}
    return Aligned(
        (np.arange(size) + 0.5) * hop,
        hop,
        values,
        {name: tuple(map(str, range(block.shape[1]))) for name, block in values.items()},
        {TRACKS[m]: mask for m, mask in there.items()},
        {name: name.split(".")[0] for name in values},
    )


def test_every_subset_with_sound_is_read_and_weights_sum_to_one(tmp_path: Path) -> None:
    context, yes = tiny(tmp_path, "happy", "angry", "sad"), np.ones(200, bool)
    first_half = np.arange(200) < 100
    for there in ({"audio": yes}, {"audio": yes, "text": first_half}, {"audio": yes, "video": yes, "text": first_half}):
        fusion = KhareFusion()
        fusion.prepare([TRACKS[m] for m in there], StreamParams(window=2.0), context)
        fused = fusion.fuse(grid(there))
        assert fused.quantity.name == "hostility"
        assert fused.modalities == tuple({"video": "face", "audio": "sound"}.get(m, m) for m in there)
        assert np.isfinite(fused.score).all()
        assert np.allclose(fused.weights.sum(1), 1, atol=1e-5)
        assert np.array_equal(fused.curves[0].values[:, 1], fused.score)
        if "text" in there:  # windows of two seconds: from seven seconds on no word is in them
            assert (fused.weights[:100, -1] > 0).all()
            assert (fused.weights[140:, -1] == 0).all()
            assert np.isnan(fused.contributions[140:, -1]).all()


def test_without_sound_there_is_no_reading_and_it_says_why(tmp_path: Path) -> None:
    context = tiny(tmp_path, "happy", "sad")
    fusion = KhareFusion()
    fusion.prepare([TRACKS["text"]], StreamParams(), context)
    fused = fusion.fuse(grid({"text": np.ones(40, bool)}))
    assert np.isnan(fused.score).all()
    assert not fused.weights.any()
    assert any("filterbank" in note for note in context.notes)
    # No label speaks of hostility: the score is the first one's.
    assert fused.quantity.name == "happy"


@pytest.mark.parametrize("names", [c for n in (1, 2, 3) for c in itertools.combinations(WIDTHS, n)])
def test_the_baseline_reads_every_subset_without_sound_too(tmp_path: Path, names: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    net = BiGruConfig(**WIDTHS, width=6, layers=1, dense=7, outputs=2)
    about = {"id": "fusion-bigru", "kind": "bigru", "net": net.to_dict(), "labels": ["calm", "angry"], "neighbours": 0}
    context = tiny(tmp_path, "calm", "angry")
    save_model(tmp_path / "tiny", BiGruNet(net).state_dict(), about | {"weight": [1.0, 1.0]})
    there = {name: np.arange(200) < 100 for name in names}
    fusion = BiGruFusion()
    fusion.prepare([TRACKS[name] for name in names], StreamParams(window=2.0), context)
    fused = fusion.fuse(grid(there))
    assert fused.modalities == tuple({"video": "face", "audio": "sound"}.get(name, name) for name in names)
    assert np.isfinite(fused.score[:100]).all()
    assert fused.weights[:100].sum(1) == pytest.approx(1, abs=1e-5)
    assert np.isnan(fused.score[140:]).all()  # nothing is left in the window
    assert not fused.weights[140:].any()
    assert any("sound was left out" in note for note in context.notes) == ("audio" not in names)


@pytest.mark.parametrize(
    ("labels", "column", "place", "measured"),
    [
        (("no", "yes"), "hate", 1, "hostility"),
        (("no", "yes"), "positive", 1, "positive"),
        (("disgust", "happy", "angry"), "emotion", 2, "hostility"),
        (("calm", "tense"), "mood", 0, "calm"),
    ],
)
def test_the_score_is_called_what_it_is(
    tmp_path: Path, labels: tuple[str, ...], column: str, place: int, measured: str
) -> None:
    fusion = KhareFusion()
    aligned = grid({"audio": np.ones(40, bool)})
    fusion.prepare(list(aligned.values), StreamParams(), tiny(tmp_path, *labels, columns=[column]))
    fused = fusion.fuse(aligned)
    assert fused.quantity.name == measured
    np.testing.assert_array_equal(fused.score, fused.curves[0].values[:, place])


def test_other_embeddings_are_left_out_and_it_says_so(tmp_path: Path) -> None:
    context = tiny(tmp_path, "angry", "calm")
    fusion = KhareFusion()
    yes = np.ones(40, bool)
    aligned = grid({"audio": yes, "text": yes}, {**WIDTHS, "text": 7})
    fusion.prepare(list(aligned.values), StreamParams(), context)
    assert fusion.fuse(aligned).modalities == ("sound",)
    assert any("7 numbers" in note for note in context.notes)


def test_what_training_weighed_more_is_taken_back(tmp_path: Path) -> None:
    context = tiny(tmp_path, "angry", "calm")
    model = StreamModel.load(context.model("fusion-khare"))
    weighed = replace(model, config={**model.config, "weight": [7.0, 1.0]})
    probability, present = np.array([[0.5, 0.5], [0.875, 0.2]], np.float32), np.ones((2, 3), np.bool_)
    said = Said(probability, np.stack([probability] * 3, 1), np.stack([probability] * 3, 1), present)
    likely = weighed.calibrated(said)
    for part in (likely.probability, likely.without[:, 1], likely.alone[:, 2]):
        assert np.allclose(part, [[0.125, 0.5], [0.5, 0.2]])


def test_a_model_that_does_not_fit_its_settings_is_one_sentence(tmp_path: Path) -> None:
    folder = tiny(tmp_path, "angry", "calm").model("fusion-khare")
    config = json.loads((folder / "config.json").read_text())
    for changed in ({"labels": ["angry"]}, {"net": {**config["net"], "width": 12}}, {"kind": "bigru"}):
        (folder / "config.json").write_text(json.dumps({**config, **changed}))
        with pytest.raises(ModelError, match="train it again") as caught:
            StreamModel.load(folder)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"heads": 3}, {"heads": 0}, {"width": -8}, {"layers": "two"}, None])
def test_a_net_that_cannot_be_built_is_one_sentence(tmp_path: Path, change: dict[str, Any] | None) -> None:
    folder = tiny(tmp_path, "angry", "calm").model("fusion-khare")
    config = json.loads((folder / "config.json").read_text())
    config["net"] = config["net"] | change if change is not None else []
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="cannot be read") as caught:
        StreamModel.load(folder)
    assert "\n" not in str(caught.value)


def test_weights_that_are_none_are_one_sentence_though_their_hash_is_right(tmp_path: Path) -> None:
    folder = tiny(tmp_path, "angry", "calm").model("fusion-khare")
    (folder / "model.safetensors").write_bytes(b"nothing of the kind")
    config = json.loads((folder / "config.json").read_text())
    config["sha256"] = sha256_of(folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    for load in (StreamModel.load, Mml.load):
        with pytest.raises(ModelError, match="cannot be read"):
            load(folder)


def test_an_utterance_that_stands_on_many_steps_is_one_item() -> None:
    rows = np.array([[1, 2], [1, 2], [3, 4], [1, 2]], np.float32)
    assert unrepeated(rows).tolist() == [[1, 2], [3, 4], [1, 2]]
    assert unrepeated(rows[:1]).tolist() == [[1, 2]]
