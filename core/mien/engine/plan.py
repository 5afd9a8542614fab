"""The plan: which analyzers run on a medium, in which order, which come from the library and which do not apply."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien.engine.choice import Choice, default_analyzers
from mien.engine.registry import Registry
from mien.errors import ModelError, UsageError
from mien.sdk.descriptors import AnalyzerInfo
from mien.sdk.inputs import Audio, Crops, Frames, Input, Utterances
from mien.sdk.media import MediaInfo
from mien.sdk.params import Params

CONDITIONING = 1
"""Version of decode and conditioning; part of every run's key, raised when they would change readings."""

WITHOUT = "it was read without "
"""In the reason of a run that lacks what it could have read; such a run is made again when it is next asked for."""


@dataclass(frozen=True)
class Node:
    """One analyzer of a plan.

    Args:
        info: its descriptor.
        params: frozen.
        inputs: under these parameters.
        providers: track it reads → id of the analyzer in this plan that writes it.
        models: id → SHA-256 of the weights that take part.
        key: of the run; equal keys mean equal readings.
        cached: whether the library has a complete run with this key.
        skipped: why it does not apply to this medium, or empty.
    """

    info: AnalyzerInfo
    params: Params
    inputs: tuple[Input, ...]
    providers: Mapping[str, str]
    models: Mapping[str, str]
    key: str
    cached: bool
    skipped: str

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def runs(self) -> bool:
        """Whether it has to be computed."""
        return not (self.cached or self.skipped)

    @property
    def hears(self) -> bool:
        """Whether it needs decoded sound."""
        return any(isinstance(i, Audio | Utterances) for i in self.inputs)

    @property
    def sees(self) -> bool:
        """Whether it needs decoded pictures."""
        return any(isinstance(i, Frames | Crops) for i in self.inputs)


@dataclass(frozen=True)
class Plan:
    """All analyzers for one medium, providers before their readers."""

    nodes: tuple[Node, ...]

    def node(self, plugin_id: str) -> Node:
        """The node of one analyzer."""
        return next(n for n in self.nodes if n.id == plugin_id)

    def branches(self) -> list[tuple[Node, ...]]:
        """The nodes to compute, grouped so that no group waits for another; each group can run on its own.

        In a group, what works in processes of its own comes as early as what it reads allows: those processes then have work
        while the others load their libraries and compute.
        """
        group: dict[str, int] = {}
        running = [n for n in self.nodes if n.runs]
        for index, node in enumerate(running):
            group[node.id] = index
        for node in running:
            for provider in node.providers.values():
                if provider in group and group[provider] != group[node.id]:
                    old, new = group[node.id], group[provider]
                    group = {k: new if v == old else v for k, v in group.items()}
        order = dict.fromkeys(group[n.id] for n in running)
        return [_early_first([n for n in running if group[n.id] == g]) for g in order]


def _early_first(nodes: list[Node]) -> tuple[Node, ...]:
    """Nodes in dependency order → those with processes of their own and what they read before the rest, still in order."""
    early = early_of(nodes)
    return (*(n for n in nodes if n.id in early), *(n for n in nodes if n.id not in early))


def early_of(nodes: Sequence[Node]) -> set[str]:
    """Of nodes in dependency order, those with processes of their own and what these read."""
    early = {n.id for n in nodes if n.info.own_process}
    for node in reversed(nodes):  # readers come behind what they read
        if node.id in early:
            early.update(node.providers.values())
    return early


def readers_of(nodes: Sequence[Node], ids: Collection[str]) -> set[str]:
    """Of nodes in dependency order, those that read what nodes with these ids write, at first or second hand."""
    found: set[str] = set()
    for node in nodes:
        if any(provider in ids or provider in found for provider in node.providers.values()):
            found.add(node.id)
    return found


def make_plan(
    choice: Choice,
    registry: Registry,
    media: MediaInfo,
    medium: str,
    is_cached: Callable[[str], bool] = lambda key: False,
) -> Plan:
    """The plan for one medium.

    Args:
        choice: checked.
        media: what was probed.
        medium: the hash of its content.
        is_cached: whether the library has a complete run with that key.

    Raises:
        UsageError: an input that nobody writes, or a cycle.
        ModelError: weights that are missing.
        ParameterError: a parameter out of range.
    """
    wanted = choice.analyzers if choice.analyzers is not None else default_analyzers(registry)
    infos = _with_providers(wanted, choice, registry)
    order = _sorted(infos, choice, registry)
    nodes: dict[str, Node] = {}
    for info, providers in order:
        params = choice.params(registry, info.id)
        inputs = info.inputs_for(params)
        skipped = _why_not(info, inputs, params, providers, nodes, media)
        if info.needs_training:
            raise ModelError(f"{info.title} ({info.id}) has no weights yet; train it first with: {info.needs_training}")
        live = {track: p for track, p in providers.items() if not nodes[p].skipped}
        models = {} if skipped else _fingerprints(info)
        key = _key(info, params, models, live, nodes, media, medium, choice)
        nodes[info.id] = Node(
            info, params, inputs, live, models, key, cached=not skipped and is_cached(key), skipped=skipped
        )
    return Plan(tuple(nodes.values()))


