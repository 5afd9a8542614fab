"""The command line: `mien …`. Each command's work is imported when it is called, so that help answers at once."""

from __future__ import annotations

import copy
import errno
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from mien import __version__
from mien.cli.options import (
    Accept,
    AudioStream,
    Device,
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
from mien.cli.plugins_app import plugins
from mien.cli.reproduce import reproduce
from mien.cli.scan import scan
from mien.cli.tune import tune
from mien.errors import MienError, StorageError


class _Commands(TyperGroup):
    """Typer makes a bare exit code of a Ctrl-C: then nothing would be said."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise typer.Abort from error


app = typer.Typer(
    name="mien",
    cls=_Commands,
    help="What is said, how it is said, what the face shows and how heated the exchange is, from one video.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all well, 1 some media failed, 2 usage, 3 medium, 4 device, 5 model, 6 library or disk, "
    "7 export, 8 plugin, 9 worker, 10 training, 130 cancelled.",
)
models = typer.Typer(help="The models that are installed, and those that could be.", no_args_is_help=True)
library = typer.Typer(help="What was analysed: list, show, search, remove.", no_args_is_help=True)
app.add_typer(models, name="models")
app.add_typer(library, name="library")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    """What is said, how it is said, what the face shows and how heated the exchange is, from one video."""


@app.command()
def analyze(
    # A file that may not be read is one bad medium among others; Typer would refuse the whole command.
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Media, or folders of them.", readable=False)],
    plugins: Plugins = None,
    settings: Set = None,
    fusion: Fusion = None,
    device: Device = None,
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
    """Analyse media: speech, emotion, offence, faces, conflict, and their fusion."""
    from mien.cli.analyze import Request, analyze_paths

    raise typer.Exit(
        analyze_paths(
            Request(
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
        )
    )


app.command()(scan)


@app.command()
def desktop(
    medium: Annotated[Path | None, typer.Argument(metavar="VIDEO", help="Medium to open.", readable=False)] = None,
    library: Library = None,
) -> None:
    """Open the window."""
    from mien.cli.desktop import open_window

    raise typer.Exit(open_window(medium, library))


@app.command()
def probe(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Media.", readable=False)],
    as_json: Json = False,
) -> None:
    """Say what is in media, without analysing them: streams, duration, rotation, subtitles, problems."""
    from mien.cli.probe import probe_paths

    raise typer.Exit(probe_paths(paths, as_json))


app.add_typer(plugins, name="plugins")


@app.command()
def export(
    medium: Annotated[str, typer.Argument(metavar="MEDIUM", help="Path or id of an analysed medium.")],
    formats: Annotated[list[str], typer.Option("--format", "-f", "--export", "-e", metavar="FORMAT", help="Format.")],
    out: Out = None,
    settings: Set = None,
    start: Annotated[
        float | None, typer.Option("--start", metavar="SECONDS", help="Write only what lies behind this time.")
    ] = None,
    end: Annotated[
        float | None, typer.Option("--end", metavar="SECONDS", help="Write only what lies before this time.")
    ] = None,
    library: Library = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write readings from the library as files: csv, parquet, json, srt, vtt, eaf, textgrid, report, video."""
    from mien.cli.export import export_medium

    export_medium(medium, formats, out, settings or [], (start, end), library, as_json, quiet)


@app.command()
def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="LABELS… [MEDIUM…]", help="Label files (.csv, .tsv, .eaf); media only where they name none."
        ),
    ],
    chosen: Annotated[
        list[str] | None,
        typer.Option("--match", "-m", metavar="COLUMN=READING", help="Compare this column with that reading."),
    ] = None,
    scales: Annotated[
        list[str] | None,
        typer.Option("--scale", metavar="COLUMN=LOW:HIGH", help="The labels' own scale, such as arousal=1:5."),
    ] = None,
    thresholds: Annotated[
        list[str] | None, typer.Option("--threshold", metavar="COLUMN=VALUE", help="From where on a reading is a yes.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Write the figures as CSV and JSON here.")
    ] = None,
    library: Library = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check readings in the library against labels that people made: CCC, Pearson, RMSE, F1, UAR, WAR, WER."""
    from mien.cli.check import check_labels

    raise typer.Exit(check_labels(paths, chosen or [], scales or [], thresholds or [], out, library, as_json, quiet))


@app.command()
def explain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A medium.", readable=False)],
    at: Annotated[float, typer.Option("--at", metavar="SECONDS", help="The moment to explain.")],
    plugin: Annotated[str, typer.Option("--plugin", "-p", metavar="ID", help="Whose reading.")] = "conflict",
    of: Annotated[
        str, typer.Option("--of", metavar="READING", help="Which reading, where there are several (emotion: arousal).")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Picture of the face and heat.")
    ] = None,
    settings: Set = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Say which seconds (conflict, emotion) or which part of the face (face) made a reading."""
    from mien.cli.explain import explain_reading

    explain_reading(path, plugin, at, of, out, settings or [], device, as_json)


