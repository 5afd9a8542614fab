"""Short takes of real speech, by speaker and vocal effort: what conversations are simulated from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import CorpusError, shown
from mien.training.rows import read_rows, within
from mien_plugins.conflict.features import Samples
from mien_plugins.conflict.net import RATE

# Vocal effort of an acted emotion, 0 relaxed ... 1 shouting: our ranking, from the accounts of emotional
# prosody (Scherer 2003, Table 1: intensity, F0 and high-frequency energy rise in anger, less in fear and joy,
# and fall in sadness and boredom). RAVDESS' "strong" takes lie above its normal ones.
EFFORT: Mapping[str, tuple[float, float]] = {
    # emotion: (normal, strong)
    "calm": (0.0, 0.05),
    "boredom": (0.0, 0.0),
    "neutral": (0.1, 0.1),
    "sad": (0.1, 0.3),
    "disgust": (0.35, 0.6),
    "happy": (0.4, 0.6),
    "surprised": (0.4, 0.6),
    "fearful": (0.45, 0.7),
    "angry": (0.75, 1.0),
}
# EmoDB's actors were told to act plainly and have one intensity: as RAVDESS' strong takes.
_EMODB = {
    "anger": "angry",
    "boredom": "boredom",
    "disgust": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
}


BLOCK = RATE // 50
"""Samples of 20 ms."""
_COLUMNS = ("corpus", "speaker", "path", "emotion", "intensity")


@dataclass(frozen=True)
class Take:
    """One acted utterance: (n,) samples at 8 kHz, trimmed, of RMS 1, their vocal effort in [0, 1], and the recording."""

    samples: Samples
    effort: float
    emotion: str
    path: Path | None = None


@dataclass(frozen=True)
class Voice:
    """All takes of one speaker, sorted by effort; `gender` and `language` as the corpus codes them, empty if it does not."""

    speaker: str
    corpus: str
    takes: tuple[Take, ...]
    gender: str = ""
    language: str = ""

    def draw(self, effort: float, rng: np.random.Generator) -> Take:
        """A take whose effort is near the one asked for (softly: within about 0.15)."""
        gap = np.array([abs(take.effort - effort) for take in self.takes])
        weight = np.exp(-0.5 * (gap / 0.15) ** 2) + 1e-9
        return self.takes[int(rng.choice(len(self.takes), p=weight / weight.sum()))]


def effort_of(corpus: str, emotion: str, intensity: str) -> float:
    """Effort of a row of the manifest; KeyError for an emotion that is not in `EFFORT`."""
    if corpus == "emodb":
        return EFFORT[_EMODB[emotion]][1]
    return EFFORT[emotion][intensity == "strong"]


def load_voices(data: Path, speakers: Iterable[str]) -> list[Voice]:
    """Voices by "corpus/speaker" from the corpora beside `data/speech/manifest.csv` (or `data/manifest.csv`).

    Raises:
        CorpusError: the manifest is missing, or a speaker without takes in it, or a take without sound.
        MediaError: a take is missing, or no recording.
    """
    folder = data / "speech" if (data / "speech" / "manifest.csv").is_file() else data
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise CorpusError(f"The corpora's list is missing; --data names the folder of speech/manifest.csv: {manifest}")
    wanted = list(speakers)
    rows: dict[str, list[dict[str, str]]] = {key: [] for key in wanted}
    for number, row in enumerate(read_rows(manifest, _COLUMNS), 1):
        key = f"{row['corpus']}/{row['speaker']}"
        if key in rows:
            if row["emotion"] not in (_EMODB if row["corpus"] == "emodb" else EFFORT):
                raise CorpusError(
                    f"Row {number} has the emotion “{shown(row['emotion'][:20])}”, of which it is not known how loud it "
                    f"is: {shown(manifest)}"
                )
            rows[key].append(row)
    voices = []
    for key in wanted:
        corpus, speaker = key.split("/")
        takes = [
            Take(
                samples=_take(within(folder, row["path"])),
                effort=effort_of(corpus, row["emotion"], row["intensity"]),
                emotion=row["emotion"],
                path=folder / row["path"],
            )
            for row in rows[key]
        ]
        if not takes:
            raise CorpusError(f"There are no takes of speaker {speaker} of {corpus} in the list: {manifest}")
        gender, language = (rows[key][0].get(name) or "" for name in ("gender", "lang"))
        voices.append(Voice(speaker, corpus, tuple(sorted(takes, key=lambda take: take.effort)), gender, language))
    return voices


def read_audio(path: Path, rate: int = RATE) -> Samples:
    """A file's first audio stream as (n,) mono float32 at `rate`; nothing where nothing of it can be decoded.

    Raises:
        CorpusError: it has no sound.
        MediaError: it is missing, or no recording.
    """
    import av
    import av.error

    from mien.media.opening import open_medium

    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    frames: list[av.AudioFrame] = []
    with open_medium(path) as container:
        if not container.streams.audio:
            raise CorpusError(f"There is no sound in the recording; take it out of the list: {shown(path)}")
        try:
            for frame in container.decode(audio=0):
                frames += resampler.resample(frame)
        except av.error.FFmpegError as error:
            raise CorpusError(f"The recording is damaged ({error.strerror}); get it again: {shown(path)}") from error
        frames += resampler.resample(None)
    if not frames:
        return np.zeros(0, dtype=np.float32)
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(np.float32)


def _take(path: Path) -> Samples:
    samples = read_audio(path)
    if len(samples) < BLOCK:
        raise CorpusError(f"There is hardly any sound in the recording; take it out of the list: {shown(path)}")
    return trim(samples)


def trim(samples: Samples, floor: float = 35.0, frame: int = BLOCK) -> Samples:
    """Cut what lies `floor` dB and more below the loudest 20 ms at both ends, and scale to an RMS of 1."""
    blocks = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(np.float64)
    level = 10 * np.log10(np.square(blocks).mean(1) + 1e-12)
    loud = np.flatnonzero(level > level.max() - floor)
    kept = samples[loud[0] * frame : (loud[-1] + 1) * frame]
    scaled: Samples = (kept / np.sqrt(np.mean(np.square(kept)) + 1e-12)).astype(np.float32)
    return scaled
