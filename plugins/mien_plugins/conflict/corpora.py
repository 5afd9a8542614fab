"""Conversations that people have rated: SSPNet Conflict and Glasgow Disagreement, as `mien_plugins.corpora.rated` reads them, or
any manifest with the label `conflict`. None comes with Mien.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from mien.errors import CorpusError, shown
from mien.training.manifest import SPLITS, Manifest
from mien.training.manifest_file import NAMES, read_manifest
from mien_plugins.conflict.features import Samples
from mien_plugins.conflict.net import RATE
from mien_plugins.conflict.takes import read_audio
from mien_plugins.corpora.info import CORPORA
from mien_plugins.corpora.rated import GLASGOW, SSPNET, read_glasgow, read_sspnet

_INFO = {info.id: info for info in CORPORA}


@dataclass(frozen=True)
class Clip:
    """A stretch of a recording (s) that was rated: `rating` from -1 (none) to 1 (high conflict).

    Clips of one `group` belong together.
    """

    path: Path
    rating: float
    group: str
    start: float = 0.0
    end: float = math.inf

    def samples(self) -> Samples:
        """(n,) mono float32 at the net's rate.

        Raises:
            CorpusError: there is no sound there.
            MediaError: the recording is missing, or none.
        """
        whole = read_audio(self.path)
        end = len(whole) if math.isinf(self.end) else round(self.end * RATE)
        found = whole[round(self.start * RATE) : end]
        if not len(found):
            raise CorpusError(f"There is no sound from {self.start:g} s on in the recording: {shown(self.path)}")
        return found


@dataclass(frozen=True)
class Rated:
    """A corpus: its name, how it was rated and split, and its clips by part (`train`, `valid`, `test`)."""

    name: str
    licence: str
    citation: str
    split: str
    parts: dict[str, tuple[Clip, ...]]


def read_rated(folder: Path, seed: int = 0) -> Rated:
    """The corpus that lies in `folder`, split by debate, by its own folds, or as its manifest says.

    Raises:
        CorpusError: it is none of them, or a row or a recording of it is missing or makes no sense.
    """
    if any((folder / name).is_file() for name in NAMES):
        manifest = read_manifest(folder)
        manifest.check(labels=("conflict",))
        return _rated(manifest, "your own recordings", "your own", "", "As the manifest says, no speaker in two parts.")
    for file, read, known in (
        (SSPNET, read_sspnet, _INFO["sspnet-conflict"]),
        (GLASGOW, read_glasgow, _INFO["glasgow-disagreement"]),
    ):
        if (folder / file).is_file():
            manifest = read(folder, seed=seed)
            return _rated(manifest, known.title, known.licence, known.citation, manifest.notes[0])
    raise CorpusError(
        f"There is no rated corpus here: neither {SSPNET} (SSPNet Conflict) nor {GLASGOW} (Glasgow Disagreement) nor a manifest: "
        f"{shown(folder)}"
    )


def _rated(manifest: Manifest, name: str, licence: str, citation: str, split: str) -> Rated:
    def clips(part: str) -> tuple[Clip, ...]:
        own = manifest.part(part).labelled("conflict")
        values = own.numbers("conflict").tolist()
        return tuple(
            Clip(own.file(row), value, row.group, row.start, row.end)
            for row, value in zip(own.rows, values, strict=True)
        )

    return Rated(name, licence, citation, split, {part: clips(part) for part in SPLITS})
