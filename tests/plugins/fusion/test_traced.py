"""Fusions over time learn valence and arousal from SEWA-like recordings, and read media with them."""

from __future__ import annotations

import csv
import itertools
import json
import threading
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from mien.cli.app import run
from mien.engine.backend import Backend
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.registry import Registry
from mien.engine.run import analyze_medium
from mien.errors import CorpusError, ModelError, UsageError
from mien.library import Library
from mien.tracks import Curve
from mien.training import job
from mien.training.kit import Stage
from mien.training.manifest import Row
from mien_plugins.fusion import traced_card, traced_recipe
from mien_plugins.fusion.attention import OwnFusion
from mien_plugins.fusion.draw import STEP
from mien_plugins.fusion.info import TrainedParams
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.timed import Reading
from mien_plugins.fusion.traced_data import Recording, Sequences, Trace, _on_grid

GOOD, BAD = "what a lovely sunny day", "awful horrible mess"
SPLITS = {"train": 4, "valid": 2, "test": 2}
STRATEGIES = ("concat", "self", "residual", "hierarchical", "crossmodal")
TINY = {"size": 8, "epochs": 30, "rate": 0.02, "dropout": 0.1, "moddrop": "off", "sequence": 20}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traced_card, "REPEATS", 10)


def train(data: Path, out: Path, *, work: Path | None = None, **options: Any) -> Any:
    wanted = job.Job(data, out, device="cpu", threads=1, progress=False, work=work, options=options)
    return job.train(Registry.load().recipe("fusion-attention"), wanted)


def traces(seconds: float, seed: int) -> tuple[Any, Any, Any]:
    """Moments 0.1 s apart, arousal that rises and falls, valence that changes its sign."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * 10)) / 10
    arousal = np.sin(2 * np.pi * at / seconds + rng.uniform(0, 6))
    valence = 0.6 * np.sign(np.sin(2 * np.pi * at / 5 + rng.uniform(0, 6)) + 1e-9)
    return at, arousal, valence


@pytest.fixture
def sewa(tmp_path: Path) -> Path:
    """The AVEC 2017 layout: who is aroused is loud and high, and says what they think."""
    folder = tmp_path / "sewa"
    for name in ("labels", "transcriptions", "audio"):
        (folder / name).mkdir(parents=True)
    for part, count in (("Train", 3), ("Devel", 1), ("Test", 1)):
        for number in range(1, count + 1):
            name = f"{part}_{number:02}"
            at, arousal, valence = traces(10.0, len(list((folder / "audio").iterdir())))
            rows = [f"'{name}';{t:.1f};{a:.4f};{v:.4f};0" for t, a, v in zip(at, arousal, valence, strict=True)]
            (folder / "labels" / f"{name}.csv").write_text("\n".join(rows) + "\n")
            edges = [0, *(np.flatnonzero(np.diff(valence)) + 1).tolist(), len(at)]
            turns = [
                f"{at[a]:.1f};{at[b - 1]:.1f};{GOOD if valence[a] > 0 else BAD}" for a, b in itertools.pairwise(edges)
            ]
            (folder / "transcriptions" / f"{name}.csv").write_text("\n".join(turns) + "\n")
            fine = np.arange(80_000) / 8000
            level = np.interp(fine, at, arousal)
            phase = 2 * np.pi * np.cumsum(180 + 90 * level) / 8000
            sound = sum(np.sin(k * phase) / k for k in range(1, 8)) * (0.25 + 0.2 * level) / 3
            with wave.open(str(folder / "audio" / f"{name}.wav"), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                file.writeframes((32_000 * np.clip(sound, -1, 1)).astype("<i2").tobytes())
    return folder


def test_sewa_trains_a_fusion_over_time_that_reads_a_clip(sewa: Path, tmp_path: Path) -> None:
    assert run(["manifest", "sewa", str(sewa), "--quiet"]) == 0
    out = tmp_path / "out"
    line = ["train", "fusion-attention", "--data", str(sewa), "--out", str(out), "--set", "strategy=crossmodal"]
    options = ["size=16", "epochs=50", "rate=0.01", "moddrop=single", "dropout=0.1"]
    assert run([*line, *(word for option in options for word in ("--set", option)), "--threads", "1", "--quiet"]) == 0
    config = json.loads((out / "config.json").read_text())
    assert (config["task"], config["runs"], config["step"], config["net"]["widths"]) == (
        "affect", True, STEP, [384, 510, 1],
    )  # fmt: skip
    card = json.loads((out / "card.json").read_text())
    found = {(m["name"], m["subset"]): m["value"] for m in card["metrics"]}
    assert found["CCC valence", "test: text + voice"] > 0.5
    assert found["CCC arousal", "test: text + voice"] > 0.3
    assert found["CCC valence", "test: voice"] < found["CCC valence", "test: text"]
    assert "--set strategy=crossmodal --set task=affect" in (out / "CARD.md").read_text()

    assert run(["models", "import", "fusion-own", str(out)]) == 0
    clip = tmp_path / "clip.wav"
    clip.write_bytes((sewa / "audio" / "Test_01.wav").read_bytes())
    clip.with_suffix(".srt").write_text(
        f"1\n00:00:00,500 --> 00:00:04,500\n{GOOD}\n\n2\n00:00:05,500 --> 00:00:09,500\n{BAD}\n"
    )
    choice = Choice(("text",), "fusion.own", {}, device="cpu")
    with Library(tmp_path / "library.db") as library:
        done = analyze_medium(clip, choice, Registry.load(), library, lambda event: None, threading.Event())
        assert done.failed == {}
        tracks = library.medium(done.medium).tracks()
    affect, score = tracks["fusion.affect"], tracks["fusion.score"]
    assert isinstance(affect, Curve)
    assert isinstance(score, Curve)
    assert affect.channels == ("valence", "arousal")
    assert score.channels == ("aroused",)
    np.testing.assert_allclose(score.values[:, 0], (affect.channel("arousal") + 1) / 2, atol=1e-5)
    valence = affect.channel("valence")
    assert valence[(affect.times > 2) & (affect.times < 4.5)].mean() > 0.2
    assert valence[(affect.times > 7) & (affect.times < 9.5)].mean() < -0.2


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """A user's own features, a step for each row of 0.1 s; some people have no video."""
    rng, folder, rows = np.random.default_rng(0), tmp_path / "features", []
    folder.mkdir()
    mixing = {name: rng.normal(size=(2, width)) for name, width in (("text", 5), ("audio", 4), ("video", 6))}
    for split, count in SPLITS.items():
        for number in range(count):
            name = f"{split}{number}"
            at, arousal, valence = traces(5.0, len(rows))
            both = np.stack([valence, arousal], 1)
            blocks = {
                m: (both @ mix + 0.1 * rng.normal(size=(50, mix.shape[1]))).astype("f4") for m, mix in mixing.items()
            }
            np.savez(folder / f"{name}.npz", **{m: x for m, x in blocks.items() if (m, number) != ("video", 1)})
            rows += [
                [f"{name}.npz", f"{t:.1f}", f"{t + 0.1:.1f}", name, split, f"{v:.4f}", f"{a:.4f}"]
                for t, a, v in zip(at, arousal, valence, strict=True)
            ]
    return write(folder, rows)


