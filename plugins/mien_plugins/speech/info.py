"""What the speech room offers: voice activity, the transcript, and who speaks when. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from mien.sdk import AnalyzerInfo, Audio, Input, Params, Registry, Utterances, Writes, hookimpl, param
from mien.tracks.quantity import Quantity, probability

RATE = 16_000

WHISPER_MODELS = ("whisper-large-v3-turbo", "whisper-medium", "whisper-small", "whisper-base", "whisper-tiny")
"""In the order in which they are preferred when several are installed."""

SPEECHBRAIN_MODELS = ("speechbrain-asr-conformer", "speechbrain-asr-crdnn")

ECAPA = "ecapa-voxceleb"

CONFIDENCE = probability(
    "confidence", low_means="a guess", high_means="sure", about="The recogniser's own: Mien has not calibrated it."
)
SPEECH = probability("speech", about="silero-vad's own: Mien has not calibrated it.")
LIKENESS = Quantity("likeness", "", -1.0, 1.0, "unlike the speaker's mean voice", "just like the speaker's mean voice")


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
    description="Finds speech and cuts it into utterances at pauses (silero-vad 6). The probability of speech is silero's own: "
    "Mien has not calibrated it.",
    modality="voice",
    inputs=(Audio(RATE),),
    outputs=(Writes("speech.voice", "spans", (SPEECH,)),),
    devices=("cpu",),
)

TRANSCRIPT = AnalyzerInfo(
    id="speech.transcript",
    title="Transcript",
    version="1.0.0",
    factory="mien_plugins.speech.transcript:TranscriptAnalyzer",
    params=TranscriptParams,
    description="What is said, with the time and confidence of each word; names the backend that heard it. The confidence is "
    "that backend's own: Mien has not calibrated it.",
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


class SpeakersParams(Params):
    """Who says who speaks, and how voices are told apart."""

    by: Literal["auto", "subtitles", "voice"] = param(
        "auto",
        "Who says who speaks: 'auto' takes the medium's subtitles where at least half of them name somebody, and the "
        "sound of the voices elsewhere",
    )
    window: float = param(3.0, "Sound that one vector is made from; shorter utterances give one", unit="s", ge=1, le=10)
    hop: float = param(1.5, "Longest time between the vectors of a longer utterance", unit="s", ge=0.25, le=10)
    threshold: float = param(
        0.7,
        "Cosine distance up to which voices are one speaker's; lower finds more speakers. Not tuned on recordings",
        ge=0.05,
        le=2.0,
    )
    speakers: int = param(0, "How many speakers there are; 0 when that is not known", ge=0, le=50)
    shortest: float = param(
        1.0, "Shorter sounds make no speaker of their own: they go to the likest one", unit="s", ge=0, le=5
    )


def _speakers_inputs(params: Params) -> tuple[Input, ...]:
    if isinstance(params, SpeakersParams) and params.by == "subtitles":
        return ()
    return (Utterances(RATE),)


SPEAKERS = AnalyzerInfo(
    id="speech.speakers",
    title="Who speaks when",
    version="1.0.0",
    factory="mien_plugins.speech.speakers:SpeakersAnalyzer",
    params=SpeakersParams,
    description="Takes the speakers that subtitles name, or tells voices apart (ECAPA-TDNN, once it is installed) and "
    "letters them in order of appearance.",
    modality="voice",
    inputs=_speakers_inputs,
    outputs=(Writes("speech.speakers", "spans", (LIKENESS,)), Writes("speech.voices", "features")),
    optional_models=(ECAPA,),
    default=False,
    uses_cues=True,
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the analyzers."""
    registry.analyzer(VOICE)
    registry.analyzer(TRANSCRIPT)
    registry.analyzer(SPEAKERS)
