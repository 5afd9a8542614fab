"""`mien analyze`: one worker, one medium after the other, bars while it works, what was found at the end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli import say
from mien.cli.paths import collect
from mien.config import load
from mien.errors import MediaMissing, MienError, StorageError, UsageError, WorkerError, shown

if TYPE_CHECKING:  # they take a while to import, and the worker is to be started before
    from mien.engine.choice import Choice
    from mien.engine.registry import Registry


@dataclass(frozen=True)
class Request:
    """The command's options as given."""

    paths: list[Path]
    plugins: str | None
    settings: list[str]
    fusion: str | None
    device: str | None
    precision: str | None
    threads: int | None
    audio_stream: str | None
    export: list[str]
    out: Path | None
    recipe: Path | None
    save_recipe: Path | None
    library: str | None
    as_json: bool
    quiet: bool


@dataclass
class Outcome:
    """What became of one medium. `read`: plugins whose readings are of this analysis, taken from the library or made anew."""

    path: Path
    medium: str = ""
    error: str = ""
    code: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    partial: str = ""
    duration: float = 0.0
    seconds: float = 0.0
    runs: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    written: list[Path] = field(default_factory=list)


def analyze_paths(request: Request) -> int:
    """Analyse everything that was named; returns the exit code (one medium: its own; several: 1 if any failed)."""
    from mien.engine.worker import Worker

    place = request.library or load().place()
    outcomes = []
    with ExitStack() as stack:
        worker = stack.enter_context(Worker(place, say.log_file()))
        worker.start()  # it loads while the request is looked at
        from mien.engine.log import log_to
        from mien.engine.registry import Registry

        log_to(say.log_file())
        registry = Registry.load()
        choice, options = choice_of(request, registry)
        formats = [registry.exporter(name).id for name in request.export]
        out = folder_of(request.out) if formats or request.out else Path()
        media = collect(request.paths)
        if not media:
            named = ", ".join(shown(p) for p in request.paths)
            raise MediaMissing(f"There is no medium in the folder; name files or a folder that holds some: {named}")
        if request.save_recipe:
            save_choice(choice, registry, request.save_recipe)
        stems = _stems(media)
        _load_what_concludes()
        screen = stack.enter_context(_screen(request, len(media)))
        for path in media:
            outcome = _one(worker, path, choice, screen)
            if path is media[-1]:
                worker.dismiss()  # it ends while the results are shown
            if not outcome.error:
                _conclude(outcome, place, registry, formats, out, options, stems[path], screen)
            outcomes.append(outcome)
            if outcome.error:
                screen.trouble(outcome)
            if outcome.code == 130:
                break
    screen.end(outcomes)
    return _code(outcomes)


def choice_of(request: Request, registry: Registry) -> tuple[Choice, dict[str, Mapping[str, Any]]]:
    """The choice, every name and parameter in it checked, and the exporters' parameters."""
    from mien.engine.backend import check_names
    from mien.engine.choice import Choice, build_params, load_recipe, parse_settings
    from mien.engine.plan import taking_part

    settings = load()
    choice = load_recipe(request.recipe, registry) if request.recipe else Choice(fusion=settings.fusion)
    given = parse_settings(registry, request.settings)
    options: dict[str, Mapping[str, Any]] = {
        plugin: values for plugin, values in given.items() if plugin in registry.exporters
    }
    for plugin, values in options.items():
        build_params(registry, plugin, values)
    merged = {plugin: dict(values) for plugin, values in choice.settings.items()}
    for plugin, values in given.items():
        if plugin not in options:
            merged.setdefault(plugin, {}).update(values)
    choice = replace(
        choice,
        settings=merged,
        device=request.device or settings.device,
        precision=request.precision or settings.precision,
        threads=request.threads or settings.threads or None,
    )
    if request.plugins is not None:
        names = tuple(dict.fromkeys(name.strip() for name in request.plugins.split(",") if name.strip()))
        choice = replace(choice, analyzers=names)
    if request.fusion is not None:
        choice = replace(choice, fusion="" if request.fusion == "none" else request.fusion)
    if request.audio_stream is not None:
        choice = replace(choice, audio_stream=request.audio_stream)
    check_names(choice.device, choice.precision)
    choice = choice.checked(registry)
    # A recipe may hold settings of more plugins than are chosen from it; what was typed is meant to do something.
    if given:
        _all_take_part(given, taking_part(choice, registry) | {registry.exporter(name).id for name in request.export})
    return choice, options


