"""`speech.voice`: where there is speech, cut into utterances at pauses."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mien.sdk import Block, Context, MediaInfo, Params
from mien.tracks.track import AnyTrack, FloatArray, Spans
from mien_plugins.speech.denoise import StreamingGate
from mien_plugins.speech.info import RATE, VoiceParams
from mien_plugins.speech.segment import Cutting, Segmenter, Stretch
from mien_plugins.speech.silero import CHUNK, SileroNet, StreamingVad, load_net

_GAP = 0.05
"""s; sound that goes on later than this behind the last sample begins a new stretch."""


class VoiceAnalyzer:
    """Writes `speech.voice`: spans labelled `speech`, their score the mean speech probability.

    An utterance is written as soon as the pause behind it is long enough. The net runs on the CPU: it needs
    about 1.5 ms for a second of sound.
    """

    def __init__(self) -> None:
        self._net: SileroNet | None = None
        self._params = VoiceParams()
        self._stream: _Stream | None = None

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load silero's weights from its wheel.

        Raises:
            mien.errors.ModelError: the wheel is missing or holds another net.
        """
        assert isinstance(params, VoiceParams)
        self._params = params
        self._net = load_net()

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """The utterances that end in this block."""
        chunk = block.audio
        if chunk is None or not len(chunk.samples):
            return []
        closed: list[Stretch] = []
        if self._stream is not None and chunk.start - self._stream.end > _GAP:
            closed += self._stream.flush()
            self._stream = None
        if self._stream is None:
            assert self._net is not None, "prepare comes first"
            self._stream = _Stream(self._net, self._params, chunk.start)
        closed += self._stream.push(chunk.samples)
        return _piece(closed)

    def finish(self) -> Iterable[AnyTrack]:
        """The utterance that the end of the medium cut off."""
        return _piece(self._stream.flush() if self._stream is not None else [])

    def close(self) -> None:
        self._net = None
        self._stream = None


class _Stream:
    """One stretch of sound without gaps, from `origin` seconds on."""

    def __init__(self, net: SileroNet, params: VoiceParams, origin: float) -> None:
        self._vad = StreamingVad(net)
        self._gate = StreamingGate(RATE) if params.denoise else None
        self._segmenter = Segmenter(
            Cutting(
                hop=CHUNK / RATE,
                threshold=params.threshold,
                min_pause=params.min_pause,
                min_speech=params.min_speech,
                max_utterance=params.max_utterance,
                padding=params.padding,
            ),
            origin,
        )
        self._origin = origin
        self._count = 0

    @property
    def end(self) -> float:
        return self._origin + self._count / RATE

    def push(self, samples: FloatArray) -> list[Stretch]:
        self._count += len(samples)
        # A decoder's broken float samples must not poison the net's memory; 18 dB above full scale is not sound any more.
        samples = np.clip(np.nan_to_num(samples), -8.0, 8.0)
        if self._gate is not None:
            samples = self._gate.push(samples)
        return self._segmenter.push(self._vad.push(samples))

    def flush(self) -> list[Stretch]:
        closed: list[Stretch] = []
        if self._gate is not None:
            closed += self._segmenter.push(self._vad.push(self._gate.flush()))
        closed += self._segmenter.push(self._vad.flush())
        return closed + self._segmenter.flush(self.end)


def _piece(stretches: list[Stretch]) -> list[AnyTrack]:
    if not stretches:
        return []
    return [Spans.of("speech.voice", [(s.start, s.end, "speech", "", s.score) for s in stretches])]
