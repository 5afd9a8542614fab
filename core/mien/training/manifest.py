r"""Labelled stretches of a user's own data, as every recipe reads them: one table, CSV or Parquet.

One row is one stretch of a medium, or one text:

| column | what | |
|---|---|---|
| `path` | the recording, relative to the manifest, with `/`; empty where a row is only a text | |
| `start`, `end` | s; empty: from the beginning, to the end | optional |
| `speaker` | who; empty where nobody knows | optional |
| `split` | `train`, `valid` or `test`; empty for rows that nothing uses | optional |
| `group` | what belongs together besides a speaker: the video or the debate that a clip was cut from | optional |
| `text` | what is said or written | optional |
| any other | a label with its scale in the heading: `liking[1..5]`, `hate{no\|yes}`; an empty cell is no label | |

`valence`, `arousal`, `dominance` and `conflict` are on [-1, 1] and `emotion` has the seven classes of FER where the heading names
no scale. `mien.training.manifest_file` reads and writes manifests, `split` parts them, `stretch` loads what they name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, shown
from mien.tracks.quantity import AROUSAL, CONFLICT, DOMINANCE, EXPRESSIONS, VALENCE

SPLITS = ("train", "valid", "test")
COLUMNS = ("path", "start", "end", "speaker", "split", "group", "text")
"""The columns that are no labels."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_NUMBERS = re.compile(r"\[\s*([^\s\[\]]+?)\s*\.\.\s*([^\s\[\]]+?)\s*\]")
_CLASSES = re.compile(r"\{([^{}]*)\}")
_MOST_CLASSES = 1000
_NAMED = 4  # speakers named in one sentence


@dataclass(frozen=True, slots=True)
class Label:
    """What one column of labels holds: numbers from `low` to `high`, or one of `classes`.

    Raises:
        ValueError: it has no name, no extent and no classes, or both.
    """

    name: str
    low: float | None = None
    high: float | None = None
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in COLUMNS:
            raise ValueError(f"“{self.name}” is no name of a label; use letters, digits, dots and dashes")
        if self.classes:
            if self.low is not None or self.high is not None:
                raise ValueError(f"{self.name} has classes and an extent; it can have only one of them")
            if not 2 <= len(self.classes) <= _MOST_CLASSES or len(set(self.classes)) < len(self.classes):
                raise ValueError(f"{self.name} needs two classes or more, each with a name of its own")
            if any(not c or set(c) & set("|{}\r\n") for c in self.classes):
                raise ValueError(f"the classes of {self.name} need names without | and braces")
        elif self.low is None or self.high is None or not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"{self.name} needs the two ends of its scale, the lower one first")

    @property
    def heading(self) -> str:
        """The column's heading, with its scale."""
        if self.classes:
            return f"{self.name}{{{'|'.join(self.classes)}}}"
        return f"{self.name}[{self.low:g}..{self.high:g}]"

    @classmethod
    def of(cls, heading: str) -> Label:
        """The label that a heading names; raises ValueError with what is wrong, in a clause without full stop."""
        name, scale = heading.strip(), ""
        cut = min((place for place in map(name.find, "[{") if place >= 0), default=-1)
        if cut >= 0:
            name, scale = name[:cut].strip(), name[cut:].strip()
        if not scale:
            if name in KNOWN:
                return KNOWN[name]
            raise ValueError(
                f"the column “{heading}” needs its scale in the heading, such as {name}[1..5] or {name}{{no|yes}}"
            )
        if found := _CLASSES.fullmatch(scale):
            return cls(name, classes=tuple(part.strip() for part in found[1].split("|")))
        found = _NUMBERS.fullmatch(scale)
        try:
            low, high = (float(found[1]), float(found[2])) if found else (math.nan, math.nan)
        except ValueError:
            low = high = math.nan
        if math.isnan(low) or math.isnan(high):
            raise ValueError(f"the scale in “{heading}” must read [low..high] or {{one|other}}")
        return cls(name, low, high)


