"""Searching the options of a recipe: Hyperband over the space it declares, by Optuna; a search that is stopped goes on.

Options are drawn by a tree-structured Parzen estimator. Trials are spread over brackets (Li et al., JMLR 2018); in each, after
rounds of epochs that grow by 4/3, three quarters of the trials that came so far are kept, as Tzirakis et al. (2021) searched.
What counts is the validation figure that picks a recipe's best epoch, never one of its test set.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import StorageError, TrainingError, UsageError, shown
from mien.library.owner import Owners
from mien.models import files
from mien.models.damage import UNREADABLE
from mien.sdk.descriptors import RecipeInfo
from mien.training import job
from mien.training.watch import Epoch, following

if TYPE_CHECKING:
    import optuna

STUDY, FOUND, TRIALS, RUNNING = "study.db", "recipe.json", "trials", "running"
FORMAT = 1
KEEP, BETWEEN = 0.75, 3.0
"""Share of the trials that a round keeps; how much later the first round of each next bracket is."""
BRACKETS = (0, 0, 1, 0, 2, 1)
"""Whose turn it is: half of the trials are stopped as early as can be, a sixth hardly at all."""


@dataclass(frozen=True)
class Trial:
    """One set of options that was tried.

    Args:
        number: from 0. state: `complete`, `pruned` or `failed`. epochs: that it was trained.
        value: the best of its validation figures so far, None if there is none.
    """

    number: int
    state: str
    options: Mapping[str, Any]
    value: float | None
    epochs: int


@dataclass(frozen=True)
class Found:
    """How a search ended.

    Args:
        recipe: id. metric: what was searched by, mode: `max` or `min`.
        best: its best trial. trials: all of them. file: what `mien train --recipe` replays.
    """

    recipe: str
    metric: str
    mode: str
    best: Trial
    trials: tuple[Trial, ...]
    file: Path


@dataclass
class _Follower:
    """Follows one training: tells each epoch's figure, so that the smaller is the better, and stops what is not kept."""

    report: Callable[[int, float], bool]
    stop: Callable[[], Exception]
    metric: str = ""
    mode: str = "min"
    best: float | None = None
    epochs: int = 0
    _before: int = 0
    _number: int = -1
    _judged: dict[int, float] = field(default_factory=dict)
    _bests: dict[int, float] = field(default_factory=dict)

    def start(self, done: int, limit: int, batches: int | None) -> None:
        self.epochs, self._number = self._before, self._number + 1

    def again(self, epoch: Epoch) -> None:
        self._take(epoch)  # judged already

    def step(self, update: int, loss: float | None, rate: float) -> None: ...

    def epoch(self, epoch: Epoch) -> None:
        if self._take(epoch):
            raise self.stop()

    def _take(self, epoch: Epoch) -> bool:
        """Tell an epoch's figure; whether the training is to be stopped."""
        self.epochs += 1
        if epoch.judged is None:
            self.metric, self.mode = epoch.metric, epoch.mode
            if epoch.best is not None:  # of several trainings in a row, random starts, a recipe keeps the best
                self._bests[self._number] = epoch.best
                self.best = (max if self.mode == "max" else min)(self._bests.values())
            value = epoch.scores[epoch.metric]
        else:
            self.metric, self.mode = epoch.judged
            self._judged[self._number] = epoch.scores[self.metric]
            value = self.best = sum(self._judged.values()) / len(self._judged)
        return self.report(self.epochs, -value if self.mode == "max" else value)

    def close(self) -> None:
        self._before = self.epochs


def rounds(bracket: int, first: int = 1, keep: float = KEEP) -> Callable[[int], bool]:
    """Whether a bracket has a round behind epoch n: after first · 3^bracket epochs, then growing by 1/keep."""
    begin = first * BETWEEN**bracket

    def ends(epoch: int) -> bool:
        at, number = begin, 0
        while math.ceil(at - 1e-9) < epoch:
            number += 1
            at = begin * keep**-number
        return math.ceil(at - 1e-9) == epoch

    return ends


def _bracket(trial: optuna.trial.FrozenTrial) -> int:
    """By its turn, not its number: trials that were interrupted have several."""
    return BRACKETS[trial.user_attrs.get("turn", trial.number) % len(BRACKETS)]


def is_kept(own: float, others: list[float], keep: float = KEEP) -> bool:
    """Whether a figure (the smaller the better) is among the best `keep` of itself and the others of its round."""
    if not math.isfinite(own):
        return False
    count = len(others) + 1
    better = sum(1 for value in others if value < own)
    return better < math.ceil(keep * count - 1e-9)


