"""Three ways to show a scan: a bar with the time left for people, JSON lines for machines, silence."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli import say
from mien.errors import shown
from mien.exchange.text import clock

if TYPE_CHECKING:
    from mien.batch.find import Tree
    from mien.batch.finish import Finish
    from mien.batch.scan import Pace
    from mien.batch.session import Order, Session
    from mien.batch.survey import Item

_TOP = 10  # rows of the ranking on the terminal
_OFTEN = 0.2  # s between two lines of progress for machines


class QuietScanScreen:
    """Only what failed, on standard error."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None: ...

    def looking(self, done: int, total: int) -> None: ...

    def found(self, tree: Tree) -> None:
        for folder in tree.unread:
            typer.echo(f"mien: {folder.reason}", err=True)

    def planned(self, items: Sequence[Item], tree: Tree, order: Order) -> None: ...

    def begun(self, item: Item) -> None: ...

    def moved(self, pace: Pace) -> None: ...

    def ended(self, item: Item, finish: Finish) -> None:
        if item.trouble:
            typer.echo(f"mien: {_trouble(item)}", err=True)

    def noted(self, text: str) -> None:
        typer.echo(f"mien: {text}", err=True)

    def summing(self) -> None: ...

    def wrote(self, paths: Sequence[Path]) -> None: ...

    def stopped(self, left: int) -> None:
        typer.echo("mien: Stopped; the same command goes on where it was.", err=True)

    def end(self, session: Session) -> None: ...


class JsonScanScreen(QuietScanScreen):
    """One JSON object a line: `plan` for each file, `planned`, `begin`, `progress`, `result`, `wrote`, `end`."""

    def __init__(self) -> None:
        self._told = 0.0

    def planned(self, items: Sequence[Item], tree: Tree, order: Order) -> None:
        for item in items:
            say.emit_json({"event": "plan", **_facts(item), "planned": dict(item.planned), "side_car": item.side_car})
        states = Counter(item.state for item in items)
        say.emit_json(
            {
                "event": "planned",
                "files": len(items),
                "done": states["done"],
                "todo": states["todo"],
                "failed": states["failed"],
                "unread": [{"path": str(f.path), "reason": f.reason} for f in tree.unread],
                "links": [str(path) for path in tree.links],
                "seconds": sum(item.seconds or 0.0 for item in items if item.state == "todo"),
                "workers": [slot.device for slot in order.slots],
                "dry_run": order.dry,
            }
        )

    def begun(self, item: Item) -> None:
        say.emit_json({"event": "begin", "path": str(item.path), "attempt": item.attempts})

    def moved(self, pace: Pace) -> None:
        if time.monotonic() - self._told < _OFTEN:
            return
        self._told = time.monotonic()
        say.emit_json(
            {
                "event": "progress",
                "fraction": round(pace.progress, 4),
                "left": pace.left,
                "files": pace.files,
                "done": pace.done,
                "running": {str(file.item.path): round(file.progress, 4) for file in pace.running},
            }
        )

    def ended(self, item: Item, finish: Finish) -> None:
        say.emit_json({"event": "result", **_facts(item)})
        super().ended(item, finish)

    def wrote(self, paths: Sequence[Path]) -> None:
        say.emit_json({"event": "wrote", "paths": [str(path) for path in paths]})

    def end(self, session: Session) -> None:
        states = Counter(item.state for item in session.items)
        say.emit_json(
            {
                "event": "end",
                "files": len(session.items),
                "done": states["done"],
                "earlier": sum(item.earlier for item in session.items),
                "left": states["todo"],
                "failed": session.failed,
            }
        )


