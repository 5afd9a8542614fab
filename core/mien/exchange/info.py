"""The file formats that come with Mien, as descriptors: what lists and settings know before any of it is
loaded.
"""

from __future__ import annotations

from mien.exchange import params
from mien.sdk.descriptors import ExporterInfo
from mien.sdk.hooks import Registry, hookimpl

VERSION = "1.0.0"

CSV = ExporterInfo(
    id="csv",
    title="CSV tables",
    version=VERSION,
    factory="mien.exchange.csv:CsvExporter",
    params=params.CsvParams,
    description="A folder with one table a track, and a README that explains the columns.",
)
PARQUET = ExporterInfo(
    id="parquet",
    title="Parquet tables",
    version=VERSION,
    factory="mien.exchange.parquet:ParquetExporter",
    params=params.ParquetParams,
    description="A folder with one Parquet file a track; units, extents and provenance are in its metadata.",
)
JSON = ExporterInfo(
    id="json",
    title="JSON",
    version=VERSION,
    factory="mien.exchange.json:JsonExporter",
    params=params.JsonParams,
    suffix=".json",
    description="One file with everything: medium, tracks, quantities, provenance (docs/json-format.md).",
)
SRT = ExporterInfo(
    id="srt",
    title="SubRip subtitles",
    version=VERSION,
    factory="mien.exchange.subtitles:SrtExporter",
    params=params.SrtParams,
    suffix=".srt",
    kinds=("spans",),
    description="The transcript as subtitles.",
)
VTT = ExporterInfo(
    id="vtt",
    title="WebVTT subtitles",
    version=VERSION,
    factory="mien.exchange.subtitles:VttExporter",
    params=params.VttParams,
    suffix=".vtt",
    kinds=("spans",),
    description="The transcript as subtitles, coloured by offence, with speakers as voices.",
)
ELAN = ExporterInfo(
    id="eaf",
    title="ELAN",
    version=VERSION,
    factory="mien.exchange.elan:ElanExporter",
    params=params.ElanParams,
    suffix=".eaf",
    kinds=("curve", "spans", "boxes"),
    description="Tiers for ELAN: words, verdicts, dominant expression a person, levels of the curves.",
)
TEXTGRID = ExporterInfo(
    id="textgrid",
    title="Praat TextGrid",
    version=VERSION,
    factory="mien.exchange.textgrid:TextGridExporter",
    params=params.TextGridParams,
    suffix=".TextGrid",
    kinds=("curve", "spans", "boxes"),
    description="Interval and point tiers for Praat.",
)
REPORT = ExporterInfo(
    id="report",
    title="HTML report",
    version=VERSION,
    factory="mien.exchange.report:ReportExporter",
    params=params.ReportParams,
    suffix=".html",
    kinds=("curve", "spans", "boxes"),
    description="One self-contained page: curves, coloured transcript, verdicts with reasons, models, cards.",
)
VIDEO = ExporterInfo(
    id="video",
    title="Annotated video",
    version=VERSION,
    factory="mien.exchange.video:VideoExporter",
    params=params.VideoParams,
    suffix=".mp4",
    needs_medium=True,
    kinds=("curve", "spans", "boxes"),
    description="The video with faces, captions and readings burnt in, and its own sound.",
)

ALL = (CSV, PARQUET, JSON, SRT, VTT, ELAN, TEXTGRID, REPORT, VIDEO)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the built-in file formats."""
    for info in ALL:
        registry.exporter(info)