def write(folder: Path, rows: list[list[str]], *labels: str) -> Path:
    heading = ["path", "start", "end", "speaker", "split", *(labels or ("valence", "arousal"))]
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([heading, *rows])
    return folder


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_fusion_over_time_learns_own_features(features: Path, tmp_path: Path, strategy: str) -> None:
    out = tmp_path / "out"
    card = train(features, out, strategy=strategy, **TINY)
    found = {(m.name, m.subset, m.note): m.value for m in card.metrics}
    wanted = 0.3 if strategy == "crossmodal" else 0.6  # whose attention among features has but 8 of them here
    for name in ("valence", "arousal"):
        assert found[f"CCC {name}", "test: text + voice + face", "without Moddrop"] > wanted
    assert ("CCC arousal", "test: voice", "the others by KNN imputation") in found
    config = json.loads((out / "config.json").read_text())
    assert config["step"] == pytest.approx(0.1)
    assert not config["runs"]
    again = job.evaluate(Registry.load().recipe("fusion-attention"), out, features, device="cpu", write=False)
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]


def test_a_stopped_training_goes_on_to_the_same_end(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {**TINY, "strategy": "hierarchical", "epochs": 3, "moddrop": "every"}
    train(features, tmp_path / "whole", **options)
    begin, seen = traced_recipe.TraceBrain.begin, []

    def stop(self: Any, stage: Any) -> None:
        seen.append(stage)
        if len(seen) == 5:  # the third epoch's training
            raise KeyboardInterrupt
        begin(self, stage)

    monkeypatch.setattr(traced_recipe.TraceBrain, "begin", stop)
    with pytest.raises(KeyboardInterrupt):
        train(features, tmp_path / "cut", **options)
    monkeypatch.setattr(traced_recipe.TraceBrain, "begin", begin)
    train(features, tmp_path / "cut", **options)
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "cut"))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_ratings_are_laid_on_the_grid_of_analyses() -> None:
    rows = tuple(Row("a.wav", 3 + n / 10, 3 + (n + 1) / 10) for n in range(12))
    values = np.stack([np.arange(12.0), np.where(np.arange(12) < 5, np.nan, 1.0)], 1).astype(np.float32)
    found = _on_grid(Recording(rows, values, "a"), 4)
    np.testing.assert_allclose(found, [[2.0, np.nan], [7.0, 1.0], [10.5, 1.0], [np.nan, np.nan]])
    clip = Recording((Row("b.wav"),), np.array([[0.5, -0.5]], np.float32), "b")
    np.testing.assert_allclose(_on_grid(clip, 3), [[0.5, -0.5]] * 3)