class TextScanScreen(QuietScanScreen):
    """What will be done, a bar with the time left while it is done (only on a terminal), the top of the ranking, failures."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = say.console()
        self._live = sys.stdout.isatty()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[state]}"),
            console=self._console,
            transient=True,
            disable=not self._live,
        )
        self._whole = self._bars.add_task("looking for media", total=None, state="")
        self._lines: dict[int, Any] = {}
        self._files: Sequence[Path] = ()

    def __enter__(self) -> Any:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def looking(self, done: int, total: int) -> None:
        if total:
            self._bars.update(
                self._whole, description="looking into files", total=total, completed=done, state=f"{done} of {total}"
            )

    def found(self, tree: Tree) -> None:
        for folder in tree.unread:
            self._say(f"[red]{say.escaped(folder.reason)}[/]")
        if tree.links:
            n = len(tree.links)
            self._say(f"[dim]{n} link{'s' if n > 1 else ''} to folders not followed; see --follow-links[/]")

    def planned(self, items: Sequence[Item], tree: Tree, order: Order) -> None:
        states = Counter(item.state for item in items)
        todo = sum(item.seconds or 0.0 for item in items if item.state == "todo")
        if order.dry:
            for item in items:
                self._say(_planned(item))
        parts = [f"[bold]{len(items)}[/] file{'' if len(items) == 1 else 's'}"]
        parts.append(f"{states['todo']} to analyse ({clock(todo, 0)} of media)")
        if states["done"]:
            parts.append(f"{states['done']} done already")
        if states["failed"]:
            parts.append(f"[red]{states['failed']} cannot be read[/]")
        devices = Counter(slot.device for slot in order.slots)
        with_ = ", ".join(f"{n} worker{'' if n == 1 else 's'} on {device}" for device, n in devices.items())
        self._say(f"{', '.join(parts)}; {with_}")
        self._bars.update(self._whole, description="analysing", total=1.0, completed=0.0, state="")

    def begun(self, item: Item) -> None:
        name = say.escaped(shown(item.found.inside))
        self._lines[id(item)] = self._bars.add_task(f"  {name[-48:]}", total=1.0, state="")

    def moved(self, pace: Pace) -> None:
        left = f", {clock(pace.left, 0)} left" if pace.left is not None else ""
        self._bars.update(self._whole, completed=pace.progress, state=f"{pace.done} of {pace.files}{left}")
        for file in pace.running:
            if id(file.item) in self._lines:
                self._bars.update(self._lines[id(file.item)], completed=file.progress)

    def ended(self, item: Item, finish: Finish) -> None:
        line = self._lines.pop(id(item), None)
        if line is not None:
            self._bars.remove_task(line)
        if item.trouble:
            self._say(f"[red]failed[/] {say.escaped(_trouble(item))}")
        elif item.earlier:
            return
        else:
            rank = f": {finish.standing.value:.2f}" if finish.standing is not None else ""
            self._say(f"[green]done[/] {say.escaped(shown(item.found.inside))}{rank}")

    def summing(self) -> None:
        self._bars.update(self._whole, description="summing up", total=None, state="")

    def wrote(self, paths: Sequence[Path]) -> None:
        self._files = paths

    def stopped(self, left: int) -> None:
        self._bars.stop()
        rest = f"{left} file{' is' if left == 1 else 's are'} left; " if left else ""
        typer.echo(f"mien: Stopped; {rest}the same command goes on where it was.", err=True)

    def end(self, session: Session) -> None:
        self._bars.stop()
        self._ranking(session)
        states = Counter(item.state for item in session.items)
        earlier = sum(item.earlier for item in session.items)
        before = f", {earlier} of them before" if earlier else ""
        self._say(f"{states['done']} of {len(session.items)} files analysed{before}.")
        for path in self._files:
            self._say(f"  wrote {say.escaped(shown(path))}")
        if session.failed:
            self._say(f"[red]{session.failed} failed:[/]")
            for item in session.items:
                if item.trouble:
                    self._say(f"  {say.escaped(_trouble(item))}")
            for folder in session.tree.unread:
                self._say(f"  {say.escaped(folder.reason)}")

    def _ranking(self, session: Session) -> None:
        from rich.table import Table

        from mien.batch.summary import ranked

        rank = session.rank
        top = [item for item in ranked(session.items, rank) if item.standing is not None][:_TOP]
        if rank is None or not top:
            return
        table = Table(box=None, padding=(0, 2, 0, 2), show_header=True, header_style="dim")
        for heading in ("", say.escaped(rank.text), "at", "file"):
            table.add_column(heading, overflow="fold", justify="left" if heading == "file" else "right")
        for number, item in enumerate(top, 1):
            standing = item.standing
            assert standing is not None
            at = clock(standing.at) if standing.at is not None else ""
            unit = f" {rank.unit}" if rank.unit else ""
            table.add_row(str(number), f"{standing.value:.2f}{unit}", at, say.escaped(shown(item.found.inside)))
        self._console.print(table)

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)


def _planned(item: Item) -> str:
    name = say.escaped(shown(item.found.inside))
    length = clock(item.seconds, 0) if item.seconds is not None else "unknown length"
    subtitles = f", subtitles from {say.escaped(shown(item.side_car))}" if item.side_car else ""
    if item.state == "failed":
        return f"  [red]cannot be read[/]  {name}: {say.escaped(item.reason)}"
    if item.state == "done":
        return f"  [dim]done[/]  {name} [dim]({length})[/]"
    kept = [plugin for plugin, state in item.planned.items() if state == "cached"]
    there = f", {', '.join(kept)} done already" if kept else ""
    return f"  analyse  {name} [dim]({length}{subtitles}{there})[/]"


def _facts(item: Item) -> dict[str, Any]:
    return {
        "path": str(item.path),
        "state": item.state,
        "earlier": item.earlier,
        "medium": item.medium,
        "seconds": item.seconds,
        "runs": dict(item.runs),
        "skipped": dict(item.skipped),
        "failed": dict(item.failed),
        "partial": item.partial,
        "problems": list(item.problems),
        "reason": item.reason,
        "exit_code": item.exit_code,
        "value": item.standing.value if item.standing is not None else None,
        "at": item.standing.at if item.standing is not None else None,
        "written": [str(path) for path in item.written],
    }


def _trouble(item: Item) -> str:
    """Path and reason; the path once."""
    name = shown(item.path)
    return item.trouble if name in item.trouble else f"{name}: {item.trouble}"
