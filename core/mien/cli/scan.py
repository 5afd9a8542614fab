"""`mien scan`: folders at scale. Says what it will do, does it on all workers, and sums it up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import (
    AudioStream,
    Export,
    Fusion,
    Json,
    Library,
    Out,
    Plugins,
    Precision,
    Quiet,
    Recipe,
    SaveRecipe,
    Set,
    Threads,
)

if TYPE_CHECKING:
    from mien.batch.session import Order, Session
    from mien.cli.scan_screens import QuietScanScreen
    from mien.engine.registry import Registry

_SOON = 30.0  # s between two summaries while a scan goes on watching


def scan(
    paths: Annotated[list[Path], typer.Argument(metavar="FOLDER…", help="Folders, or single media.", readable=False)],
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include", metavar="GLOB", help="Only files like this, such as *.mp4 or 2024/**/*.mkv; repeatable."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="GLOB", help="No files or folders like this; repeatable."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow-links", help="Look into folders that links point to.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be done and what cannot be read; change nothing.")
    ] = False,
    rank: Annotated[
        str,
        typer.Option(
            "--rank",
            metavar="QUESTION",
            help="Rank by this: “highest conflict”, “verdict: hate”, “conflict above 0.5 for 10 s”. Default: highest fused.",
        ),
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on with new and changed files until Ctrl-C.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.1, help="How often --watch looks for new files.")
    ] = 5.0,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", min=1, max=256, help="Worker processes per device. Default: by the cores."),
    ] = None,
    recheck: Annotated[
        bool, typer.Option("--recheck", help="Read every file anew instead of trusting its size and date.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option("--patience", metavar="SECONDS", min=1.0, help="Give a medium up after this long without news."),
    ] = 1800.0,
    engine: Annotated[
        str, typer.Option("--engine", metavar="local|ray", help="Who analyses: this computer, or a Ray cluster.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="HOST:PORT", help="Of the Ray cluster. Default: the one here, or a new one."),
    ] = None,
    plugins: Plugins = None,
    settings: Set = None,
    fusion: Fusion = None,
    device: Annotated[
        str | None,
        typer.Option("--device", "-d", metavar="DEVICE,…", help="auto, cpu, cuda:N or mps; several joined by commas."),
    ] = None,
    precision: Precision = None,
    threads: Threads = None,
    audio_stream: AudioStream = None,
    export: Export = None,
    out: Out = None,
    recipe: Recipe = None,
    save_recipe: SaveRecipe = None,
    library: Library = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Analyse folders of any size; what is done is skipped, what was interrupted goes on, and a summary ranks it all."""
    from mien.cli.analyze import Request

    request = Request(
        paths=paths,
        plugins=plugins,
        settings=settings or [],
        fusion=fusion,
        device=device,
        precision=precision,
        threads=threads,
        audio_stream=audio_stream,
        export=export or [],
        out=out,
        recipe=recipe,
        save_recipe=save_recipe,
        library=library,
        as_json=as_json,
        quiet=quiet,
    )
    more = {"include": include or [], "exclude": exclude or [], "follow": follow, "rank": rank, "again": recheck}
    more |= {"patience": patience, "watch": every if watch else None, "dry": dry_run}
    raise typer.Exit(scan_folders(request, workers, more, engine, address))


def scan_folders(
    request: Any, workers: int | None, more: dict[str, Any], engine: str = "local", address: str | None = None
) -> int:
    """Scan what was named; returns the exit code: 1 if any file failed, 130 if it was stopped, else 0.

    Args:
        request: the options that `mien analyze` has too.
        workers: per device.
        more: those of `mien.batch.session.Order` that only a scan has.
        engine: `local` or `ray`, and `address` the Ray cluster's.

    Raises:
        MienError: nothing can be scanned, or what keeps every file from being analysed.
    """
    from mien.batch.session import Session
    from mien.cli import say
    from mien.engine.log import log_to
    from mien.engine.registry import Registry

    log_to(say.log_file())
    registry = Registry.load()
    order = _order(request, registry, workers, more, engine, address)
    screen = _screen(request)
    with Session(order, registry) as session, screen:
        order = session.order
        screen.looking(0, 0)
        tree = session.find()
        screen.found(tree)
        seen = 0

        def on_item(_: object) -> None:
            nonlocal seen
            seen += 1
            screen.looking(seen, len(tree.files))

        try:
            items = session.survey(on_item)
        except KeyboardInterrupt:
            screen.stopped(0)
            return 130
        screen.planned(items, tree, order)
        if order.dry:
            return int(session.failed > 0)
        if not items and order.watch is None:
            from mien.errors import MediaMissing, shown

            if not session.failed:
                named = ", ".join(shown(path) for path in request.paths)
                raise MediaMissing(f"There is no medium in the folder; see --include: {named}")
        return _run(session, screen, order)


def _run(session: Session, screen: QuietScanScreen, order: Order) -> int:
    from mien.errors import StorageError

    stopped = False
    error = None
    try:
        error = session.run(screen, lambda: _sum_up(session, screen, order))
    except KeyboardInterrupt:
        stopped = True
    if stopped or error is not None:
        left = sum(item.state == "todo" for item in session.items)
        try:
            _sum_up(session, screen, order)
        except StorageError:
            if error is None:
                raise  # else it is most likely the same: the disk is full
        screen.end(session)
        if error is not None:
            raise error
        screen.stopped(left)
        # Who watches has no other end than this.
        return 130 if left or order.watch is None else int(session.failed > 0)
    screen.end(session)
    return int(session.failed > 0)


def _sum_up(session: Session, screen: QuietScanScreen, order: Order) -> None:
    screen.summing()
    screen.wrote(session.summarise())


def _order(
    request: Any, registry: Registry, workers: int | None, more: dict[str, Any], engine: str, address: str | None
) -> Order:
    """The options checked, before anything is looked for."""
    from dataclasses import replace

    from mien.batch.devices import slots
    from mien.batch.nodes import Use, check_use
    from mien.batch.places import usual_out
    from mien.batch.session import Order
    from mien.cli import say
    from mien.cli.analyze import choice_of, save_choice
    from mien.config import load
    from mien.errors import UsageError

    if engine not in ("local", "ray"):
        raise UsageError(f"There is no engine {engine!r}; choose local or ray.")
    if address is not None and engine == "local":
        raise UsageError("--address names a Ray cluster; say --engine ray as well.")
    settings = load()
    devices = request.device or settings.device
    choice, options = choice_of(replace(request, device=devices.split(",")[0].strip()), registry)
    ray = None
    places = slots(
        "cpu" if engine == "ray" else devices, choice.precision, None if engine == "ray" else workers, choice.threads
    )
    if engine == "ray":
        ray = Use(address or "auto", devices, workers, choice.threads)
        check_use(ray, choice.precision)
    formats = [registry.exporter(name).id for name in request.export]
    if request.save_recipe and not more["dry"]:
        save_choice(choice, registry, request.save_recipe)
    return Order(
        paths=request.paths,
        out=(request.out or usual_out(request.paths)).absolute(),
        library=request.library or settings.place(),
        choice=choice,
        slots=places,
        ray=ray,
        formats=formats,
        options=options,
        log_file=say.log_file(),
        **more,
    )


def _screen(request: Any) -> QuietScanScreen:
    from mien.cli import scan_screens

    if request.as_json:
        return scan_screens.JsonScanScreen()
    return scan_screens.QuietScanScreen() if request.quiet else scan_screens.TextScanScreen()
