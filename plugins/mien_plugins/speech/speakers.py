"""`speech.speakers`: who speaks when, as the subtitles say, or by the sound of the voices."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.errors import ModelError, UsageError
from mien.models.hold import held
from mien.sdk import Block, Context, MediaInfo, Params, Utterance
from mien.tracks.track import AnyTrack, Features, FloatArray, Spans
from mien_plugins.speech import diarise
from mien_plugins.speech.backends import subtitles
from mien_plugins.speech.info import ECAPA, SpeakersParams

if TYPE_CHECKING:
    from mien_plugins.speech.ecapa import Ecapa

_SHORTEST = 0.1
"""s; of less sound nothing can be told."""


@dataclass
class _Heard:
    """The windows so far and a vector for each; the number of utterances that they are of."""

    windows: list[diarise.Window] = field(default_factory=list)
    vectors: list[FloatArray] = field(default_factory=list)
    utterances: int = 0


class SpeakersAnalyzer:
    """Writes `speech.speakers` (a span a turn; label `subtitles` or `voice`, speaker a name or a letter) and, by voice,
    `speech.voices` (a vector a window; person 1 is A, 2 is B, …).

    Voices are grouped when all of them were heard, so the turns come at the end; until then a vector a window is kept
    (half a kilobyte a second).
    """

    def __init__(self) -> None:
        self._params = SpeakersParams()
        self._ctx: Context | None = None
        self._named: Spans | None = None  # what is not written yet of the subtitles
        self._net: Ecapa | None = None
        self._heard = _Heard()

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Take the subtitles, or load the net.

        Raises:
            mien.errors.UsageError: subtitles are to say who speaks, and do not.
            mien.errors.ModelError: voices are to be told apart, and the model is missing or damaged.
        """
        assert isinstance(params, SpeakersParams)
        self._params, self._ctx = params, ctx
        said = subtitles.heard(media.cues, media.duration)
        named = [cue for cue in said if cue.speaker]
        if params.by == "subtitles" and not named:
            raise UsageError("The medium has no subtitles that name who speaks; choose speech.speakers.by=voice.")
        # Subtitles for the deaf name a speaker only where the picture does not show who it is: too few to go by.
        if params.by == "subtitles" or (params.by == "auto" and named and 2 * len(named) >= len(said)):
            self._named = Spans.of(
                "speech.speakers", [(cue.start, cue.end, "subtitles", "", math.nan, cue.speaker) for cue in named]
            )
            source = f" ({media.cue_source})" if media.cue_source else ""
            ctx.note(f"Who speaks is told by the subtitles{source}: {len(named)} of {len(said)} name somebody.")
        elif not media.has_audio:
            ctx.note("Nothing tells who speaks: there is no sound, and most subtitles name nobody.")
        else:
            self._net = _net(ctx)

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """The subtitles of this block; of voices, nothing yet."""
        if self._named is not None:
            return self._due(block.end)
        if self._net is not None and block.utterances:
            self._hear(block.utterances)
        return []

    def finish(self) -> Iterable[AnyTrack]:
        """The rest of the subtitles, or the turns of all voices."""
        if self._named is not None:
            return self._due(math.inf)
        return self._turns() if self._heard.windows else []

    def move(self, device: str) -> None:
        """Go on on another device."""
        if self._net is not None:
            self._net.to(torch.device(device))

    def close(self) -> None:
        """Free the net."""
        self._net, self._heard = None, _Heard()

    def _due(self, end: float) -> list[AnyTrack]:
        assert self._named is not None
        due = self._named.take(self._named.start < end)
        self._named = self._named.take(self._named.start >= end)
        return [due] if len(due) else []

    def _hear(self, utterances: Iterable[Utterance]) -> None:
        assert self._ctx is not None
        heard = _Heard(utterances=self._heard.utterances)
        for utterance in utterances:
            self._ctx.check_cancelled()
            rate, count = utterance.rate, len(utterance.samples)
            if count < _SHORTEST * rate:
                continue
            parts = diarise.cut(count, round(self._params.window * rate), round(self._params.hop * rate))
            heard.vectors.append(self._vectors(utterance, parts))
            for first, stop in parts:
                start, end = utterance.start + first / rate, utterance.start + stop / rate
                heard.windows.append(diarise.Window(heard.utterances, start, end))
            heard.utterances += 1
        # Only now: had the device run out of memory, the host would call again with the same utterances.
        self._heard.windows += heard.windows
        self._heard.vectors += heard.vectors
        self._heard.utterances = heard.utterances

    def _vectors(self, utterance: Utterance, parts: list[tuple[int, int]]) -> FloatArray:
        assert self._net is not None, "prepare comes first"
        sound = np.nan_to_num(utterance.samples)
        batch = torch.from_numpy(np.stack([sound[first:stop] for first, stop in parts]))
        device = next(self._net.parameters()).device
        with torch.inference_mode():
            return np.asarray(self._net(batch.to(device)).float().cpu().numpy(), np.float32)

    def _turns(self) -> list[AnyTrack]:
        assert self._ctx is not None
        windows, vectors = self._heard.windows, np.concatenate(self._heard.vectors)
        lengths = np.array([w.end - w.start for w in windows], np.float32)
        owner, likeness = diarise.tell_apart(
            vectors,
            lengths,
            self._params.threshold,
            speakers=self._params.speakers,
            shortest=self._params.shortest,
        )
        count = int(owner.max()) + 1
        self._ctx.note(
            f"{count} voice{'' if count == 1 else 's'} told apart by ECAPA-TDNN, lettered in order of appearance; "
            "two people who speak at once count as one."
        )
        rows = [
            (turn.start, turn.end, "voice", "", turn.likeness, diarise.letters(turn.speaker))
            for turn in diarise.turns(windows, owner, likeness)
        ]
        times = np.array([w.middle for w in windows])
        order = np.argsort(times, kind="stable")
        return [
            Spans.of("speech.speakers", rows),
            Features("speech.voices", times[order], vectors[order], owner[order] + 1),
        ]


def _net(ctx: Context) -> Ecapa:
    folder = ctx.optional_model(ECAPA)
    if folder is None:
        raise ModelError(
            f"Telling voices apart needs the model {ECAPA}, which is not installed; 'mien models show {ECAPA}' says "
            f"where to get it and 'mien models import {ECAPA} DIR' installs it (subtitles that name who speaks need none)"
        )
    from mien_plugins.speech.ecapa import load

    return held(load, folder, ctx.device)
