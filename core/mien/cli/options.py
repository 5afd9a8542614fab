"""Options that several commands share. Light to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Library = Annotated[
    str | None,
    typer.Option(
        "--library",
        metavar="FILE|URL",
        help="Library to use instead of your own: a file, or postgresql://user@host/name.",
        envvar="MIEN_LIBRARY",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="For machines: JSON instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PLUGIN.PARAM=VALUE", help="Change a parameter; may be given several times."),
]
Export = Annotated[
    list[str] | None,
    typer.Option("--export", "-e", metavar="FORMAT", help="Write this format; may be given several times."),
]
Device = Annotated[str | None, typer.Option("--device", "-d", metavar="DEVICE", help="auto, cpu, cuda:N or mps.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, max=256, help="CPU threads for models.")]
Accept = Annotated[bool, typer.Option("--accept-licence", help="Agree to the model's licence without being asked.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder for exports.")]
Plugins = Annotated[
    str | None, typer.Option("--plugins", "-p", metavar="A,B", help="Analyzers to run instead of the defaults.")
]
Fusion = Annotated[str | None, typer.Option("--fusion", "-f", metavar="NAME", help="Fusion, or none. Default: late.")]
Precision = Annotated[
    str | None, typer.Option("--precision", metavar="KIND", help="auto, float32, bfloat16 or float16.")
]
AudioStream = Annotated[
    str | None,
    typer.Option("--audio-stream", metavar="N|LANGUAGE", help="Sound stream by number, language or title."),
]
Recipe = Annotated[
    Path | None, typer.Option("--recipe", metavar="FILE", help="Replay a saved choice of plugins and parameters.")
]
SaveRecipe = Annotated[
    Path | None, typer.Option("--save-recipe", metavar="FILE", help="Save this choice for --recipe.")
]
