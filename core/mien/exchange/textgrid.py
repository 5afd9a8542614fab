"""Praat TextGrid (long text form, UTF-8) by pympi: interval tiers without overlaps, point tiers for sampled
curves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from pympi.Praat import TextGrid

from mien.exchange.corrections import correction_tiers, of_tracks
from mien.exchange.params import TextGridParams
from mien.exchange.text import chosen, one_line
from mien.exchange.tiers import Layout, binned, persons, renamed, tiers
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis
from mien.tracks.track import AnyTrack, Curve, Spans

_US = 1_000_000
"""Ticks: pympi writes six digits, so microseconds come back as they were."""


class TextGridExporter:
    """Writes one .TextGrid file."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """Overlapping spans go to a second tier of the same name with (2); Praat knows no overlaps."""
        assert isinstance(params, TextGridParams)
        tracks = chosen(analysis.tracks, params.tracks)
        layout = Layout(_US, params.step, params.levels, params.scores, params.curves == "interval")
        found = tiers(tracks, layout)
        if params.corrections:
            said = correction_tiers(of_tracks(analysis.corrections, params.tracks), _US, named=True)
            found = renamed([*found, *said])
        points = list(_points(tracks, params)) if params.curves == "point" else []
        end = max(
            [
                analysis.media.duration or 0.0,
                *(mark.end / _US for tier in found for mark in tier.marks),
                *(time for _, marks in points for time, _ in marks),
                *(track.extent[1] for track in tracks.values() if isinstance(track, Spans)),
                0.001,
            ]
        )
        grid = TextGrid(xmin=0.0, xmax=round(end, 6))
        for tier in found:
            lane = grid.add_tier(_name(tier.name))
            for mark in tier.marks:
                lane.add_interval(mark.start / _US, mark.end / _US, mark.text, check=False)
        for name, marks in points:
            lane = grid.add_tier(_name(name), "TextTier")
            for time, text in marks:
                lane.add_point(time, text, check=False)
        grid.to_file(str(target))
        return [target]


def _points(tracks: Mapping[str, AnyTrack], params: TextGridParams) -> Iterator[tuple[str, list[tuple[float, str]]]]:
    for track in tracks.values():
        if not isinstance(track, Curve):
            continue
        for person in persons(track):
            who = "" if person is None else f" person {person}"
            starts, values, _ = binned(track, params.step, person)
            for c, channel in enumerate(track.channels):
                marks = [
                    (round(float(t) + params.step / 2, 6), f"{v:.4f}")
                    for t, v in zip(starts, values[:, c].tolist(), strict=True)
                    if np.isfinite(v)
                ]
                yield f"{track.name} {channel}{who}", marks


def _name(name: str) -> str:
    return one_line(name).replace('"', "'")  # pympi does not escape quotes in names
