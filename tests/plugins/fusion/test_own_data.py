"""Fusions learn from a user's own manifest: IEMOCAP-like features and media, HSDVD-like clips; what cannot be is one sentence."""

from __future__ import annotations

import csv
import json
import threading
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from mien.engine.backend import Backend
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.registry import Registry
from mien.engine.run import analyze_medium
from mien.errors import CorpusError, ModelError, UsageError
from mien.library import Library
from mien.training import job
from mien.training.card import load_model
from mien.training.manifest_file import read_manifest
from mien_plugins.fusion import mml_own, own_card, own_recipe
from mien_plugins.fusion.attention import AttentionFusion, build
from mien_plugins.fusion.info import TrainedParams
from mien_plugins.fusion.khare_data import Corpus
from mien_plugins.fusion.mml_net import Mml
from mien_plugins.fusion.own_data import Batches, Embeddings, Looked, dropped, look, nearest

CLASSES = ("ang", "exc", "hap", "sad", "fru", "sur", "neu")
SPEAKERS = {"Ses01F": "train", "Ses02M": "train", "Ses04F": "valid", "Ses05M": "test"}
SHAPES = {"text": (6, 5), "audio": (20, 4), "video": (4, 6)}
TINY = {"label": "iemocap", "size": 8, "epochs": 4, "rate": 0.02, "moddrop": "single"}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (own_card, mml_own):
        monkeypatch.setattr(module, "REPEATS", 10)


def write(folder: Path, rows: list[list[str]], label: str) -> Path:
    folder.mkdir(exist_ok=True)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "speaker", "split", "text", label], *rows])
    return folder


def rows_of(folder: Path) -> list[list[str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """The thesis' layout, small: seven classes, arrays of unequal length; some turns have no video."""
    rng, folder, rows = np.random.default_rng(0), tmp_path / "iemocap", []
    folder.mkdir()
    centres = {name: 3 * rng.normal(size=(7, width)) for name, (_, width) in SHAPES.items()}
    for speaker, split in SPEAKERS.items():
        for number in range(14):
            kind, name = number % 7, f"{speaker}_{number:03}.npz"
            blocks = {
                m: (centres[m][kind] + rng.normal(size=(steps - number % 3, width))).astype("f4")
                for m, (steps, width) in SHAPES.items()
                if not (m == "video" and number == 5)
            }
            np.savez(folder / name, **blocks)
            rows.append([name, speaker, split, "well then", CLASSES[kind]])
    return write(folder, rows, f"iemocap{{{'|'.join(CLASSES)}}}")


def train(recipe: str, data: Path, out: Path, **options: Any) -> Any:
    wanted = job.Job(data, out, device="cpu", threads=1, progress=False, options=options)
    return job.train(Registry.load().recipe(recipe), wanted)


def test_the_thesis_nets_learn_whole_sequences(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    card = train("fusion-attention", features, out, strategy="intra", **TINY)
    found = {(m.subset, m.name, m.note): m for m in card.metrics}
    assert found["test: text + voice + face", "accuracy", "with Moddrop"].value > 0.5
    assert found["test: voice", "balanced accuracy", "with Moddrop"].n == 14
    assert found["test: face", "accuracy", "with Moddrop"].n == 13  # one turn has no video
    assert ("test: text", "macro F1", "the others by KNN imputation") in found
    config = json.loads((out / "config.json").read_text())
    assert (config["net"]["steps"], config["net"]["mixed"]) == ([6, 20, 4], [0, 10, 3])
    assert config["samples"] == 4 * 28
    assert config["classes"] == list(CLASSES)
    assert "--set label=iemocap --set moddrop=single --set epochs=4" in (out / "CARD.md").read_text()
    again = job.evaluate(Registry.load().recipe("fusion-attention"), out, features, device="cpu", write=False)
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]
    # Of an earlier version, which remembered other vectors.
    weights, config = load_model(out)
    (out / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "imputes"}))
    with pytest.raises(ModelError, match="--set recalibrate=true"):
        job.evaluate(Registry.load().recipe("fusion-attention"), out, features, device="cpu", write=False)
    wanted = job.Job(features, out, device="cpu", threads=1, progress=False, work=tmp_path / "new",
                     options={"recalibrate": True})  # fmt: skip
    assert job.train(Registry.load().recipe("fusion-attention"), wanted).metrics == card.metrics
    renewed, config = load_model(out)
    assert config["imputes"] == "pooled"
    for name, value in weights.items():
        torch.testing.assert_close(renewed[name], value, atol=1e-3, rtol=1e-2)


