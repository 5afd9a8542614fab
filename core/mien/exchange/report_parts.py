"""The report's sections other than charts: tiles, verdicts, transcript, findings, models, notes."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from mien.exchange.cards import headlines, known_of, models_of
from mien.exchange.cut import begin_and_end
from mien.exchange.findings import covered, findings, modality_of, peak
from mien.exchange.lines import Line
from mien.exchange.report_charts import judged, level
from mien.exchange.report_svg import esc
from mien.exchange.text import clock
from mien.models.files import listed
from mien.sdk.protocols import Analysis
from mien.tracks.track import Boxes, Curve, Spans

_EXCERPT = 140


def facts(analysis: Analysis) -> str:
    """What the medium is, in one line."""
    media = analysis.media
    length = "" if media.duration is None else clock(media.duration, 0)
    if media.duration is not None and media.duration < 60:
        length = f"{media.duration:.1f} s"
    parts = [f"{length} long" if length else "of unknown length"]
    if media.has_video:
        rate = f", {media.frame_rate:.4g} frames a second" if media.frame_rate else ""
        parts.append(f"{media.width} × {media.height} px{rate}")
    if media.has_audio:
        rate = f", {media.sample_rate / 1000:g} kHz" if media.sample_rate else ""
        kind = {1: " mono", 2: " stereo"}.get(media.channels, f", {media.channels} channels" if media.channels else "")
        parts.append(f"sound{kind}{rate}")
    else:
        parts.append("no sound")
    return " · ".join(parts)


def tiles(analysis: Analysis, lines: Sequence[Line]) -> str:
    """The few numbers to see first."""
    found: list[tuple[str, str, bool]] = []
    score, verdicts = analysis.tracks.get("fusion.score"), analysis.tracks.get("fusion.verdicts")
    if isinstance(verdicts, Spans) and (len(verdicts) or isinstance(score, Curve)):
        n = len(verdicts)
        note = f"verdict{'' if n == 1 else 's'}, {clock(covered(verdicts), 0)} in all" if n else "verdicts"
        found.append((str(n), note, n > 0))
    if isinstance(score, Curve) and (best := peak(score)) is not None:
        found.append((f"{best[0]:.2f}", f"highest {score.channels[0]} (0 … 1), at {clock(best[1], 0)}", False))
    judged_ = [line for line in lines if line.offence == line.offence or line.hate_label]
    if judged_:
        flagged = sum(line.flagged for line in judged_)
        found.append((f"{flagged} of {len(judged_)}", "utterances offensive or hateful", flagged > 0))
    voice = analysis.tracks.get("speech.voice")
    begin, end = begin_and_end(analysis)
    if isinstance(voice, Spans) and (analysis.media.duration or analysis.span) and end > begin:
        what = "medium" if analysis.span is None else "selection"
        found.append((f"{100 * covered(voice) / (end - begin):.0f} %", f"of the {what} is speech", False))
    boxes = analysis.tracks.get("face.boxes")
    if isinstance(boxes, Boxes) and len(boxes):
        n = np.unique(boxes.person).size
        found.append((str(n), f"face{'' if n == 1 else 's'} followed", False))
    if not found:
        return ""
    items = (
        f"<li{' class=hot' if hot else ''}><b>{esc(big)}</b><span>{esc(small)}</span></li>" for big, small, hot in found
    )
    return f'<ul class="tiles">{"".join(items)}</ul>'


def verdict_table(verdicts: Spans, lines: Sequence[Line]) -> str:
    """When, how high, why, and what was said."""
    rows = []
    for n, (start, end, label, text, score, _) in enumerate(verdicts.rows(), 1):
        said = [(i, line) for i, line in enumerate(lines) if line.start < end and line.end > start]
        excerpt = " … ".join(line.text for _, line in said)
        if len(excerpt) > _EXCERPT:
            excerpt = excerpt[:_EXCERPT].rsplit(" ", 1)[0].rstrip(" …") + " …"
        link = (
            f'<a href="#u{said[0][0]}"><bdi>{esc(excerpt)}</bdi></a>' if said else '<span class="soft">nothing</span>'
        )
        share = 0 if score != score else 100 * min(max(score, 0), 1)
        known = "–" if score != score else f"{score:.2f}"
        meter = f'<span class="meter" aria-hidden="true"><i style="width:{share:.0f}%"></i></span>'
        rows.append(
            f'<tr><th scope="row" class="n">{n}</th><td class="n">{clock(start)} – {clock(end)}<br>'
            f'<span class="soft">{end - start:.1f} s</span></td>'
            f'<td class="n">{esc(label)} {known}{meter}</td>'
            f"<td class=n>{_reasons(text)}</td><td>{link}</td></tr>"
        )
    return _table(("", "When", "Score", "Reasons", "Said"), "".join(rows))


def _table(heads: Sequence[str], rows: str) -> str:
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>'


def _reasons(text: str) -> str:
    parts = [part.strip() for part in text.split("), ")]
    parts = [part + ")" if n + 1 < len(parts) else part for n, part in enumerate(parts)]
    return "<br>".join(f"<bdi>{esc(part)}</bdi>" for part in parts if part)


def transcript(lines: Sequence[Line]) -> str:
    """Every utterance, coloured by its score, with the words that drove it underlined; over words a line where a network's
    attention is known.
    """
    named = any(line.speaker for line in lines)
    rows = []
    for n, line in enumerate(lines):
        words = _words(line)
        kind = f' class="o{level(line)}"' if level(line) else ""
        who = f'<span class="who"><bdi>{esc(line.speaker)}</bdi></span>' if named else ""
        rows.append(
            f'<li id="u{n}"{kind}><time>{clock(line.start)}</time>{who}'
            f'<span class="x" dir="auto">{words}</span>'
            f'<span class="s">{esc(judged(line))}</span></li>'
        )
    seen = any(line.attention for line in lines)
    looked = '<span class="at4">word</span> got most of a network\'s attention, for or against' if seen else ""
    key = f'<div class="key">{looked}</div>' if looked else ""
    if any(line.offence == line.offence for line in lines):
        ends = ("below 0.3", "0.3 – 0.5", "0.5 – 0.7", "0.7 – 0.85", "0.85 and above")
        swatches = "".join(f'<span class="o{n}">{text}</span>' for n, text in enumerate(ends))
        drove = (
            "" if not any(v > 0 for line in lines for _, v in line.marked()) else "<mark>word</mark> drove the score"
        )
        key = f'<div class="key">Probability of offence or hate: {swatches}{drove}{looked}</div>'
    return f'{key}<ol class="talkers{"" if named else " nowho"}">{"".join(rows)}</ol>'


def _words(line: Line) -> str:
    pieces, shown = line.pieces(), []
    most = max((attention for _, _, attention in pieces), default=0.0)
    for piece, value, attention in pieces:
        text = f'<mark title="attribution {value:+.2f}">{esc(piece)}</mark>' if value > 0 else esc(piece)
        if attention > 0 and (strength := round(4 * attention / most)):
            text = f'<span class="at{strength}" title="{100 * attention:.0f} % of attention">{text}</span>'
        shown.append(text)
    return "".join(shown)


def found_by(analysis: Analysis) -> str:
    """What each modality found, track by track."""
    rows: dict[str, list[str]] = {}
    for finding in findings(analysis):
        by = f' <span class="soft">({esc(finding.analyzer)})</span>' if finding.analyzer else ""
        rows.setdefault(finding.modality, []).append(
            f"<dd><code>{esc(finding.track)}</code>{by}<br>{esc(finding.text)}</dd>"
        )
    for plugin, notes in (analysis.notes or {}).items():
        told = "".join(f"<dd><span class='tag'>note</span>{esc(note)}</dd>" for note in notes)
        rows.setdefault(modality_of(plugin), []).append(told)
    return "<dl>" + "".join(f"<dt>{esc(name)}</dt>{_second(cells)}" for name, cells in rows.items()) + "</dl>"


def _second(cells: list[str]) -> str:
    """All cells beside their heading: one dd, as the grid has two columns."""
    inner = "".join(cell.replace("<dd>", "<div>").replace("</dd>", "</div>") for cell in cells)
    return f"<dd>{inner}</dd>"


def models(analysis: Analysis) -> str:
    """The models that took part: licence, headline figures, data, limits, and which weights exactly."""
    rows = []
    for model, (digest, users) in models_of(analysis).items():
        known = known_of(model, digest)
        card = known.get("card") or {}
        figures = "".join(f"<li>{esc(text)}</li>" for text in headlines(card))
        none = "the weights that are here now are others" if known.get("changed") else "no figures known here"
        limits = "".join(f"<li>{esc(text)}</li>" for text in listed(card.get("limits")))
        data = ", ".join(str(d.get("name", "")) for d in listed(card.get("data")) if isinstance(d, dict))
        title = f"<b>{esc(known['title'])}</b><br>" if known.get("title") else ""
        rows.append(
            f'<tr><th scope="row">{title}<code>{esc(model)}</code><br>'
            f'<span class="soft">used by {esc(", ".join(users))}'
            f"<br>SHA-256 <code>{esc(digest[:16])}…</code></span></th>"
            f"<td>{esc(card.get('licence') or known.get('licence') or 'not known here')}</td>"
            f"<td>{f'<ul class=plain>{figures}</ul>' if figures else none}</td>"
            f"<td>{esc(data) or '–'}</td><td>{f'<ul class=plain>{limits}</ul>' if limits else '–'}</td></tr>"
        )
    if not rows:
        return ""
    names = ("Model", "Licence", "Measured (95 % interval)", "Data", "Limits")
    return _table(names, "".join(rows))


def provenance(analysis: Analysis) -> str:
    """Which plugin wrote which track, with its version, parameters and run."""
    seen: dict[tuple[str, str, str], tuple[list[str], str, str]] = {}
    for name, track in analysis.tracks.items():
        p = track.provenance
        if p is None:
            continue
        params = json.dumps(p.params, ensure_ascii=False, default=str, sort_keys=True)
        details = json.dumps(p.details, ensure_ascii=False, default=str, sort_keys=True) if p.details else ""
        seen.setdefault((p.analyzer, p.version, p.run), ([], params, details))[0].append(name)
    if not seen:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{esc(plugin)} {esc(version)}</th><td>{esc(", ".join(tracks))}</td>'
        f"<td><code>{esc(params)}</code>{f'<br><code>{esc(details)}</code>' if details else ''}</td>"
        f"<td><code>{esc(run[:12])}</code></td></tr>"
        for (plugin, version, run), (tracks, params, details) in seen.items()
    )
    return _table(("Plugin", "Tracks", "Parameters", "Run"), "".join(rows))