def taking_part(choice: Choice, registry: Registry) -> frozenset[str]:
    """Ids of all that a checked choice runs: its analyzers, whoever writes what they read, and its fusion.

    Raises:
        UsageError: an input that nobody writes.
    """
    wanted = choice.analyzers if choice.analyzers is not None else default_analyzers(registry)
    return frozenset((*_with_providers(wanted, choice, registry), *([choice.fusion] if choice.fusion else [])))


def lasts(reason: str) -> bool:
    """Whether a complete run with that reason for being partial is the last word, and not to be made again."""
    return WITHOUT not in reason


def digest(values: Mapping[str, Any]) -> str:
    """SHA-256 of JSON-ready values, independent of their order."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _with_providers(wanted: tuple[str, ...], choice: Choice, registry: Registry) -> dict[str, AnalyzerInfo]:
    infos: dict[str, AnalyzerInfo] = {}
    queue = list(wanted)
    while queue:
        info = registry.analyzer(queue.pop(0))
        if info.id in infos:
            continue
        infos[info.id] = info
        for read in info.reads_for(choice.params(registry, info.id)):
            provider = _provider(read.track, registry, infos)
            if provider is None and not read.optional:
                raise UsageError(f"{info.id} reads the track {read.track}, which no installed plugin writes.")
            if provider is not None and not read.optional:
                queue.append(provider)
    return infos


def _provider(track: str, registry: Registry, chosen: Mapping[str, AnalyzerInfo]) -> str | None:
    """Who writes a track: one that is chosen already comes first, then the first that is installed."""
    for infos in (chosen, registry.analyzers):
        for info in infos.values():
            if any(w.name == track for w in info.outputs):
                return info.id
    return None


def _sorted(
    infos: Mapping[str, AnalyzerInfo], choice: Choice, registry: Registry
) -> list[tuple[AnalyzerInfo, dict[str, str]]]:
    """Providers before readers; raises UsageError on a cycle."""
    edges = {}
    for info in infos.values():
        reads = info.reads_for(choice.params(registry, info.id))
        found = {read.track: _provider(read.track, registry, infos) for read in reads}
        edges[info.id] = {track: p for track, p in found.items() if p in infos and p is not None}
    order: list[str] = []
    open_: list[str] = []

    def visit(plugin: str) -> None:
        if plugin in order:
            return
        if plugin in open_:
            circle = " → ".join([*open_[open_.index(plugin) :], plugin])
            raise UsageError(f"These plugins wait for each other: {circle}; leave one of them out.")
        open_.append(plugin)
        for provider in edges[plugin].values():
            visit(provider)
        open_.pop()
        order.append(plugin)

    for plugin in infos:
        visit(plugin)
    return [(infos[plugin], edges[plugin]) for plugin in order]


def _why_not(
    info: AnalyzerInfo,
    inputs: tuple[Input, ...],
    params: Params,
    providers: Mapping[str, str],
    nodes: Mapping[str, Node],
    media: MediaInfo,
) -> str:
    """Why an analyzer does not apply to a medium, or an empty text."""
    if info.uses_cues and media.cues:
        return ""
    if not media.has_audio and any(isinstance(i, Audio | Utterances) for i in inputs):
        return "the medium has no sound"
    if not media.has_video and any(isinstance(i, Frames | Crops) for i in inputs):
        return "the medium has no picture"
    for read in info.reads_for(params):
        provider = providers.get(read.track)
        if provider is not None and nodes[provider].skipped and not read.optional:
            return nodes[provider].skipped
    return ""


def _fingerprints(info: AnalyzerInfo) -> dict[str, str]:
    if not (info.models or info.optional_models):
        return {}
    from mien.models.store import fingerprint, is_installed

    there = [m for m in info.optional_models if is_installed(m)]
    return {model: fingerprint(model) for model in (*info.models, *there)}


def _key(
    info: AnalyzerInfo,
    params: Params,
    models: Mapping[str, str],
    providers: Mapping[str, str],
    nodes: Mapping[str, Node],
    media: MediaInfo,
    medium: str,
    choice: Choice,
) -> str:
    cues = [(c.start, c.end, c.text, c.speaker) for c in media.cues] if info.uses_cues else []
    return digest(
        {
            "conditioning": CONDITIONING,
            "medium": medium,
            # However it was named: the stream that is heard.
            "audio_stream": media.audio_stream,
            "analyzer": info.id,
            "version": info.version,
            "params": params.model_dump(mode="json"),
            "models": dict(models),
            "precision": choice.precision if choice.precision != "auto" else "float32",
            "cues": cues,
            "reads": {track: nodes[p].key for track, p in providers.items()},
        }
    )
