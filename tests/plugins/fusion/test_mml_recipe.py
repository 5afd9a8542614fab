"""The MML recipe on a tiny copy of its corpora, with harmless words and tones for voices; the encoders are the real ones."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch.nn import functional as F

from mien.engine.registry import Registry
from mien.errors import CorpusError, UsageError
from mien.training import job
from mien.training.kit import Stage
from mien_plugins.fusion import mml_card, mml_recipe
from mien_plugins.fusion.mml_data import Budget, Material, Said, Voiced, pair, split_of
from mien_plugins.fusion.mml_net import Mml, MmlConfig, MmlNet
from mien_plugins.fusion.mml_recipe import PairBatches, Plan

PLAN = Plan(widths=(8, 6, 4), epochs=2, batch=16, rate=1e-3, budget=Budget((4, 3, 3), 0))
WORDS = ("sun", "rain", "dog", "cat", "red", "blue")


def material(texts: int = 5, voices: int = 6, speakers: int = 2) -> Material:
    rng = np.random.default_rng(0)
    said = Said(
        rng.normal(size=(texts, 4)).astype("f4"),
        np.arange(texts) % 3,
        np.full(texts, "olid"),
        np.full(texts, 0.5, "f4"),
    )
    who = np.array([f"s{i % speakers}" for i in range(voices)])
    gender, language = np.where(np.arange(voices) % 2, "m", "f"), np.full(voices, "en")
    attributes = np.zeros((voices, 3), "f4")
    return Material(
        said,
        Voiced(rng.normal(size=(voices, 3)).astype("f4"), np.arange(voices) % 3, who, attributes, gender, language),
    )


def test_each_text_comes_once_in_each_delivery() -> None:
    made = material()
    pairs = pair(made.said, made.voiced, np.random.default_rng(0))
    assert len(pairs) == 15
    assert np.bincount(pairs.text).tolist() == [3] * 5
    for text in range(5):
        assert sorted(made.voiced.kind[pairs.voice[pairs.text == text]]) == [0, 1, 2]


def test_speakers_come_alike_often_however_many_clips_they_have() -> None:
    made = material(texts=3000, voices=30)
    often = np.array(["loud"] * 27 + ["rare"] * 3)
    voiced = replace(made.voiced, speaker=often)
    pairs = pair(made.said, voiced, np.random.default_rng(0))
    assert (often[pairs.voice] == "rare").mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("drop", [True, False])
def test_moddrop_makes_three_samples_of_each_pair(drop: bool) -> None:
    batches = PairBatches(material(), drop, 4)
    batches.draw(0, 1, shuffled=True)
    present = np.concatenate([batches[i][2].numpy() for i in range(len(batches))])
    assert batches.size == len(present) == 15 * (3 if drop else 1)
    kinds = {tuple(row) for row in present.tolist()}
    assert kinds == ({(True, True), (True, False), (False, True)} if drop else {(True, True)})
    with pytest.raises(IndexError):
        batches[len(batches)]


def test_the_l2_constraint_is_part_of_what_is_learnt_and_not_of_what_is_watched(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = MmlNet(MmlConfig(4, 3, (8, 6, 4), 0.0))
    optimizer = partial(torch.optim.Adam, lr=1e-4)
    brain = mml_recipe.MmlBrain({"net": net}, optimizer, tmp_path, threads=1, progress=False)
    brain.l2 = 0.01
    batch = (torch.randn(5, 4), torch.randn(5, 3), torch.ones(5, 2, dtype=torch.bool), torch.rand(5))
    with torch.no_grad():
        said = brain.compute_forward(batch, Stage.TRAIN)
        learnt, watched = (float(brain.compute_objectives(said, batch, stage)) for stage in (Stage.TRAIN, Stage.VALID))
        assert watched == pytest.approx(float(F.binary_cross_entropy_with_logits(said, batch[3])))
        assert learnt - watched == pytest.approx(0.01 * float(net.penalty()), rel=1e-4)
    paper = mml_recipe.FULL
    assert (paper.rate, paper.decay, paper.l2, paper.patience) == (1e-4, 0.99, 1e-4, 10)


def test_no_speaker_is_on_two_sides() -> None:
    assert [split_of(name) for name in ("ravdess-01", "ravdess-13", "ravdess-20", "emodb-15")] == [
        "train",
        "valid",
        "test",
        "test",
    ]


def test_what_cannot_be_learnt_from_is_one_sentence(corpora: Path, tmp_path: Path) -> None:
    info, manifest = Registry.load().recipe("fusion-mml"), corpora / "speech" / "manifest.csv"
    whole = manifest.read_text()

    def refused(match: str) -> None:
        with pytest.raises(CorpusError, match=match) as caught:
            job.train(info, job.Job(corpora, tmp_path / "out", quick=True, device="cpu", threads=1, progress=False))
        assert "\n" not in str(caught.value)

    manifest.write_text("".join(line for line in whole.splitlines(True) if "ravdess/1happy" not in line))
    refused("train split of speech/manifest.csv has no voice that is between")
    manifest.write_text(whole.replace("happy,", "puzzled,"))
    refused("emotion “puzzled”")
    manifest.write_text(
        "".join(line for line in whole.splitlines(True) if "ravdess/1" not in line or "ravdess/13" in line)
    )
    refused("train split of speech/manifest.csv is empty")
    (corpora / "text" / "hatexplain" / "train.tsv").unlink()
    refused("corpus of the text recipe is missing")


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    import av

    rng, data = np.random.default_rng(0), tmp_path / "data"

    def table(path: str, rows: list[list[str]], delimiter: str) -> None:
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        with (data / path).open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, delimiter=delimiter).writerows(rows)

    def words(count: int) -> list[str]:
        return [" ".join(rng.choice(WORDS, 4)) + f" {i}" for i in range(count)]

    olid = [[str(i), text, ("OFF", "NOT")[i % 2], "NULL", "NULL"] for i, text in enumerate(words(40))]
    table("text/olid/olid-training-v1.0.tsv", [["id", "tweet", "subtask_a", "subtask_b", "subtask_c"], *olid], "\t")
    test = [[str(100 + i), f"{text} day"] for i, text in enumerate(words(6))]
    table("text/olid/testset-levela.tsv", [["id", "tweet"], *test], "\t")
    table("text/olid/labels-levela.csv", [[row[0], ("OFF", "NOT")[i % 2]] for i, row in enumerate(test)], ",")
    for split in ("train", "valid", "test"):
        rows = [[("hatespeech", "offensive", "normal")[i % 3], text] for i, text in enumerate(words(6))]
        table(f"text/hatexplain/{split}.tsv", [["label", "text"], *rows], "\t")
    clips = []
    for speaker in (1, 13, 17):
        for emotion, pitch in (("angry", 900), ("calm", 120), ("happy", 400)):
            name = f"ravdess/{speaker}{emotion}.flac"
            (data / "speech" / name).parent.mkdir(parents=True, exist_ok=True)
            wave = np.sin(2 * np.pi * pitch * np.arange(16_000) / 16_000) * (0.3 + 0.1 * rng.normal(size=16_000))
            with av.open(str(data / "speech" / name), "w") as container:
                stream = container.add_stream("flac", rate=16_000, layout="mono")
                frame = av.AudioFrame.from_ndarray((wave * 9000).astype("i2")[None], format="s16", layout="mono")
                frame.sample_rate = 16_000
                container.mux(stream.encode(frame))
                container.mux(stream.encode())
            clips.append(["ravdess", name, str(speaker), emotion, "", "f", "en"])
    table("speech/manifest.csv", [["corpus", "path", "speaker", "emotion", "intensity", "gender", "lang"], *clips], ",")
    return data


def test_it_trains_measures_and_goes_on(corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mml_card, "REPEATS", 10)
    monkeypatch.setattr(mml_recipe, "FULL", PLAN)
    info = Registry.load().recipe("fusion-mml")

    def train(out: Path, work: Path | None = None, **options: Any) -> Any:
        wanted = job.Job(corpora, out, device="cpu", threads=1, progress=False, work=work, options=options)
        return job.train(info, wanted)

    card = train(tmp_path / "a", neighbours=2)
    log = [json.loads(line) for line in (tmp_path / "a" / "work" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["train_loss"] < log[0]["train_loss"]
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert (config["pairs"], config["samples"]) == (24, 72)
    assert set(config["encoders"]) == {"text-offence", "emotion-mtl"}
    assert Mml.load(tmp_path / "a").imputer is not None
    assert {m.subset for m in card.metrics} >= {"test pairs, text and voice", "test pairs, voice missing"}
    assert "--set neighbours=2" in card.command
    # Calibrated on the validation pairs, each subset apart, and measured so.
    ways = {"zero": {"text + voice"}, "knn": {"text", "voice"}}
    assert {way: set(of) for way, of in config["calibration"].items()} == ways
    errors = {m.subset for m in card.metrics if m.name == "ECE of P(hostile)"}
    assert errors >= {f"test pairs, {part}" for part in mml_card.SUBSETS}
    assert errors >= {
        f"test pairs, text and voice, {of}" for of in ("texts of olid", "voices in English", "voices of women")
    }
    assert (tmp_path / "a" / "reliability.svg").read_text() == card.plots[0].svg
    # The same again, from embeddings that are kept and an epoch that is done, ends alike.
    begin, seen = mml_recipe.MmlBrain.begin, []

    def stop(self: Any, stage: Any) -> None:
        seen.append(stage)
        if len(seen) == 3:
            raise KeyboardInterrupt
        begin(self, stage)

    monkeypatch.setattr(mml_recipe.MmlBrain, "begin", stop)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "b", neighbours=2)
    monkeypatch.setattr(mml_recipe.MmlBrain, "begin", begin)
    with pytest.raises(UsageError, match="other settings"):
        train(tmp_path / "b", neighbours=3)
    train(tmp_path / "b", neighbours=2)
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    assert all(np.array_equal(first[name], second[name]) for name in first)
    # A model of before has no calibration; it gets the same without being trained.
    before = {name: value for name, value in config.items() if name not in ("temperature", "calibration")}
    (tmp_path / "b" / "config.json").write_text(json.dumps(before))
    again = train(tmp_path / "b", tmp_path / "w", recalibrate=True)
    assert json.loads((tmp_path / "b" / "config.json").read_text()) == config
    assert again.metrics == card.metrics
    with pytest.raises(UsageError, match="no model to calibrate"):
        train(tmp_path / "c", tmp_path / "w", recalibrate=True)
    (corpora / "manifest.csv").write_text("path,text,hate{no|yes},split\n")
    with pytest.raises(UsageError, match="learnt from the public corpora"):
        train(tmp_path / "b", tmp_path / "w", recalibrate=True)
