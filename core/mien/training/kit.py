"""The training loop recipes share: SpeechBrain's Brain, made resumable, reproducible and selective.

A recipe subclasses `RecipeBrain`, gives `compute_forward` and `compute_objectives`, collects what it needs
for its metrics in `observe`, and names them in `score`. `fit_best` then trains, keeps the epoch that scored
best, stops when nothing gets better, and leaves the best weights in the modules. A training that is stopped at any
moment, in the middle of saving too, goes on from the last epoch that was complete.
"""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from speechbrain.core import Brain, Stage
from torch import Tensor, nn

from mien.errors import TrainingError
from mien.training.card import load_model, save_model
from mien.training.checkpoints import WholeCheckpointer, forget_stand_ins
from mien.training.log import LOG, logged, shorten
from mien.training.watch import BOARD, Epoch, watchers

__all__ = [
    "FitResult",
    "RecipeBrain",
    "Stage",
    "TrainingError",
    "load_model",
    "save_model",
    "seed_everything",
]

forget_stand_ins()

Mode = Literal["max", "min"]

STATE, CHECKPOINTS = "progress", "checkpoints"


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators (every device)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@dataclass
class FitResult:
    """How a training ended: best value of the watched metric, the epoch that gave it, epochs run in all."""

    best_epoch: int = 0
    best_value: float | None = None
    epochs: int = 0
    stopped_early: bool = False


