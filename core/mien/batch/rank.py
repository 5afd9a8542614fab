"""What media are ranked by, as a user writes it.

    highest conflict            lowest face.valence            mean fused
    verdict: hate               label: hostility
    conflict above 0.5 for 10 s and arousal above 0.3

Readings are called as in the library's search (`mien.library.readings`), and so are conditions (`mien.library.query`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from mien.errors import UsageError
from mien.exchange.findings import covered
from mien.library.peaks import peaks_of
from mien.library.query import Condition, parse
from mien.library.readings import FUSED, channels_among, known_readings
from mien.library.rows import TrackInfo
from mien.library.stretches import common, find_stretches
from mien.library.tracks import Tracks
from mien.tracks import Kind as TrackKind
from mien.tracks import Quantity
from mien.tracks.track import Curve, Spans

Kind = Literal["highest", "lowest", "mean", "label", "holds"]

_WORDS: Mapping[str, Kind] = {
    **dict.fromkeys(("highest", "most", "maximum", "max", "peak"), "highest"),
    **dict.fromkeys(("lowest", "least", "minimum", "min"), "lowest"),
    **dict.fromkeys(("mean", "average"), "mean"),
}
_VERDICTS = "fusion.verdicts"


class Standing(NamedTuple):
    """A medium's place: the value it is ranked by, and when in s that is reached (None: it is of the whole)."""

    value: float
    at: float | None = None


