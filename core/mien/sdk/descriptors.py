"""Descriptors: all that lists, help pages, settings forms and the planner know of a plugin before its code is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mien.sdk.inputs import Input, Reads
from mien.sdk.params import NoParams, Params
from mien.tracks.quantity import Kind, Quantity

API = 1
"""Version of the plugin API; it grows and never breaks."""

_ID = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True)
class Writes:
    """One track that an analyzer writes.

    Args:
        name: the track's name, by convention `<modality>.<what>`.
        kind: curve, spans, boxes or features.
        quantities: of a curve, one per channel; of spans, what the score measures (if anything).
        when: whether it is written under these parameters; None for always.
    """

    name: str
    kind: Kind
    quantities: tuple[Quantity, ...] = ()
    when: Callable[[Params], bool] | None = None


@dataclass(frozen=True, slots=True)
class _Info:
    """What analyzers, fusions and exporters have in common."""

    id: str
    title: str
    version: str
    factory: str
    params: type[Params] = NoParams
    description: str = ""
    licence: str = "Apache-2.0"
    api: int = API

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is no plugin id: use lower-case words joined by dots or dashes")
        if not _FACTORY.fullmatch(self.factory):
            raise ValueError(f"the factory of {self.id} must read 'package.module:Class', not {self.factory!r}")
        if not (isinstance(self.params, type) and issubclass(self.params, Params)):
            raise ValueError(f"the params of {self.id} must be a subclass of mien.sdk.Params")


@dataclass(frozen=True, slots=True)
class AnalyzerInfo(_Info):
    """Describes a modality.

    Args:
        id: never changes once published.
        title: what a settings page shows.
        version: of the plugin; part of the cache key, so raise it when readings change.
        factory: dotted path of the class to load later, `package.module:Class`.
        params: pydantic model of the parameters.
        modality: voice, text, face, conflict, … – what a fusion weighs.
        inputs: what the host must condition; a function of the parameters where it depends on them.
        outputs: the tracks it writes.
        models: ids of model cards that must be there.
        optional_models: ids that are used when they are there (they are part of the cache key then).
        devices: what it can run on.
        default: whether it runs when the user chose nothing.
        uses_cues: whether readings depend on the medium's subtitles (they are part of the cache key then).
        own_process: whether `prepare` starts processes that do the work; it is then called before other plugins of its
            branch load their libraries, so that the processes load beside them.
        needs_training, trained_by: as of a fusion, for an analyzer whose model every user trains.
    """

    modality: str = ""
    inputs: tuple[Input, ...] | Callable[[Params], tuple[Input, ...]] = ()
    outputs: tuple[Writes, ...] = ()
    models: tuple[str, ...] = ()
    optional_models: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu", "cuda", "mps")
    default: bool = True
    uses_cues: bool = False
    own_process: bool = False
    needs_training: str = ""
    trained_by: str = ""

    def inputs_for(self, params: Params) -> tuple[Input, ...]:
        """The inputs under these parameters."""
        return self.inputs(params) if callable(self.inputs) else self.inputs

    def outputs_for(self, params: Params) -> tuple[Writes, ...]:
        """The tracks that are written under these parameters."""
        return tuple(w for w in self.outputs if w.when is None or w.when(params))

    def reads_for(self, params: Params) -> tuple[Reads, ...]:
        """Only the tracks among the inputs, those that Crops and Utterances imply included."""
        return tuple(read for entry in self.inputs_for(params) for read in entry.implied_reads())


@dataclass(frozen=True, slots=True)
class FusionInfo(_Info):
    """Describes a fusion.

    Args:
        accepts: names of the tracks that it can read; any subset may be there.
        models: ids of model cards that must be there.
        needs_training: a command that trains it, when it has no weights yet; the registry fills it in from `trained_by`
            where one of the models is not installed.
        trained_by: the command that makes its model, without `--data` and `--out`
            (`mien train fusion-attention --set strategy=concat`).
    """

    accepts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    needs_training: str = ""
    trained_by: str = ""


@dataclass(frozen=True, slots=True)
class ExporterInfo(_Info):
    """Describes a file format that results can be written in.

    Args:
        suffix: of the file, with its dot (`.eaf`), or empty when it writes a folder.
        needs_medium: whether the medium's file must still be there (for pictures or sound).
        kinds: the kinds of track that it can hold.
    """

    suffix: str = ""
    needs_medium: bool = False
    kinds: tuple[Kind, ...] = field(default=("curve", "spans", "boxes", "features"))


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """Describes a corpus whose own files and labels can be turned into a manifest (`mien manifest`).

    Args:
        id: what `mien manifest` is given; never changes once published.
        title: what a list shows.
        expects: files and folders of the corpus' own layout, as a user would look for them.
        labels: names of the labels that its manifest has.
        factory: dotted path of the function that reads it, `package.module:function`, called as

            read(folder: Path, *, seed: int, media: str) -> mien.training.manifest.Manifest

            with paths relative to `folder`; `seed` decides what the corpus leaves open of its split, `media` is "sound" or
            "video". It raises `mien.errors.CorpusError`, which names what is expected where.
        licence: of the corpus, in a few words.
        citation: whom to cite.
        description: what it is, in a sentence.
    """

    id: str
    title: str
    expects: tuple[str, ...]
    labels: tuple[str, ...]
    factory: str
    licence: str
    citation: str
    description: str = ""
    api: int = API

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is no id: use lower-case words joined by dots or dashes")
        if not _FACTORY.fullmatch(self.factory):
            raise ValueError(f"the factory of {self.id} must read 'package.module:function', not {self.factory!r}")


@dataclass(frozen=True, slots=True)
class Search:
    """What a search may try for one option of a recipe (`mien tune`): numbers from `low` to `high`, or one of `choices`.

    Args:
        name: of the option. log: whether small numbers are tried as densely as large ones.
        low, high: whole numbers only, if both are.
    """

    name: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[str | int | float, ...] = ()

    def __post_init__(self) -> None:
        ranged = self.low is not None and self.high is not None and self.low < self.high
        if ranged == bool(self.choices) or (self.log and not (self.low or 0) > 0):
            raise ValueError(
                f"the search over {self.name} needs choices, or two ends (above 0 where it is logarithmic)"
            )

    def drawn(self, trial: Any) -> str | int | float:
        """A value that one of Optuna's trials suggests."""
        suggested: str | int | float
        if self.choices:
            suggested = trial.suggest_categorical(self.name, self.choices)
        elif isinstance(self.low, int) and isinstance(self.high, int):
            suggested = trial.suggest_int(self.name, self.low, self.high, log=self.log)
        else:
            suggested = trial.suggest_float(self.name, self.low, self.high, log=self.log)
        return suggested


