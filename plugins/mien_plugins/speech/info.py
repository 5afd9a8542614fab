"""What the speech room offers: voice activity and the transcript. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from mien.sdk import AnalyzerInfo, Audio, Input, Params, Registry, Utterances, Writes, hookimpl, param
from mien.tracks.quantity import probability

RATE = 16_000

WHISPER_MODELS = ("whisper-large-v3-turbo", "whisper-medium", "whisper-small", "whisper-base", "whisper-tiny")
"""In the order in which they are preferred when several are installed."""

SPEECHBRAIN_MODELS = ("speechbrain-asr-conformer", "speechbrain-asr-crdnn")

CONFIDENCE = probability("confidence", low_means="a guess", high_means="sure")


class VoiceParams(Params):
    """How speech is told from silence, and cut into utterances."""

    threshold: float = param(0.4, "Speech begins at this probability", ge=0.05, le=0.95)
    min_pause: float = param(0.4, "A pause this long ends an utterance", unit="s", ge=0.1, le=3.0)
    min_speech: float = param(0.2, "Utterances shorter than this are dropped", unit="s", ge=0.0, le=2.0)
    max_utterance: float = param(
        15.0, "Longer utterances are cut where speech is least probable", unit="s", ge=2.0, le=28.0
    )
    padding: float = param(0.1, "Added before and after each utterance", unit="s", ge=0.0, le=0.5)
    denoise: bool = param(
        False, "Remove steady noise by spectral gating before listening; utterances come up to 5 s later"
    )


class TranscriptParams(Params):
    """Who transcribes, and in which language."""

    backend: Literal["auto", "subtitles", "whisper", "speechbrain", "pocketsphinx"] = param(
        "auto",
        "Who transcribes; 'auto' takes the first that is there of: the medium's own subtitles, Whisper, "
        "SpeechBrain, pocketsphinx",
    )
    language: str = param(
        "auto",
        "Language that is spoken, as a two-letter code (ISO 639-1), or 'auto'",
        pattern=r"^(auto|[a-z]{2,3})$",
    )
    denoise: bool = param(False, "Remove steady noise by spectral gating from each utterance before recognition")


def _transcript_inputs(params: Params) -> tuple[Input, ...]:
    # Subtitles need no sound, so they are read from silent media too.
    if isinstance(params, TranscriptParams) and params.backend == "subtitles":
        return ()
    return (Utterances(RATE),)


VOICE = AnalyzerInfo(
    id="speech.voice",
    title="Voice activity",
    version="1.0.0",
    factory="mien_plugins.speech.voice:VoiceAnalyzer",
    params=VoiceParams,
    description="Finds speech and cuts it into utterances at pauses (silero-vad 6).",
    modality="voice",
    inputs=(Audio(RATE),),
    outputs=(Writes("speech.voice", "spans", (probability("speech"),)),),
    devices=("cpu",),
)

TRANSCRIPT = AnalyzerInfo(
    id="speech.transcript",
    title="Transcript",
    version="1.0.0",
    factory="mien_plugins.speech.transcript:TranscriptAnalyzer",
    params=TranscriptParams,
    description="What is said, with the time and confidence of each word; names the backend that heard it.",
    modality="text",
    inputs=_transcript_inputs,
    outputs=(
        Writes("speech.words", "spans", (CONFIDENCE,)),
        Writes("speech.transcript", "spans", (CONFIDENCE,)),
    ),
    optional_models=(*WHISPER_MODELS, *SPEECHBRAIN_MODELS),
    uses_cues=True,
    own_process=True,
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer both analyzers."""
    registry.analyzer(VOICE)
    registry.analyzer(TRANSCRIPT)
