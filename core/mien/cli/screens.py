"""Three ways to show an analysis: bars and tables for people, JSON lines for machines, silence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli import say
from mien.engine.events import Done, Event, Failed, Finished, MediumFailed, Piece, Progress, Started
from mien.engine.registry import Registry
from mien.errors import shown
from mien.exchange.findings import describe
from mien.exchange.text import clock
from mien.sdk.protocols import Analysis
from mien.tracks.track import AnyTrack

if TYPE_CHECKING:
    from mien.cli.analyze import Outcome


class QuietScreen:
    """Only errors, on standard error."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None: ...

    def begin(self, path: Path) -> None: ...

    def show(self, event: Event) -> None:
        if isinstance(event, Failed):
            typer.echo(f"mien: {event.plugin}: {say.plain(event.reason)}", err=True)

    def found(self, outcome: Outcome, analysis: Analysis, registry: Registry) -> None: ...

    def writing(self, formats: list[str]) -> None: ...

    def wrote(self, paths: list[Path]) -> None: ...

    def trouble(self, outcome: Outcome) -> None:
        typer.echo(f"mien: {say.plain(outcome.error)}", err=True)

    def end(self, outcomes: list[Outcome]) -> None: ...


class JsonScreen(QuietScreen):
    """One JSON object a line: `started`, `progress`, `piece`, `failed`, `finished`, `result` for each medium, `end`."""

    def begin(self, path: Path) -> None:
        say.emit_json({"event": "begin", "path": str(path)})

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            plugins = [{"id": p.id, "state": p.state, "reason": p.reason} for p in event.plugins]
            say.emit_json(
                {
                    "event": "started",
                    "medium": event.medium,
                    "duration": event.media.duration,
                    "device": event.device,
                    "plugins": plugins,
                    "problems": list(event.problems),
                }
            )
        elif isinstance(event, Progress):
            say.emit_json({"event": "progress", "plugin": event.plugin, "fraction": round(event.fraction, 4)})
        elif isinstance(event, Piece):
            start, end = event.track.extent
            say.emit_json(
                {
                    "event": "piece",
                    "plugin": event.plugin,
                    "track": event.track.name,
                    "rows": len(event.track),
                    "start": start,
                    "end": end,
                }
            )
        elif isinstance(event, Failed):
            say.emit_json({"event": "failed", "plugin": event.plugin, "reason": event.reason})
        elif isinstance(event, Finished):
            say.emit_json(
                {
                    "event": "finished",
                    "plugin": event.plugin,
                    "rows": event.rows,
                    "seconds": round(event.seconds, 3),
                    "notes": list(event.notes),
                }
            )

    def found(self, outcome: Outcome, analysis: Analysis, registry: Registry) -> None:
        tracks = {
            name: {"rows": len(t), "says": describe(t), "earlier": _plugin(t) not in outcome.read}
            for name, t in analysis.tracks.items()
        }
        say.emit_json(
            {
                "event": "result",
                "path": str(outcome.path),
                "medium": outcome.medium,
                "runs": outcome.runs,
                "failed": outcome.failed,
                "skipped": outcome.skipped,
                "partial": outcome.partial,
                "duration": outcome.duration,
                "seconds": round(outcome.seconds, 3),
                "tracks": tracks,
            }
        )

    def wrote(self, paths: list[Path]) -> None:
        say.emit_json({"event": "wrote", "paths": [str(p) for p in paths]})

    def trouble(self, outcome: Outcome) -> None:
        say.emit_json({"event": "error", "path": str(outcome.path), "error": outcome.error, "exit_code": outcome.code})
        super().trouble(outcome)

    def end(self, outcomes: list[Outcome]) -> None:
        failed = sum(bool(o.error) for o in outcomes)
        say.emit_json({"event": "end", "media": len(outcomes), "failed": failed})


