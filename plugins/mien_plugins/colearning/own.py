"""A user's own manifest as the co-learning recipes read it: text, voice and face of each recording, a label at every step.

Rows are those that the fusions over time learn from (`mien_plugins.fusion.traced_data`): moments of media, embedded by the models
that come with Mien, or of `.npz` files of the user's own features with a step for each row. A modality that is absent at a step
is what it is on average; steps without the label are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.errors import CorpusError, UsageError, shown
from mien.training import checks
from mien.training.manifest import Manifest
from mien.training.manifest_file import read_manifest
from mien_plugins.colearning.sequences import Sequences
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.own_data import has_manifest
from mien_plugins.fusion.traced_data import Trace, Tracer, recordings, widths_of

CORPUS = "the manifest"
ALSO = {"acoustic": "voice", "audio": "voice", "visual": "face", "video": "face"}
"""What the modalities are called elsewhere."""


def chosen(data: Path, folder: str) -> bool:
    """Whether a manifest is to be read: where there is one, and not the folder of the corpus."""
    return has_manifest(data) and not (data / folder).is_dir()


def modality(name: str) -> str:
    """A modality as manifests have it.

    Raises:
        UsageError: they have none of that name.
    """
    found = ALSO.get(name, name)
    if found not in MODALITIES:
        raise UsageError(f"A manifest has no modality {name!r}; it has {', '.join(MODALITIES)}.")
    return found


def bounded(data: Path, target: str) -> bool:
    """Whether a label is a number, in [-1, 1] then, and not one of two classes.

    Raises:
        CorpusError: there is no such label, or one of more classes.
    """
    label = read_manifest(data).label(target)
    if len(label.classes) not in (0, 2):
        raise CorpusError(
            f"The label {target} has {len(label.classes)} classes, and co-learning reads numbers or one of two: {shown(data)}"
        )
    return not label.classes


def read(
    data: Path, target: str, modalities: Sequence[str], kept: Path, device: str, *, test: bool
) -> dict[str, Sequences]:
    """`train` and `valid`, or with `test` that alone: whole recordings.

    Args:
        kept: folder for what is embedded of media.

    Raises:
        CorpusError: the manifest or what it names does not serve; no training recording has a modality.
    """
    manifest = read_manifest(data)
    parts = recordings(manifest, (target,))
    tracer = Tracer(kept, device)
    traces = {part: tracer.traces(manifest, parts[part]) for part in (("test",) if test else ("train", "valid"))}
    widths = dict(zip(MODALITIES, widths_of([t for some in traces.values() for t in some]), strict=True))
    found = {part: _sequences(manifest, some, modalities, widths) for part, some in traces.items()}
    checks.require_splits(CORPUS, {part: some.names for part, some in found.items()})
    return found


def _sequences(
    manifest: Manifest, traces: Sequence[Trace], modalities: Sequence[str], widths: dict[str, int]
) -> Sequences:
    for name in modalities:
        if not any(name in trace.x for trace in traces):
            raise CorpusError(f"No recording has a {name} to read: {shown(manifest.source)}")
    rated = [(trace, steps) for trace in traces if len(steps := np.flatnonzero(np.isfinite(trace.target[:, 0])))]
    means = {
        name: np.concatenate([t.x[name][t.there[:, MODALITIES.index(name)]] for t in traces if name in t.x]).mean(0)
        for name in modalities
    }

    def values(trace: Trace, name: str) -> np.ndarray:
        there = trace.there[:, MODALITIES.index(name), None]
        own = trace.x.get(name, np.zeros((len(trace), widths[name]), np.float32))
        return np.where(there, own, means[name]).astype(np.float32)

    return Sequences(
        CORPUS,
        tuple(trace.name for trace, _ in rated),
        {name: tuple(values(trace, name)[steps] for trace, steps in rated) for name in modalities},
        tuple(trace.target[steps, 0] for trace, steps in rated),
    )
