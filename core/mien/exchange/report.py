"""The HTML report: one page without a single outside resource, small enough to mail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from mien.exchange import report_parts as parts
from mien.exchange.cut import begin_and_end
from mien.exchange.findings import describe, modality_of, verdict_threshold
from mien.exchange.lines import Line, lines
from mien.exchange.params import ReportParams
from mien.exchange.report_charts import Frame, curve_chart, overview
from mien.exchange.report_corrections import decisions
from mien.exchange.report_style import STYLE
from mien.exchange.report_svg import Axis, esc
from mien.exchange.text import clock, one_line
from mien.exchange.thumbnails import thumbnails
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis
from mien.tracks.quantity import HOSTILITY, Quantity
from mien.tracks.track import AnyTrack, Curve, Spans

_TITLES = {
    "emotion.attributes": "How it is said: valence, arousal and dominance of the voice",
    "text.attributes": "What the words say: valence, arousal and dominance",
    "conflict.intensity": "How heated the exchange is",
    "face.expression": "What the faces show: seven expressions",
    "face.affect": "What the faces show: valence and arousal",
    "fusion.score": "All readings together",
    "fusion.weights": "How much each modality counted",
    "fusion.affect": "All together: valence and arousal",
    "fusion.expression": "All together: seven emotions",
}
_ORDER = ("fusion.score", "fusion.weights", "conflict.", "emotion.", "text.", "face.")

_MANY = 8
"""More verdicts than this stand behind the charts, which give the better overview then."""

_CAVEAT = (
    "The readings are estimates by statistical models. They describe how speech and faces appear in the "
    "recording, not what a person feels or intends; they can be wrong for a single person or moment, and "
    "more so for voices, faces and languages unlike those of the data named under Models. Do not base a "
    "decision about a person on them alone."
)


class ReportExporter:
    """Writes one .html file."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """All text is escaped; a content security policy forbids scripts and everything from outside."""
        assert isinstance(params, ReportParams)
        target.write_text(page(analysis, params), encoding="utf-8", newline="\n")
        return [target]


def page(analysis: Analysis, params: ReportParams) -> str:
    """The whole report as HTML."""
    import mien

    title = one_line(params.title or analysis.title or analysis.media.path.name)
    utterances = lines(analysis)
    today = dt.datetime.now(dt.UTC).date().isoformat()
    sections = [section for section in _sections(analysis, utterances, params) if section[2]]
    links = "".join(f'<a href="#{anchor}">{esc(name)}</a>' for anchor, name, _ in sections)
    body = "".join(
        f'<section id="{anchor}"><h2>{esc(name)}</h2>{content}</section>' for anchor, name, content in sections
    )
    warning = (
        f'<section class="warn"><p><b>Partial.</b> {esc(analysis.partial)}</p></section>' if analysis.partial else ""
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="generator" content="Mien">'
        f"<title>{esc(title)} – Mien</title><style>{STYLE}</style></head><body>"
        f'<header><p class="kicker">Mien · report</p><h1><bdi>{esc(title)}</bdi></h1>'
        f'<p class="meta">{esc(parts.facts(analysis))}</p>'
        f'<nav aria-label="Sections">{links}</nav></header>'
        f"<main>{warning}{parts.tiles(analysis, utterances)}{body}</main>"
        f"<footer><p>{esc(_CAVEAT)}</p><p>Written by Mien {esc(mien.__version__)} on {today}.</p></footer>"
        "</body></html>\n"
    )


def _sections(analysis: Analysis, utterances: Sequence[Line], params: ReportParams) -> list[tuple[str, str, str]]:
    """Anchor, heading and content; the content is empty where there is nothing to say."""
    verdicts = analysis.tracks.get("fusion.verdicts")
    table = ""
    if isinstance(verdicts, Spans):
        limit = verdict_threshold(analysis)
        rule = f" The fused score reached {limit:.2f}." if limit is not None else ""
        below = f": the fused score did not stay above {limit:.2f} for long enough" if limit is not None else ""
        none = f'<p class="soft">None{below}.</p>'
        score = analysis.tracks.get("fusion.score")
        what = score.quantities[0] if isinstance(score, Curve) else HOSTILITY
        ends = (
            f"from 0, {what.low_means}, to 1, {what.high_means}"
            if what.low_means and what.high_means
            else "from 0 to 1"
        )
        told = f"Stretches judged {_judged(what)}.{rule} Scores {ends}: the mean over the stretch."
        sub = f'<p class="sub">{esc(" ".join([told, *_abouts(score)]))}</p>'
        table = sub + parts.verdict_table(verdicts, utterances) if len(verdicts) else none
    decided = decisions(analysis) if params.corrections else ""
    found = [
        ("verdicts", "Verdicts", table),
        ("decisions", "What people decided", decided),
        ("pictures", "Pictures", _pictures(analysis, params)),
    ]
    drawn = ("time", "Over time", _charts(analysis, utterances, params))
    long = isinstance(verdicts, Spans) and len(verdicts) > _MANY
    return [
        *([drawn, *found] if long else [*found, drawn]),
        ("transcript", "Transcript", parts.transcript(utterances) if utterances else ""),
        ("found", "What each modality found", parts.found_by(analysis)),
        ("models", "Models", parts.models(analysis)),
        ("provenance", "Where the readings come from", parts.provenance(analysis)),
    ]


def _judged(quantity: Quantity) -> str:
    """What a stretch with a high score is: `hostile`, or what else a fusion of one's own reads."""
    return quantity.high_means if quantity.name == HOSTILITY.name else one_line(quantity.name)


