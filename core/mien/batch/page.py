"""The summary as one HTML page, without a single outside resource. All text is escaped."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from mien.batch.rank import Rank
from mien.batch.summary import Facts, Summary, state_of
from mien.batch.survey import Item
from mien.errors import shown
from mien.exchange.report_style import STYLE
from mien.exchange.report_svg import esc
from mien.exchange.text import clock

_MOST = 2000
"""Rows on the page; the tables beside it have all."""

_CAVEAT = (
    "The readings are estimates by statistical models of how speech and faces appear, not of what a person feels or "
    "intends. A place in this list is a reason to look at a recording, and never a judgement on a person."
)


def page(summary: Summary, out: Path) -> str:
    """The whole page.

    Args:
        out: the folder that it will lie in: links to exports are relative to it.
    """
    import mien

    asked = summary.asked
    title = ", ".join(shown(root.name or root) for root in asked.roots[:3]) + (" …" if len(asked.roots) > 3 else "")
    sections = [
        ("ranking", _heading(asked.rank), _ranking(summary, out)),
        ("failures", "What failed", _failures(summary)),
        ("waiting", "Not analysed yet", _waiting(summary)),
        ("asked", "What was asked for", _asked(summary)),
    ]
    sections = [section for section in sections if section[2]]
    links = "".join(f'<a href="#{anchor}">{esc(name)}</a>' for anchor, name, _ in sections)
    body = "".join(f'<section id="{anchor}"><h2>{esc(name)}</h2>{inner}</section>' for anchor, name, inner in sections)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="generator" content="Mien">'
        f"<title>{esc(title)} – Mien</title><style>{STYLE}</style></head><body>"
        f'<header><p class="kicker">Mien · scan</p><h1><bdi>{esc(title)}</bdi></h1>'
        f'<nav aria-label="Sections">{links}</nav></header>'
        f"<main>{_tiles(summary)}{body}</main>"
        f"<footer><p>{esc(_CAVEAT)}</p><p>Written by Mien {esc(mien.__version__)} on {today}.</p></footer>"
        "</body></html>\n"
    )


def _heading(rank: Rank | None) -> str:
    return f"Ranked by {rank.text}" if rank is not None else "Files"


def _tiles(summary: Summary) -> str:
    states = Counter(state_of(item) for item in summary.items)
    covered = sum(item.seconds or 0.0 for item in summary.items if item.state == "done")
    failed = states["failed"] + states["some failed"] + len(summary.unread)
    tiles = [
        (str(len(summary.items)), "files", False),
        (clock(covered, 0), "of media analysed", False),
        (str(failed), "failed, wholly or in part", failed > 0),
    ]
    if states["partial"]:
        tiles.append((str(states["partial"]), "could be read only in part", False))
    if states["not analysed"]:
        tiles.append((str(states["not analysed"]), "not analysed yet", True))
    items = "".join(
        f"<li{' class=hot' if hot else ''}><b>{esc(big)}</b><span>{esc(small)}</span></li>" for big, small, hot in tiles
    )
    return f'<ul class="tiles">{items}</ul>'


def _ranking(summary: Summary, out: Path) -> str:
    done = [item for item in summary.items if item.state == "done"]
    if not done:
        return ""
    rank = summary.asked.rank
    values = [item.standing.value for item in done if item.standing is not None]
    low, high = (min(0.0, *values), max(values)) if values else (0.0, 0.0)
    if rank is not None and rank.low is not None and rank.high is not None:
        low, high = rank.low, rank.high
    rows = []
    for number, item in enumerate(done[:_MOST], 1):
        facts = summary.facts(item)
        told = _value(item, rank, low, high) if rank is not None else ""
        notes = "; ".join(filter(None, [item.partial and f"partial: {item.partial}", item.trouble]))
        place = str(number) if item.standing is not None or rank is None else "–"
        rows.append(
            f'<tr><th scope="row" class="n">{place}</th><td>{_name(item, out)}</td>'
            f'<td class="n">{_length(item)}</td>{told}<td class="n">{_verdicts(facts)}</td>'
            f"<td>{esc(notes[:300])}</td></tr>"
        )
    heads = ["", "File", "Length", *([esc(rank.text), "At"] if rank is not None else []), "Verdicts", "Notes"]
    more = (
        f'<p class="sub">The first {_MOST} of {len(done)}; all are in summary.csv and summary.parquet.</p>'
        if len(done) > _MOST
        else ""
    )
    return more + _table(heads, rows)


def _value(item: Item, rank: Rank, low: float, high: float) -> str:
    standing = item.standing
    if standing is None:
        return '<td class="n soft">–</td><td></td>'
    share = min(100.0, max(0.0, 100.0 * (standing.value - low) / (high - low))) if high > low else 0.0
    unit = f" {esc(rank.unit)}" if rank.unit else ""
    meter = f'<span class="meter" aria-hidden="true"><i style="width:{share:.0f}%"></i></span>'
    at = clock(standing.at) if standing.at is not None else ""
    return f'<td class="n">{standing.value:.2f}{unit}{meter}</td><td class="n">{at}</td>'


def _verdicts(facts: Facts) -> str:
    count = facts.get("fusion.verdicts.count")
    if not count:
        return '<span class="soft">–</span>'
    return f"{count}, {clock(float(facts.get('fusion.verdicts.seconds', 0.0)), 0)}"


def _name(item: Item, out: Path) -> str:
    """The file's path; a link to its report if there is one."""
    name = f"<bdi>{esc(shown(item.found.inside))}</bdi>"
    report = next((path for path in item.written if path.suffix == ".html" and path.is_relative_to(out)), None)
    if report is None:
        return name
    link = quote(os.fsencode(report.relative_to(out).as_posix()))
    return f'<a href="./{link}">{name}</a>'


def _length(item: Item) -> str:
    return clock(item.seconds, 0) if item.seconds is not None else "–"


def _failures(summary: Summary) -> str:
    told = [(shown(item.path), item.trouble) for item in summary.items if item.trouble]
    told += [(shown(folder.path), folder.reason) for folder in summary.unread]
    return _table(["File", "Reason"], [_pair(path, reason) for path, reason in told]) if told else ""


def _waiting(summary: Summary) -> str:
    names = [shown(item.path) for item in summary.items if item.state == "todo"]
    if not names:
        return ""
    listed = "".join(f"<li><bdi>{esc(name)}</bdi></li>" for name in names[:_MOST])
    return f'<p class="sub">{esc(summary.asked.goes_on)}</p><ul class="plain">{listed}</ul>'


def _asked(summary: Summary) -> str:
    asked = summary.asked
    roots = "<br>".join(f"<bdi>{esc(shown(root))}</bdi>" for root in asked.roots)
    plugins = "".join(f'<span class="tag">{esc(plugin)}</span>' for plugin in asked.plugins)
    return f"<dl><dt>Scanned</dt><dd>{roots}</dd><dt>Plugins</dt><dd>{plugins}</dd></dl>"


def _pair(path: str, reason: str) -> str:
    return f'<tr><th scope="row"><bdi>{esc(path)}</bdi></th><td>{esc(reason)}</td></tr>'


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
