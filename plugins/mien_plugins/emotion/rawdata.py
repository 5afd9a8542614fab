"""Sound with labels for the nets on raw samples: from a manifest, or from the acted corpora beside `speech/manifest.csv`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, shown
from mien.training.card import DataSource
from mien.training.manifest import SPLITS, Label, Manifest, Row
from mien.training.manifest_file import read_manifest
from mien.training.stretch import sound
from mien_plugins.emotion.corpus import TEST_SPEAKERS, Clip, read_clips
from mien_plugins.emotion.net import TASKS
from mien_plugins.emotion.rawnet import FRAME, RATE, SAMPLES

Floats = NDArray[np.float32]
VALID_SPEAKERS = ("ravdess-15", "ravdess-16", "emodb-13", "emodb-14")
"""To validate on; `TEST_SPEAKERS` test, all others are trained on."""
DIMENSIONS = ("arousal", "valence", "dominance", "liking")
SOURCES = {
    "ravdess": DataSource(
        "RAVDESS", "CC BY-NC-SA 4.0", "actors 01-14 to train, 15-16 to validate, 17-20 to test",
        "Livingstone & Russo 2018, PLoS ONE 13(5) e0196391",
    ),
    "emodb": DataSource(
        "EmoDB", "free for use with citation",
        "the first 2 s of each clip; speakers 13, 14 to validate, 15, 16 to test, the others to train",
        "Burkhardt et al. 2005, Interspeech",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """A stretch of sound with its labels.

    Attributes:
        row: which sound, of the corpus' manifest.
        target: (T, K) labels of its frames of 0.1 s, or (K,) of all of it; NaN where there is none.
        own: (T,) whether the target speaks in a frame, None where all of it is the target's.
        group: speaker or recording, which figures are drawn by.
    """

    row: Row
    target: Floats
    own: NDArray[np.bool_] | None
    group: str


@dataclass(frozen=True)
class Corpus:
    """Stretches by split. outputs: names of the K labels; classes: of the one label that is a name; sources: for the card."""

    manifest: Manifest
    parts: dict[str, tuple[Stretch, ...]]
    outputs: tuple[str, ...]
    split: str
    sources: tuple[DataSource, ...]
    classes: tuple[str, ...] = ()
    cache: dict[tuple[str, float, float, int], NDArray[np.int16]] = field(default_factory=dict, compare=False)

    @property
    def own_data(self) -> bool:
        """Whether it is a user's manifest."""
        return all(source.name not in ("RAVDESS", "EmoDB") for source in self.sources)

    def sound(self, stretch: Stretch, rate: int = RATE) -> Floats:
        """(n,) mono in [-1, 1]; kept, at half the memory, once it was read.

        Raises:
            CorpusError: it cannot be read.
        """
        return np.asarray(self._kept(stretch, rate) / np.float32(32767), np.float32)

    def frames(self, stretch: Stretch) -> int:
        """How many whole frames it has."""
        return len(self._kept(stretch, RATE)) // SAMPLES

    def _kept(self, stretch: Stretch, rate: int) -> NDArray[np.int16]:
        key = (stretch.row.path, stretch.row.start, stretch.row.end, rate)
        if key not in self.cache:
            heard = np.nan_to_num(sound(self.manifest, stretch.row, rate))
            self.cache[key] = (np.clip(heard, -1.0, 1.0) * 32767).astype(np.int16)
        return self.cache[key]


def has_manifest(data: Path) -> bool:
    """Whether a folder is that of a user's own manifest."""
    return (data / "manifest.csv").is_file() or (data / "manifest.parquet").is_file()


def dimensions(data: Path, length: int) -> Corpus:
    """Arousal and valence (with dominance or liking, where they are there) for the raw-audio network.

    Args:
        data: folder of a manifest, or of `speech/manifest.csv`, whose acted words stand for dimensions.
        length: frames of a sequence; longer recordings are cut.

    Raises:
        CorpusError: nothing is there, a label is missing, a split is empty, speakers are on both sides.
    """
    if has_manifest(data):
        manifest = read_manifest(data)
        names = [label.name for label in manifest.labels]
        outputs = tuple(name for name in DIMENSIONS if name in names)
        manifest.check(labels=("arousal", "valence"))
        source = _own(manifest)
    else:
        manifest, source = _acted(data, ("ravdess", "emodb")), tuple(SOURCES.values())
        outputs = ("arousal", "valence", "dominance")
    target = np.stack([manifest.numbers(name, -1.0, 1.0) for name in outputs], axis=1).astype(np.float32)
    parts = {}
    for split in SPLITS:
        rows = [(row, target[at]) for at, row in enumerate(manifest.rows) if row.split == split]
        parts[split] = tuple(part for group in _groups(rows) for part in _stretches(group, length))
    return Corpus(manifest, parts, outputs, "By speaker, none of whom is on two sides.", source)


