"""Both recipes really train, tiny: the loss falls, a stopped training goes on to the same end, and what cannot be is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch.nn import functional as F

from mien.engine.registry import Registry
from mien.errors import CorpusError, TrainingError, UsageError
from mien.training import job
from mien.training.kit import Stage
from mien_plugins.fusion import khare_card, khare_recipe, khare_train
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
    # Calibrated on the validation rows, for what is there; each subset's error is on the card.
    calibrated = json.loads((out / "config.json").read_text())["calibration"]
    assert set(calibrated) == set(model.labels)
    assert set(calibrated["angry"]["calibration"]["zero"]) == {"audio + video + text"}
    assert set(calibrated["angry"]["calibration"]["knn"]) >= {"audio + text", "audio + video", "audio"}
    errors = [m.subset for m in card.metrics if m.name == "ECE, angry"]
    assert errors == [f"test, {subset}" for subset in khare_card.MISSING]
    assert "- audio, the others imputed: calm σ(logit / " in (out / "CARD.md").read_text()
    assert (out / "reliability.svg").read_text() == card.plots[0].svg
    again = job.evaluate(Registry.load().recipe("fusion-khare"), out, corpus, device="cpu", write=False)
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]


def test_emotions_begin_with_what_was_pre_trained(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every random start does; only the head of the emotions is its own."""
    pretrained, emotions = khare_recipe._pretrained, khare_recipe._emotions
    drawn: list[dict[str, torch.Tensor]] = []
    made: list[dict[str, torch.Tensor]] = []
    begun: list[dict[str, torch.Tensor]] = []

    def kept(net: Any) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in net.state_dict().items()}

    def pretrain(net: Any, *rest: Any) -> Any:
        drawn.append(kept(net))
        found = pretrained(net, *rest)
        made.append({name: value.clone() for name, value in found.items()})
        return found

    def learn(net: Any, *rest: Any) -> Any:
        begun.append(kept(net))
        return emotions(net, *rest)

    monkeypatch.setattr(khare_recipe, "_pretrained", pretrain)
    monkeypatch.setattr(khare_recipe, "_emotions", learn)
    train("fusion-khare", corpus, tmp_path / "out", **{**PRETRAINED, "epochs": 1, "inits": 2})
    assert (len(made), len(begun)) == (1, 2)
    stacks = [name for name in made[0] if not name.startswith(("head.", "mean_", "deviation_"))]
    assert any(not torch.equal(made[0][name], drawn[0][name]) for name in stacks)
    for net in begun:
        for name in stacks:
            torch.testing.assert_close(net[name], made[0][name], rtol=0, atol=0)
    assert not torch.equal(begun[0]["head.weight"], begun[1]["head.weight"])


def test_pre_training_weighs_characters_and_persons_as_the_paper_does(tmp_path: Path) -> None:
    brain = khare_train.PretrainBrain(
        {"net": torch.nn.Linear(1, 1)}, torch.optim.Adam, tmp_path, threads=1, progress=False
    )
    characters, people = torch.tensor(1.7), torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0]])
    batch = khare_train.Batch(None, torch.tensor([1, 2]))  # type: ignore[arg-type]
    loss = brain.compute_objectives((characters, people), batch, Stage.TRAIN)
    assert float(loss) == pytest.approx(0.8 * 1.7 + 0.2 * float(F.cross_entropy(people, torch.tensor([1, 2]))))


def test_the_rate_rises_and_falls_as_the_speech_transformers() -> None:
    rate = khare_train.rising(512, 4000)
    assert rate(0) == pytest.approx(512**-0.5 * 4000**-1.5)
    assert rate(1999) == pytest.approx(2000 * rate(0))
    assert rate(3999) == pytest.approx(512**-0.5 * 4000**-0.5)
    assert rate(15_999) == pytest.approx(rate(3999) / 2)
    assert khare_train.rising(512, 4000, 10.0)(3999) == pytest.approx(10 * rate(3999))


def test_the_baseline_learns_from_whatever_is_there(corpus: Path, tmp_path: Path) -> None:
    """A row may lack its sound; the card has every subset, on the rows that have something of it."""
    for speaker in SPEAKERS:
        for number in (0, 1, 2, 3):
            path = corpus / f"{speaker}{number}.npz"
            with np.load(path) as found:
                np.savez(path, **{name: found[name] for name in ("video", "text")})
    out = tmp_path / "out"
    card = train("fusion-bigru", corpus, out, **{**TINY, "moddrop": True, "epochs": 6})
    assert losses(out / "work" / "emotions-0")[-1] < losses(out / "work" / "emotions-0")[0]
    counted = {m.subset: m.n for m in card.metrics if m.name == "WA, mean of the emotions"}
    assert counted == {
        "test, all that is there": 12,
        "test, video missing": 12,
        "test, text missing": 12,
        "test, audio alone": 8,
        "test, audio missing": 12,
        "test, video alone": 10,
        "test, text alone": 11,
    }
    assert "any of them may be missing" in card.task


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
    np.savez(corpus / "dan3.npz", other=np.zeros((4, 4)))
    refused("has no sound, picture or text to read")
    np.savez(corpus / "dan3.npz", video=np.zeros((4, 4)))
    with pytest.raises(CorpusError, match="Row 41 has no sound, onto which all else is laid"):
        train("fusion-khare", corpus, tmp_path / "out", **PRETRAINED)
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
    (corpus / "ann0.npz").write_bytes(b"nothing")  # told before anything is read, which takes hours
    with pytest.raises(CorpusError, match="pretrain_epochs=0"):
        train("fusion-khare", corpus, tmp_path / "b", **PRETRAINED)


def test_a_loss_that_is_no_number_stops_it(corpus: Path, tmp_path: Path) -> None:
    # Finite, but too large for what is computed from it.
    for number in range(12):
        np.savez(corpus / f"ann{number}.npz", audio=np.full((4, 5), 3e38 if number % 4 else -3e38, np.float32))
    with pytest.raises(TrainingError, match="the loss became nan at update 0 of epoch 1") as caught:
        train("fusion-bigru", corpus, tmp_path / "out")
    assert "\n" not in str(caught.value)
