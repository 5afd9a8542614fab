"""The four kinds of track: Curve, Spans, Boxes, Features. Frozen, checked on construction, cut and joined by time.

Times are presentation times in seconds from the start of the medium (float64), never an index over a rate.
Rows are ordered by time; rows of several persons may share a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mien.tracks.quantity import Kind, Quantity

FloatArray = npt.NDArray[np.float32]
TimeArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Provenance:
    """Where a reading comes from: enough to explain it and to make it again.

    Args:
        analyzer: id of the analyzer or fusion that wrote it.
        version: that plugin's version.
        models: id → SHA-256 of each model's weights that took part.
        params: the frozen parameters.
        run: key of the run (also its cache key).
        details: anything else worth telling, such as the transcript's backend.
    """

    analyzer: str
    version: str
    models: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Provenance:
        """The inverse of `to_dict`; unknown keys are ignored."""
        return cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})


def _array(value: Any, dtype: Any, ndim: int, what: str) -> npt.NDArray[Any]:
    array = np.asarray(value, dtype=dtype)
    if array.ndim != ndim:
        raise ValueError(f"{what} must have {ndim} dimension(s), not shape {array.shape}")
    array = array.view()  # the caller's own array stays writable
    array.flags.writeable = False
    return array


def _check_times(times: TimeArray, what: str) -> None:
    if not np.isfinite(times).all():
        raise ValueError(f"{what} must be finite")
    if times.size > 1 and (np.diff(times) < 0).any():
        raise ValueError(f"{what} must not go backwards")


@dataclass(frozen=True)
class Track:
    """What all kinds share: a name, where it comes from, and cutting and joining by time."""

    kind: ClassVar[Kind]
    name: str

    def __len__(self) -> int:
        return int(self.onsets.size)

    @property
    def onsets(self) -> TimeArray:
        """(N,) time at which each row begins, in seconds."""
        raise NotImplementedError

    @property
    def extent(self) -> tuple[float, float]:
        """First and last time covered, in seconds; (0, 0) when empty."""
        return (float(self.onsets[0]), float(self.onsets[-1])) if len(self) else (0.0, 0.0)

    def _columns(self) -> tuple[str, ...]:
        """Names of the fields that have one entry a row."""
        raise NotImplementedError

    def take(self, rows: Any) -> Self:
        """The rows chosen by a slice, a boolean mask or an index array."""
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        changes: dict[str, Any] = {}
        for column in self._columns():
            value = getattr(self, column)
            if value is None:
                continue
            if isinstance(value, tuple):
                changes[column] = value[rows] if isinstance(rows, slice) else tuple(value[int(i)] for i in rows)
            else:
                changes[column] = value[rows]
        return replace(self, **changes)

    def slice(self, start: float, end: float) -> Self:
        """The rows that lie in (or, for spans, touch) the half-open interval [start, end), in seconds."""
        return self.take((self.onsets >= start) & (self.onsets < end))

    @classmethod
    def concat(cls, pieces: Sequence[Self]) -> Self:
        """The pieces of one track joined in time order.

        Raises:
            ValueError: there are no pieces, or they are not of one track.
        """
        if not pieces:
            raise ValueError("there is nothing to join")
        first = pieces[0]
        if len(pieces) == 1:
            return first
        if any(type(p) is not type(first) or p.name != first.name for p in pieces):
            raise ValueError("only pieces of one track can be joined")
        filled = [p for p in pieces if len(p)] or [first]
        changes: dict[str, Any] = {}
        order = np.argsort(np.concatenate([p.onsets for p in filled]), kind="stable")
        for column in first._columns():
            values = [getattr(p, column) for p in filled]
            if any(v is None for v in values):
                changes[column] = None
            elif isinstance(values[0], tuple):
                joined = [item for v in values for item in v]
                changes[column] = tuple(joined[int(i)] for i in order)
            else:
                changes[column] = np.concatenate(values)[order]
        return replace(filled[0], **changes)

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row per reading and one column per channel."""
        from mien.tracks.arrow import to_table

        return to_table(self).to_pandas()


@dataclass(frozen=True)
class Curve(Track):
    """Values over time.

    Args:
        times: (T,) s, non-decreasing; the moment (or the middle of the window) that a row speaks of.
        values: (T, C); a missing reading is an absent row, NaN only where a quantity's channel may be unknown.
        quantities: C quantities, one per channel; a channel is named by its quantity.
        person: (T,) ids of the person or speaker a row belongs to, or None when it belongs to the medium.
    """

    kind: ClassVar[Kind] = "curve"
    times: TimeArray
    values: FloatArray
    quantities: tuple[Quantity, ...]
    person: IntArray | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", _array(self.times, np.float64, 1, f"the times of {self.name}"))
        object.__setattr__(self, "values", _array(self.values, np.float32, 2, f"the values of {self.name}"))
        object.__setattr__(self, "quantities", tuple(self.quantities))
        _check_times(self.times, f"the times of {self.name}")
        if self.values.shape != (self.times.size, len(self.quantities)):
            raise ValueError(
                f"{self.name} has values of shape {self.values.shape} for {self.times.size} times "
                f"and {len(self.quantities)} quantities"
            )
        _check_person(self)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels' names."""
        return tuple(q.name for q in self.quantities)

    @property
    def onsets(self) -> TimeArray:
        return self.times

    def channel(self, name: str) -> FloatArray:
        """(T,) values of one channel."""
        return self.values[:, self.channels.index(name)]

    def _columns(self) -> tuple[str, ...]:
        return ("times", "values", "person")