def names(data: Path) -> Corpus:
    """What emotion is acted, for 1D-SER: EmoDB's seven, or the label `acted` (else `emotion`) of a manifest.

    Raises:
        CorpusError: as `dimensions`; also a class that is tested and was never trained on.
    """
    if has_manifest(data):
        manifest = read_manifest(data)
        label = "acted" if any(known.name == "acted" for known in manifest.labels) else "emotion"
        source = _own(manifest)
    else:
        manifest, label, source = _acted(data, ("emodb",)), "acted", (SOURCES["emodb"],)
    manifest.check(labels=(label,))
    manifest = manifest.labelled(label)
    used = {value for row, value in zip(manifest.rows, manifest.values(label), strict=True) if row.split}
    classes = tuple(name for name in manifest.label(label).classes if name in used)
    codes = manifest.codes(label)
    rank = {name: float(n) for n, name in enumerate(classes)}
    full = manifest.label(label).classes
    parts = {
        split: tuple(
            Stretch(row, np.array([rank[full[code]]], np.float32), None, row.speaker or row.group or row.path)
            for row, code in zip(manifest.rows, codes, strict=True)
            if row.split == split
        )
        for split in SPLITS
    }
    return Corpus(manifest, parts, (label,), "By speaker, none of whom is on two sides.", source, classes)


def _own(manifest: Manifest) -> tuple[DataSource, ...]:
    return (
        DataSource(
            Path(manifest.source).name or "a manifest", "as its owners state", f"{len(manifest)} rows, by split"
        ),
    )


def _acted(data: Path, corpora: Iterable[str]) -> Manifest:
    """The clips beside `speech/manifest.csv` as a manifest, with the places of their words (`corpus.attributes`)."""
    if not (data / "speech" / "manifest.csv").is_file():
        raise CorpusError(
            "There is neither a manifest.csv (mien manifest makes one) nor speech/manifest.csv of the acted corpora in the "
            f"folder of corpora: {shown(data)}"
        )
    clips = [clip for clip in read_clips(data) if clip.corpus in corpora]
    for clip in clips:
        if not clip.path.is_file():
            raise CorpusError(f"speech/manifest.csv names a recording that is not there: {shown(clip.path)}")
    acted = tuple(sorted({clip.emotion for clip in clips}))
    if len(acted) < 2:
        raise CorpusError(f"speech/manifest.csv has no clips of {' or '.join(corpora)}: {shown(data)}")
    labels = (*(Label(name, -1.0, 1.0) for name in TASKS), Label("acted", classes=acted))
    rows = tuple(
        Row(
            clip.path.relative_to(data).as_posix(), speaker=clip.speaker, split=_part(clip), labels=(*clip.label, clip.emotion)
        )
        for clip in clips
    )  # fmt: skip
    manifest = Manifest(data, labels, rows, str(data / "speech" / "manifest.csv"))
    manifest.check()
    return manifest


def _part(clip: Clip) -> str:
    if clip.speaker in TEST_SPEAKERS:
        return "test"
    return "valid" if clip.speaker in VALID_SPEAKERS else "train"


Labelled = tuple[Row, Floats]


def _groups(rows: Iterable[Labelled]) -> list[list[Labelled]]:
    """Rows of one person in one medium, by time."""
    found: dict[tuple[str, str], list[Labelled]] = {}
    for row, own in rows:
        found.setdefault((row.path, row.speaker), []).append((row, own))
    return [sorted(group, key=lambda pair: pair[0].start) for group in found.values()]


def _stretches(group: Sequence[Labelled], length: int) -> list[Stretch]:
    """A traced recording cut into sequences; a clip that is labelled as a whole, as it is."""
    first = group[0][0]
    name = first.speaker or first.group or first.path
    if any(math.isinf(row.end) for row, _ in group):
        return [Stretch(row, own, None, name) for row, own in group if np.isfinite(own).any()]
    begin = first.start
    count = max(1, round((max(row.end for row, _ in group) - begin) / FRAME))
    target = np.full((count, len(group[0][1])), np.nan, np.float32)
    # Whose turn it is shows by who has words, where words were written down.
    worded = any(row.text for row, _ in group)
    speaks = np.zeros(count, bool)
    for row, own in group:
        at = round((row.start - begin) / FRAME)
        frames = slice(min(at, count - 1), max(at + 1, round((row.end - begin) / FRAME)))
        target[frames] = own
        speaks[frames] = bool(row.text)
    found = []
    for at in range(0, count, length):
        cut = slice(at, min(at + length, count))
        if np.isfinite(target[cut]).any():
            row = Row(
                first.path,
                begin + at * FRAME,
                begin + cut.stop * FRAME,
                first.speaker,
                first.split,
                number=first.number,
            )
            found.append(Stretch(row, target[cut], speaks[cut] if worded else None, name))
    return found