def test_what_a_users_net_says_is_calibrated_on_validation_rows(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    card = train("fusion-attention", features, out, strategy="cross", **TINY)
    weights, config = load_model(out)
    own = config["calibration"]["zero"]
    assert card.calibration["text + voice"].startswith(f"temperature {own['text + voice']['temperature']:.3f}; ang ")
    assert (len(own), len(config["calibration"]["knn"])) == (7, 6)
    (error,) = (m for m in card.metrics if (m.subset, m.name) == ("test: text + voice", "expected calibration error"))
    assert 0 <= error.value < 1
    net: Any = build(config).eval()
    net.load_state_dict({name: value.float() for name, value in weights.items() if not name.startswith("bank.")})
    manifest = read_manifest(features).part("valid")
    corpus = Corpus.make(manifest, Embeddings(tmp_path / "kept"), None, sound=False)
    shape, labels = own_recipe.shape_of(config, net), manifest.codes("iemocap")
    batches = Batches(corpus, look(corpus, net.widths), labels, shape, 8, "off")
    found = own_recipe.calibration_of(net, batches, config["net"]["hostile"])
    assert found["temperature"] == pytest.approx(config["temperature"], rel=1e-3)
    assert found["calibration"]["zero"]["voice"]["bias"] == pytest.approx(own["voice"]["bias"], abs=1e-2)
    for part in net.classes.parameters():
        part.data /= 1.5
    less = own_recipe.calibration_of(net, batches, config["net"]["hostile"])
    assert less["temperature"] == pytest.approx(found["temperature"] / 1.5, rel=0.02)

    (out / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "calibration"}))
    weights_before = (out / "model.safetensors").read_bytes()
    wanted = job.Job(features, out, device="cpu", threads=1, progress=False, work=tmp_path / "new",
                     options={"recalibrate": True})  # fmt: skip
    again = job.train(Registry.load().recipe("fusion-attention"), wanted)
    assert again.metrics == card.metrics
    assert load_model(out)[1] == config
    assert (out / "model.safetensors").read_bytes() == weights_before


def test_what_imputes_knows_which_modality_is_which_in_whatever_order_they_were_stored() -> None:
    memory = {
        f"bank.{name}": torch.full((3, 2), value) for name, value in (("face", 3.0), ("text", 1.0), ("voice", 2.0))
    }
    imputer = own_recipe.imputer_of(memory)
    assert imputer is not None
    asked = {name: np.zeros((1, 2), np.float32) for name in ("text", "voice", "face")}
    filled = imputer.fill(asked, [[True, False, False]])
    assert {name: block[0, 0] for name, block in filled.items()} == {"text": 0.0, "voice": 2.0, "face": 3.0}
    assert own_recipe.imputer_of({"bank.face": memory["bank.face"]}) is None


def test_what_learnt_own_features_says_that_it_reads_no_media(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    train("fusion-attention", features, out, strategy="cross", **{**TINY, "epochs": 1})
    monkeypatch.setattr("mien.models.store.resolve", lambda model: out)

    class Trained(AttentionFusion):
        model = "fusion-cross"

    context = RunContext("f", Backend("cpu", "float32", "CPU", 1), threading.Event(), models=("fusion-cross",))
    with pytest.raises(ModelError, match="features of your own, which Mien does not make of media"):
        Trained().prepare(("text.embedding",), TrainedParams(), context)


@pytest.mark.parametrize("strategy", ["intra", "hierarchical"])
def test_a_stopped_training_goes_on_to_the_same_end(
    features: Path, tmp_path: Path, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if strategy == "hierarchical":  # which goes step by step
        for path in features.glob("*.npz"):
            with np.load(path) as kept:
                np.savez(path, **{name: kept[name][:2] for name in kept.files})
    options = {**TINY, "strategy": strategy, "epochs": 3, "moddrop": "every"}
    train("fusion-attention", features, tmp_path / "whole", **options)
    begin, seen = own_recipe.OwnBrain.begin, []

    def stop(self: Any, stage: Any) -> None:
        seen.append(stage)
        if len(seen) == 5:  # the third epoch's training
            raise KeyboardInterrupt
        begin(self, stage)

    monkeypatch.setattr(own_recipe.OwnBrain, "begin", stop)
    with pytest.raises(KeyboardInterrupt):
        train("fusion-attention", features, tmp_path / "cut", **options)
    monkeypatch.setattr(own_recipe.OwnBrain, "begin", begin)
    train("fusion-attention", features, tmp_path / "cut", **options)
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "cut"))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("strategy", "count"), [("intra", 1_645_892), ("cross", 1_820_132)])
def test_features_of_the_thesis_sizes_give_its_nets(strategy: str, count: int) -> None:
    looked = Looked((300, 120, 2048), np.array([[128, 1000, 32], [90, 1200, 40]]))
    config = own_recipe.config_of(strategy, True, looked, CLASSES, 0, 0.1)
    assert sum(p.numel() for p in build(config).parameters()) == count
    assert config["net"]["hostile"] == (0,)


