"""Training and measuring a model as a front end asks for it: everything is checked before torch is loaded.

A recipe's module is found by its descriptor (`mien.sdk.RecipeInfo`); what it raises becomes one sentence.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import CorpusError, MienError, ModelError, PluginError, StorageError, TrainingError, UsageError, shown
from mien.models import files, store
from mien.sdk.descriptors import RecipeInfo, TableInfo
from mien.training.log import LOG

if TYPE_CHECKING:
    from mien.training.card import Card

WORK, STARTED = "work", "started.json"


@dataclass(frozen=True)
class Job:
    """One training.

    Args:
        data: folder of the corpora.
        out: gets weights, configuration and card.
        quick: the short form.
        device: as torch spells it, or `auto`.
        seed: of everything random.
        threads: CPU threads, None for the recipe's own choice.
        resume: go on with a training that was stopped.
        progress: show a bar.
        work: checkpoints and logs; `out/work` if None.
        options: the recipe's own, as given.
    """

    data: Path
    out: Path
    quick: bool = False
    device: str = "auto"
    seed: int = 0
    threads: int | None = None
    resume: bool = True
    progress: bool = True
    work: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """Where its checkpoints lie."""
        return self.work if self.work is not None else self.out / WORK


def command(
    recipe: str,
    *,
    data: str = "../shared/data",
    out: str = "",
    quick: bool = False,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> str:
    """The line that trains a model, for its card: paths as in the repository, what has its default left out."""
    parts = ["mien", "train", recipe, "--data", data, "--out", out or f"resources/models/{recipe}"]
    parts += ["--quick"] if quick else []
    parts += ["--seed", str(seed)] if seed else []
    for name, value in (options or {}).items():
        parts += ["--set", f"{name}={value}"]
    return shlex.join(parts)


def train(info: RecipeInfo, job: Job) -> Card:
    """Train a model and measure it; it lies in `job.out` then, with its card.

    Raises:
        CorpusError: a corpus is not in `job.data`.
        UsageError: `job.out` holds another model, or `job.place` a training of other settings.
        StorageError: it cannot be written there.
        DeviceError: the device is missing or does not work.
        TrainingError: the training cannot go on.
        PluginError: the recipe itself fails.
    """
    check_data(info, job.data)
    _check_out(info, job)
    check_writable(job.out)
    _begin(info, job)
    device = _device(job.device, job.threads)
    with plain_errors(info):
        return module(info).train(  # type: ignore[no-any-return]
            job.data,
            job.out,
            quick=job.quick,
            device=device,
            seed=job.seed,
            resume=job.resume,
            threads=job.threads,
            progress=job.progress,
            work=job.place,
            **job.options,
        )


def evaluate(
    info: RecipeInfo, model: Path, data: Path, *, device: str = "auto", threads: int | None = None, write: bool = True
) -> Card:
    """Measure the model in a folder, and write its card there if `write`; raises as `train` does."""
    from mien.training.card import write_card

    check_data(info, data)
    if write:
        check_writable(model)
    place = _device(device, threads)
    with plain_errors(info):
        card: Card = module(info).evaluate(model, data, device=place)
        if write:
            write_card(model, card)
    return card


def model_folder(name: str) -> Path:
    """The folder of a model that is named by its id or by its folder.

    Raises:
        ModelError: it is not installed, or damaged.
        UsageError: the folder holds no model.
    """
    folder = Path(name)
    if folder.is_dir():
        if not files.weights(folder):
            raise UsageError(
                f"There is no model in the folder; name the one that holds model.safetensors: {shown(folder)}"
            )
        if found := store.problems(folder):
            raise ModelError(f"The model is damaged ({found[0]}); train or fetch it again: {shown(folder)}")
        return folder
    if os.sep in name or name.startswith("."):
        raise UsageError(
            f"There is no such folder; name a model's folder or the id of an installed model: {shown(name)}"
        )
    return store.resolve(name)


def model_id(folder: Path) -> str:
    """The id that a model's configuration or card names, empty when they name none."""
    config, card = files.read_json(folder / "config.json"), files.read_json(folder / "card.json")
    return str(config.get("id") or card.get("id") or "")


def recipe_of(folder: Path, recipes: Mapping[str, RecipeInfo]) -> RecipeInfo:
    """The recipe that made the model in a folder.

    Raises:
        UsageError: none is known.
    """
    named = model_id(folder)
    found = recipes.get(named) or next((r for r in recipes.values() if r.model == named), None)
    if found is None:
        known = ", ".join(recipes) or "none"
        what = f"the model {named}" if named else "this model, whose config.json names no id"
        raise UsageError(f"No recipe is known for {what}; there are recipes for {known}: {shown(folder)}")
    return found


