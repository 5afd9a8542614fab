"""Which plugins there are. They load one at a time; one that fails is kept with its error and never stops the others."""

from __future__ import annotations

import difflib
import importlib.metadata
import logging
import os
import shlex
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pluggy

from mien.engine.isolation.environment import Installed, installed
from mien.errors import PluginError, UnknownPlugin
from mien.sdk.descriptors import API, AnalyzerInfo, CorpusInfo, ExporterInfo, FusionInfo, RecipeInfo, TableInfo
from mien.sdk.hooks import PROJECT, Hooks

_log = logging.getLogger(__name__)
GROUP = "mien"
"""Entry-point group that plugins register under."""
OURS = "mien"
"""Name of the distribution whose plugins are our own."""
EXTRA = "MIEN_PLUGINS"
"""Environment variable with more plugin modules, separated by commas: for trying one that is not installed."""

_Info = TypeVar("_Info", AnalyzerInfo, FusionInfo, ExporterInfo, RecipeInfo, CorpusInfo, TableInfo)
_Trained = TypeVar("_Trained", AnalyzerInfo, FusionInfo)
_Any = AnalyzerInfo | FusionInfo | ExporterInfo | RecipeInfo | CorpusInfo | TableInfo


@dataclass(frozen=True)
class Source:
    """One plugin module.

    Args:
        name: its entry point's name.
        module: what it points to.
        distribution: the package it came with, with its version, or empty.
        error: why it could not be loaded, or empty.
        details: the traceback, for the log and for developers.
        offers: ids of what it registered.
        own: whether it came with Mien itself; others run in processes of their own.
        environment: folder of the plugin's own environment (`mien plugins install --isolated`), or empty.
    """

    name: str
    module: str
    distribution: str = ""
    error: str = ""
    details: str = ""
    offers: tuple[str, ...] = ()
    own: bool = False
    environment: str = ""


@dataclass
class Registry:
    """All descriptors by id, and where each came from. Made by `load`."""

    analyzers: dict[str, AnalyzerInfo] = field(default_factory=dict)
    fusions: dict[str, FusionInfo] = field(default_factory=dict)
    exporters: dict[str, ExporterInfo] = field(default_factory=dict)
    recipes: dict[str, RecipeInfo] = field(default_factory=dict)
    corpora: dict[str, CorpusInfo] = field(default_factory=dict)
    tables: dict[str, TableInfo] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)

    @classmethod
    def load(cls, entry_points: Iterable[Any] | None = None) -> Registry:
        """Load every plugin that is installed (or the given entry points)."""
        registry = cls()
        everything = entry_points is None
        if entry_points is None:
            extra = [m.strip() for m in os.environ.get(EXTRA, "").split(",") if m.strip()]
            tried = [importlib.metadata.EntryPoint(module, module, GROUP) for module in extra]
            entry_points = [*importlib.metadata.entry_points(group=GROUP), *tried]
        told: dict[int, str] = {}
        for entry in sorted(entry_points, key=lambda e: (str(e.name), str(e.value))):
            registry._load_one(entry, _origin(entry, told))
        if everything:
            for place in installed():
                registry._load_apart(place)
        return registry

    @property
    def broken(self) -> tuple[Source, ...]:
        """The plugins that could not be loaded."""
        return tuple(s for s in self.sources if s.error)

    def source(self, plugin_id: str) -> Source | None:
        """The module that offers an analyzer, a fusion or an export format with that id."""
        known = plugin_id in self.analyzers or plugin_id in self.fusions or plugin_id in self.exporters
        return next((s for s in self.sources if known and plugin_id in s.offers), None)

    def analyzer(self, plugin_id: str) -> AnalyzerInfo:
        """The analyzer with that id.

        Raises:
            UnknownPlugin: there is none; the message names the nearest.
        """
        return _get(self.analyzers, plugin_id, "analyzer")

    def fusion(self, plugin_id: str) -> FusionInfo:
        """The fusion with that id, or as `late` for `fusion.late`; raises UnknownPlugin."""
        short = f"fusion.{plugin_id}"
        return _get(self.fusions, short if short in self.fusions else plugin_id, "fusion")

    def exporter(self, plugin_id: str) -> ExporterInfo:
        """The exporter with that id; raises UnknownPlugin."""
        return _get(self.exporters, plugin_id, "export format")

    def recipe(self, recipe_id: str) -> RecipeInfo:
        """The training recipe with that id; raises UnknownPlugin."""
        return _get(self.recipes, recipe_id, "training recipe")

    def corpus(self, corpus_id: str) -> CorpusInfo:
        """The corpus with that id; raises UnknownPlugin."""
        return _get(self.corpora, corpus_id, "corpus")

    def table(self, table_id: str) -> TableInfo:
        """The published table with that id; raises UnknownPlugin."""
        return _get(self.tables, table_id, "table")

    def _load_one(self, entry: Any, origin: str = "") -> None:
        own = origin.split(" ")[0] == OURS
        offer = _Offer()
        try:
            manager = pluggy.PluginManager(PROJECT)
            manager.add_hookspecs(Hooks)
            manager.register(entry.load(), name=entry.name)
            manager.check_pending()
            manager.hook.mien_register(registry=offer)
            if not own:
                offer.infos = [_apart(info) for info in offer.infos]
            self._accept(offer)
        except Exception as error:  # noqa: BLE001 - whatever a plugin's module raises is its own error, shown with it
            reason = str(error) or type(error).__name__
            _log.warning("plugin %s could not be loaded", entry.name, exc_info=True)
            self.sources.append(Source(entry.name, entry.value, origin, reason, traceback.format_exc()))
            return
        offers = tuple(i.id for i in offer.infos)
        self.sources.append(Source(entry.name, entry.value, origin, offers=offers, own=own))

    def _load_apart(self, place: Installed) -> None:
        """What a plugin with an environment of its own offers, from what was written down when it was installed."""
        from mien.engine.isolation.environment import asker
        from mien.engine.isolation.snapshot import rebuild

        origin, where = f"{place.name} {place.version}".strip(), str(place.environment)
        if place.error:
            self.sources.append(Source(place.name, "", origin, place.error, environment=where))
            return
        for told in place.modules:
            name, module = str(told.get("name")), str(told.get("module"))
            offer = _Offer()
            try:
                if told.get("error"):
                    raise PluginError(str(told["error"]))
                offer.infos = [
                    _apart(rebuild(one, asker(module, place.environment)), always=True)
                    for one in told.get("offers", ())
                ]
                self._accept(offer)
            except Exception as error:  # noqa: BLE001 - what was written down may be anything by now
                reason = str(error) or type(error).__name__
                _log.warning("plugin %s could not be read", name, exc_info=True)
                self.sources.append(Source(name, module, origin, reason, traceback.format_exc(), environment=where))
                continue
            offers = tuple(i.id for i in offer.infos)
            self.sources.append(Source(name, module, origin, offers=offers, environment=where))

    def _accept(self, offer: _Offer) -> None:
        """Take a plugin's whole offer, or nothing of it."""
        for info in offer.infos:
            if info.api > API:
                raise PluginError(f"{info.id} was written for plugin API {info.api}; this version has API {API}")
            # Recipes are named after models, which have names of their own, and so have corpora and tables.
            others: tuple[Mapping[str, object], ...] = (self.analyzers, self.fusions, self.exporters)
            if isinstance(info, RecipeInfo):
                others = (self.recipes,)
            elif isinstance(info, CorpusInfo | TableInfo):
                others = (self.corpora,) if isinstance(info, CorpusInfo) else (self.tables,)
            if any(info.id in known for known in others):
                raise PluginError(f"another plugin already offers {info.id}")
        for info in offer.infos:
            if isinstance(info, AnalyzerInfo):
                self.analyzers[info.id] = _as_trained(info)
            elif isinstance(info, FusionInfo):
                self.fusions[info.id] = _as_trained(info)
            elif isinstance(info, ExporterInfo):
                self.exporters[info.id] = info
            elif isinstance(info, RecipeInfo):
                self.recipes[info.id] = info
            elif isinstance(info, CorpusInfo):
                self.corpora[info.id] = info
            else:
                self.tables[info.id] = info


