"""The training loop on a line fit: it learns, resumes, keeps the best epoch, stops, says what broke."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mien.training.kit import RecipeBrain, Stage, TrainingError, load_model, save_model


class Line(RecipeBrain):
    def compute_forward(self, batch, stage):
        return self.modules.net(batch[0])

    def compute_objectives(self, predictions, batch, stage):
        return nn.functional.mse_loss(predictions, batch[1])

    def begin(self, stage):
        self.errors = []

    def observe(self, predictions, batch, stage):
        self.errors.append(float((predictions - batch[1]).abs().max()))

    def score(self, stage):
        return {"worst": max(self.errors)}


def data():
    x = torch.linspace(-1, 1, 64)[:, None]
    sets = TensorDataset(x, 3 * x + 1)
    return DataLoader(sets, batch_size=16, shuffle=True), DataLoader(sets, batch_size=64)


def brain(folder: Path, lr=0.1, **kwargs):
    torch.manual_seed(0)
    options = {"metric": "worst", "mode": "min", "progress": False, "threads": 1, **kwargs}
    return Line({"net": nn.Linear(1, 1)}, partial(torch.optim.Adam, lr=lr), folder, **options)


def test_learns_and_logs_one_line_per_epoch(tmp_path):
    line = brain(tmp_path)
    result = line.fit_best(30, *data())
    assert result.best_value < 0.05
    log = [json.loads(text) for text in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in log] == list(range(1, 31))
    assert log[result.best_epoch - 1]["valid"]["worst"] == pytest.approx(result.best_value)


def test_best_epoch_is_loaded_not_the_last(tmp_path):
    line = brain(tmp_path, schedule=lambda step: 1.0 if step < 40 else 50.0)
    result = line.fit_best(20, *data())
    assert result.best_epoch < 20
    line.on_stage_start(Stage.TEST)
    line.evaluate_batch(next(iter(data()[1])), Stage.TEST)
    assert line.score(Stage.TEST)["worst"] == pytest.approx(result.best_value, rel=1e-5)


@pytest.mark.parametrize("ema", [None, 0.9])
def test_resume_gives_what_an_uninterrupted_run_gives(tmp_path, ema):
    whole = brain(tmp_path / "whole", ema=ema)
    expected = whole.fit_best(8, *data())
    brain(tmp_path / "parts", ema=ema).fit_best(3, *data())
    resumed = brain(tmp_path / "parts", ema=ema)
    got = resumed.fit_best(8, *data())
    assert got == expected
    for name, value in whole.best_state("net").items():
        torch.testing.assert_close(resumed.best_state("net")[name], value)


def test_resume_false_starts_afresh(tmp_path):
    brain(tmp_path).fit_best(3, *data())
    assert brain(tmp_path, resume=False).fit_best(2, *data()).epochs == 2
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


def test_stops_early_and_stays_stopped(tmp_path):
    line = brain(tmp_path, lr=0.0, patience=2)
    result = line.fit_best(50, *data())
    # All epochs scored alike: it stopped two after the first, and of such the last is what is kept and loaded.
    assert (result.epochs, result.best_epoch, result.stopped_early) == (3, 3, True)
    again = brain(tmp_path, lr=0.0, patience=2).fit_best(50, *data())
    assert again.epochs == 3


def test_nan_loss_is_one_clear_error(tmp_path):
    x = torch.full((4, 1), float("nan"))
    broken = DataLoader(TensorDataset(x, x), batch_size=4)
    with pytest.raises(TrainingError, match="loss became nan at update 0 of epoch 1"):
        brain(tmp_path).fit_best(2, broken, broken)


def test_unknown_metric_is_named(tmp_path):
    with pytest.raises(TrainingError, match="'ccc'"):
        brain(tmp_path, metric="ccc", mode="max").fit_best(1, *data())


def test_schedule_sets_the_rate_per_update(tmp_path):
    line = brain(tmp_path, schedule=lambda step: 1 / (1 + step))
    line.fit_best(2, *data())
    assert line.optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 8)


def test_saved_model_comes_back_and_tampering_shows(tmp_path):
    net = nn.Linear(2, 2)
    digest = save_model(tmp_path, net.state_dict(), {"width": 2})
    state, config = load_model(tmp_path)
    assert config == {"width": 2, "sha256": digest}
    torch.testing.assert_close(state["weight"], net.weight.detach())
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(ValueError, match="sha256"):
        load_model(tmp_path)
