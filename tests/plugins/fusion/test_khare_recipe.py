"""Both recipes really train, tiny: the loss falls, a stopped training goes on to the same end, and what cannot be is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from mien.engine.registry import Registry
from mien.errors import CorpusError, TrainingError, UsageError
from mien.training import job
from mien_plugins.fusion import khare_card, khare_train
from mien_plugins.fusion.khare_model import StreamModel

TINY = {"width": 8, "layers": 1, "batch": 6, "epochs": 3, "rate": 0.01}
PRETRAINED = {**TINY, "pretrain_epochs": 2}
HEADING = ["path", "speaker", "split", "text", "emotion{calm|angry}"]
SPEAKERS = {"ann": "train", "bob": "train", "cid": "valid", "dan": "test"}


def write(folder: Path, rows: list[list[str]], heading: list[str] = HEADING) -> Path:
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([heading, *rows])
    return folder


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of the cards take most of the time; how they are drawn is tested elsewhere."""
    monkeypatch.setattr(khare_card, "REPEATS", 20)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Twelve stretches a speaker; angry ones lie higher in every modality. Some have no video, some no text."""
    rng, folder, rows = np.random.default_rng(0), tmp_path / "data", []
    folder.mkdir()
    for speaker, split in SPEAKERS.items():
        for number in range(12):
            angry = number % 2
            blocks = {
                name: (rng.normal(size=(steps, width)) + 2 * angry).astype("f4")
                for name, steps, width in (("audio", 9, 5), ("video", 4, 4), ("text", 3, 3))
                if not (name == "video" and number % 5 == 4) and not (name == "text" and number % 7 == 6)
            }
            np.savez(folder / f"{speaker}{number}.npz", **blocks)
            rows.append(
                [f"{speaker}{number}.npz", speaker, split, "hey you" if angry else "well", ("calm", "angry")[angry]]
            )
    return write(folder, rows)


def written(folder: Path) -> list[list[str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def train(recipe: str, data: Path, out: Path, **options: Any) -> Any:
    chosen = options or (PRETRAINED if recipe == "fusion-khare" else TINY)
    wanted = job.Job(data, out, device="cpu", threads=1, progress=False, options=chosen)
    return job.train(Registry.load().recipe(recipe), wanted)


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["train_loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


def test_pre_training_then_emotions(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    card = train("fusion-khare", corpus, out, **{**PRETRAINED, "moddrop": True, "neighbours": 3})
    for stage in ("pretraining", "emotions-0"):
        falling = losses(out / "work" / stage)
        assert falling[-1] < falling[0], stage
    subsets = {m.subset for m in card.metrics}
    assert {"test, all that is there", "test, video missing", "test, text missing", "test, audio alone"} <= subsets
    model = StreamModel.load(out)
    assert model.labels == ("calm", "angry")
    assert model.imputer is not None
    assert model.widths == {"audio": 5, "video": 4, "text": 3}
    assert "mien train fusion-khare" in (out / "CARD.md").read_text()
    # What was pre-trained is what emotions began with: its heads are gone, its stacks are not as they were drawn.
    assert not any("characters" in name or "person" in name for name in load_file(out / "model.safetensors"))
    again = job.evaluate(Registry.load().recipe("fusion-khare"), out, corpus, device="cpu", write=False)
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]


@pytest.mark.parametrize("recipe", ["fusion-khare", "fusion-bigru"])
def test_a_stopped_training_goes_on_to_the_same_end(
    corpus: Path, tmp_path: Path, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    train(recipe, corpus, whole)
    brain, seen = khare_train.EmotionBrain, []
    begin = brain.begin

    def stop(self: Any, stage: Any) -> None:
        seen.append(stage)
        if len(seen) == 3:  # the second epoch's training
            raise KeyboardInterrupt
        begin(self, stage)

    cut = tmp_path / "cut"
    monkeypatch.setattr(brain, "begin", stop)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, corpus, cut)
    monkeypatch.setattr(brain, "begin", begin)
    assert len(losses(cut / "work" / "emotions-0")) == 1
    train(recipe, corpus, cut)
    first, second = (load_file(folder / "model.safetensors") for folder in (whole, cut))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_the_baseline_learns_with_intensities_as_labels(corpus: Path, tmp_path: Path) -> None:
    rows = written(corpus)
    graded = [[*row[:4], "2" if row[4] == "angry" else "0", "0" if row[4] == "angry" else "1"] for row in rows]
    write(corpus, graded, [*HEADING[:4], "anger[0..3]", "rest[0..3]"])
    out = tmp_path / "out"
    card = train("fusion-bigru", corpus, out, **{**TINY, "labels": "anger, rest", "moddrop": True, "inits": 2})
    assert losses(out / "work" / "emotions-0")[-1] < losses(out / "work" / "emotions-0")[0]
    assert (out / "work" / "emotions-1").is_dir()
    assert {m.name for m in card.metrics} >= {"WA, anger", "F1 weighted, rest", "WA, mean of the emotions"}


def test_another_corpus_may_pre_train(corpus: Path, tmp_path: Path) -> None:
    other, rng = tmp_path / "other", np.random.default_rng(1)
    other.mkdir()
    rows = [[f"{speaker}{n}.npz", speaker, "", "so it is", "calm"] for speaker in ("eve", "fay") for n in range(4)]
    for name, *_ in rows:
        np.savez(other / name, audio=rng.normal(size=(40, 5)))
    write(other, rows)
    options = {**PRETRAINED, "pretrain": other / "manifest.csv", "characters": "ctc", "epochs": 1}
    out = tmp_path / "out"
    train("fusion-khare", corpus, out, **options)
    falling = losses(out / "work" / "pretraining")
    assert len(falling) == 2
    assert falling[1] < falling[0]
    np.savez(other / "fay3.npz", audio=rng.normal(size=(40, 6)))
    with pytest.raises(CorpusError, match="audio has 6 numbers"):
        train("fusion-khare", corpus, tmp_path / "no", **options)
    for name, *_ in rows:
        np.savez(other / name, audio=rng.normal(size=(40, 6)))
    with pytest.raises(CorpusError, match="those to train on"):
        train("fusion-khare", corpus, tmp_path / "no", **options)


def replaced(corpus: Path, column: int, change: Any) -> Path:
    rows = written(corpus)
    for row in rows:
        row[column] = change(row)
    return write(corpus, rows)


def test_what_cannot_be_trained_on_is_one_sentence(corpus: Path, tmp_path: Path) -> None:
    def refused(match: str, kind: type[Exception] = CorpusError, **options: Any) -> None:
        with pytest.raises(kind, match=match) as caught:
            train("fusion-bigru", corpus, tmp_path / "out", **{**TINY, **options})
        assert "\n" not in str(caught.value)

    refused("no label “joy”", labels="joy")
    table = (corpus / "manifest.csv").read_text()
    replaced(corpus, 2, lambda row: "train" if row[2] == "valid" else row[2])
    refused("valid” has no row")
    (corpus / "manifest.csv").write_text(table)
    replaced(corpus, 4, lambda row: "calm" if row[2] == "train" else row[4])
    refused("“angry” of emotion is in valid but never in train")
    (corpus / "manifest.csv").write_text(table)
    replaced(corpus, 1, lambda row: "ann" if row[1] == "dan" else row[1])
    refused("must not share a speaker")
    (corpus / "manifest.csv").write_text(table)
    np.savez(corpus / "dan3.npz", audio=np.zeros((4, 6)))
    refused("audio has 6 numbers a step where the rows before it have 5")
    np.savez(corpus / "dan3.npz", audio=np.full((4, 5), np.nan))
    refused("values that are no numbers")
    np.savez(corpus / "dan3.npz", video=np.zeros((4, 4)))
    refused("has no sound")
    np.savez(corpus / "dan3.npz", audio=np.zeros(5))
    refused("steps × numbers")
    (corpus / "dan3.npz").write_bytes(b"nothing")
    refused("cannot be read")
    np.savez_compressed(corpus / "dan3.npz", audio=np.zeros((300 * 2**20, 1), np.uint8))  # a few hundred kB
    refused("cannot be read .*audio has more than 256 MB")
    np.savez(corpus / "dan3.npz", audio=np.array([["one", "two"]]))
    refused("cannot be read")


def test_pre_training_needs_persons_and_heads_that_fit(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="multiple of 4"):
        train("fusion-khare", corpus, tmp_path / "a", **{**PRETRAINED, "width": 6})
    replaced(corpus, 3, lambda row: "")
    with pytest.raises(CorpusError, match="pretrain_epochs=0"):
        train("fusion-khare", corpus, tmp_path / "b", **PRETRAINED)


def test_a_loss_that_is_no_number_stops_it(corpus: Path, tmp_path: Path) -> None:
    # Finite, but too large for what is computed from it.
    for number in range(12):
        np.savez(corpus / f"ann{number}.npz", audio=np.full((4, 5), 3e38 if number % 4 else -3e38, np.float32))
    with pytest.raises(TrainingError, match="the loss became nan at update 0 of epoch 1") as caught:
        train("fusion-bigru", corpus, tmp_path / "out")
    assert "\n" not in str(caught.value)