class TextScreen(QuietScreen):
    """Bars while it works (only on a terminal), then a table of what was found."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._console = say.console()
        self._total = total
        self._done = 0
        self._tasks: dict[str, Any] = {}
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[state]}"),
            console=self._console,
            transient=True,
            disable=not sys.stdout.isatty(),
        )

    def __enter__(self) -> Any:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, path: Path) -> None:
        self._done += 1
        count = f"[dim]({self._done} of {self._total})[/]" if self._total > 1 else ""
        self._console.print(f"[bold]{say.escaped(shown(path))}[/] {count}")
        self._clear()
        self._tasks[""] = self._bars.add_task("opening", total=None, state="")

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            self._clear()
            for problem in event.problems:
                self._console.print(f"  [yellow]{say.escaped(problem)}[/]")
            for plugin in event.plugins:
                if plugin.state == "run":
                    self._tasks[plugin.id] = self._bars.add_task(plugin.title, total=1.0, state="")
        elif isinstance(event, Progress) and event.plugin in self._tasks:
            self._bars.update(self._tasks[event.plugin], completed=event.fraction)
        elif isinstance(event, Finished) and event.plugin in self._tasks:
            self._bars.update(self._tasks[event.plugin], completed=1.0, state="done")
            for note in event.notes:
                self._console.print(f"  [dim]{event.plugin}: {say.escaped(note)}[/]")
        elif isinstance(event, Failed):
            if event.plugin in self._tasks:
                self._bars.update(self._tasks[event.plugin], state="failed")
            self._console.print(f"  [red]{event.plugin}:[/] {say.escaped(event.reason)}")
        elif isinstance(event, Done | MediumFailed):
            self._clear()

    def found(self, outcome: Outcome, analysis: Analysis, registry: Registry) -> None:
        from rich.table import Table

        table = Table(box=None, padding=(0, 2, 0, 2), show_header=True, header_style="dim")
        for heading in ("plugin", "track", "what it found"):
            table.add_column(heading, overflow="fold")
        for plugin, tracks in _by_plugin(analysis).items():
            for row, (name, says) in enumerate(tracks):
                # The library also knows what runs before this one read, with a plugin that failed or was left out now.
                before = "" if plugin in outcome.read else "[dim]earlier run:[/] "
                table.add_row(f"[bold]{plugin}[/]" if not row else "", name, before + say.escaped(says))
        for plugin, reason in outcome.skipped.items():
            table.add_row(f"[dim]{plugin}[/]", "", f"[dim]not run: {reason}[/]")
        self._console.print(table)
        speed = outcome.duration / outcome.seconds if outcome.seconds else 0.0
        pace = f", {speed:.1f} × real time" if outcome.seconds > 1 else ""
        self._console.print(f"  [dim]{clock(outcome.duration)} of media in {clock(outcome.seconds)}{pace}[/]")
        if outcome.partial:
            self._console.print(f"  [yellow]Partial: {say.escaped(outcome.partial[:300])}[/]")

    def writing(self, formats: list[str]) -> None:
        self._clear()
        self._tasks["export"] = self._bars.add_task(f"writing {', '.join(formats)}", total=None, state="")

    def wrote(self, paths: list[Path]) -> None:
        self._clear()
        for path in paths:
            self._console.print(f"  wrote {say.escaped(shown(path))}", soft_wrap=True)

    def end(self, outcomes: list[Outcome]) -> None:
        failed = [o for o in outcomes if o.error]
        if self._total > 1:
            self._console.print(f"{len(outcomes) - len(failed)} of {self._total} media analysed.")
        if failed and self._total > 1:
            self._console.print(f"[red]{len(failed)} failed:[/]")
            for outcome in failed:
                self._console.print(
                    f"  {say.escaped(shown(outcome.path))}: {say.escaped(outcome.error)}", soft_wrap=True
                )

    def _clear(self) -> None:
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks = {}


def _by_plugin(analysis: Analysis) -> dict[str, list[tuple[str, str]]]:
    rows: dict[str, list[tuple[str, str]]] = {}
    for name, track in sorted(analysis.tracks.items()):
        if track.kind == "features":
            continue  # for fusion, nothing that a person would read
        rows.setdefault(_plugin(track), []).append((name, describe(track)))
    return rows


def _plugin(track: AnyTrack) -> str:
    return track.provenance.analyzer if track.provenance else ""