KNOWN = {
    **{q.name: Label(q.name, q.low, q.high) for q in (VALENCE, AROUSAL, DOMINANCE, CONFLICT)},
    "emotion": Label("emotion", classes=EXPRESSIONS),
}
"""Labels on the project's own scales, which a heading need not repeat."""

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One stretch or text.

    Args:
        path: as the manifest has it: relative, with `/`; empty where the row is only a text.
        start, end: s; `end` is infinite where it goes on to the medium's end.
        labels: one value for each of the manifest's labels, in their order: a number, a class, or None.
        number: of the row in its file, the heading being row 1; 0 where it comes from none.
    """

    path: str = ""
    start: float = 0.0
    end: float = math.inf
    speaker: str = ""
    split: str = ""
    group: str = ""
    text: str = ""
    labels: tuple[Value, ...] = ()
    number: int = 0

    @property
    def units(self) -> tuple[str, ...]:
        """What must not be on two sides of a split: speaker and group; the medium where no speaker is known, and the very
        text where there is nothing else."""
        found = [f"speaker {self.speaker}"] if self.speaker else []
        found += [f"group {self.group}"] if self.group else []
        if not self.speaker and self.path:
            found.append(f"medium {self.path}")
        return tuple(found) or (f"text {' '.join(self.text.casefold().split())}",)


@dataclass(frozen=True)
class Manifest:
    """Labelled rows and what their labels mean.

    Args:
        folder: what paths are relative to.
        labels: the columns of labels.
        rows: in the file's order.
        source: the file or the corpus, for messages.
    """

    folder: Path
    labels: tuple[Label, ...]
    rows: tuple[Row, ...]
    source: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def label(self, name: str) -> Label:
        """The column of that name.

        Raises:
            CorpusError: there is none; the sentence says what its heading would be.
        """
        for label in self.labels:
            if label.name == name:
                return label
        wanted = KNOWN[name].heading if name in KNOWN else f"{name}[low..high] or {name}{{one|other}}"
        there = ", ".join(label.name for label in self.labels) or "none"
        raise CorpusError(
            f"There is no label “{name}” (there are: {there}); add a column {wanted}: {shown(self.source or self.folder)}"
        )

    def values(self, name: str) -> list[Value]:
        """The label of each row as it stands, None where there is none; raises CorpusError."""
        place = self.labels.index(self.label(name))
        return [row.labels[place] for row in self.rows]

    def numbers(self, name: str, low: float | None = None, high: float | None = None) -> NDArray[np.float64]:
        """(N,) the label of each row, NaN where there is none, from its own scale to `low` … `high`.

        Where these are left out: the project's scale for the labels in `KNOWN`, else the label's own. Classes become their
        number, so that of two classes the second is 1.

        Raises:
            CorpusError: there is no such label.
        """
        label, found = self.label(name), self.values(name)
        if label.classes:
            rank = {one: float(n) for n, one in enumerate(label.classes)}
            return np.array([math.nan if v is None else rank[str(v)] for v in found], np.float64)
        assert label.low is not None
        assert label.high is not None
        known = KNOWN.get(name, label)
        known = label if known.low is None else known
        to_low = known.low if low is None else low
        to_high = known.high if high is None else high
        assert to_low is not None
        assert to_high is not None
        own = np.array([math.nan if v is None else float(v) for v in found], np.float64)
        return to_low + (own - label.low) * ((to_high - to_low) / (label.high - label.low))

    def codes(self, name: str, classes: Sequence[str] = ()) -> NDArray[np.int64]:
        """(N,) the number of each row's class in `classes` (the label's own by default), -1 where there is no label.

        Raises:
            CorpusError: there is no such label, it holds numbers, or a class that is not asked for.
        """
        label = self.label(name)
        if not label.classes:
            raise CorpusError(
                f"The label “{name}” holds numbers ({label.heading}) where classes are needed: {shown(self.source)}"
            )
        wanted = tuple(classes) or label.classes
        rank = {one: n for n, one in enumerate(wanted)}
        codes = np.empty(len(self.rows), np.int64)
        for at, (row, value) in enumerate(zip(self.rows, self.values(name), strict=True)):
            if value is not None and value not in rank:
                raise CorpusError(
                    f"{self.where(row)}: the class “{value}” of {name} is unknown here; "
                    f"known are {', '.join(wanted)}: {shown(self.source)}"
                )
            codes[at] = -1 if value is None else rank[str(value)]
        return codes

    def part(self, split: str) -> Manifest:
        """The rows of one split."""
        return self.take(lambda row: row.split == split)

    def take(self, which: Callable[[Row], bool] | Iterable[int]) -> Manifest:
        """Some of the rows: those of which a test is true, or those at these places."""
        rows = tuple(filter(which, self.rows)) if callable(which) else tuple(self.rows[i] for i in which)
        return replace(self, rows=rows)

    def labelled(self, *names: str) -> Manifest:
        """The rows that have all of these labels; raises CorpusError."""
        places = [self.labels.index(self.label(name)) for name in names]
        return self.take(lambda row: all(row.labels[place] is not None for place in places))

    def sequences(self) -> dict[str, tuple[Row, ...]]:
        """Medium → its rows by time, for labels that were traced over time."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.path, []).append(row)
        return {path: tuple(sorted(rows, key=lambda row: (row.start, row.end))) for path, rows in found.items()}

    def file(self, row: Row) -> Path:
        """Where a row's recording lies."""
        return self.folder / row.path

    def where(self, row: Row) -> str:
        """How a message names a row."""
        return f"Row {row.number}" if row.number else f"The row of {shown(row.path) or 'a text'}"

    def check(self, *, labels: Sequence[str] = (), splits: Sequence[str] = SPLITS, seen: bool = True) -> None:
        """Refuse what no recipe can learn from; files and values were checked when it was read.

        Args:
            labels: columns that are needed.
            splits: parts that must not be empty, counting rows that have all of these labels.
            seen: a class that is asked for in validation or test must occur in training.

        Raises:
            CorpusError: a column is missing, a part is empty, speakers are on two sides, a class is never seen in training.
        """
        usable = self.labelled(*labels)
        for split in splits:
            if not usable.part(split).rows:
                having = f" with {' and '.join(labels)}" if labels else ""
                raise CorpusError(
                    f"The part “{split}” has no row{having}; write {split} into the column split, "
                    f"or let `mien manifest FILE --resplit` do it: {shown(self.source or self.folder)}"
                )
        usable.check_disjoint()
        if not seen or "train" not in splits:
            return
        for name in labels:
            label = self.label(name)
            if label.classes:
                known = set(usable.part("train").values(name))
                unseen = next(
                    (r for r in usable.rows if r.split in splits and r.labels[self._place(name)] not in known), None
                )
                if unseen is not None:
                    raise CorpusError(
                        f"{self.where(unseen)}: the class “{unseen.labels[self._place(name)]}” of {name} is in {unseen.split} "
                        f"but never in train: {shown(self.source or self.folder)}"
                    )

    def check_disjoint(self) -> None:
        """Refuse splits that share a speaker, a group, or a medium whose speaker is unknown.

        Raises:
            CorpusError: it names them, with rows.
        """
        first: dict[str, Row] = {}
        mixed: dict[str, tuple[Row, Row]] = {}
        for row in self.rows:
            if not row.split:
                continue
            for unit in row.units:
                other = first.setdefault(unit, row)
                if other.split != row.split and unit not in mixed:
                    mixed[unit] = (other, row)
        # Of texts, only those that say who wrote them can be mixed: a sentence may be written twice.
        mixed = {unit: rows for unit, rows in mixed.items() if not unit.startswith("text ")}
        if not mixed:
            return
        unit, (one, other) = next(iter(mixed.items()))
        kind = unit.split(" ", 1)[0]
        names = [u.split(" ", 1)[1] for u in mixed if u.startswith(f"{kind} ")]
        listed = ", ".join(shown(name) for name in names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")
        raise CorpusError(
            f"Splits must not share a {kind}, and {listed} {'is' if len(names) == 1 else 'are'} on both sides "
            f"(row {one.number} in {one.split}, row {other.number} in {other.split}); part them anew with "
            f"`mien manifest FILE --resplit`: {shown(self.source or self.folder)}"
        )

    def _place(self, name: str) -> int:
        return self.labels.index(self.label(name))