def test_turns_are_what_rows_next_to_each_other_say() -> None:
    said = ["", "hello you", "hello  you", "", "no", "no"]
    rows = tuple(Row("a.wav", n / 10, (n + 1) / 10, text=text) for n, text in enumerate(said))
    turns = Recording(rows, np.zeros((6, 2), np.float32), "a").turns
    assert [(round(a, 1), round(b, 1), text) for a, b, text in turns] == [(0.1, 0.3, "hello you"), (0.4, 0.6, "no")]


def test_the_loss_is_of_what_is_there_and_rated(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    there = np.ones((9, 3), np.bool_)
    there[7:] = False
    target = rng.uniform(-1, 1, (9, 2)).astype(np.float32)
    target[:2, 1] = np.nan
    trace = Trace({name: np.zeros((9, 1), np.float32) for name in MODALITIES}, there, target, "a")
    batch = Sequences([trace, trace], (1, 1, 1), 6, 4, "off")[0]
    assert batch[1].shape == (4, 6, 3)  # 6 and 3 steps, twice
    brain = traced_recipe.TraceBrain.__new__(traced_recipe.TraceBrain)
    brain.device = "cpu"
    said = torch.rand(4, 6, 2)

    def loss(values: Any) -> float:
        return float(brain.compute_objectives(Reading(values[..., 0], affect=values), batch, Stage.TRAIN))

    kept = traced_recipe.rated(batch)
    assert kept.sum((0, 1)).tolist() == [14, 10]
    assert loss(torch.where(kept, said, torch.full_like(said, 9.0))) == loss(said)
    assert loss(torch.where(kept, batch[2].nan_to_num(), said)) == pytest.approx(0.0, abs=1e-5)


def test_what_cannot_be_is_one_sentence(features: Path, tmp_path: Path) -> None:
    def refused(match: str, kind: type[Exception] = CorpusError, **options: Any) -> None:
        with pytest.raises(kind, match=match) as caught:
            train(features, tmp_path / "no", **{"strategy": "concat", **TINY, **options})
        assert "\n" not in str(caught.value)

    refused("intra tells classes apart and does not go over time", UsageError, strategy="intra")
    refused("no label “emotion”", task="classes", sequence=0)
    refused("sequence is an option of trainings on valence and arousal", UsageError, task="classes")
    table = (features / "manifest.csv").read_text()
    whole = (features / "train2.npz").read_bytes()
    np.savez(features / "train2.npz", audio=np.zeros((49, 4), "f4"))
    refused("Row 102: voice has 49 steps where the recording has 50 rows")
    np.savez(features / "train2.npz", audio=np.zeros((50, 3), "f4"))
    refused("train2 has 3 numbers a step of voice where 4 belong")
    (features / "train2.npz").write_bytes(whole)
    (features / "a.wav").write_bytes(b"RIFF")
    (features / "manifest.csv").write_text(f"{table}a.wav,0,1,x,train,0,0\n")
    refused("Row 402: rows must name media, or all of them own features")
    (features / "manifest.csv").write_text(table.replace(",valid,", ",train,"))
    refused("valid” has no row")
    (features / "manifest.csv").write_text(table.replace("valence,", "joy[-1..1],"))
    refused("no label “valence”", task="affect")
    (features / "manifest.csv").write_text(table)
    train(features, tmp_path / "yes", strategy="concat", **{**TINY, "epochs": 1})
    with pytest.raises(UsageError, match="of which nothing is calibrated"):
        train(features, tmp_path / "yes", work=tmp_path / "new", recalibrate=True)
    assert run(["models", "import", "fusion-own", str(tmp_path / "yes")]) == 0
    context = RunContext("f", Backend("cpu", "float32", "CPU", 1), threading.Event(), models=("fusion-own",))
    with pytest.raises(ModelError, match="features of your own, which Mien does not make of media"):
        OwnFusion().prepare(("text.embedding",), TrainedParams(), context)