def _charts(analysis: Analysis, utterances: Sequence[Line], params: ReportParams) -> str:
    begin, end = begin_and_end(analysis)
    if analysis.span is None:
        end = max([end, *(track.extent[1] for track in analysis.tracks.values())])
    if end <= begin:
        return ""
    verdicts = analysis.tracks.get("fusion.verdicts")
    bands = tuple(zip(verdicts.start, verdicts.end, strict=True)) if isinstance(verdicts, Spans) else ()
    frame = Frame(Axis(end, begin), tuple((float(a), float(b)) for a, b in bands), params.points)
    blocks = []
    if drawn := overview(analysis, utterances, frame):
        blocks.append(_block("What happens when", "", drawn))
    curves = [track for track in analysis.tracks.values() if isinstance(track, Curve)]
    for track in sorted(curves, key=_rank):
        title = _TITLES.get(track.name, f"{modality_of(track.name)}: {track.name.split('.', 1)[-1]}")
        limit = verdict_threshold(analysis) if track.name == "fusion.score" else None
        told = " ".join([describe(track), *_abouts(track)])
        blocks.append(_block(title, told, curve_chart(track, frame, limit) if len(track) else ""))
    shade = '<p class="sub">Time runs from left to right in all charts; verdicts are shaded.</p>' if bands else ""
    return shade + "".join(blocks) if blocks else ""


def _abouts(track: AnyTrack | None) -> list[str]:
    """What its quantities say of themselves beyond name and extent."""
    return [one_line(q.about) for q in track.quantities if q.about] if isinstance(track, Curve) else []


def _block(title: str, told: str, drawn: str) -> str:
    sub = f'<p class="sub">{esc(told)}</p>' if told else ""
    return f'<div class="chart"><h3>{esc(title)}</h3>{sub}{drawn}</div>'


def _rank(track: Curve) -> int:
    return next((n for n, start in enumerate(_ORDER) if track.name.startswith(start)), len(_ORDER))


def _pictures(analysis: Analysis, params: ReportParams) -> str:
    figures = "".join(
        f'<figure><img src="{uri}" alt="Picture at {clock(time)}"><figcaption>{clock(time)}'
        f"{f' · {esc(caption)}' if caption else ''}</figcaption></figure>"
        for time, caption, uri in thumbnails(analysis, params.thumbnails)
    )
    return f'<div class="shots">{figures}</div>' if figures else ""
