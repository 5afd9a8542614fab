"""The plugin API as Markdown, from its own docstrings.

`python -m mien.sdk.conformance.reference` prints what ends `docs/plugins.md`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

from mien.sdk import blocks, correction, descriptors, fusion, hooks, inputs, media, params, protocols

HEADING = "## Reference"
_METHODS = (
    ("The hook", hooks.Hooks),
    ("What the hook is given", hooks.Registry),
    ("An analyzer", protocols.Analyzer),
    ("A fusion", protocols.Fusion),
    ("An exporter", protocols.Exporter),
    ("What the host gives to `prepare`", protocols.Context),
    ("Explanations that an analyzer may offer", protocols.Explains),
    ("… of several readings", protocols.ExplainsReadings),
    ("… of faces", protocols.ExplainsFaces),
)
_VALUES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("Descriptors", (descriptors.AnalyzerInfo, descriptors.FusionInfo, descriptors.ExporterInfo, descriptors.Writes)),
    (
        "Recipes, corpora and tables",
        (descriptors.RecipeInfo, descriptors.Search, descriptors.CorpusInfo, descriptors.TableInfo),
    ),
    ("Inputs", (inputs.Input, inputs.Audio, inputs.Utterances, inputs.Frames, inputs.Crops, inputs.Reads)),
    ("Parameters", (params.Params, params.NoParams, fusion.FusionParams)),
    (
        "Blocks",
        (blocks.Block, blocks.AudioChunk, blocks.Windows, blocks.Utterance, blocks.FrameBatch, blocks.CropBatch),
    ),
    ("The medium", (media.MediaInfo, media.Cue)),
    ("Explanations", (protocols.Explanation, protocols.FaceExplanation)),
    (
        "Fused and exported",
        (protocols.Aligned, protocols.Fused, protocols.FusedCurve, protocols.Analysis, correction.Correction),
    ),
)


def reference() -> str:
    """All hooks and protocol methods with their signatures, then the types that they take and give."""
    return "\n".join([HEADING, "", *_methods(), *_values()]).rstrip() + "\n"


def signature(owner: type, name: str) -> str:
    """A method (`Analyzer.process(block: Block) -> …`) or property (`Context.device: str`) as one writes it."""
    entry: Any = vars(owner)[name]
    function: Any = entry.fget if isinstance(entry, property) else entry
    found = inspect.signature(function)
    without_self = found.replace(parameters=[p for key, p in found.parameters.items() if key != "self"])
    text = str(without_self).replace("'", "")
    if isinstance(entry, property):
        text = text.replace("() -> ", ": ")
    return f"{owner.__name__}.{name}{text}"


def members(owner: type) -> Iterator[str]:
    """Names of the public methods and properties of a hook specification or protocol."""
    for name, entry in vars(owner).items():
        if not name.startswith("_") and (inspect.isfunction(entry) or isinstance(entry, property)):
            yield name


def _methods() -> Iterator[str]:
    for title, owner in _METHODS:
        yield from (f"### {title}: `{owner.__name__}`", "")
        for name in members(owner):
            entry: Any = vars(owner)[name]
            documented = entry.fget if isinstance(entry, property) else entry
            yield from (f"#### `{signature(owner, name)}`", "", *_text(documented), "")


def _values() -> Iterator[str]:
    for title, owners in _VALUES:
        yield from (f"### {title}", "")
        for owner in owners:
            yield from (f"#### `{owner.__name__}`", "", *_text(owner), "")


def _text(documented: Any) -> Iterator[str]:
    """A docstring as Markdown: what is listed under `Args:` or `Raises:` becomes a list."""
    listed = False
    for line in inspect.cleandoc(documented.__doc__ or "").splitlines():
        if line in ("Args:", "Raises:", "Returns:"):
            listed = True
            yield from (f"{line}", "")
        elif listed and line.startswith("    ") and not line.startswith("     "):
            yield f"- {line.strip()}"
        elif listed and line.startswith("     "):
            yield f"  {line.strip()}"
        else:
            listed = listed and not line.strip()
            yield line.rstrip()


if __name__ == "__main__":
    sys.stdout.write(reference())