def search(
    info: RecipeInfo,
    wanted: job.Job,
    trials: int,
    *,
    fresh: bool = False,
    tell: Callable[[Trial], None] = lambda trial: None,
) -> Found:
    """Try sets of options until `trials` have come to their end, and write the best as a file into `wanted.out`.

    Args:
        wanted: as one training; its `options` are fixed, all others that the recipe's search names are drawn.
        fresh: forget what was tried there.
        tell: called with each trial that is over.

    Raises:
        UsageError: the recipe declares no search; a search of other settings was begun there, or is at work; Optuna is missing.
        TrainingError: no trial came to its end.
        MienError: as `mien.training.job.train`, for what has nothing to do with the options.
    """
    space = [entry for entry in info.search if entry.name not in wanted.options]
    if not space:
        why = "all options of its search are set" if info.search else "it declares no search"
        raise UsageError(f"There is nothing to search for in {info.id}: {why}.")
    _check_optuna()
    job.check_data(info, wanted.data)
    study = _study(info, wanted, fresh)
    owners = Owners(wanted.out / RUNNING)
    if owners.alive(str(study.user_attrs.get("owner", ""))):
        raise UsageError(f"Another search is at work there; wait for it, or name another --out: {shown(wanted.out)}")
    study.set_user_attr("owner", owners.join())
    try:
        _again(study)
        while len(_over(study)) < trials:
            tell(_trial(_one(study, info, wanted)))
        return _write(study, info, wanted)
    finally:
        owners.leave()


def read(path: Path) -> dict[str, Any]:
    """What `mien train --recipe` replays: `recipe`, `options`, `seed`, `quick`.

    Raises:
        UsageError: it is no such file.
    """
    found = files.read_json(path)
    if found.get("mien-training") != FORMAT or not isinstance(found.get("options"), dict):
        raise UsageError(f"This is no recipe file; mien tune writes one: {shown(path)}")
    return found