def _all_take_part(given: Mapping[str, Any], chosen: Collection[str]) -> None:
    idle = next((plugin for plugin in given if plugin not in chosen), None)
    if idle is not None:
        name = next(iter(given[idle]))
        raise UsageError(
            f"--set {idle}.{name} would change nothing: {idle} does not take part; choose it with --plugins, --fusion "
            "or --export, or leave the setting out."
        )


def _load_what_concludes() -> None:
    """Import what results are read and written with while the worker starts and one core has nothing to do."""
    import mien.engine.results
    import mien.exchange.write
    import mien.library.library  # noqa: F401


def folder_of(out: Path | None) -> Path:
    """The folder for exports, made if need be; here without one."""
    folder = out if out is not None else Path()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out must name a folder, and this is a file: {shown(folder)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder cannot be made ({error.strerror}): {shown(folder)}") from error
    return folder


def save_choice(choice: Choice, registry: Registry, path: Path) -> None:
    """Save a choice as a recipe; raises StorageError."""
    from mien.engine.choice import save_recipe

    try:
        save_recipe(choice, registry, path)
    except OSError as error:
        raise StorageError(f"The recipe cannot be written ({error.strerror}): {shown(path)}") from error


def _stems(media: list[Path]) -> dict[Path, str]:
    from mien.exchange.text import unique_stems

    return unique_stems(media)


def _one(worker: Any, path: Path, choice: Choice, screen: Any) -> Outcome:
    """Analyse one medium; whatever happens to it is in the outcome."""
    from mien.engine.events import Done, Finished, MediumFailed, Started

    outcome = Outcome(path)
    try:
        screen.begin(path)
        for event in worker.analyze(path, choice):
            screen.show(event)
            if isinstance(event, Started):
                outcome.skipped = {p.id: p.reason for p in event.plugins if p.state == "skipped"}
                outcome.read = {p.id for p in event.plugins if p.state == "cached"}
            elif isinstance(event, Finished):
                outcome.read.add(event.plugin)
            elif isinstance(event, Done):
                outcome.medium, outcome.failed, outcome.partial = event.medium, event.failed, event.partial
                outcome.duration, outcome.seconds, outcome.runs = event.duration, event.seconds, event.runs
                outcome.code = 8 if event.failed else 0
            elif isinstance(event, MediumFailed):
                outcome.error, outcome.code = event.reason, event.exit_code
    except WorkerError as error:
        outcome.error, outcome.code = str(error), error.exit_code
    except KeyboardInterrupt:
        worker.close()  # what is complete stays in the library
        outcome.error, outcome.code = "The analysis was cancelled.", 130
    return outcome


def _conclude(
    outcome: Outcome,
    place: str,
    registry: Registry,
    formats: list[str],
    out: Path,
    options: dict[str, Mapping[str, Any]],
    stem: str,
    screen: Any,
) -> None:
    """Show what was found and write the exports."""
    from mien.engine.results import analysis_of
    from mien.exchange.write import export
    from mien.library.library import Library

    try:
        with Library(place) as library:
            if not library.runs(outcome.medium):
                return
            analysis = analysis_of(library, outcome.medium)
            screen.found(outcome, analysis, registry)
            if formats:
                screen.writing(formats)
                outcome.written = export(analysis, formats, out, registry.exporters, options, stem=stem)
                screen.wrote(outcome.written)
    except MienError as error:
        outcome.error, outcome.code = str(error), error.exit_code


def _screen(request: Request, total: int) -> Any:
    from mien.cli import screens

    if request.as_json:
        return screens.JsonScreen()
    if request.quiet:
        return screens.QuietScreen()
    return screens.TextScreen(total)


def _code(outcomes: list[Outcome]) -> int:
    """130 if cancelled; the medium's own code if there is one medium; else 1 if any failed."""
    if any(o.code == 130 for o in outcomes):
        return 130
    if len(outcomes) == 1:
        return outcomes[0].code
    return int(any(o.code for o in outcomes))
