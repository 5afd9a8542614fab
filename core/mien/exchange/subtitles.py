"""SubRip and WebVTT of the transcript, by pysubs2.

Long utterances become several cues, cut where words were spoken.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pysubs2

from mien.exchange.lines import Line, lines
from mien.exchange.params import SrtParams, VttParams
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis

_STYLES = """STYLE
::cue(.offence-some) { color: #ffd54f; }
::cue(.offence-strong) { color: #ff8a80; }
::cue(.driver) { font-weight: bold; text-decoration: underline; }
"""


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: start and end in s, the pieces of each line as (text, attribution), and the utterance it
    is from.
    """

    start: float
    end: float
    rows: tuple[tuple[tuple[str, float], ...], ...]
    line: Line

    @property
    def text(self) -> str:
        """Its lines as plain text."""
        return "\n".join("".join(piece for piece, _ in row).strip() for row in self.rows)


class SrtExporter:
    """Writes one .srt file."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """SubRip has no escapes: what players would take for markup is written with look-alike signs."""
        assert isinstance(params, SrtParams)
        subs = pysubs2.SSAFile()
        for cue in cues(lines(analysis), params):
            name = f"{cue.line.speaker}: " if params.speaker and cue.line.speaker else ""
            _add(subs, cue, _plain(name + cue.text))
        subs.save(str(target), encoding="utf-8", format_="srt", keep_ssa_tags=True)
        return [target]


class VttExporter:
    """Writes one .vtt file."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """Speakers as voices (`<v>`), offence as classes (`<c.offence-strong>`), which the STYLE block
        colours.
        """
        assert isinstance(params, VttParams)
        subs = pysubs2.SSAFile()
        for cue in cues(lines(analysis), params):
            _add(subs, cue, _markup(cue, params))
        text = subs.to_string("vtt", keep_ssa_tags=True)
        if params.colour:
            text = text.replace("WEBVTT\n\n", f"WEBVTT\n\n{_STYLES}\n", 1)
        target.write_text(text, encoding="utf-8", newline="\n")
        return [target]


def cues(utterances: Iterable[Line], params: SrtParams) -> Iterator[Cue]:
    """The utterances that are sure enough, broken into cues of at most `max_lines` lines of `line_length`
    characters.

    A cue begins when its first word does; where words have no times, in proportion to its share of the
    characters.
    """
    for line in utterances:
        if line.confidence < params.min_confidence:  # never true of NaN, which is no low confidence
            continue
        rows = _wrap(line, params.line_length)
        groups = [rows[n : n + params.max_lines] for n in range(0, len(rows), params.max_lines)]
        starts = _starts(line, groups)
        for n, group in enumerate(groups):
            end = starts[n + 1] if n + 1 < len(groups) else line.end
            yield Cue(starts[n], max(end, starts[n] + 0.001), tuple(tuple(row) for row in group), line)


def _wrap(line: Line, length: int) -> list[list[tuple[str, float]]]:
    """Rows of pieces. Rows of a cue are about equally long, as subtitlers want it."""
    pieces = line.marked()
    if length == 0 or len(line.text) <= length:
        return [pieces]
    count = len(textwrap.wrap(line.text, length, break_on_hyphens=False))
    even = next(w for w in range(max(len(line.text) // count, 1), length + 1) if _fits(line.text, w, count, length))
    tokens = [(token, value) for piece, value in pieces for token in re.findall(r"\s+|\S+", piece)]
    rows: list[list[tuple[str, float]]] = []
    for wrapped in textwrap.wrap(line.text, even, break_on_hyphens=False):
        row: list[tuple[str, float]] = []
        missing = len(wrapped)
        while missing > 0 and tokens:
            token, value = tokens.pop(0)
            if not row and not token.strip():
                continue
            take = token[:missing]
            if len(token) > missing:  # a word longer than a line was broken
                tokens.insert(0, (token[missing:], value))
            row.append((take, value))
            missing -= len(take)
        rows.append(row)
    return rows


def _fits(text: str, width: int, count: int, length: int) -> bool:
    return width == length or len(textwrap.wrap(text, width, break_on_hyphens=False)) <= count


def _starts(line: Line, groups: list[list[list[tuple[str, float]]]]) -> list[float]:
    """When each cue begins, never before the one before it."""
    lengths = [sum(len(piece) for row in group for piece, _ in row) for group in groups]
    total = max(sum(lengths), 1)
    spoken = len(line.words) == len(line.text.split())
    starts, letters, words = [line.start], 0, 0
    for group, size in zip(groups[:-1], lengths, strict=False):
        letters += size
        words += sum(len("".join(piece for piece, _ in row).split()) for row in group)
        share = line.start + (line.end - line.start) * letters / total
        begin = line.words[words].start if spoken and words < len(line.words) else share
        starts.append(min(max(begin, starts[-1]), line.end))
    return starts


def _add(subs: pysubs2.SSAFile, cue: Cue, text: str) -> None:
    start = round(cue.start * 1000)
    subs.append(
        pysubs2.SSAEvent(start=start, end=max(round(cue.end * 1000), start + 1), text=text.replace("\n", r"\N"))
    )


def _plain(text: str) -> str:
    text = text.replace("-->", "→").replace("\\", "＼").replace("{", "(").replace("}", ")")
    return re.sub(r"<(?=[A-Za-z/!?])", "‹", text)


def _markup(cue: Cue, params: VttParams) -> str:
    rows = [
        "".join(
            f"<c.driver>{_escape(piece)}</c>" if params.colour and value > 0 else _escape(piece) for piece, value in row
        ).strip()
        for row in cue.rows
    ]
    text = "\n".join(rows)
    kind = _class(cue.line)
    if params.colour and kind:
        text = f"<c.{kind}>{text}</c>"
    if params.speaker and cue.line.speaker:
        text = f"<v {_escape(cue.line.speaker)}>{text}</v>"
    return text


def _class(line: Line) -> str:
    if not line.flagged:
        return ""
    return "offence-strong" if max(_known(line.offence), _known(line.hate)) >= 0.75 else "offence-some"


def _known(value: float) -> float:
    return value if value == value else 0.0


def _escape(text: str) -> str:
    return html.escape(text, quote=False).replace("\\", "＼")