class RecipeBrain(Brain):  # type: ignore[misc, unused-ignore]
    """A Brain that resumes where it was stopped and ends with the weights of its best epoch.

    folder: checkpoints, `log.jsonl` (one line per epoch) and TensorBoard's files go here; `resume=False` starts afresh.
    metric, mode: the key of `score()` (or "loss", the mean validation loss) that picks the best epoch.
    patience: epochs without a better value before it stops; None runs all epochs.
    schedule: factor on the optimiser's learning rate, called with the number of updates done so far.
    ema: decay of an average of the weights, which then is what is validated and kept (e.g. 0.999).
    Each epoch is seeded with seed + epoch, so a resumed training draws what an uninterrupted one would.
    """

    judged: tuple[str, Mode] | None = None
    """The key of `score()` that a search of the recipe's options goes by, and its mode, where `metric` says nothing of that: in
    trainings of a fixed number of epochs, of which the last is kept. Of several trainings in a row the mean counts."""

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        optimizer: Callable[[Any], torch.optim.Optimizer],
        folder: Path,
        metric: str = "loss",
        mode: Mode = "min",
        *,
        device: str = "cpu",
        threads: int | None = None,
        seed: int = 0,
        patience: int | None = None,
        schedule: Callable[[int], float] | None = None,
        ema: float | None = None,
        precision: str = "fp32",
        max_grad_norm: float = 5.0,
        accumulate: int = 1,
        resume: bool = True,
        progress: bool = True,
        hparams: Mapping[str, Any] | None = None,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        seed_everything(seed)
        folder.mkdir(parents=True, exist_ok=True)
        checkpointer = WholeCheckpointer(folder / CHECKPOINTS)
        if not resume:
            checkpointer.delete_checkpoints(num_to_keep=0)
            (folder / LOG).unlink(missing_ok=True)
            shutil.rmtree(folder / BOARD, ignore_errors=True)
        super().__init__(
            modules=dict(modules),
            opt_class=optimizer,
            hparams=dict(hparams or {}),
            run_opts={
                "device": device,
                "precision": precision,
                "eval_precision": precision if precision == "bf16" else "fp32",
                "max_grad_norm": max_grad_norm,
                "grad_accumulation_factor": accumulate,
                "noprogressbar": True,  # it would draw one for each epoch; ours is for the whole training
            },
            checkpointer=checkpointer,
        )
        self.folder, self.metric, self.mode = folder, metric, mode
        self.seed, self.patience, self.schedule, self.ema = seed, patience, schedule, ema
        self.result = FitResult()
        self.last: dict[str, float] = {}
        self._train_loss, self._started = 0.0, time.monotonic()
        self._watchers, self._limit = watchers(folder, progress), 0
        self._batches: int | None = None
        self._on_cpu = torch.device(device).type == "cpu"
        self._average = {k: v.detach().clone() for k, v in self.modules.state_dict().items()} if ema else None
        self._raw: dict[str, Tensor] | None = None
        checkpointer.add_recoverable("modules", self.modules)
        checkpointer.add_recoverable(STATE, self, self._recover_state, self._save_state)

    # --- what a recipe gives ----------------------------------------------------------------------------

    def observe(self, predictions: Any, batch: Any, stage: Stage) -> None:
        """Called after each validation and test batch: keep here what `score` will need."""

    def score(self, stage: Stage) -> dict[str, float]:
        """The metrics over everything observed since the stage began; called at its end."""
        return {}

    def begin(self, stage: Stage) -> None:
        """Called when a stage begins: forget what was observed before."""

    # --- training ---------------------------------------------------------------------------------------

    def fit_best(self, epochs: int, train_set: Any, valid_set: Any, **loader: Any) -> FitResult:
        """Train up to `epochs` epochs in all (also counting those before a resume), then load the best epoch.

        `loader`: `train_loader_kwargs`, `valid_loader_kwargs` as `Brain.fit` takes them, where sets are
        Datasets.
        """
        self._limit, self._batches = epochs, _length(train_set)
        try:
            self.fit(self._epochs(epochs), train_set, valid_set, **loader)
        finally:
            for watcher in self._watchers:
                watcher.close()
        self.load_best()
        return self.result

    def load_best(self) -> None:
        """Put the weights of the best epoch (their average if `ema`) into the modules."""
        keys = {f"{self.mode}_key": self.metric}
        found = self.checkpointer.find_checkpoint(**keys)
        if found is None:
            raise TrainingError(f"no epoch was scored by {self.metric!r} in {self.folder}: nothing to load")
        result = self.result
        self.checkpointer.load_checkpoint(found)
        result.best_epoch = self.result.epochs  # of epochs that scored alike, the checkpointer keeps the last
        self.result = result  # the best epoch's own state is older than the training's
        if self._average is not None:
            self.modules.load_state_dict(self._average)

    def best_state(self, module: str) -> dict[str, Tensor]:
        """State dict of one module on the CPU, e.g. for `save_model`, after `fit_best`."""
        return {name: value.detach().cpu() for name, value in self.modules[module].state_dict().items()}

    def _epochs(self, limit: int) -> Iterator[int]:
        # Read lazily: Brain.fit recovers the checkpoint before it asks for the first epoch.
        shorten(self.folder / LOG, self.result.epochs)
        past = list(self._past())
        for watcher in self._watchers:
            watcher.start(self.result.epochs, limit, self._batches)
            for epoch in past:
                watcher.again(epoch)
        while self.result.epochs < limit:
            if self.patience is not None and self.result.best_value is not None:
                since = self.result.epochs - self.result.best_epoch
                if since >= self.patience:
                    self.result.stopped_early = True
                    return
            yield self.result.epochs + 1

    def _past(self) -> Iterator[Epoch]:
        """The epochs that are behind it, off the log."""
        best, best_epoch = None, 0
        for told in logged(self.folder / LOG):
            number, scores = told["epoch"], told["valid"]
            if self.metric not in scores:
                raise TrainingError(
                    f"The training that was begun was not scored by {self.metric!r}; add --fresh to begin anew: {self.folder}"
                )
            if self._is_better(scores[self.metric], best):
                best, best_epoch = scores[self.metric], number
            yield Epoch(
                number, self._limit, 0, scores, self.metric, best, best_epoch, told["train_loss"], told["lr"],
                told["seconds"], self.mode, self.judged,
            )  # fmt: skip

    def _is_better(self, value: float, best: float | None) -> bool:
        """Whether a value of the watched metric is a number, and better than the best so far."""
        return bool(np.isfinite(value)) and (best is None or (value > best if self.mode == "max" else value < best))

    def on_stage_start(self, stage: Stage, epoch: int | None = None) -> None:
        if stage == Stage.TRAIN:
            self._started = time.monotonic()
            seed_everything(self.seed + int(epoch or 0))
        elif self._average is not None and stage == Stage.VALID:
            self._raw = {k: v.detach().clone() for k, v in self.modules.state_dict().items()}
            self.modules.load_state_dict(self._average)
        self.begin(stage)

    def on_fit_batch_end(self, batch: Any, outputs: Any, loss: Tensor, should_step: bool) -> None:
        # Reading a loss waits for the GPU; a curve needs no more than every tenth of them.
        value = float(loss.detach()) if self._on_cpu or self.optimizer_step % 10 == 0 else None
        for watcher in self._watchers:
            watcher.step(self.optimizer_step, value, self.optimizer.param_groups[0]["lr"])

    def evaluate_batch(self, batch: Any, stage: Stage) -> Tensor:
        with torch.no_grad(), self.evaluation_ctx:
            predictions = self.compute_forward(batch, stage)
            loss = self.compute_objectives(predictions, batch, stage)
        self.observe(predictions, batch, stage)
        done: Tensor = loss.detach().cpu()
        return done

    def on_stage_end(self, stage: Stage, stage_loss: float, epoch: int | None = None) -> None:
        if stage == Stage.TRAIN:
            self._train_loss = float(stage_loss)
            return
        self.last = {"loss": float(stage_loss), **{k: float(v) for k, v in self.score(stage).items()}}
        if self._raw is not None:
            self.modules.load_state_dict(self._raw)
            self._raw = None
        if stage == Stage.VALID:
            self._close_epoch(int(epoch or 0))

    def _close_epoch(self, epoch: int) -> None:
        if self.metric not in self.last:
            raise TrainingError(
                f"score() gave {sorted(self.last)}, but the best epoch is to be picked by {self.metric!r}"
            )
        value = self.last[self.metric]
        self.result.epochs = epoch
        if self._is_better(value, self.result.best_value):
            self.result.best_epoch, self.result.best_value = epoch, value
        rate, seconds = self.optimizer.param_groups[0]["lr"], round(time.monotonic() - self._started, 2)
        line = {
            "epoch": epoch,
            "train_loss": self._train_loss,
            "valid": self.last,
            "lr": rate,
            "seconds": seconds,
            "best_epoch": self.result.best_epoch,
        }
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        # The metric of an epoch that scored NaN is left out, so that it can never be picked.
        meta = {k: v for k, v in self.last.items() if np.isfinite(v)}
        keep: dict[str, Any] = {f"{self.mode}_keys": [self.metric]}
        # A list of its own: SpeechBrain appends to its default argument.
        self.checkpointer.save_and_keep_only(
            meta=meta, num_to_keep=1, importance_keys=[], verbosity=logging.DEBUG, **keep
        )

        done = Epoch(
            epoch,
            self._limit,
            self.optimizer_step,
            self.last,
            self.metric,
            self.result.best_value,
            self.result.best_epoch,
            self._train_loss,
            rate,
            seconds,
            self.mode,
            self.judged,
        )
        for watcher in self._watchers:
            watcher.epoch(done)

    def check_loss_isfinite(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss became {float(loss.detach())} at update {self.optimizer_step} "
                f"of epoch {self.result.epochs + 1}: lower the learning rate, or look for NaN in the inputs"
            )

    def optimizers_step(self) -> None:
        if self.schedule is not None:
            for group in self.optimizer.param_groups:
                base = group.setdefault("initial_lr", group["lr"])
                group["lr"] = base * self.schedule(self.optimizer_step)
        super().optimizers_step()
        if self._average is not None:
            self._update_average()

    @torch.no_grad()
    def _update_average(self) -> None:
        # Early on the average would mostly be the random start: let it follow faster there.
        decay = min(float(self.ema or 0.0), (1.0 + self.optimizer_step) / (10.0 + self.optimizer_step))
        assert self._average is not None
        for name, value in self.modules.state_dict().items():
            kept = self._average[name]
            if kept.is_floating_point():
                kept.lerp_(value.detach(), 1.0 - decay)
            else:
                kept.copy_(value)

    # --- state that travels with a checkpoint -----------------------------------------------------------

    @staticmethod
    def _save_state(brain: RecipeBrain, path: Path) -> None:
        torch.save({"result": asdict(brain.result), "average": brain._average}, path)
        with open(path, "rb+") as file:
            os.fsync(file.fileno())

    @staticmethod
    def _recover_state(brain: RecipeBrain, path: Path, end_of_epoch: bool) -> None:
        del end_of_epoch
        state = torch.load(path, map_location=brain.device, weights_only=True)
        brain.result = FitResult(**state["result"])
        brain.result.stopped_early = False
        if brain._average is not None and state["average"] is not None:
            brain._average = state["average"]


def _length(batches: Any) -> int | None:
    try:
        return len(batches)
    except TypeError:
        return None
