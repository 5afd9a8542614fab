"""The one hook of the plugin API, and what a plugin gets to register with."""

from __future__ import annotations

from typing import Protocol

import pluggy

from mien.sdk.descriptors import AnalyzerInfo, CorpusInfo, ExporterInfo, FusionInfo, RecipeInfo, TableInfo

PROJECT = "mien"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Registry(Protocol):
    """Takes the descriptors that a plugin offers."""

    def analyzer(self, info: AnalyzerInfo) -> None:
        """Offer a modality."""

    def fusion(self, info: FusionInfo) -> None:
        """Offer a fusion."""

    def exporter(self, info: ExporterInfo) -> None:
        """Offer a file format."""

    def recipe(self, info: RecipeInfo) -> None:
        """Offer a way to train and measure a model."""

    def corpus(self, info: CorpusInfo) -> None:
        """Offer to read a corpus."""

    def table(self, info: TableInfo) -> None:
        """Offer to reproduce a published table."""


class Hooks:
    """The hook specification of API 1."""

    @hookspec
    def mien_register(self, registry: Registry) -> None:
        """Offer this plugin's descriptors.

        Called once, when plugins are listed. The module that implements it imports in milliseconds and imports no torch.

        Args:
            registry: takes descriptors of analyzers, fusions, exporters, recipes, corpora and tables.
        """
