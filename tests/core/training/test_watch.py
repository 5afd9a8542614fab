"""What follows a training: TensorBoard's files can be read back, the screen says each epoch, half a checkpoint is none."""

from __future__ import annotations

import io
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mien.training import kit
from mien.training.kit import RecipeBrain
from mien.training.watch import Board, Epoch, Screen


class Line(RecipeBrain):
    def compute_forward(self, batch: Any, stage: Any) -> Any:
        return self.modules.net(batch[0])

    def compute_objectives(self, predictions: Any, batch: Any, stage: Any) -> Any:
        return nn.functional.mse_loss(predictions, batch[1])


def brain(folder: Path, **options: Any) -> Line:
    torch.manual_seed(0)
    return Line(
        {"net": nn.Linear(1, 1)}, partial(torch.optim.SGD, lr=0.1), folder, **{"progress": False, "threads": 1, **options}
    )  # fmt: skip


def data() -> tuple[Any, Any]:
    x = torch.linspace(-1, 1, 32)[:, None]
    sets = TensorDataset(x, 3 * x + 1)
    return DataLoader(sets, batch_size=8), DataLoader(sets, batch_size=32)


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_tensorboard_gets_every_update_and_every_epoch_once_even_when_resumed(tmp_path: Path) -> None:
    brain(tmp_path).fit_best(2, *data())
    brain(tmp_path).fit_best(3, *data())
    found = curves(tmp_path / "tensorboard")
    assert [step for step, _ in found["step/loss"]] == list(range(1, 13))
    assert [value for _, value in found["step/learning_rate"]] == pytest.approx([0.1] * 12)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert found["epoch/valid_loss"] == [(n, pytest.approx(line["valid"]["loss"])) for n, line in enumerate(log, 1)]
    assert found["epoch/train_loss"] == [(n, pytest.approx(line["train_loss"])) for n, line in enumerate(log, 1)]


def test_without_tensorboard_the_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Board, "is_installed", staticmethod(lambda: False))
    assert brain(tmp_path).fit_best(1, *data()).epochs == 1
    assert not (tmp_path / "tensorboard").exists()


def test_a_line_per_epoch_where_there_is_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    brain(tmp_path, progress=True).fit_best(2, *data())
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert "loss" in lines[0]


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    screen.start(done=1, limit=2, batches=4)
    for update in range(5, 9):
        screen.step(update, 0.5, 0.1)
    screen.epoch(Epoch(2, 2, 8, {"f1": 0.7}, "f1", 0.8, 1, 0.4, 0.1, 3.0))
    screen.close()
    screen.close()
    assert "epoch 2 of 2: f1 0.7 (best 0.8), training loss 0.4, 3 s" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_a_training_killed_while_it_saves_goes_on_from_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = brain(tmp_path / "whole").fit_best(4, *data())
    first = brain(tmp_path / "parts")
    save, calls = kit.RecipeBrain._save_state, []

    def dies(owner: Any, path: Path) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        save(owner, path)

    first.checkpointer.custom_save_hooks[kit.STATE] = dies
    with pytest.raises(KeyboardInterrupt):
        first.fit_best(4, *data())
    folders = sorted((tmp_path / "parts" / "checkpoints").iterdir())
    assert [(f / "CKPT.yaml").is_file() for f in folders].count(False) == 1
    resumed = brain(tmp_path / "parts")
    assert all((f / "CKPT.yaml").is_file() for f in (tmp_path / "parts" / "checkpoints").iterdir())
    assert resumed.fit_best(4, *data()) == whole
    log = (tmp_path / "parts" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [1, 2, 3, 4]


def test_a_line_tells_validation_from_training_and_says_no_nan() -> None:
    def line(value: float, best: float | None = None) -> str:
        scores = {"loss": value}
        return str(Epoch(2, 6, 10, scores, "loss", best, 1, train_loss=1.756, rate=0.1, seconds=207.6))

    assert line(0.5, 0.25) == "epoch 2 of 6: loss 0.5 (best 0.25), training loss 1.756, 208 s"
    assert line(float("nan")) == "epoch 2 of 6: training loss 1.756, 208 s"
