"""Analyzers that write embeddings of the widths of Mien's own models, from a generator instead of a net."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mien.sdk import AnalyzerInfo, Audio, MediaInfo, Params, Registry, Writes, hookimpl
from mien.tracks import Features, Spans
from mien.tracks.track import AnyTrack

WIDTHS = {"text.embedding": 384, "emotion.embedding": 510, "face.embedding": 256}


class Embedder:
    """Writes at the end, over the medium's first 6 s."""

    track = ""
    times: Any = np.arange(0.5, 6.0, 0.5)

    def prepare(self, media: MediaInfo, params: Params, ctx: Any) -> None:
        """Nothing to load."""

    def process(self, block: Any) -> Iterable[AnyTrack]:
        """Nothing is known before the end."""
        return ()

    def finish(self) -> Iterable[AnyTrack]:
        """Vectors of a fixed seed."""
        vectors = np.random.default_rng(len(self.track)).normal(size=(len(self.times), WIDTHS[self.track]))
        yield Features(self.track, self.times, vectors.astype(np.float32))

    def close(self) -> None:
        """Nothing to free."""


class Text(Embedder):
    """Two utterances, from 1 to 3 s and from 4 to 5 s."""

    track, times = "text.embedding", np.array([2.0, 4.5])

    def finish(self) -> Iterable[AnyTrack]:
        """The utterances and their vectors."""
        yield Spans.of("text.offence", [(1.0, 3.0, "not", "…", 0.1), (4.0, 5.0, "not", "…", 0.2)])
        yield from super().finish()


class Voice(Embedder):
    """A reading every second."""

    track, times = "emotion.embedding", np.arange(1.0, 5.0)


class Face(Embedder):
    """Two persons from 2 s on."""

    track, times = "face.embedding", np.repeat(np.arange(2.0, 6.0, 0.2), 2)


def _info(kind: type[Embedder], modality: str, *also: Writes) -> AnalyzerInfo:
    return AnalyzerInfo(
        id=f"embed.{modality}",
        title=modality,
        version="1",
        factory=f"{__name__}:{kind.__name__}",
        modality=modality,
        inputs=(Audio(8000),),
        outputs=(Writes(kind.track, "features"), *also),
    )


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the three."""
    registry.analyzer(_info(Text, "text", Writes("text.offence", "spans")))
    registry.analyzer(_info(Voice, "voice"))
    registry.analyzer(_info(Face, "face"))