@dataclass(frozen=True, slots=True)
class RecipeInfo:
    """Describes how a model is trained and measured (`mien train`, `mien evaluate`).

    The module that `factory` names has two functions, with these parameters by name; more may follow, with defaults:

        train(data: Path, out: Path, *, quick: bool, device: str, seed: int, resume: bool, threads: int | None,
              progress: bool, work: Path | None) -> Card
        evaluate(model: Path, data: Path, *, device: str) -> Card

    `train` writes weights, configuration and card into `out`; what is in between (checkpoints, logs, TensorBoard) lies in
    `work`, by default `out/work`, and a training that was stopped goes on from there when `resume` is true. `evaluate`
    measures the model in a folder and writes nothing. Card: `mien.training.card.Card`. `device` as torch spells it.

    Args:
        id: what `mien train` is given; never changes once published.
        title: what a list shows.
        model: id of the model that it makes, as in its `config.json` and card.
        data: files and folders that must lie in the folder of the corpora, relative to it; `a.csv or a.parquet`
            for either of two.
        description: what it learns from what, in a sentence.
        factory: dotted path of the module, imported when it runs.
        params: its options besides those; what was set goes to `train` by name.
        search: what `mien tune` tries for some of them.
    """

    id: str
    title: str
    model: str
    data: tuple[str, ...]
    description: str
    factory: str
    params: type[Params] = NoParams
    api: int = API
    search: tuple[Search, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.id, self.model):
            if not _ID.fullmatch(name):
                raise ValueError(f"{name!r} is no id: use lower-case words joined by dots or dashes")
        if not _MODULE.fullmatch(self.factory):
            raise ValueError(f"the factory of {self.id} must read 'package.module', not {self.factory!r}")
        if not (isinstance(self.params, type) and issubclass(self.params, Params)):
            raise ValueError(f"the params of {self.id} must be a subclass of mien.sdk.Params")
        for entry in self.search:
            if entry.name not in self.params.model_fields:
                raise ValueError(f"{self.id} has no option {entry.name} to search")


@dataclass(frozen=True, slots=True)
class TableInfo:
    """Describes a published table that can be reproduced (`mien reproduce`), or why it cannot.

    The module that `factory` names has what `mien.training.reproduction.Table` describes; it is imported when it runs.

    Args:
        id: what `mien reproduce` is given; never changes once published.
        title: what a list shows: paper, table, what is measured.
        description: how it is measured here, in a few sentences.
        data: files and folders that must lie in the folder of the corpora, relative to it.
        factory: dotted path of the module; empty where the data is closed.
        closed: why it cannot be reproduced here; empty where it can.
        command: what someone who has the data gives to train and measure the system.
    """

    id: str
    title: str
    description: str = ""
    data: tuple[str, ...] = ()
    factory: str = ""
    closed: str = ""
    command: str = ""
    api: int = API

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is no id: use lower-case words joined by dots or dashes")
        if bool(self.factory) == bool(self.closed):
            raise ValueError(f"the table {self.id} must have either a module or a reason why it cannot be reproduced")
        if self.factory and not _MODULE.fullmatch(self.factory):
            raise ValueError(f"the factory of {self.id} must read 'package.module', not {self.factory!r}")
