"""One export at a time, in a thread of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from mien.engine.results import analysis_of
from mien.exchange.cut import Span
from mien.exchange.write import export
from mien.library.library import Library
from mien.sdk.descriptors import ExporterInfo
from mien_desktop.work.writing import Watch, WritingJob


@dataclass(frozen=True)
class Order:
    """What is to be written.

    Args:
        medium: its path or id; library: the library's place.
        names: ids of exporters; options: id → parameters that differ from the defaults.
        folder: where to; span: the only stretch, in s, None for the whole medium.
        runs: keys of the runs to take, None for the current ones.
    """

    medium: Path | str
    library: str
    names: Sequence[str]
    folder: Path
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    span: Span | None = None
    runs: tuple[str, ...] | None = None


class ExportJob(WritingJob):
    """An export stops after the picture of a video that is drawn, another format when it is written; what is complete stays."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("mien-export", parent)

    def start(self, order: Order, exporters: Mapping[str, ExporterInfo]) -> None:
        """Begin; nothing happens while one runs."""
        known = dict(exporters)
        self._begin(lambda watch, _: _export(order, known, watch), self.written)


def _export(order: Order, exporters: Mapping[str, ExporterInfo], watch: Watch) -> list[Path]:
    with Library(order.library) as library:
        analysis = analysis_of(library, library.medium(order.medium), order.runs)
        return export(analysis, order.names, order.folder, exporters, order.options, span=order.span, watch=watch)
