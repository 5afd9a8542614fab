"""Votes on stretches of a medium with a classical pipeline that the user has trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from mien.errors import ModelError
from mien.sdk import Block, Context, MediaInfo, Params
from mien.tracks import AnyTrack, Spans
from mien_plugins.classical import features
from mien_plugins.classical.info import MODEL, VoteParams
from mien_plugins.classical.model import load
from mien_plugins.classical.vote import MODALITIES, majority


class VoteAnalyzer:
    """Analyzer `classical.vote`: one span for each stretch of which something is there to vote on.

    Pictures and sounds are classified as they come, and only their votes are kept; the spans come at the end, when what was
    said is known.
    """

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load the model.

        Raises:
            ModelError: it is damaged, or another model.
        """
        assert isinstance(params, VoteParams)
        self._length = params.window
        self._model, self._config = load(ctx.model(MODEL))
        self._name = self._config["chosen"] if params.classifier == "best" else params.classifier
        if self._name not in self._model.names:
            raise ModelError(
                f"The model {MODEL} was trained without {self._name}; choose classical.vote.classifier=best."
            )
        ctx.note(f"Voted by {self._name}; {', '.join(self._config['modalities'])} were learnt.")
        self._seen: Counter[int] = Counter()  # pictures of each stretch
        self._for: Counter[int] = Counter()  # those of them that vote for the second class
        self._heard: dict[int, int] = {}  # vote of each stretch's sound
        self._said: dict[int, list[str]] = {}
        self._end = 0.0

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """Take the votes of what is new."""
        self._end = max(self._end, block.end)
        if block.windows is not None:
            windows = block.windows
            for start, samples, valid in zip(windows.starts, windows.samples, windows.valid, strict=True):
                mean = features.sound(samples[: int(valid)])
                if mean is not None and (said := self._model.sounds(self._name, mean[None])) is not None:
                    self._heard[round(float(start) / self._length)] = int(said[0])
        if block.frames is not None and len(block.frames.times):
            frames = np.stack([np.round(255 * features.image(one)).astype(np.uint8) for one in block.frames.images])
            if (votes := self._model.pictures(self._name, frames)) is not None:
                stretches = [int(time / self._length) for time in block.frames.times.tolist()]
                self._seen.update(stretches)
                self._for.update(at for at, vote in zip(stretches, votes.tolist(), strict=True) if vote)
        for piece in block.tracks.get("speech.transcript", ()):
            assert isinstance(piece, Spans)
            for start, end, _, text, _, _ in piece.rows():
                # An utterance belongs to the stretch that holds its middle.
                if text.strip():
                    self._said.setdefault(int((start + end) / 2 / self._length), []).append(text)
        return ()

    def finish(self) -> Iterable[AnyTrack]:
        """What the majority of each stretch's modalities decides."""
        words = (
            self._model.words(self._name, [" ".join(texts) for texts in self._said.values()]) if self._said else None
        )
        spoken = {} if words is None else dict(zip(self._said, words.tolist(), strict=True))
        there = sorted({*self._seen, *self._heard, *spoken})
        if not there:
            return
        votes = np.array(
            [
                (
                    int(2 * self._for[at] > self._seen[at]) if self._seen[at] else -1,
                    self._heard.get(at, -1),
                    spoken.get(at, -1),
                )
                for at in there
            ],
            np.int64,
        )
        decided = majority(votes)
        named = str(self._config["classes"][1])
        yes = str(self._config["label"]) if named in ("yes", "1") else named
        starts = np.array(there, np.float64) * self._length
        yield Spans(
            "classical.vote",
            starts,
            np.minimum(starts + self._length, max(self._end, float(starts[-1]))),
            tuple(yes if vote else f"no {yes}" for vote in decided),
            tuple(_told(row, yes) for row in votes),
            ((votes == 1).sum(axis=1) / (votes >= 0).sum(axis=1)).astype(np.float32),
            ("",) * len(there),
        )

    def close(self) -> None:
        """Nothing is held but votes and words."""


def _told(votes: np.ndarray, yes: str) -> str:
    words = {1: yes, 0: f"no {yes}"}
    return ", ".join(f"{name}: {words[int(v)]}" for name, v in zip(MODALITIES, votes, strict=True) if v >= 0)
