"""The report's section on what people decided: each stretch with what was predicted, what they say, who and when."""

from __future__ import annotations

from collections.abc import Sequence

from mien.exchange.corrections import Judged, judged, moment
from mien.exchange.findings import number
from mien.exchange.report_svg import esc
from mien.exchange.text import clock, one_line
from mien.sdk.correction import Correction
from mien.sdk.protocols import Analysis


def decisions(analysis: Analysis) -> str:
    """A table, a row for each stretch in order of time; empty where nobody said anything."""
    rows = "".join(_row(one) for one in judged(analysis.corrections))
    if not rows:
        return ""
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("When", "Predicted", "Decided", "By"))
    return (
        '<p class="sub">Readings are shown everywhere as they were predicted; what people say instead stands here.</p>'
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _row(one: Judged) -> str:
    predicted, put = (one.last.start, one.last.end), one.extent
    when = _stretch(predicted)
    if max(abs(a - b) for a, b in zip(predicted, put, strict=True)) >= 0.0005 and not one.deleted:
        when += f'<br><span class="soft">now</span> {_stretch(put)}'
    decided = "taken back" if one.deleted else one.words
    return (
        f'<tr><th scope="row" class="n">{when}</th><td>{_predicted(one)}</td>'
        f"<td><bdi>{esc(decided)}</bdi></td><td>{_by(one.changes)}</td></tr>"
    )


def _stretch(extent: tuple[float, float]) -> str:
    return f"{clock(extent[0])} – {clock(extent[1])}"


def _predicted(one: Judged) -> str:
    """The reading, what it said and who made it; of an event that was added, that nothing was."""
    event, last = one.event, one.last
    person = f", person {last.person}" if last.person is not None else ""
    told = f"<code>{esc(one_line(last.track))}</code>{person}"
    if event.get("added"):
        return f'{told}<br><span class="soft">nothing; added by hand</span>'
    said = [one_line(str(event.get("label") or event.get("channel") or ""))]
    for name in ("score", "threshold"):
        value = event.get(name)
        if isinstance(value, int | float):
            said.append(number(float(value)) if name == "score" else f"(threshold {number(float(value))})")
    said_ = " ".join(part for part in said if part)
    made = " · ".join(part for part in (last.analyzer, f"run {last.run[:12]}" if last.run else "") if part)
    return (
        told + (f"<br>{esc(said_)}" if said_ else "") + (f'<br><span class="soft">{esc(made)}</span>' if made else "")
    )


def _by(changes: Sequence[Correction]) -> str:
    """Every change with its author and moment, in order."""
    lines = (
        f'<bdi>{esc(one_line(c.author))}</bdi> <span class="soft">{moment(c)}</span> {esc(one_line(c.field))}'
        for c in changes
    )
    return "<br>".join(lines)
