"""Which plugins run in a process of their own: all that are not ours, unless a setting says otherwise."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from mien.engine.isolation import environment, pool
from mien.engine.isolation.exporters import apart
from mien.engine.isolation.limits import Launch
from mien.engine.isolation.proxy import Isolated, IsolatedAnalyzer, IsolatedExplainer, IsolatedExporter, IsolatedFusion
from mien.engine.plan import Node
from mien.engine.registry import Registry, create
from mien.errors import PluginError
from mien.sdk.descriptors import AnalyzerInfo, ExporterInfo, FusionInfo


class Builder:
    """Makes the objects behind descriptors: ours in this process, those of others as stand-ins.

    Args:
        registry: says which plugin is whose.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._everywhere = apart()

    def isolated(self, info: AnalyzerInfo | FusionInfo | ExporterInfo) -> Isolated | None:
        """How a plugin is run apart, or None for one that runs in this process."""
        source = self._registry.source(info.id)
        if source is None or source.own or not (self._everywhere or source.environment):
            return None
        if os.name != "posix":
            raise PluginError(f"{info.id} has an environment of its own, which Mien can run on Linux and macOS only.")
        path = () if source.environment else tuple(place for place in sys.path if place)
        python = environment.python(source.environment) if source.environment else sys.executable
        launch = Launch(info.id, source.module, python, path)
        return Isolated(launch, pool.limits())

    def __call__(self, info: AnalyzerInfo | FusionInfo) -> Any:
        """The object, not prepared yet."""
        isolated = self.isolated(info)
        if isolated is None:
            return create(info.factory)
        return IsolatedAnalyzer(isolated) if isinstance(info, AnalyzerInfo) else IsolatedFusion(isolated)

    def warm(self, nodes: Iterable[Node]) -> None:
        """Start the processes of analyzers ahead, so that they load side by side; what goes wrong is told when they run."""
        for node in nodes:
            isolated = self.isolated(node.info)
            if isolated is not None:
                with suppress(PluginError):
                    pool.warm(isolated.launch, isolated.limits)

    def explainer(self, info: AnalyzerInfo) -> Any:
        """The object that explains."""
        isolated = self.isolated(info)
        return create(info.factory) if isolated is None else IsolatedExplainer(isolated)

    def exporter(self, info: ExporterInfo) -> IsolatedExporter:
        """The object that writes; raises PluginError for an exporter that is not isolated."""
        isolated = self.isolated(info)
        if isolated is None:
            raise PluginError(f"{info.id} does not run in a process of its own any more; try again.")
        return IsolatedExporter(isolated)
