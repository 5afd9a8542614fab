"""`speech.transcript`: what is said, word by word, by the first backend that is there."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mien.errors import ModelError, UsageError
from mien.sdk import Block, Context, MediaInfo, Params
from mien.tracks.track import AnyTrack, Spans
from mien_plugins.speech.backends import subtitles
from mien_plugins.speech.backends.base import Heard, Transcriber
from mien_plugins.speech.info import SPEECHBRAIN_MODELS, WHISPER_MODELS, TranscriptParams

_ENGLISH = ("en", "eng", "auto", "und", "")


class TranscriptAnalyzer:
    """Writes `speech.words` (a span a word, score its confidence) and `speech.transcript` (a span an
    utterance, score the mean of its words); the label of both names the backend that heard them.
    """

    def __init__(self) -> None:
        self._params = TranscriptParams()
        self._ctx: Context | None = None
        self._subtitles: list[Spans] = []  # what is not written yet of both tracks
        self._transcriber: Transcriber | None = None
        self._label = ""
        self._end = self._heard = 0.0  # s, of the last utterance that was taken, and that was answered
        self._length: float | None = None  # s of the medium

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Choose the backend and load it.

        Raises:
            mien.errors.UsageError: the backend that was asked for does not fit the medium or the language.
            mien.errors.ModelError: its weights are not installed.
        """
        assert isinstance(params, TranscriptParams)
        self._params, self._ctx, self._length = params, ctx, media.duration
        wish = params.backend
        if wish == "subtitles" and not media.cues:
            raise UsageError("The medium has no subtitles to take the transcript from; choose another backend.")
        if wish == "subtitles" or (wish == "auto" and media.cues):
            self._label = "subtitles"
            self._subtitles = self._pieces(subtitles.heard(media.cues, media.duration))
            source = f" ({media.cue_source})" if media.cue_source else ""
            ctx.note(
                f"The transcript is the medium's own subtitles{source}; the times of words are estimated "
                "from their length."
            )
            return
        self._transcriber = _choose(media, params, ctx)
        self._label = self._transcriber.name

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """The words that are known by now; does not wait for those that are not."""
        if self._transcriber is None:
            return self._due(block.end)
        for utterance in block.utterances:
            if self._params.denoise:
                from mien_plugins.speech.denoise import gate

                utterance = replace(utterance, samples=gate(utterance.samples, utterance.rate))
            self._transcriber.submit(utterance)
            self._end = utterance.end
        heard = self._transcriber.ready()
        self._tell(heard, self._length, block.end)
        return self._pieces(heard)

    def finish(self) -> Iterator[AnyTrack]:
        """The rest; waits for the backend."""
        if self._transcriber is None:
            yield from self._due(math.inf)
            return
        for heard in self._transcriber.drain():
            yield from self._pieces([heard])
            self._tell([heard], self._end, self._end)

    def close(self) -> None:
        transcriber, self._transcriber = self._transcriber, None
        if transcriber is not None:
            transcriber.close()

    def _tell(self, heard: list[Heard], length: float | None, given: float) -> None:
        """Say how far it is: as far as it has answered, for what it was given up to `given` may wait for long."""
        if heard:
            self._heard = heard[-1].end
        if self._ctx is not None and length:
            self._ctx.progress((self._heard if self._heard < self._end else given) / length)

    def _due(self, end: float) -> list[Spans]:
        """The subtitles' words and cues that start before `end` and are not written yet."""
        due = [piece.take(piece.start < end) for piece in self._subtitles]
        self._subtitles = [piece.take(piece.start >= end) for piece in self._subtitles]
        return [piece for piece in due if len(piece)]

    def _pieces(self, heard: list[Heard]) -> list[Spans]:
        heard = [h for h in heard if h.words]
        if not heard:
            return []
        words = [(w.start, w.end, self._label, w.text, w.confidence, h.speaker) for h in heard for w in h.words]
        spoken = [(h.start, h.end, self._label, h.text, h.confidence, h.speaker) for h in heard]
        return [Spans.of("speech.words", words), Spans.of("speech.transcript", spoken)]


def _choose(media: MediaInfo, params: TranscriptParams, ctx: Context) -> Transcriber:
    """The first recogniser, in order, that was asked for and is there."""
    wish = params.backend
    if wish in ("auto", "whisper"):
        for model in WHISPER_MODELS:
            if (folder := ctx.optional_model(model)) is not None:
                from mien_plugins.speech.backends.whisper import WhisperTranscriber

                return WhisperTranscriber(model, folder, params.language, ctx)
    if wish in ("auto", "speechbrain"):
        for model in SPEECHBRAIN_MODELS:
            if (folder := ctx.optional_model(model)) is not None:
                from mien_plugins.speech.backends.ctc import CtcTranscriber

                brain = CtcTranscriber(folder, ctx)
                if params.language in ("auto", brain.language):
                    ctx.note(f"The transcript is by SpeechBrain ({model}, language '{brain.language}').")
                    return brain
    if wish in ("auto", "pocketsphinx"):
        return _sphinx(media, params, ctx)
    if wish == "speechbrain" and any(map(ctx.optional_model, SPEECHBRAIN_MODELS)):
        raise ModelError(f"No SpeechBrain model that is installed knows the language '{params.language}'.")
    get = f"pull {WHISPER_MODELS[-1]}" if wish == "whisper" else f"import {SPEECHBRAIN_MODELS[0]} DIR"
    raise ModelError(
        f"No model for the backend {wish} is installed: get one with 'mien models {get}', or choose the "
        "backend pocketsphinx."
    )


def _sphinx(media: MediaInfo, params: TranscriptParams, ctx: Context) -> Transcriber:
    if params.language not in _ENGLISH:
        raise ModelError(
            f"pocketsphinx knows English only; for the language '{params.language}' get a Whisper model with "
            f"'mien models pull {WHISPER_MODELS[-1]}'."
        )
    from mien_plugins.speech.backends.sphinx import SphinxTranscriber

    note = "The transcript is by pocketsphinx (US English); it gets about 3 words in 4 of clear speech right."
    if params.language == "auto" and media.language.lower() not in _ENGLISH:
        note += f" The medium says that its language is '{media.language}', which it does not know."
    ctx.note(note)
    # Recognition is most of the work of a whole analysis: two helpers keep two cores busy, each holds 150 MB.
    return SphinxTranscriber(ctx.check_cancelled, helpers=min(2, os.cpu_count() or 1))
