"""Where events come from: a channel of a curve or a track of spans, and its stretches over a threshold. No Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mien.engine.align import align
from mien.engine.verdicts import find_verdicts
from mien.exchange.tiers import spacing
from mien.sdk.fusion import FusionParams
from mien.sdk.protocols import Fused
from mien.tracks.quantity import Quantity
from mien.tracks.track import AnyTrack, Curve, FloatArray, Spans, TimeArray
from mien_desktop.player.overlay import person_name

_MOST = 200_000
"""Cells that a curve is laid on at most; two hours of 25 readings a second stay as they are."""
_FIRST = ("fusion.score", "conflict.", "text.offence", "text.hate", "emotion.", "face.", "text.", "fusion.")
_NOT = ("fusion.weights", "speech.words", "text.words", "text.attention")


@dataclass(frozen=True)
class Source:
    """A channel of a curve, or a track of spans (empty channel)."""

    track: str
    channel: str = ""

    @property
    def title(self) -> str:
        """For people: `fused`, `conflict`, `offence`, `voice arousal`, `face angry`."""
        return short(self.track, self.channel)


@dataclass(frozen=True)
class Rule:
    """Which stretches are events.

    Args:
        threshold: in the quantity's own unit; an event begins where the reading reaches it.
        hysteresis: share of the quantity's extent that the reading may fall back before the event ends.
        min_length, merge_gap: s, as of `mien.sdk.FusionParams`.
    """

    threshold: float = 0.7
    hysteresis: float = 0.1
    min_length: float = 0.5
    merge_gap: float = 0.5


@dataclass(frozen=True)
class Found:
    """One stretch over the threshold: extent in s, highest reading and its time, whose it is, what it is called."""

    start: float
    end: float
    score: float
    peak: float
    person: int | None
    label: str


@dataclass(frozen=True)
class _Line:
    person: int | None
    times: TimeArray
    share: FloatArray  # of the extent, 0 to 1; NaN where there is no reading


@dataclass(frozen=True)
class Prepared:
    """A source laid on an even grid once, so that a threshold is applied in milliseconds.

    Args:
        low, high: extent of the readings; step: spacing of the grid, s; run: key of the run that made them.
    """

    source: Source
    low: float
    high: float
    hop: float
    duration: float
    quantity: Quantity
    lines: tuple[_Line, ...] = ()
    spans: Spans | None = None
    run: str = ""

    def find(self, rule: Rule) -> list[Found]:
        """The stretches, in order of time."""
        found = (
            self._of_spans(rule) if self.spans is not None else [f for x in self.lines for f in self._of_line(x, rule)]
        )
        return sorted(found, key=lambda f: (f.start, f.end, -1 if f.person is None else f.person))

    def _of_line(self, line: _Line, rule: Rule) -> list[Found]:
        level = float(np.clip((rule.threshold - self.low) / (self.high - self.low), 0.0, 1.0))
        params = FusionParams(
            hop=self.hop,
            threshold=level,
            hysteresis=min(max(rule.hysteresis, 0.0), level),
            min_length=rule.min_length,
            merge_gap=rule.merge_gap,
        )
        # Only what lies over the level at which an event ends, and the cell beside it that ends it, can matter.
        over = line.share >= params.threshold - params.hysteresis - 1e-6
        near = over.copy()
        near[1:] |= over[:-1]
        near[:-1] |= over[1:]
        times, share = line.times[near], line.share[near]
        nothing = np.empty((times.size, 0), np.float32)
        verdicts = find_verdicts(times, Fused(share, nothing, (), nothing, self.quantity), params, self.duration)
        found = []
        for start, end, label, *_ in verdicts.rows():
            first, last = np.searchsorted(times, (start - 1e-9, end + 1e-9))
            top = int(first) + _top(share[first:last])
            score = self.low + float(share[top]) * (self.high - self.low)
            found.append(Found(start, end, score, float(times[top]), line.person, label))
        return found

    def _of_spans(self, rule: Rule) -> list[Found]:
        assert self.spans is not None
        name = self.source.title
        return [
            Found(start, end, score, (start + end) / 2, None, label or name)
            for start, end, label, _, score, _ in self.spans.rows()
            if not score < rule.threshold and end - start + 1e-9 >= rule.min_length
        ]


def sources(tracks: Mapping[str, AnyTrack | None]) -> list[Source]:
    """Every channel and span track that events can be made of, the fused score first."""
    found: list[Source] = []
    for name, track in tracks.items():
        if name in _NOT:
            continue
        if isinstance(track, Curve):
            found += [Source(name, channel) for channel in track.channels]
        elif isinstance(track, Spans):
            found.append(Source(name))
    return sorted(found, key=lambda s: _order(s.track))


def outline(track: AnyTrack, source: Source, duration: float = 0.0) -> Prepared:
    """A source and its extent, without the grid: enough for the rule that is usual.

    Raises:
        ValueError: the track has no such channel, or is neither a curve nor spans.
    """
    run = track.provenance.run if track.provenance is not None else ""
    end = max(duration, track.extent[1], 0.02)
    if isinstance(track, Spans):
        quantity = Quantity(source.title, "", 0.0, 1.0)
        return Prepared(source, 0.0, 1.0, 1.0, end, quantity, (), track, run)
    if not isinstance(track, Curve) or source.channel not in track.channels:
        raise ValueError(f"{track.name} has no channel {source.channel!r} to find events in")
    quantity = track.quantities[track.channels.index(source.channel)]
    low, high = _extent(quantity, track.channel(source.channel))
    return Prepared(source, low, high, 1.0, end, quantity, (), None, run)


def prepare(track: AnyTrack, source: Source, duration: float, reach: float = 0.0) -> Prepared:
    """Lay a source on its grid.

    Args:
        duration: of the medium, s.
        reach: s that a curve's first and last reading reach outwards: half the window that they were computed on.

    Raises:
        ValueError: the track has no such channel, or is neither a curve nor spans.
    """
    outlined = outline(track, source, duration)
    if not isinstance(track, Curve):
        return outlined
    low, high, end = outlined.low, outlined.high, outlined.duration
    values = track.channel(source.channel)
    persons = [None] if track.person is None else np.unique(track.person).tolist()
    hop, lines = 0.0, []
    for person in persons:
        rows = np.isfinite(values) if person is None else np.isfinite(values) & (track.person == person)
        share = np.clip((values[rows] - low) / (high - low), 0.0, 1.0).astype(np.float32)
        own = Curve(track.name, track.times[rows], share[:, None], (outlined.quantity,))
        if not hop:
            hop = float(np.clip(max(round(spacing(own.times), 6), end / _MOST), 0.02, 10.0)) if len(own) > 1 else 1.0
        grid = align({track.name: own}, {}, {track.name: reach}, end, hop)
        if track.name in grid.values:
            filled = np.where(grid.mask[track.name], grid.values[track.name][:, 0], np.float32(np.nan))
            lines.append(_Line(person, grid.times, filled.astype(np.float32)))
    return replace(outlined, hop=hop or 1.0, lines=tuple(lines))


def usual_rule(prepared: Prepared, track: AnyTrack | None) -> Rule:
    """The rule that the run was made with where it says one, else one in proportion to the extent."""
    if prepared.source.track == "fusion.score" and isinstance(track, Curve):
        params = track.provenance.params if track.provenance is not None else {}
        fields = ("threshold", "hysteresis", "min_length", "merge_gap")
        return replace(Rule(), **{name: float(params[name]) for name in fields if name in params})
    if prepared.spans is not None:
        return Rule(threshold=0.5, min_length=0.0)
    return Rule(threshold=round(prepared.low + 0.7 * (prepared.high - prepared.low), 2))


def short(track: str, channel: str) -> str:
    """A reading's name in a line of many."""
    room, _, rest = track.partition(".")
    if track == "fusion.score":
        return "fused"
    if room == "conflict":
        return "conflict"
    if room == "emotion":
        return f"voice {channel}"
    if room == "face":
        return f"face {channel}" if channel else f"face {rest}"
    if track == "text.attributes":
        return f"wording {channel}"
    if not channel:
        return rest or track
    return channel if channel == rest else f"{rest or track} {channel}"


