"""What readings are called in a query: `arousal`, `face.arousal`, `emotion.attributes.arousal`, `fused`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Protocol, TypeVar

from mien.library.overview import Entry, StoredTrack
from mien.tracks import Kind, Quantity, probability

FUSED = "fused"
"""The fused score, whatever quantity the fusion says it is."""

_SCORE = "fusion.score"
_ALSO = {"emotion": "voice"}  # what a source is called besides the first part of its tracks' names
_FIRST = ("fusion.score", "conflict.", "emotion.attributes", "emotion.", "face.", "text.")
"""Whose reading a plain name means when several tracks have one of that name."""


def known_readings(tracks: Iterable[tuple[str, Kind, tuple[Quantity, ...]]]) -> dict[str, Quantity]:
    """Every name that a query may use, in lower case, with what it measures.

    Args:
        tracks: name, kind and quantities of each, from the library or from the plugins' descriptors.
    """
    found: dict[str, Quantity] = {}
    for name, kind, quantities in sorted(tracks, key=lambda t: _rank(t[0])):
        for _, quantity in _channels(name, kind, quantities):
            for called in _names(name, quantity.name):
                found.setdefault(called, quantity)
    return found


def suggestions(readings: Mapping[str, Quantity]) -> list[str]:
    """The names worth offering: plain ones, and those with a source where there are several sources."""
    plain = sorted(name for name in readings if "." not in name)
    sources = [name for name in readings if name.count(".") == 1 and name.split(".")[1] in readings]
    several = {n for n in plain if sum(s.split(".")[1] == n and not s.startswith("emotion.") for s in sources) > 1}
    return plain + sorted(s for s in sources if s.split(".")[1] in several and not s.startswith("emotion."))


class Named(Protocol):
    """A track, or what is known of one."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def quantities(self) -> tuple[Quantity, ...]: ...


_Track = TypeVar("_Track", bound=Named)


def channels_of(entry: Entry, reading: str) -> list[tuple[StoredTrack, int]]:
    """The tracks (with the channel) that a name may mean in a medium, the preferred first."""
    return channels_among(entry.tracks.values(), reading)


def channels_among(tracks: Iterable[_Track], reading: str) -> list[tuple[_Track, int]]:
    """Those of these tracks (with the channel) that a name may mean, the preferred first."""
    if len(_meant) > _MOST:
        _meant.clear()
    meant = _meant.setdefault(reading, {})
    found = []
    for track in tracks:
        known = meant.get(track.name)
        if known is None or known[0] is not track.quantities or known[1] != track.kind:
            called = _called(track.name, track.kind, tuple([quantity.name for quantity in track.quantities]))
            known = meant[track.name] = (track.quantities, track.kind, called.get(reading, ()))
        if known[2]:
            found += [(track, channel) for channel in known[2]]
    return sorted(found, key=lambda one: _rank(one[0].name)) if len(found) > 1 else found


_MOST = 256
_meant: dict[str, dict[str, tuple[tuple[Quantity, ...], Kind, tuple[int, ...]]]] = {}
"""Reading → track → its quantities, its kind and the channels that the reading may mean: asked of every medium anew. The
tracks of a library's list share the objects that hold their quantities, so that one glance tells whether this holds."""


@lru_cache(4096)
def _called(track: str, kind: Kind, quantities: tuple[str, ...]) -> Mapping[str, tuple[int, ...]]:
    """Name in a query → the channels of a track that it may mean. Thousands of media have the same few tracks."""
    found: dict[str, tuple[int, ...]] = {}
    for channel, quantity in _channels(track, kind, tuple(probability(name) for name in quantities)):
        for name in _names(track, quantity.name):
            found[name] = (*found.get(name, ()), channel)
    return found


def _rank(track: str) -> tuple[int, str]:
    return next((n for n, start in enumerate(_FIRST) if track.startswith(start)), len(_FIRST)), track


def _channels(name: str, kind: Kind, quantities: tuple[Quantity, ...]) -> Iterator[tuple[int, Quantity]]:
    """The readings of a track by the number of their channel. Weights say how much was counted, not what was read."""
    if name == "fusion.weights" or kind not in ("curve", "spans"):
        return
    if kind == "curve":
        yield from enumerate(quantities)
    else:
        yield 0, quantities[0] if quantities else probability(name.rsplit(".", 1)[-1])


def _names(track: str, quantity: str) -> tuple[str, ...]:
    track, quantity = track.casefold(), quantity.casefold()
    source = track.split(".", 1)[0]
    names = [quantity, f"{source}.{quantity}", f"{track}.{quantity}"]
    if source in _ALSO:
        names.append(f"{_ALSO[source]}.{quantity}")
    return (FUSED, *names) if track == _SCORE else tuple(names)