def _check_optuna() -> None:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise UsageError(
            f"Searching needs the package {error.name}, which is not installed; get it with: pip install 'mien[train]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _pruner() -> optuna.pruners.BasePruner:
    from optuna.pruners import BasePruner

    class Rounds(BasePruner):
        """Keeps three quarters of the trials of a bracket in each round."""

        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            step = trial.last_step
            bracket = _bracket(trial)
            if step is None or not rounds(bracket)(step):
                return False
            others = [
                other.intermediate_values[step]
                for other in _over(study)
                if other.number != trial.number and _bracket(other) == bracket
                if step in other.intermediate_values and math.isfinite(other.intermediate_values[step])
            ]
            return not is_kept(trial.intermediate_values[step], others)

    return Rounds()


def _study(info: RecipeInfo, wanted: job.Job, fresh: bool) -> optuna.Study:
    """The study in `wanted.out`, begun or gone on with."""
    import optuna
    from sqlalchemy import URL
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    settings = {
        "recipe": info.id,
        "quick": wanted.quick,
        "seed": wanted.seed,
        "options": {name: str(value) for name, value in sorted(wanted.options.items())},
        "manifest": job.manifest_of(wanted.data),
    }
    try:
        wanted.out.mkdir(parents=True, exist_ok=True)
        if fresh:
            (wanted.out / STUDY).unlink(missing_ok=True)
            shutil.rmtree(wanted.out / TRIALS, ignore_errors=True)
        url = URL.create("sqlite", database=str((wanted.out / STUDY).resolve())).render_as_string()
        study = optuna.create_study(storage=url, study_name=info.id, load_if_exists=True, pruner=_pruner())
        begun = study.user_attrs.get("settings")
        if begun is None:
            study.set_user_attr("settings", settings)
        else:  # earlier versions did not note it
            begun = {"manifest": settings["manifest"], **begun}
        _over(study)
    except (*UNREADABLE, SQLAlchemyError, optuna.exceptions.OptunaError) as error:
        if isinstance(error.__cause__ or error, OSError) or isinstance(error, OperationalError):  # the disk's
            raise StorageError(
                f"The search cannot be kept there ({type(error).__name__}): {shown(wanted.out)}"
            ) from error
        raise StorageError(
            f"What is kept of the search there is damaged; begin anew with --fresh: {shown(wanted.out / STUDY)}"
        ) from error
    if begun is not None and begun != settings:
        changed = next(name for name in settings if begun.get(name) != settings[name])
        if changed == "manifest":
            raise UsageError(
                "The manifest has changed since the search there was begun; put the old one back, add --fresh to begin anew, "
                f"or name another --out: {shown(wanted.out)}"
            )
        raise UsageError(
            f"A search with other settings was begun there ({changed} was {begun.get(changed)}, now {settings[changed]}); go "
            f"on with those, add --fresh to begin anew, or name another --out: {shown(wanted.out)}"
        )
    return study


def _again(study: optuna.Study) -> None:
    """Let trials that were interrupted wait to be gone on with, in the same folder."""
    from optuna.trial import TrialState

    waiting = {trial.user_attrs.get("again") for trial in study.get_trials(deepcopy=False)}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        folder = trial.user_attrs.get("folder", trial.number)
        if trial.number not in waiting:  # first, for whoever is killed between the two
            study.enqueue_trial(trial.params, user_attrs={"folder": folder, "again": trial.number})
        study.tell(trial.number, state=TrialState.FAIL)


def _over(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that came to an end, but for those that were interrupted and begun again."""
    trials = study.get_trials(deepcopy=False)
    again = {trial.user_attrs["again"] for trial in trials if "again" in trial.user_attrs}
    return [trial for trial in trials if trial.state.is_finished() and trial.number not in again]


def _one(study: optuna.Study, info: RecipeInfo, wanted: job.Job) -> optuna.trial.FrozenTrial:
    """Run the next trial to its end, or to where it is pruned."""
    import optuna
    from optuna.trial import TrialState

    number = len(_over(study))
    # Of its own for each trial, so that a search that was stopped draws what one in a stroke would have drawn.
    study.sampler = optuna.samplers.TPESampler(seed=(wanted.seed * 7919 + number) % 2**31, n_startup_trials=10)
    trial = study.ask()
    options = {entry.name: entry.drawn(trial) for entry in info.search if entry.name not in wanted.options}
    folder = wanted.out / TRIALS / f"{trial.user_attrs.get('folder', trial.number):04d}"
    trial.set_user_attr("folder", trial.user_attrs.get("folder", trial.number))
    trial.set_user_attr("turn", number)

    def report(step: int, value: float) -> bool:
        trial.report(value, step)
        return trial.should_prune()

    follower = _Follower(report, optuna.TrialPruned)
    one = replace(
        wanted, out=folder / "model", work=folder / job.WORK, options={**wanted.options, **options}, resume=True
    )
    state, why = TrialState.COMPLETE, ""
    try:
        with following(follower):
            job.train(info, one)
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except TrainingError as error:
        # A rate that is too high, a net that does not fit: a bad set of options, no reason to stop searching.
        state, why = TrialState.FAIL, str(error)
    if state == TrialState.COMPLETE and follower.best is None:
        state, why = TrialState.FAIL, f"{info.id} tells no figure of validation"
    for name, value in (("metric", follower.metric), ("mode", follower.mode), ("best", follower.best), ("why", why)):
        trial.set_user_attr(name, value)
    done = (-follower.best if follower.mode == "max" else follower.best) if follower.best is not None else None
    over = study.tell(trial, done if state == TrialState.COMPLETE else None, state=state)
    shutil.rmtree(folder, ignore_errors=True)
    return over


def _trial(frozen: optuna.trial.FrozenTrial) -> Trial:
    state = {"COMPLETE": "complete", "PRUNED": "pruned"}.get(frozen.state.name, "failed")
    epochs = max(frozen.intermediate_values, default=0)
    # An interrupted trial that was gone on with has a number of its own in the study, and is the same trial.
    return Trial(
        frozen.user_attrs.get("turn", frozen.number), state, dict(frozen.params), frozen.user_attrs.get("best"), epochs
    )


def _write(study: optuna.Study, info: RecipeInfo, wanted: job.Job) -> Found:
    """The best trial, and the file that says so."""
    frozen = _over(study)
    complete = [t for t in frozen if t.state.name == "COMPLETE"]
    if not complete:
        why = next((str(t.user_attrs["why"]) for t in frozen if t.user_attrs.get("why")), "all were stopped early")
        raise TrainingError(f"None of {len(frozen)} trials of {info.id} came to its end: {why}")
    best = min(complete, key=lambda t: (float(t.value or 0.0), t.number))
    metric, mode = str(best.user_attrs["metric"]), str(best.user_attrs["mode"])
    trials = tuple(map(_trial, frozen))
    path = wanted.out / FOUND
    facts = {
        "mien-training": FORMAT,
        "recipe": info.id,
        "quick": wanted.quick,
        "seed": wanted.seed,
        "options": {**wanted.options, **best.params},
        "found": {
            "metric": metric,
            "value": best.user_attrs["best"],
            "trials": len(trials),
            "pruned": sum(t.state == "pruned" for t in trials),
        },
    }
    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    return Found(info.id, metric, mode, _trial(best), trials, path)