class _Offer:
    """What one plugin registers."""

    def __init__(self) -> None:
        self.infos: list[_Any] = []

    def analyzer(self, info: AnalyzerInfo) -> None:
        self._add(info, AnalyzerInfo)

    def fusion(self, info: FusionInfo) -> None:
        self._add(info, FusionInfo)

    def exporter(self, info: ExporterInfo) -> None:
        self._add(info, ExporterInfo)

    def recipe(self, info: RecipeInfo) -> None:
        self._add(info, RecipeInfo)

    def corpus(self, info: CorpusInfo) -> None:
        self._add(info, CorpusInfo)

    def table(self, info: TableInfo) -> None:
        self._add(info, TableInfo)

    def _add(self, info: _Any, kind: type) -> None:
        if not isinstance(info, kind):  # a plugin is not type-checked by us
            raise PluginError(f"a plugin offered {type(info).__name__} where {kind.__name__} belongs")
        self.infos.append(info)


def _origin(entry: Any, told: dict[int, str]) -> str:
    """The distribution of an entry point with its version, or empty; `told` keeps the answers."""
    dist = getattr(entry, "dist", None)
    if dist is None:
        return ""
    if id(dist) not in told:
        facts = dist.metadata  # parses the whole file, at every question
        told[id(dist)] = f"{facts['Name']} {facts['Version']}"
    return told[id(dist)]


def _get(infos: Mapping[str, _Info], plugin_id: str, what: str) -> _Info:
    if plugin_id in infos:
        return infos[plugin_id]
    near = difflib.get_close_matches(plugin_id, infos, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(infos)) or 'none'}."
    raise UnknownPlugin(f"There is no {what} named {plugin_id[:80]!r}; {hint}")


def _apart(info: _Any, always: bool = False) -> _Any:
    """An export format of others with the factory of its stand-in, which writes in a process of its own."""
    if not isinstance(info, ExporterInfo):
        return info
    from mien.engine.isolation.exporters import apart, factory_of

    return replace(info, factory=factory_of(info)) if always or apart() else info


def _as_trained(info: _Trained) -> _Trained:
    """The descriptor with the command that trains it, where its weights are not here."""
    if not info.trained_by:
        return info
    from mien.models.store import is_installed, user_models

    absent = [model for model in info.models if not is_installed(model)]
    if not absent:
        return info
    place = shlex.quote(str(user_models() / absent[0]))
    return replace(info, needs_training=f"{info.trained_by} --data DIR --out {place}")


def create(factory: str) -> Any:
    """An instance of the class that a descriptor names.

    Raises:
        PluginError: the module does not import or has no such class.
    """
    module, _, name = factory.partition(":")
    try:
        return getattr(importlib.import_module(module), name)()
    except Exception as error:
        raise PluginError(f"{factory} could not be loaded: {error or type(error).__name__}") from error
