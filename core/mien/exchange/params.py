"""Parameters of the built-in exporters. Light: nothing but pydantic."""

from __future__ import annotations

from typing import Literal

from mien.sdk.params import Params, param

_TRACKS = "Which tracks, as names or patterns with * and ?, joined by commas (speech.*,fusion.score)"


class TableParams(Params):
    """Of every exporter that writes tracks as tables."""

    tracks: str = param("*", _TRACKS, min_length=1)
    features: bool = param(False, "Write the embedding vectors too: hundreds of columns a track")


class CsvParams(TableParams):
    """Of the CSV exporter."""

    digits: int = param(4, "Digits behind the point of values; times have six", ge=0, le=9)
    guard: bool = param(True, "Put ' before text that a spreadsheet would run as a formula")
    bom: bool = param(False, "Begin each file with a byte order mark, which old spreadsheets need to see UTF-8")


class ParquetParams(TableParams):
    """Of the Parquet exporter."""

    features: bool = param(True, "Write the embedding vectors too")


class JsonParams(TableParams):
    """Of the JSON exporter."""

    digits: int = param(4, "Digits behind the point of values; times have six", ge=0, le=9)
    features: bool = param(False, "Write the embedding vectors too")
    indent: bool = param(False, "Spread the file over many lines, one row of a track each")


class SrtParams(Params):
    """Of the SubRip exporter."""

    min_confidence: float = param(0.0, "Leave out utterances that the recogniser is less sure of", ge=0, le=1)
    speaker: bool = param(True, "Name the speaker where one is known")
    line_length: int = param(
        42,
        "Longest line; a longer utterance is broken into lines and cues, 0 keeps it whole",
        unit="characters",
        ge=0,
        le=200,
    )
    max_lines: int = param(2, "Lines of one cue", unit="lines", ge=1, le=6)


class VttParams(SrtParams):
    """Of the WebVTT exporter."""

    colour: bool = param(True, "Colour offensive utterances, and mark the words that made them so")


class ElanParams(Params):
    """Of the ELAN exporter."""

    tracks: str = param("*", _TRACKS, min_length=1)
    curves: bool = param(True, "Write curves as tiers: stretches over which the reading stays in one level")
    step: float = param(
        0.5, "Curves are averaged over this long before they are cut into levels", unit="s", ge=0.04, le=60
    )
    levels: int = param(5, "Levels that the extent of a quantity is cut into", ge=2, le=20)
    scores: bool = param(True, "Write confidences and scores behind labels")
    corrections: bool = param(True, "Write what people decided and corrected as tiers of their own")


class TextGridParams(Params):
    """Of the Praat TextGrid exporter."""

    tracks: str = param("*", _TRACKS, min_length=1)
    curves: Literal["interval", "point", "none"] = param(
        "interval",
        "Write curves as interval tiers (levels), as point tiers (one number a step), or not at all",
    )
    step: float = param(0.5, "Curves are averaged over this long", unit="s", ge=0.04, le=60)
    levels: int = param(5, "Levels that the extent of a quantity is cut into", ge=2, le=20)
    scores: bool = param(True, "Write confidences and scores behind labels")
    corrections: bool = param(True, "Write what people decided and corrected as tiers of their own")


class ReportParams(Params):
    """Of the HTML report."""

    title: str = param("", "Heading of the report; empty takes the medium's name", max_length=200)
    thumbnails: int = param(6, "Pictures from the medium, put into the file; 0 for none", ge=0, le=24)
    points: int = param(1500, "Points that a drawn line has at most; peaks are kept", ge=50, le=5000)
    corrections: bool = param(True, "Tell what people decided and corrected, beside what was predicted")


class VideoParams(Params):
    """Of the annotated video."""

    crf: int = param(23, "Constant rate factor: 0 keeps everything, 51 is the worst", ge=0, le=51)
    max_height: int = param(1080, "Larger pictures are scaled down to this height", unit="px", ge=64, le=4320)
    max_rate: float = param(60.0, "Frames a second of the result at most", unit="Hz", ge=1, le=120)
    boxes: bool = param(True, "Draw face boxes with person and dominant expression")
    caption: bool = param(True, "Draw the transcript with the word that is spoken")
    bars: str = param(
        "valence,arousal,conflict,hostility",
        "Quantities drawn as bars, by channel name, joined by commas; empty for none",
    )
