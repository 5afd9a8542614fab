"""Who follows a training: a bar (or a line per epoch) on standard error, and TensorBoard where it is installed."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

BOARD = "tensorboard"
"""Folder of the TensorBoard files, beside the checkpoints: `tensorboard --logdir DIR` shows them."""


@dataclass(frozen=True)
class Epoch:
    """One epoch that is over.

    Args:
        number: from 1; `limit`: epochs planned; `update`: updates of the weights done since the very beginning.
        scores: what validation gave, by name.
        metric, best, best_epoch: the watched one, its best value so far (None before there is one) and when that was.
        train_loss: mean loss of its batches. rate: learning rate at its end. seconds: how long it took.
        mode: whether the watched one is to be large (`max`) or small.
        judged: the score, and its mode, that a search goes by where it is not the watched one.
    """

    number: int
    limit: int
    update: int
    scores: Mapping[str, float]
    metric: str
    best: float | None
    best_epoch: int
    train_loss: float
    rate: float
    seconds: float
    mode: str = "min"
    judged: tuple[str, str] | None = None

    def __str__(self) -> str:
        value = self.scores[self.metric]
        best = "" if self.best is None or self.best_epoch == self.number else f" (best {self.best:.4g})"
        # An epoch that cannot be kept has no value (the face net's on small pictures).
        told = f"{self.metric.replace('_', ' ')} {value:.4g}{best}, " if math.isfinite(value) else ""
        return f"epoch {self.number} of {self.limit}: {told}training loss {self.train_loss:.4g}, {self.seconds:.0f} s"


class Watcher(Protocol):
    """Follows one training."""

    def start(self, done: int, limit: int, batches: int | None) -> None:
        """It begins, or goes on, with `done` of `limit` epochs; an epoch has so many batches, None if unknown."""

    def again(self, epoch: Epoch) -> None:
        """One of the epochs that it goes on from, which were over before it was stopped; `update` is not known of them."""

    def step(self, update: int, loss: float | None, rate: float) -> None:
        """A batch is done. loss: of this batch, None where reading it would hold up a GPU."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is validated and saved."""

    def close(self) -> None:
        """It is over, or stopped."""


class Screen:
    """A bar with the time left on a terminal, a line per epoch everywhere."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._batches: int | None = None
        self._limit, self._task = 0, None

    def start(self, done: int, limit: int, batches: int | None) -> None:
        self._batches, self._limit = batches, limit
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        total = batches * limit if batches else None
        begun = batches * done if batches else 0
        self._task = self._bars.add_task(self._title(done + 1), total=total, completed=begun)
        self._bars.start()

    def again(self, epoch: Epoch) -> None: ...

    def step(self, update: int, loss: float | None, rate: float) -> None:
        if self._bars is not None:
            self._bars.advance(self._task)

    def epoch(self, epoch: Epoch) -> None:
        if self._bars is None:
            sys.stderr.write(f"{epoch}\n")
            sys.stderr.flush()
            return
        self._bars.console.print(str(epoch), markup=False)
        self._bars.update(self._task, description=self._title(epoch.number + 1))
        if self._batches:
            self._bars.update(self._task, completed=self._batches * epoch.number)

    def close(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _title(self, number: int) -> str:
        return f"epoch {min(number, self._limit)} of {self._limit}"


class Board:
    """Scalars for TensorBoard: loss and learning rate per update, loss and every score per epoch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    @staticmethod
    def is_installed() -> bool:
        """Whether TensorBoard can be written; without it a training goes on all the same, and keeps its log."""
        return importlib.util.find_spec("tensorboard") is not None

    def start(self, done: int, limit: int, batches: int | None) -> None: ...

    def again(self, epoch: Epoch) -> None: ...

    def step(self, update: int, loss: float | None, rate: float) -> None:
        writer = self._open(update)
        if loss is not None:
            writer.add_scalar("step/loss", loss, update)
            writer.add_scalar("step/learning_rate", rate, update)

    def epoch(self, epoch: Epoch) -> None:
        writer = self._open(epoch.update)
        writer.add_scalar("epoch/train_loss", epoch.train_loss, epoch.number)
        for name, value in epoch.scores.items():
            writer.add_scalar(f"epoch/valid_{name}", value, epoch.number)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, update: int) -> Any:
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            # What a stopped training wrote after its last checkpoint is written again: drop the first attempt.
            self._writer = SummaryWriter(self._folder, purge_step=update)
        return self._writer


_FOLLOWERS: ContextVar[tuple[Watcher, ...]] = ContextVar("followers", default=())


@contextmanager
def following(watcher: Watcher) -> Iterator[None]:
    """Let another watcher follow the trainings that begin in this block; what it raises stops them."""
    before = _FOLLOWERS.set((*_FOLLOWERS.get(), watcher))
    try:
        yield
    finally:
        _FOLLOWERS.reset(before)


@contextmanager
def unfollowed() -> Iterator[None]:
    """Nobody follows the trainings that begin in this block: a search has nothing to judge them by."""
    before = _FOLLOWERS.set(())
    try:
        yield
    finally:
        _FOLLOWERS.reset(before)


def watchers(folder: Path, progress: bool) -> list[Watcher]:
    """Those that follow a training whose files lie in `folder`; the screen only with `progress`."""
    found: list[Watcher] = [*_FOLLOWERS.get(), *([Screen()] if progress else [])]
    if Board.is_installed():
        found.append(Board(folder / BOARD))
    return found