@app.command()
def train(
    recipe: Annotated[str | None, typer.Argument(metavar="[RECIPE]", help="What to train; without it, a list.")] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder of the corpora.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder of the new model.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The short form: an hour on two CPU cores at most.")] = False,
    device: Device = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of everything random.")] = 0,
    threads: Threads = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew instead of going on where it stopped.")] = False,
    work: Annotated[
        Path | None, typer.Option("--work", metavar="DIR", help="Checkpoints, logs, TensorBoard. Default: OUT/work.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PARAM=VALUE", help="Change an option of the recipe.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option("--recipe", metavar="FILE", help="With the options that mien tune found.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model from public corpora, measure it and write its card; a stopped training goes on."""
    from mien.cli.train import Asked, list_recipes, replay_model, train_model

    asked = Asked(data, out, quick, device, seed, threads, fresh, work, settings or [], as_json, quiet)
    if replay is not None:
        replay_model(recipe, replay, asked)
    elif recipe is None:
        list_recipes(as_json)
    else:
        train_model(recipe, asked)


app.command()(tune)


@app.command()
def manifest(
    corpus: Annotated[
        str | None,
        typer.Argument(metavar="[CORPUS|FILE]", help="A corpus, or a manifest to judge; without it, a list."),
    ] = None,
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Where the corpus was unpacked to.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help=".csv or .parquet. Default: FOLDER/manifest.csv.")
    ] = None,
    media: Annotated[str, typer.Option("--media", metavar="KIND", help="Which recordings: sound or video.")] = "sound",
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of what a split leaves to chance.")] = 0,
    resplit: Annotated[
        bool, typer.Option("--resplit", help="Part people (videos) anew instead of keeping the split.")
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="Look into every medium whether its stretches lie in it.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the table that recipes read from a corpus as it was handed out, or judge such a table."""
    from mien.cli.manifest import Asked, list_corpora, make_manifest

    if corpus is None:
        list_corpora(as_json)
        return
    make_manifest(Asked(corpus, folder, out, media, seed, resplit, probe, force, as_json, quiet))


app.command()(reproduce)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Id of an installed model, or a model's folder.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of the corpora.")],
    device: Device = None,
    threads: Threads = None,
    write: Annotated[bool, typer.Option("--card/--no-card", help="Write the card beside the model.")] = True,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a model on its test sets, write its card and print the figures."""
    from mien.cli.train import evaluate_model

    evaluate_model(model, data, device, threads, write, as_json, quiet)


@library.command("list")
def library_list(library: Library = None, as_json: Json = False) -> None:
    """All analysed media."""
    from mien.cli.library import list_media

    list_media(library, as_json)


@library.command("show")
def library_show(
    medium: Annotated[str, typer.Argument(metavar="MEDIUM", help="Path or id.")],
    library: Library = None,
    as_json: Json = False,
) -> None:
    """What was found in one medium, by which plugin, model and parameters."""
    from mien.cli.library import show_medium

    show_medium(medium, library, as_json)


@library.command("search")
def library_search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words; in double quotes they must follow each other.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Most hits to show.")] = 50,
    library: Library = None,
    as_json: Json = False,
) -> None:
    """Find words in all transcripts."""
    from mien.cli.library import search_library

    search_library(text, limit, library, as_json)


@library.command("remove")
def library_remove(
    medium: Annotated[str, typer.Argument(metavar="MEDIUM", help="Path or id.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    library: Library = None,
) -> None:
    """Take a medium and all its readings out of the library; the file itself is left alone."""
    from mien.cli.library import remove_medium

    remove_medium(medium, yes, library)


@models.command("list")
def models_list(as_json: Json = False) -> None:
    """Installed models and the catalogue."""
    from mien.cli.models import list_models

    list_models(as_json)


@models.command("show")
def models_show(model: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """A model's card: what it was trained on, how good it is, its limits and licence."""
    from mien.cli.models import show_model

    show_model(model, as_json)


@models.command("import")
def models_import(
    model: Annotated[str, typer.Argument(metavar="ID", help="Id in the catalogue.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the model's files.")],
    accept: Accept = False,
) -> None:
    """Install a model from a folder."""
    from mien.cli.models import import_model

    import_model(model, folder, accept)


@models.command("pull")
def models_pull(
    model: Annotated[str, typer.Argument(metavar="ID", help="Id in the catalogue.")],
    accept: Accept = False,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust-hub",
            help="Where this version of Mien has no pin of its own for the model: hold it to what the hub states now.",
        ),
    ] = False,
    anew: Annotated[
        bool,
        typer.Option("--ask-again", help="Forget what the hub stated of it at an earlier download, and ask anew."),
    ] = False,
) -> None:
    """Download a model from the catalogue."""
    from mien.cli.models import pull_model

    pull_model(model, accept, trust, anew)


@models.command("verify")
def models_verify() -> None:
    """Check the files of every installed model against their hashes."""
    from mien.cli.models import verify_models

    raise typer.Exit(verify_models())


@models.command("remove")
def models_remove(model: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Remove an imported or downloaded model."""
    from mien.cli.models import remove_model

    remove_model(model)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: runs a command; every error ends as one sentence and a documented exit code."""
    from mien.cli.say import suit_terminal

    suit_terminal()
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def only(name: str) -> typer.Typer:
    """The command line with the one command of that name, or the whole where there is none.

    Typer works out the options of every command before it looks at which is asked for: a sixth of the start.
    """
    commands = [c for c in app.registered_commands if name == (c.name or getattr(c.callback, "__name__", None))]
    groups = [g for g in app.registered_groups if g.name == name]
    if not commands and not groups:
        return app
    narrow = copy.copy(app)
    narrow.registered_commands, narrow.registered_groups = commands, groups
    return narrow


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    import logging

    from mien.cli.say import fail

    logging.getLogger().addHandler(logging.NullHandler())  # log lines go to the log file or nowhere, never here
    as_json = "--json" in arguments
    try:
        result: Any = only(next(iter(arguments), ""))(args=arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except MienError as error:
        return fail(str(error), error.exit_code, as_json)
    except typer.Abort:
        return fail("Stopped.", 130, as_json)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if not message:  # no arguments: the help has been shown
            return 0
        where = context.command_path if context is not None else "mien"
        message = message.rstrip(".") + ("" if message.endswith("?") else ";")
        return fail(f"{message} see {where} --help.", 2, as_json)
    except KeyboardInterrupt:
        return fail("Stopped.", 130, as_json)
    except (BrokenPipeError, SystemExit):  # Typer and Rich make the second of the first
        sys.stdout = None  # whoever read us has gone; there is nobody left to tell
        return 0
    except Exception as error:  # noqa: BLE001 - the last guard: a traceback belongs into the log, not on the terminal
        from mien.cli.faults import refusal, unexpected

        if (
            isinstance(error, OSError) and error.errno in errno.errorcode
        ):  # others are a library's own, such as FFmpeg's
            return fail(refusal(error), StorageError.exit_code, as_json)
        return fail(unexpected(error), 70, as_json)
