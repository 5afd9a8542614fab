"""What a chooser says of a plugin: what it reads and writes, which models it needs, who makes it run. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cache

from mien.engine.registry import Registry
from mien.models import store
from mien.sdk.descriptors import AnalyzerInfo, FusionInfo, Writes
from mien.sdk.inputs import Audio, Crops, Frames, Input, Reads, Utterances
from mien.sdk.params import Params

Plugin = AnalyzerInfo | FusionInfo


@dataclass(frozen=True)
class Need:
    """A model that a plugin asks for.

    Args:
        model: its id; there: whether it is installed; optional: whether the plugin does without.
        help: how to get it, a sentence; empty when it is there.
    """

    model: str
    there: bool
    optional: bool
    help: str = ""


def needs(info: Plugin, registry: Registry, there: Callable[[str], bool] = store.is_installed) -> list[Need]:
    """The models of a plugin, those it cannot do without first. Looks at folders only.

    Args:
        there: whether a model is installed.
    """
    optional = info.optional_models if isinstance(info, AnalyzerInfo) else ()
    wanted = [(m, False) for m in info.models] + [(m, True) for m in optional]
    return [_need(model, there(model), may, registry) for model, may in wanted]


def all_needs(infos: Iterable[Plugin], registry: Registry) -> dict[str, list[Need]]:
    """The same of several plugins, by id; each model is looked for once."""
    there = cache(store.is_installed)
    return {info.id: needs(info, registry, there) for info in infos}


def reads(info: Plugin, params: Params | None) -> list[str]:
    """What it reads, a line each."""
    if isinstance(info, FusionInfo):
        return [", ".join(info.accepts) + " – whichever are there"] if info.accepts else []
    if params is None:
        return []
    return [_told(entry) for entry in info.inputs_for(params)]


def writes(info: Plugin) -> list[str]:
    """What it writes, a line each."""
    if isinstance(info, FusionInfo):
        return ["the fused reading, each modality's weight, and verdicts over the threshold"]
    return [_written(w) for w in info.outputs]


def added(chosen: Collection[str], registry: Registry, params: dict[str, Params]) -> dict[str, str]:
    """Analyzers that run although they were not chosen: id → id of the one that reads what they write."""
    found: dict[str, str] = {}
    queue = list(chosen)
    while queue:
        reader = queue.pop(0)
        info = registry.analyzers.get(reader)
        if info is None:
            continue
        for read in info.reads_for(params.get(reader) or info.params()):
            if read.optional or _writes(read.track, registry, (*chosen, *found)):
                continue
            writer = next(iter(_writes(read.track, registry, registry.analyzers)), None)
            if writer is not None:
                found[writer] = reader
                queue.append(writer)
    return found


def distribution(plugin_id: str, registry: Registry) -> str:
    """The package that a plugin came with, or empty."""
    return next((s.distribution for s in registry.sources if plugin_id in s.offers), "")


def hidden(registry: Registry, disabled: Collection[str]) -> set[str]:
    """Ids of everything that the disabled plugins (names of sources) offer."""
    return {offer for source in registry.sources if source.name in disabled for offer in source.offers}


def untrained(info: Plugin) -> str:
    """The command that trains a plugin's model, empty where it needs none or its weights are here. Looks at folders only."""
    if info.models and all(store.is_installed(model) for model in info.models):
        return ""
    return info.needs_training or info.trained_by


def _writes(track: str, registry: Registry, among: Iterable[str]) -> list[str]:
    return [i for i in among if any(w.name == track for w in registry.analyzers[i].outputs)]


def _need(model: str, there: bool, optional: bool, registry: Registry) -> Need:
    if there:
        return Need(model, True, optional)
    recipe = next((r for r in registry.recipes.values() if r.model == model), None)
    if recipe is not None:
        return Need(model, False, optional, f"Train it with: mien train {recipe.id} --data DIR --out DIR")
    return Need(model, False, optional, str(store.missing(model)))


def _told(entry: Input) -> str:
    if isinstance(entry, Reads):
        return f"{entry.track}{' (if it is there)' if entry.optional else ''}"
    if isinstance(entry, Audio):
        sound = f"sound, {entry.rate / 1000:g} kHz {'mono' if entry.mono else 'all channels'}"
        if entry.window is None:
            return sound
        return f"{sound}, {entry.window:g} s every {entry.hop or entry.window:g} s"
    if isinstance(entry, Utterances):
        return f"sound of each utterance ({entry.track}), {entry.rate / 1000:g} kHz"
    if isinstance(entry, Frames):
        rate = "every picture" if entry.rate is None else f"{entry.rate:g} pictures a second"
        return rate if entry.size is None else f"{rate}, {entry.size} px"
    if isinstance(entry, Crops):
        return f"faces ({entry.track}), {entry.size} × {entry.size} px"
    return type(entry).__name__


def _written(entry: Writes) -> str:
    channels = []
    for quantity in entry.quantities:
        low = "−∞" if quantity.low is None else f"{quantity.low:g}".replace("-", "−")
        high = "∞" if quantity.high is None else f"{quantity.high:g}"
        bounded = quantity.low is not None or quantity.high is not None
        channels.append(f"{quantity.name} {low} … {high}" if bounded else quantity.name)
    if len({c.split(" ", 1)[-1] for c in channels}) == 1 and len(channels) > 1:
        names = ", ".join(q.name for q in entry.quantities)
        return f"{entry.name}: {names} {channels[0].split(' ', 1)[-1]}"
    return f"{entry.name}: {', '.join(channels)}" if channels else f"{entry.name} ({entry.kind})"