def check_data(info: RecipeInfo | TableInfo, data: Path) -> None:
    """Refuse a folder in which a corpus is missing.

    Raises:
        CorpusError: it names the first that is not there.
    """
    if not data.is_dir():
        raise CorpusError(
            f"There is no such folder of corpora; --data names the one that holds {_listed(info)}: {shown(data)}"
        )
    for name in info.data:
        if not any((data / one).exists() for one in name.split(" or ")):
            raise CorpusError(
                f"{info.id} learns from {name}, which is not in the folder of corpora; put it there as the module "
                f"{info.factory} describes: {shown(data)}"
            )


def module(info: RecipeInfo) -> Any:
    """The recipe's module.

    Raises:
        UsageError: a library that only trainings need is not installed.
        PluginError: it does not load for any other reason.
    """
    try:
        return importlib.import_module(info.factory)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == info.factory.split(".")[0]:
            raise PluginError(f"The recipe {info.id} could not be loaded: {error}") from error
        raise UsageError(
            f"Training {info.id} needs the package {error.name}, which is not installed; "
            "get what trainings need with: pip install 'mien[train]'"
        ) from error
    except Exception as error:
        raise PluginError(f"The recipe {info.id} could not be loaded: {error or type(error).__name__}") from error


def saved_epochs(work: Path) -> int:
    """Epochs that stopped trainings under a work folder have logged: 0 where none can be gone on with."""
    return sum(log.read_bytes().count(b"\n") for log in work.rglob(LOG))


def _check_out(info: RecipeInfo, job: Job) -> None:
    out = job.out
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out must name a folder, and this is a file: {shown(out)}")
    if not out.is_dir() or not files.weights(out):
        return
    # A training that was stopped after it saved the weights has no card yet.
    named = model_id(out) or (info.model if _begun(job).get("recipe") == info.id else "")
    other = named or "a model of unknown make"
    if other != info.model:
        raise UsageError(f"--out holds {other}, which {info.id} would overwrite; name another folder: {shown(out)}")


def check_writable(folder: Path) -> None:
    """Find out now, rather than after hours, whether files can be made in a folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StorageError(f"Nothing can be written there ({error.strerror}): {shown(folder)}") from error


def _begin(info: RecipeInfo, job: Job) -> None:
    """Note what is trained, and refuse to go on with a training that was begun with other settings."""
    check_writable(job.place)
    options = {name: str(value) for name, value in sorted(job.options.items())}
    about = {"recipe": info.id, "quick": job.quick, "seed": job.seed, "options": options}
    wanted: dict[str, Any] = about | {"manifest": manifest_of(job.data)}
    begun = _begun(job)
    if begun:  # earlier versions did not note it
        begun.setdefault("manifest", wanted["manifest"])
    # Where no epoch was complete there is nothing to go on with, and nothing to mix up.
    if job.resume and begun and begun != wanted and saved_epochs(job.place):
        changed = next(name for name in wanted if begun.get(name) != wanted[name])
        if changed == "manifest":
            raise UsageError(
                "The manifest has changed since the training there was begun, so that it might be tested on what it has "
                f"learnt from; put the old one back, add --fresh to begin anew, or name another --work: {shown(job.place)}"
            )
        raise UsageError(
            f"A training with other settings was begun there ({changed} was {begun.get(changed)}, now "
            f"{wanted[changed]}); go on with those, add --fresh to begin anew, or name another --work: {shown(job.place)}"
        )
    (job.place / STARTED).write_text(json.dumps(wanted) + "\n", encoding="utf-8")


def manifest_of(data: Path) -> str:
    """What tells the manifest in a folder from another one, empty where there is none."""
    for name in ("manifest.csv", "manifest.parquet"):
        if (data / name).is_file():
            return files.sha256_of(data / name)
    return ""


def _begun(job: Job) -> dict[str, Any]:
    return files.read_json(job.place / STARTED)


def _device(name: str, threads: int | None) -> str:
    from mien.engine.backend import select

    chosen = select(name).device
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    return chosen


@contextmanager
def plain_errors(info: RecipeInfo | TableInfo) -> Iterator[None]:
    """Give what a recipe raises a place in the tree of errors."""
    try:
        yield
    except MienError:
        raise
    except FileNotFoundError as error:
        missing = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        raise CorpusError(f"{info.id} misses a file: {missing}") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError("The disk is full; free space and give the same command again to go on.") from error
        raise StorageError(f"{info.id} could not read or write ({error.strerror}): {error.filename}") from error
    except Exception as error:
        from mien.engine.backend import is_out_of_memory

        if is_out_of_memory(error):
            raise TrainingError(
                f"{info.id} does not fit into the GPU's memory; use another with --device, or the CPU"
            ) from error
        raise


def _listed(info: RecipeInfo | TableInfo) -> str:
    return " and ".join(info.data) or "the corpora"
