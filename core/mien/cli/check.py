"""`mien check`: how well readings agree with what people labelled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from mien.cli import say
from mien.errors import LibraryError, UsageError, shown
from mien.evaluation.metrics import Interval
from mien.library.library import Library
from mien.truth.labels import SUFFIXES, number, read_labels
from mien.truth.match import by_medium, matches, readings_in, samples_of
from mien.truth.media import find_media
from mien.truth.report import as_json as results_as_json
from mien.truth.report import write_all
from mien.truth.score import Scored, score


def check_labels(
    paths: Sequence[str],
    chosen: Sequence[str],
    scales: Sequence[str],
    thresholds: Sequence[str],
    out: Path | None,
    place: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Score readings of the library against label files; returns 1 where some of the media are not known."""
    files = [Path(path) for path in paths if Path(path).suffix.lower() in SUFFIXES]
    if not files:
        raise UsageError(f"Name a file with labels ({', '.join(SUFFIXES)}) first, then the media that it is about.")
    labels = read_labels(files)
    with Library(place) as library:
        given = [library.medium(path) for path in paths if Path(path).suffix.lower() not in SUFFIXES]
        found = find_media(labels, given or library.media())
        if not found.media:
            raise LibraryError(found.problems[0] if found.problems else "No label is about a medium of the library.")
        readings = readings_in(library, found.distinct)
        pairs = matches(
            labels,
            readings,
            dict(_pair(one, "--match", "COLUMN=READING") for one in chosen),
            {name: _scale(value) for name, value in (_pair(one, "--scale", "COLUMN=LOW:HIGH") for one in scales)},
            {name: _value(name, v) for name, v in (_pair(one, "--threshold", "COLUMN=VALUE") for one in thresholds)},
        )
        if not pairs:
            columns = ", ".join(f"“{column.name}”" for column in labels.columns)
            there = ", ".join(reading.name for reading in readings) or "none"
            raise UsageError(
                f"No reading answers to {columns}; say which with --match COLUMN=READING (there are {there})."
            )
        results = []
        for pair in pairs:
            of = by_medium(pair.column.labels, found.media)
            results.append(
                score(pair, (s for medium, own in of.values() for s in samples_of(library, medium, own, pair)))
            )
    written = write_all(results, out, found.problems) if out is not None else []
    used = {result.match.column.name for result in results}
    unused = [column.name for column in labels.columns if column.name not in used]
    if as_json:
        files_ = {"written": [str(path) for path in written]}
        say.emit_json({**results_as_json(results, found.problems), "unused": unused, **files_})
    elif not quiet:
        for result in results:
            _show(result)
        if unused:
            typer.echo(f"Not compared: {', '.join(unused)} (say with what: --match COLUMN=READING)")
        for path in written:
            typer.echo(shown(path))
    for problem in found.problems if not as_json else ():
        typer.echo(f"mien: {problem}", err=True)
    return int(bool(found.problems))


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{option} takes {form}, not “{text}”.")
    return name.strip(), value.strip()


def _scale(text: str) -> tuple[float, float]:
    low, _, high = text.replace("..", ":").partition(":")
    ends = number(low), number(high)
    if ends[0] is None or ends[1] is None:
        raise UsageError(f"--scale takes two numbers, such as arousal=1:5, not “{text}”.")
    return ends[0], ends[1]


def _value(name: str, text: str) -> float:
    value = number(text)
    if value is None:
        raise UsageError(f"--threshold takes a number, such as {name}=0.5, not “{text}”.")
    return value


def _show(result: Scored) -> None:
    """A table of the figures, over all media first."""
    from rich.markup import escape
    from rich.table import Table

    match = result.match
    typer.secho(match.name, bold=True)
    if match.task == "binary":
        typer.echo(f"  from {match.threshold:g} on it counts as yes")
    names = [figure.name for figure in result.whole.figures]
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    for name, side in (("medium", "left"), ("n", "right"), ("without", "right")):
        table.add_column(name, justify=side, min_width=12 if name == "medium" else None, overflow="fold")  # type: ignore[arg-type]
    for name in names:
        table.add_column(name, justify="right")
    groups = (result.whole, *result.media) if len(result.media) > 1 else (result.whole,)
    for group in groups:
        title = (
            "all"
            if group.path is None and len(result.media) > 1
            else shown((group.path or result.media[0].path or Path()).name)
        )
        cells = [_told(group.figure(name)) for name in names]
        table.add_row(escape(title), str(group.n), str(group.missing), *cells)
    say.console().print(table)
    kinds = (f"{name} {result.count(n)}" for n, name in enumerate(result.kind_names))
    typer.echo(f"  {' · '.join(kinds)}")
    if result.confusion is not None and match.task == "class":
        _show_confusion(result)
    for note in result.notes:
        typer.echo(f"  {note}")


def _show_confusion(result: Scored) -> None:
    from rich.markup import escape
    from rich.table import Table

    assert result.confusion is not None
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    table.add_column("truth \\ read")
    for name in result.confusion.classes:
        table.add_column(escape(name), justify="right")
    for name, counts in zip(result.confusion.classes, result.confusion.counts.tolist(), strict=True):
        table.add_row(escape(name), *(str(count) if count else "·" for count in counts))
    say.console().print(table)


def _told(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    if interval.low != interval.low:
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} [{interval.low:.2f}, {interval.high:.2f}]"