@dataclass(frozen=True)
class Spans(Track):
    """Labelled stretches of time.

    Args:
        start, end: (N,) s, ordered by start, end ≥ start.
        label: what kind of stretch it is (`speech`, `offensive`, a backend's name).
        text: the words, empty where there are none.
        score: (N,) confidence or probability; NaN where none was given.
        speaker: who, empty where unknown.
    """

    kind: ClassVar[Kind] = "spans"
    start: TimeArray
    end: TimeArray
    label: tuple[str, ...]
    text: tuple[str, ...]
    score: FloatArray
    speaker: tuple[str, ...]
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", _array(self.start, np.float64, 1, f"the starts of {self.name}"))
        object.__setattr__(self, "end", _array(self.end, np.float64, 1, f"the ends of {self.name}"))
        object.__setattr__(self, "score", _array(self.score, np.float32, 1, f"the scores of {self.name}"))
        for column in ("label", "text", "speaker"):
            object.__setattr__(self, column, tuple(getattr(self, column)))
        sizes = {self.end.size, self.score.size, len(self.label), len(self.text), len(self.speaker)}
        if sizes != {self.start.size}:
            raise ValueError(f"the columns of {self.name} differ in length")
        _check_times(self.start, f"the starts of {self.name}")
        if not np.isfinite(self.end).all() or (self.end < self.start).any():
            raise ValueError(f"a span of {self.name} ends before it starts")

    @classmethod
    def of(
        cls,
        name: str,
        rows: Iterable[tuple[Any, ...]],
        provenance: Provenance | None = None,
    ) -> Spans:
        """Spans from rows (start, end, label, text, score, speaker); trailing fields may be left out."""
        defaults = (0.0, 0.0, "", "", float("nan"), "")
        filled = sorted((tuple(r) + defaults[len(r) :] for r in rows), key=lambda r: (r[0], r[1]))
        start, end, label, text, score, speaker = zip(*filled, strict=True) if filled else ((),) * 6
        return cls(
            name,
            np.array(start, np.float64),
            np.array(end, np.float64),
            label,
            text,
            np.array(score, np.float32),
            speaker,
            provenance,
        )

    def rows(self) -> Iterable[tuple[float, float, str, str, float, str]]:
        """The rows one by one: start, end, label, text, score, speaker."""
        for i in range(len(self)):
            yield (
                float(self.start[i]),
                float(self.end[i]),
                self.label[i],
                self.text[i],
                float(self.score[i]),
                self.speaker[i],
            )

    @property
    def onsets(self) -> TimeArray:
        return self.start

    @property
    def extent(self) -> tuple[float, float]:
        return (float(self.start[0]), float(self.end.max())) if len(self) else (0.0, 0.0)

    def slice(self, start: float, end: float) -> Spans:
        return self.take((self.end > start) & (self.start < end))

    def _columns(self) -> tuple[str, ...]:
        return ("start", "end", "label", "text", "score", "speaker")


@dataclass(frozen=True)
class Boxes(Track):
    """Where faces (or other things) are.

    Args:
        times: (N,) s, non-decreasing, the true time of the frame; several rows may share one frame.
        person: (N,) identity over time.
        xywh: (N, 4) left, top, width, height in pixels of the upright picture.
        score: (N,) detection confidence in [0, 1].
        landmarks: (N, 5, 2) eyes, nose, mouth corners in the same pixels, or None.
    """

    kind: ClassVar[Kind] = "boxes"
    times: TimeArray
    person: IntArray
    xywh: FloatArray
    score: FloatArray
    landmarks: FloatArray | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", _array(self.times, np.float64, 1, f"the times of {self.name}"))
        object.__setattr__(self, "xywh", _array(self.xywh, np.float32, 2, f"the boxes of {self.name}"))
        object.__setattr__(self, "score", _array(self.score, np.float32, 1, f"the scores of {self.name}"))
        _check_times(self.times, f"the times of {self.name}")
        _check_person(self)
        if self.xywh.shape != (self.times.size, 4) or self.score.size != self.times.size:
            raise ValueError(f"the columns of {self.name} differ in length")
        if self.landmarks is not None:
            object.__setattr__(self, "landmarks", _array(self.landmarks, np.float32, 3, "landmarks"))
            if self.landmarks.shape[0] != self.times.size or self.landmarks.shape[2] != 2:
                raise ValueError(f"the landmarks of {self.name} must be (N, P, 2)")

    @property
    def onsets(self) -> TimeArray:
        return self.times

    def _columns(self) -> tuple[str, ...]:
        return ("times", "person", "xywh", "score", "landmarks")


@dataclass(frozen=True)
class Features(Track):
    """Vectors over time, for fusion.

    Args:
        times: (T,) s, non-decreasing.
        vectors: (T, D).
        person: (T,) ids, or None when the vectors belong to the medium.
    """

    kind: ClassVar[Kind] = "features"
    times: TimeArray
    vectors: FloatArray
    person: IntArray | None = None
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", _array(self.times, np.float64, 1, f"the times of {self.name}"))
        object.__setattr__(self, "vectors", _array(self.vectors, np.float32, 2, f"the vectors of {self.name}"))
        _check_times(self.times, f"the times of {self.name}")
        if self.vectors.shape[0] != self.times.size:
            raise ValueError(f"{self.name} has {self.vectors.shape[0]} vectors for {self.times.size} times")
        _check_person(self)

    @property
    def onsets(self) -> TimeArray:
        return self.times

    def _columns(self) -> tuple[str, ...]:
        return ("times", "vectors", "person")


def _check_person(track: Any) -> None:
    if track.person is None:
        return
    object.__setattr__(track, "person", _array(track.person, np.int32, 1, f"the persons of {track.name}"))
    if track.person.size != track.times.size:
        raise ValueError(f"{track.name} has {track.person.size} persons for {track.times.size} times")


AnyTrack = Curve | Spans | Boxes | Features
"""A whole track or a piece of one: an analyzer answers with pieces of the same types."""