def test_the_rate_falls_by_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    losses = [1.0, 0.9, *[0.95] * 11, 0.95, 0.5]
    line = {"train_loss": 1.0, "lr": 1e-3, "seconds": 1.0}
    told = ({"epoch": n, **line, "valid": {"loss": loss}} for n, loss in enumerate(losses, 1))
    log.write_text("".join(json.dumps(epoch) + "\n" for epoch in told))
    assert [own_recipe.lowered(log, n) for n in (0, 2, 12, 13, 15)] == [1.0, 1.0, 1.0, 0.1, 0.1]


def test_copies_leave_no_row_with_nothing() -> None:
    present = np.array([[True, True, True], [True, False, False]])
    rows, kept = dropped(present, "every")
    assert np.bincount(rows).tolist() == [7, 1]
    assert kept.any(1).all()
    assert len(dropped(present, "single")[0]) == 8
    assert len(dropped(present, "off")[0]) == 2


def test_the_nearest_vector_stands_at_each_moment() -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    found = nearest(np.array([0.1, 0.9, 2.0], np.float32), vectors, np.array([0.25, 0.75, 1.25, 1.75]))
    np.testing.assert_array_equal(found, vectors[[0, 1, 1, 2]])
    assert nearest(np.zeros(0, np.float32), vectors[:0], np.array([0.25])).shape == (0, 2)


def test_what_a_manifest_cannot_give_is_one_sentence(features: Path, tmp_path: Path) -> None:
    def refused(match: str, kind: type[Exception] = CorpusError, **options: Any) -> None:
        with pytest.raises(kind, match=match) as caught:
            train("fusion-attention", features, tmp_path / "no", **{"strategy": "intra", **TINY, **options})
        assert "\n" not in str(caught.value)

    refused("no label “joy”", label="joy")
    refused("steps, but concat reads all modalities step by step", strategy="concat")
    table = (features / "manifest.csv").read_text()
    broken = features / "Ses02M_003.npz"
    whole = broken.read_bytes()
    np.savez(broken, text=np.zeros((3, 9)))
    refused("Row 19: .*text has 9 numbers a step where 5 belong|Row 19: text has 9")
    np.savez(broken, audio=np.full((3, 4), np.nan))
    refused("Row 19: audio has 12 values that are no numbers")
    np.savez(broken, other=np.zeros((3, 4)))
    refused("Row 19 has no text, voice or face")
    broken.write_bytes(whole)
    (features / "manifest.csv").write_text(table.replace(",valid,", ",train,"))
    refused("valid” has no row")
    (features / "manifest.csv").write_text(table.replace("Ses01F,train,well then,sad", "Ses01F,train,well then,hap").replace(
        "Ses02M,train,well then,sad", "Ses02M,train,well then,hap"))  # fmt: skip
    refused("“sad” of iemocap is in valid but never in train")
    (features / "manifest.csv").write_text(table.replace("|neu}", "}"))
    refused("neu")
    (features / "manifest.csv").unlink()
    refused("rate is an option|label is an option|epochs is an option", UsageError)
    with pytest.raises(CorpusError, match=r"manifest\.csv of one's own, or from face/fer2013\.npz"):
        train("fusion-attention", features, tmp_path / "none")


