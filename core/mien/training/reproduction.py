"""Published tables made again: trainings over several seeds, kept one by one, and the comparison that is written of them.

A plugin offers a table by a `mien.sdk.TableInfo`; its module has what `Table` describes. Each training (task and seed) leaves one
file in the work folder, so that a table that was stopped goes on where it was, and a table that is asked for again with more
seeds only makes those that are new.
"""

from __future__ import annotations

import importlib
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mien.errors import PluginError, TrainingError, UsageError
from mien.sdk.descriptors import TableInfo

Result = Mapping[str, Any]
Results = Mapping[str, Mapping[int, Result]]
"""Task → seed → what its run gave."""


@dataclass(frozen=True)
class Figure:
    """One number of a table.

    Args:
        row, column: its place, as a reader sees it.
        task: whose run gives it, under `values[key]`.
        key: see there.
        paper: the published number; None where the paper has none.
        asked: what this project asks of it, if anything.
    """

    row: str
    column: str
    task: str
    key: str
    paper: float | None = None
    asked: float | None = None


class Table(Protocol):
    """What the module of a table has."""

    FIGURES: Sequence[Figure]
    TASKS: Sequence[str]
    """Trainings of each seed, in an order in which each finds what it builds on."""
    DIGITS: int
    """Decimals that are shown."""
    # SHARED: Sequence[str], where it has some: folders beside the table's own, of what several tables build on.

    def settings(self, task: str) -> Mapping[str, Any]:
        """All that a result of this task depends on besides data and seed, JSON-ready: another makes old results void."""

    def run(
        self,
        task: str,
        data: Path,
        seed: int,
        *,
        work: Path,
        device: str,
        threads: int | None,
        options: Mapping[str, str],
    ) -> Result:
        """Train and measure once. JSON-ready; `values` holds the numbers by key. `work` is the task's and seed's own folder
        below the table's: `work.parents[1] / TASK / str(seed)` is that of another task."""

    def notes(self, results: Results) -> Sequence[str]:
        """Paragraphs that belong below the table: protocol, intervals, why a number is lower than the paper's."""


@dataclass(frozen=True)
class Row:
    """A figure and what came out: mean and sample deviation over `n` seeds (NaN where n < 2)."""

    figure: Figure
    mean: float
    sd: float
    n: int

    @property
    def difference(self) -> float | None:
        """Ours − the paper's."""
        return None if self.figure.paper is None else self.mean - self.figure.paper

    @property
    def reached(self) -> bool | None:
        """Whether the mean is what was asked for; None where nothing was."""
        return None if self.figure.asked is None else self.mean >= self.figure.asked


@dataclass(frozen=True)
class Reproduced:
    """A table made again."""

    info: TableInfo
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    seeds: tuple[int, ...]
    digits: int = 1


Told = Callable[[str, int, int, int, Result | None, float], None]
"""Called before each training with None, and after it with its result: task, seed, how many are done, of how many, result, s."""


def load_table(info: TableInfo) -> Table:
    """The module of a table.

    Raises:
        UsageError: its data is closed.
        PluginError: it does not load.
    """
    if info.closed:
        line = f"; whoever has the data gives: {info.command}" if info.command else ""
        raise UsageError(f"{info.id} cannot be reproduced here: {info.closed.rstrip('.')}{line}")
    try:
        module: Table = importlib.import_module(info.factory)
    except Exception as error:
        raise PluginError(f"The table {info.id} could not be loaded: {error or type(error).__name__}") from error
    return module


def reproduce(
    info: TableInfo,
    data: Path,
    seeds: Sequence[int],
    work: Path,
    *,
    device: str = "cpu",
    threads: int | None = None,
    options: Mapping[str, str] | None = None,
    fresh: bool = False,
    tell: Told | None = None,
) -> Reproduced:
    """Run what is not there yet, and compare.

    Args:
        data: folder of the corpora.
        seeds: at least one.
        work: folder of results and checkpoints of this table.
        options: of the table's own.
        fresh: do all of it again, what it shares with other tables too.

    Raises:
        TrainingError: a run gave no number where a figure needs one.
    """
    table = load_table(info)
    for name in getattr(table, "SHARED", ()) if fresh else ():
        if (work.parent / name).is_dir():
            shutil.rmtree(work.parent / name)
    results: dict[str, dict[int, Result]] = {task: {} for task in table.TASKS}
    todo = [(task, seed) for seed in seeds for task in table.TASKS]
    for done, (task, seed) in enumerate(todo):
        folder = work / task / str(seed)
        settings = json.loads(json.dumps(dict(table.settings(task))))
        found = None if fresh else _kept(folder, settings)
        if found is None:
            began = time.monotonic()
            if tell is not None:
                tell(task, seed, done, len(todo), None, 0.0)
            begin(folder, settings, fresh)
            found = table.run(task, data, seed, work=folder, device=device, threads=threads, options=options or {})
            _keep(folder, settings, found)
            if tell is not None:
                tell(task, seed, done + 1, len(todo), found, time.monotonic() - began)
        results[task][seed] = found
    rows = tuple(_row(figure, results[figure.task]) for figure in table.FIGURES)
    return Reproduced(info, rows, tuple(table.notes(results)), tuple(seeds), table.DIGITS)


def begin(folder: Path, settings: Mapping[str, Any], fresh: bool = False) -> None:
    """Make a folder ready for a training: what one of other settings left there (checkpoints, too) is taken away first.

    Args:
        fresh: take away what one of the same settings left, too.
    """
    note = folder / "begun.json"
    text = json.dumps(settings, sort_keys=True)
    if folder.is_dir() and (fresh or not note.is_file() or note.read_bytes() != text.encode()):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(text, encoding="utf-8")


def _row(figure: Figure, results: Mapping[int, Result]) -> Row:
    values = [float(result["values"].get(figure.key, math.nan)) for result in results.values()]
    if not all(math.isfinite(value) for value in values):
        raise TrainingError(
            f"{figure.task} gave no number for {figure.key}; make it again with --fresh, and report it if that does not help."
        )
    mean = sum(values) / len(values)
    square = sum((value - mean) ** 2 for value in values)
    return Row(figure, mean, math.sqrt(square / (len(values) - 1)) if len(values) > 1 else math.nan, len(values))


def _kept(folder: Path, settings: Mapping[str, Any]) -> Result | None:
    try:
        kept = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(kept, dict) or kept.get("settings") != settings:
        return None
    result: Any = kept.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("values"), dict):
        return None
    return result if all(isinstance(value, int | float) for value in result["values"].values()) else None


def _keep(folder: Path, settings: Mapping[str, Any], result: Result) -> None:
    part = folder / "result.json.part"
    part.write_text(json.dumps({"settings": settings, "result": result}, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(folder / "result.json")