def _top(share: FloatArray) -> int:
    """Where it is highest; the middle of the first stretch that is, as a reading stands in the middle of what it holds for."""
    first = int(share.argmax())
    if np.isnan(share[first]):  # what ignores gaps takes ten times as long, and there are thousands of stretches
        first = int(np.nanargmax(share))
    past, highest = first + 1, share[first]
    while past < share.size and share[past] >= highest:
        past += 1
    return first + (past - first) // 2


def _order(track: str) -> int:
    return next((i for i, first in enumerate(_FIRST) if track.startswith(first)), len(_FIRST))


def _extent(quantity: Quantity, values: FloatArray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low = quantity.low if quantity.low is not None else float(known.min()) if known.size else 0.0
    high = quantity.high if quantity.high is not None else float(known.max()) if known.size else 1.0
    return low, high if high > low else low + 1.0


@dataclass(frozen=True)
class Reading:
    """What one modality says at a moment."""

    name: str
    value: float


def readings(tracks: Mapping[str, AnyTrack | None], time: float, person: int | None = None) -> list[Reading]:
    """What every track says at a time, in the order of sources; of expressions the strongest alone.

    Args:
        person: whose readings alone are told where a track has several; None tells everybody's, and whose each is.
    """
    found = []
    for name in sorted(tracks, key=_order):
        track = tracks[name]
        if name in _NOT or not track:
            continue
        if isinstance(track, Spans) and (name.startswith("text.") or _order(name) < _order("face.")):
            last = int(np.searchsorted(track.start, time, side="right")) - 1
            if last >= 0 and track.end[last] >= time and np.isfinite(track.score[last]):
                found.append(Reading(short(name, ""), float(track.score[last])))
        elif isinstance(track, Curve):
            found += _of_curve(track, time, person)
    return found


def _of_curve(track: Curve, time: float, person: int | None) -> Sequence[Reading]:
    if track.person is None:
        return _near(track, time)
    if person is not None and (track.person == person).any():
        return _near(track.take(track.person == person), time)
    # Whose reading it is is told where there are several; one is never taken for another's.
    who = np.unique(track.person).tolist()
    told = {one: _near(track.take(track.person == one), time) for one in who}
    if len(who) < 2:
        return [reading for found in told.values() for reading in found]
    return [Reading(f"{r.name}, person {person_name(one)}", r.value) for one, found in told.items() for r in found]


def _near(track: Curve, time: float) -> list[Reading]:
    """The row nearest to a time, of expressions the strongest alone."""
    times = track.times
    after = int(np.searchsorted(times, time))
    row = min((i for i in (after - 1, after) if 0 <= i < times.size), key=lambda i: abs(times[i] - time))
    around = times[max(row - 8, 0) : row + 9]
    if abs(times[row] - time) > max(0.75 * spacing(around), 0.25):
        return []
    values = track.values[row]
    told = [Reading(short(track.name, c), float(v)) for c, v in zip(track.channels, values, strict=True) if v == v]
    if track.name == "face.expression" and told:
        return [max(told, key=lambda reading: reading.value)]
    return told
