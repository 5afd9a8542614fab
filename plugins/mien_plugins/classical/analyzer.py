"""Votes on stretches of a medium with a classical pipeline that the user has trained."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mien.sdk import Block, Context, MediaInfo, Params
from mien.tracks import AnyTrack, Spans
from mien_plugins.classical import features
from mien_plugins.classical.info import MODEL, VoteParams
from mien_plugins.classical.material import Material
from mien_plugins.classical.model import load
from mien_plugins.classical.vote import MODALITIES, majority


class VoteAnalyzer:
    """Analyzer `classical.vote`: one span for each stretch of which something is there to vote on.

    Features are gathered as they come (pixels as 2,500 bytes a picture); votes come at the end, when what was said is known.
    """

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load the model."""
        assert isinstance(params, VoteParams)
        self._params, self._ctx = params, ctx
        self._model, self._config = load(ctx.model(MODEL))
        self._frames: list[np.ndarray] = []
        self._seen: list[float] = []
        self._sound: dict[int, np.ndarray] = {}
        self._said: list[tuple[float, float, str]] = []
        self._end = 0.0

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """Gather what is new."""
        self._end = max(self._end, block.end)
        length = self._params.window
        if block.windows is not None:
            windows = block.windows
            for start, samples, valid in zip(windows.starts, windows.samples, windows.valid, strict=True):
                mean = features.sound(samples[: int(valid)])
                if mean is not None:
                    self._sound[round(float(start) / length)] = mean
        if block.frames is not None:
            self._frames += [np.round(255 * features.image(one)).astype(np.uint8) for one in block.frames.images]
            self._seen += block.frames.times.tolist()
        for piece in block.tracks.get("speech.transcript", ()):
            assert isinstance(piece, Spans)
            self._said += [(start, end, text) for start, end, _, text, _, _ in piece.rows()]
        return ()

    def finish(self) -> Iterable[AnyTrack]:
        """Vote on every stretch."""
        length = self._params.window
        owner = np.array([int(time / length) for time in self._seen], np.int64)
        last = max([*owner.tolist(), *self._sound, *(int(start / length) for start, _, _ in self._said)], default=-1)
        if last < 0:
            return
        sound = np.full((last + 1, len(features.SOUND)), np.nan, np.float32)
        for at, mean in self._sound.items():
            sound[at] = mean
        texts = tuple(self._words(at * length, (at + 1) * length) for at in range(last + 1))
        frames = np.stack(self._frames) if self._frames else np.zeros((0, features.SIDE**2), np.uint8)
        name = self._config["chosen"] if self._params.classifier == "best" else self._params.classifier
        votes = self._model.votes(name, Material(frames, owner, sound, texts))
        self._ctx.note(f"Voted by {name}; {', '.join(self._config['modalities'])} were learnt.")
        decided = majority(votes)
        there = np.flatnonzero(decided >= 0)
        named = str(self._config["classes"][1])
        yes = str(self._config["label"]) if named in ("yes", "1") else named
        present = (votes >= 0).sum(axis=1)
        if not len(there):
            return
        yield Spans(
            "classical.vote",
            (there * length).astype(np.float64),
            np.minimum((there + 1) * length, max(self._end, float(there[-1]) * length)).astype(np.float64),
            tuple(yes if decided[at] else f"no {yes}" for at in there),
            tuple(_told(votes[at], yes) for at in there),
            ((votes == 1).sum(axis=1) / np.maximum(present, 1))[there].astype(np.float32),
            ("",) * len(there),
        )

    def close(self) -> None:
        """Let go of everything."""
        self._frames, self._sound, self._said = [], {}, []

    def _words(self, start: float, end: float) -> str:
        """What is said in a stretch; an utterance belongs to the one that holds its middle."""
        return " ".join(text for begin, stop, text in self._said if start <= (begin + stop) / 2 < end)


def _told(votes: np.ndarray, yes: str) -> str:
    words = {1: yes, 0: f"no {yes}"}
    return ", ".join(f"{name}: {words[int(v)]}" for name, v in zip(MODALITIES, votes, strict=True) if v >= 0)