def tone(path: Path, hertz: float, seconds: float = 2.5) -> None:
    at = np.arange(round(16_000 * seconds)) / 16_000
    samples = (8_000 * np.sin(2 * np.pi * hertz * at) * (1 + 0.5 * np.sin(20 * at))).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """HSDVD-like: clips in a folder for each class, with what is said."""
    folder = tmp_path / "clips"
    words = {"hate": "awful horrible day", "no_hate": "lovely sunny day"}
    for kind, hertz in (("hate", 330.0), ("no_hate", 150.0)):
        (folder / kind).mkdir(parents=True)
        for number in range(6):
            place = folder / kind / f"talk{kind[0]}{number // 2}_{number % 2}.wav"
            tone(place, hertz + 10 * number)
            place.with_suffix(".txt").write_text(words[kind])
    splits = [("train", 0), ("valid", 1), ("test", 2)]
    table = [[f"{k}/talk{k[0]}{v}_{i}.wav", split] for k in words for split, v in splits for i in range(2)]
    with (folder / "splits.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "split"], *table])
    return folder


def fusion_of(clip: Path, fusion: str, folder: Path) -> Any:
    """The score of a medium with the subtitles beside it."""
    clip.with_suffix(".srt").write_text("1\n00:00:00,200 --> 00:00:02,000\nawful horrible day\n")
    with Library(folder / f"{fusion}.db") as library:
        choice = Choice(("text",), fusion, {}, device="cpu")
        done = analyze_medium(clip, choice, Registry.load(), library, lambda event: None, threading.Event())
        return library.medium(done.medium).tracks()["fusion.score"]


def test_clips_as_they_were_handed_out_train_the_mml_and_an_attention_fusion(clips: Path, tmp_path: Path) -> None:
    from mien.cli.app import run

    assert run(["manifest", "hate-clips", str(clips), "--media", "sound", "--quiet"]) == 0
    out = tmp_path / "mml"
    card = train("fusion-mml", clips, out, rate=0.01, batch=4, neighbours=2)
    assert {m.subset for m in card.metrics} == {"test, text and voice", "test, voice missing", "test, text missing"}
    assert {m.name for m in card.metrics} >= {"f1_of_macro_pr", "macro precision", "macro recall"}
    model = Mml.load(out)
    assert (model.net.config.text, model.net.config.speech) == (384, 510)
    assert model.imputer is not None
    assert "--set label=hate --set neighbours=2" in (out / "CARD.md").read_text()
    again = job.evaluate(Registry.load().recipe("fusion-mml"), out, clips, device="cpu", write=False)
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]
    # What it says is calibrated on the validation clips, with and without a modality.
    assert [m.subset for m in card.metrics if m.name == "ECE"] == list(dict.fromkeys(m.subset for m in card.metrics))
    config = json.loads((out / "config.json").read_text())
    assert set(config["calibration"]["zero"] | config["calibration"]["knn"]) == {"text + voice", "text", "voice"}
    assert (out / "reliability.svg").is_file()
    (out / "config.json").write_text(
        json.dumps({k: v for k, v in config.items() if k not in ("temperature", "calibration")})
    )
    wanted = job.Job(
        clips, out, device="cpu", threads=1, progress=False, work=tmp_path / "w", options={"recalibrate": True}
    )
    anew = job.train(Registry.load().recipe("fusion-mml"), wanted)
    assert json.loads((out / "config.json").read_text()) == config
    assert [m.value for m in anew.metrics] == [m.value for m in card.metrics]

    assert "fusion-own-mml" in Registry.load().fusion("own-mml").needs_training
    with pytest.raises(ModelError, match="no weights yet"):
        fusion_of(clips / "hate" / "talkh0_0.wav", "own-mml", tmp_path)
    assert run(["models", "import", "fusion-own-mml", str(out)]) == 0
    assert fusion_of(clips / "hate" / "talkh0_0.wav", "own-mml", tmp_path).channels == ("hostility",)

    out = tmp_path / "attention"
    train("fusion-attention", clips, out, strategy="self", label="hate", size=8, epochs=2)
    assert run(["models", "import", "fusion-own", str(out)]) == 0
    assert fusion_of(clips / "hate" / "talkh0_0.wav", "own", tmp_path).channels == ("hostility",)
    config = json.loads((out / "config.json").read_text())
    assert (config["runs"], config["classes"], config["net"]["hostile"]) == (True, ["no", "yes"], [1])
    assert config["net"]["widths"] == [384, 510, 1]


def test_the_mml_refuses_what_it_cannot_learn_from(clips: Path, tmp_path: Path) -> None:
    rng, folder = np.random.default_rng(0), tmp_path / "vectors"
    folder.mkdir()
    rows = [[f"{who}{n}.npz", who, split, "", ("no", "yes")[n % 2]]
            for who, split in SPEAKERS.items() for n in range(4)]  # fmt: skip
    for name, *_ in rows:
        np.savez(folder / name, text=rng.normal(size=(2, 5)), audio=rng.normal(size=(1, 3)))
    write(folder, rows, "hate{no|yes}")

    def refused(match: str, kind: type[Exception] = CorpusError, **options: Any) -> None:
        with pytest.raises(kind, match=match) as caught:
            train("fusion-mml", folder, tmp_path / "no", **options)
        assert "\n" not in str(caught.value)

    train("fusion-mml", folder, tmp_path / "yes", rate=0.01)
    for name, *_ in rows:
        np.savez(folder / name, text=rng.normal(size=(2, 5)))
    refused("No training row has a voice")
    np.savez(folder / "Ses04F1.npz", text=rng.normal(size=(2, 6)), audio=rng.normal(size=(1, 3)))
    for name in ("Ses01F0.npz", "Ses01F1.npz"):
        np.savez(folder / name, text=rng.normal(size=(2, 5)), audio=rng.normal(size=(1, 3)))
    refused("text has 6 numbers a step where 5 belong")
    write(folder, [[*row[:4], "yes"] for row in rows], "kind{no|yes|maybe}")
    refused("must have two classes", UsageError, label="kind")
    (folder / "manifest.csv").unlink()
    refused("manifest.csv of one's own, or from text/olid")
