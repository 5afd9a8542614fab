"""A user's own manifest as the face recipe reads it: labelled faces of each part.

For expressions its rows have a column of classes, whose words stand for the seven as corpora spell them (`emotion.norms`:
"anger" is angry, "joy" happy). Some of the seven may be missing; rows of an emotion that is none of them (contempt, calm,
boredom) are left out and counted, a word that nothing is known of is refused. For ratings they have valence and arousal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, UsageError, shown
from mien.tracks.quantity import AROUSAL, EXPRESSIONS, VALENCE
from mien.training.manifest import SPLITS, Manifest, Row
from mien_plugins.emotion.norms import family
from mien_plugins.face.data import Faces
from mien_plugins.face.found import Images
from mien_plugins.face.own_faces import FaceFinder

EMOTION: Final = "emotion"
RATED: Final = (VALENCE.name, AROUSAL.name)
NAMES: Final = ("manifest.csv", "manifest.parquet")
Task = Literal["expressions", "affect"]
_NAMED = 6  # rows named in one sentence


def has_manifest(data: Path) -> bool:
    """Whether a folder holds a manifest of the user's own."""
    return any((data / name).is_file() for name in NAMES)


def task_of(manifest: Manifest, asked: str, label: str) -> Task:
    """What is learnt: as it was asked for, else the expressions where there is the column of them, else valence and arousal."""
    if asked != "auto":
        return "affect" if asked == "affect" else "expressions"
    there = {one.name for one in manifest.labels}
    return "affect" if label == EMOTION and EMOTION not in there and set(RATED) <= there else "expressions"


@dataclass(frozen=True)
class Part:
    """One split: N faces with their labels, and of each the place of its row in `rows` (N,)."""

    faces: Faces
    owner: NDArray[np.int64]
    rows: tuple[Row, ...]

    @property
    def labels(self) -> NDArray[Any]:
        """(R,) or (R, 2): those of the rows."""
        _, first = np.unique(self.owner, return_index=True)
        return self.faces.labels[first]

    @property
    def people(self) -> NDArray[np.str_]:
        """(R,) who is seen in each row, as far as the manifest tells: intervals are drawn over them."""
        return np.array([row.speaker or row.group or row.path for row in self.rows])


@dataclass(frozen=True)
class Corpus:
    """The parts that were asked for.

    Args:
        faceless: rows of each part in which no face was found; other: rows of an emotion that is none of the seven.
        told: both, as a sentence; empty where nothing was left out.
        finder: who searched for faces.
    """

    parts: Mapping[str, Part]
    faceless: Mapping[str, int]
    other: int
    told: str
    finder: str


def load(manifest: Manifest, task: Task, label: str, finder: FaceFinder, splits: tuple[str, ...] = SPLITS) -> Corpus:
    """Find the faces of the rows of some parts.

    Raises:
        CorpusError: a column or a part is missing, people are on two sides, a class is unknown or never seen in training, a
            picture cannot be read, or no face is found in any row of a part.
        UsageError: the column holds numbers where classes are needed.
    """
    names = (label,) if task == "expressions" else RATED
    manifest.check(labels=names, splits=splits)
    if task == "expressions" and not manifest.label(label).classes:
        raise UsageError(
            f"The column {label} holds numbers; name one of expressions with --set label=COLUMN, or learn valence and arousal "
            "with --set task=affect."
        )
    usable = manifest.labelled(*names).take(lambda row: row.split in splits)
    values: NDArray[Any]
    if task == "expressions":
        codes = expressions_of(usable, label)
        places = np.flatnonzero(codes >= 0)
        other, usable, values = int((codes < 0).sum()), usable.take(places.tolist()), codes[places]
    else:
        values = np.stack([usable.numbers(name, -1.0, 1.0) for name in RATED], 1).astype(np.float32)
        other = 0
    images, owner = finder.all(usable)
    return _parted(usable, names, values, images, owner, other, finder.name, splits)


def expressions_of(manifest: Manifest, label: str) -> NDArray[np.int64]:
    """(N,) the place in `EXPRESSIONS` of what each row shows, -1 where it is another emotion.

    Raises:
        CorpusError: a row's word is none that is known; the sentence names it.
    """
    places = {family(name): place for place, name in enumerate(EXPRESSIONS)}
    codes = []
    for row, value in zip(manifest.rows, manifest.values(label), strict=True):
        try:
            codes.append(places.get(family(str(value).casefold()), -1))
        except KeyError:
            raise CorpusError(
                f"{manifest.where(row)}: the class “{value}” of {label} is unknown here; "
                f"known are {', '.join(EXPRESSIONS)}: {shown(manifest.source)}"
            ) from None
    return np.array(codes, np.int64)


def _parted(
    usable: Manifest,
    names: tuple[str, ...],
    values: NDArray[Any],
    images: Images,
    owner: NDArray[np.int64],
    other: int,
    finder: str,
    splits: tuple[str, ...],
) -> Corpus:
    seen = np.isin(np.arange(len(usable)), owner)
    parts, faceless = {}, {}
    for split in splits:
        mine = np.array([row.split == split for row in usable.rows], bool)
        faceless[split] = int((mine & ~seen).sum())
        if not mine.any():
            raise CorpusError(
                f"The part “{split}” has no row with one of the expressions {', '.join(EXPRESSIONS)}: {shown(usable.source)}"
            )
        if not (mine & seen).any():
            raise CorpusError(
                f"No face was found in any row of the part “{split}”; its pictures need faces of 20 pixels or more that look "
                f"towards the camera: {shown(usable.source)}"
            )
        places = np.flatnonzero(mine & seen)
        here = np.isin(owner, places)
        parts[split] = Part(
            Faces(images[here], values[owner[here]]),
            np.searchsorted(places, owner[here]).astype(np.int64),
            tuple(usable.rows[place] for place in places),
        )
    # What was left out may have been all that training had of a class.
    usable.take(np.flatnonzero(seen).tolist()).check(labels=names, splits=splits)
    return Corpus(parts, faceless, other, _told(usable, seen, other), finder)


def _told(usable: Manifest, seen: NDArray[np.bool_], other: int) -> str:
    """What was left out, as a sentence."""
    said = []
    if other:
        rows, them = ("1 row", "shows") if other == 1 else (f"{other} rows", "show")
        said.append(f"{rows} {them} an emotion that is none of the seven")
    left = [usable.rows[place] for place in np.flatnonzero(~seen)]
    if left:
        numbers = ", ".join(str(row.number) for row in left[:_NAMED]) + (" and others" if len(left) > _NAMED else "")
        said.append(
            f"no face was found in {len(left)} of {len(usable)} rows "
            f"({'row' if len(left) == 1 else 'rows'} {numbers} of the manifest)"
        )
    sentence = " and ".join(said)
    return f"Left out: {sentence}." if sentence else ""