@dataclass(frozen=True)
class Rank:
    """What is asked.

    Args:
        text: as it was written.
        kind: `label` and `holds` rank by how many seconds a label or all conditions hold.
        reading: in lower case.
        label: in lower case.
        conditions: that hold at one time.
        unit: of the value.
        low, high: its extent, None where it has no end.
    """

    text: str
    kind: Kind
    reading: str = ""
    label: str = ""
    conditions: tuple[Condition, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def downwards(self) -> bool:
        """Whether the largest value comes first."""
        return self.kind != "lowest"

    def of(self, tracks: Tracks, duration: float | None) -> Standing | None:
        """A medium's standing, None where there is nothing of what was asked for.

        Args:
            duration: of the medium in s.

        Raises:
            LibraryError: a track cannot be read.
        """
        if self.kind == "label":
            return _labelled(tracks, self.label)
        if self.kind == "holds":
            return self._held(tracks, duration)
        for info, channel in channels_among(tracks.infos(), self.reading):
            standing = self._extreme(tracks, info, channel)
            if standing is not None:
                return standing
        return None

    def _extreme(self, tracks: Tracks, info: TrackInfo, channel: int) -> Standing | None:
        track = tracks[info.name]
        peaks = peaks_of(track)
        peak = peaks[channel] if channel < len(peaks) else None
        if peak is None:
            return None
        if self.kind == "mean":
            values = track.values[:, channel] if isinstance(track, Curve) else track.score  # type: ignore[union-attr]
            return Standing(float(np.nanmean(values, dtype=np.float64)))
        return Standing(peak.high, peak.high_at) if self.kind == "highest" else Standing(peak.low, peak.low_at)

    def _held(self, tracks: Tracks, duration: float | None) -> Standing | None:
        held = None
        for condition in self.conditions:
            meant = channels_among(tracks.infos(), condition.reading)
            if not meant:
                return None
            info, channel = meant[0]
            found = find_stretches(tracks[info.name], channel, condition, duration)
            held = found if held is None else common(held, found)
        if held is None:
            return None
        return Standing(sum(s.seconds for s in held), held[0].start if held else None)


def parse_rank(text: str, readings: Mapping[str, Quantity]) -> Rank:
    """What a user wrote as a rank.

    Args:
        readings: that there will be, name in lower case → what it measures.

    Raises:
        UsageError: it cannot be understood, or no chosen plugin writes that reading; one sentence.
    """
    plain = " ".join(text.split())
    first, _, rest = plain.partition(" ")
    kind = _WORDS.get(first.casefold())
    if kind is not None and rest:
        name = rest.casefold().replace(" ", ".")
        if name not in readings:
            raise UsageError(_unknown(name, readings))
        return _ranked(plain, kind, name, readings[name])
    before, colon, label = plain.partition(":")
    if colon and before.strip().casefold() in ("verdict", "label") and label.strip():
        return Rank(plain, "label", label=label.strip().casefold(), unit="s")
    query = parse(plain, readings)
    if query.conditions and not query.text:
        return Rank(plain, "holds", conditions=query.conditions, unit="s")
    if plain.casefold() in readings:
        name = plain.casefold()
        return _ranked(f"highest {name}", "highest", name, readings[name])
    raise UsageError(
        f"Nothing can be ranked by {text!r}; write for example “highest conflict”, “verdict: hate” or "
        "“conflict above 0.5 for 10 s”."
    )


def _ranked(text: str, kind: Kind, name: str, quantity: Quantity) -> Rank:
    return Rank(text, kind, reading=name, unit=quantity.unit, low=quantity.low, high=quantity.high)


def usual_rank(readings: Mapping[str, Quantity]) -> Rank | None:
    """What is ranked by when nothing was asked for: the fused score, if there will be one."""
    return parse_rank(f"highest {FUSED}", readings) if FUSED in readings else None


def wanted_rank(text: str, readings: Mapping[str, Quantity]) -> Rank | None:
    """What is ranked by: what was written, the usual where nothing was.

    Raises:
        UsageError: as of `parse_rank`.
    """
    return parse_rank(text, readings) if text else usual_rank(readings)


def ranks_to_offer(tracks: Iterable[tuple[str, TrackKind, tuple[Quantity, ...]]]) -> list[str]:
    """Ranks that make sense of what there will be, the usual one first: verdicts, ends of readings, how long a level holds.

    Args:
        tracks: name, kind and quantities of each.
    """
    tracks = list(tracks)
    readings = known_readings(tracks)
    # What was spoken, and how sure somebody is of it, is no reading of a person.
    told = [(name, kind, q) for name, kind, q in tracks if not name.startswith("speech.") and _is_told(name, kind, q)]
    plain = [name for name in known_readings(told) if "." not in name and name != FUSED]
    offered = []
    if FUSED in readings:
        hostile = readings[FUSED].name.casefold()
        offered = [f"highest {FUSED}", f"verdict: {hostile}"]
        plain = [name for name in plain if name != hostile]
    if "hate" in plain:
        offered.append("verdict: hate")
    for name in plain:
        low = readings[name].low
        offered += [f"highest {name}", *[f"lowest {name}"] * (low is not None and low < 0.0)]
    if "conflict" in plain or FUSED in readings:
        offered.append(f"{'conflict' if 'conflict' in plain else FUSED} above 0.5 for 10 s")
    return offered


def _is_told(name: str, kind: TrackKind, quantities: tuple[Quantity, ...]) -> bool:
    """Whether a track's scores are a reading, and do not only say how much some word counted or how sure a label is."""
    return kind == "curve" or (kind == "spans" and name.endswith(tuple(f".{q.name}" for q in quantities[:1])))


def _labelled(tracks: Tracks, label: str) -> Standing | None:
    """How many seconds bear a label: among the verdicts if one does there, else in any track."""
    infos = [info for info in tracks.infos() if info.kind == "spans"]
    there = False
    for info in sorted(infos, key=lambda i: (i.name != _VERDICTS, i.name)):
        if info.name.startswith("speech."):
            continue  # its labels say who wrote the text
        track = tracks[info.name]
        assert isinstance(track, Spans)
        rows = np.array([one.casefold() == label for one in track.label], bool)
        there = there or info.name == _VERDICTS or any(q.name.casefold() == label for q in info.quantities)
        if rows.any():
            chosen = track.take(rows)
            return Standing(covered(chosen), float(chosen.start[0]))
    return Standing(0.0) if there else None


def _unknown(name: str, readings: Iterable[str]) -> str:
    known = sorted(readings)
    near = difflib.get_close_matches(name, known, 1, 0.6)
    plain = ", ".join(n for n in known if "." not in n)
    hint = f"did you mean {near[0]}?" if near else f"there are {plain or 'none'}."
    return f"None of the chosen plugins reads “{name}”; {hint}"
