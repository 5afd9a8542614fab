"""Conversations put together from real speech, with an intensity of conflict that follows from their making.

There is no public corpus of people in conflict, so the net learns from simulations: speakers take turns,
pause, talk over one another, cut in and raise their voices, as much as a hidden heat makes them. What the
label measures is computed from the result, never from the heat:

    overlap      share of the speech time in which two or more speak          saturates at 0.35
    interruption turns begun while another speaker goes on, per minute        saturates at 20
    effort       mean vocal effort of the takes, by speech time, [0, 1]       (`takes.EFFORT`)

    intensity = 2 (0.40 overlap/0.35 + 0.25 interruption/20 + 0.35 effort) - 1,   each ratio at most 1

so it lies in [-1, 1], and one speaker alone stays at or below -0.3 however loud. A listener's short response
("mm-hm") and laughter count as neither overlap nor interruption, since they are heard as agreement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien_plugins.conflict.acoustics import channel, laughter, music, reverberate, room_response
from mien_plugins.conflict.features import Samples, fit_length
from mien_plugins.conflict.net import RATE
from mien_plugins.conflict.takes import Voice

OVERLAP_FULL, INTERRUPTIONS_FULL = 0.35, 20.0
SHARES = (0.40, 0.25, 0.35)  # overlap, interruption, effort
FRAME = RATE // 100  # activity is kept at 100 Hz
MIN_OVERLAP = 0.25  # s of talking at once before a turn counts as an interruption


def intensity(overlap: float, interruptions: float, effort: float) -> float:
    """The label, in [-1, 1], from the share of overlap, the interruptions per minute and the mean effort."""
    parts = (overlap / OVERLAP_FULL, interruptions / INTERRUPTIONS_FULL, effort)
    return 2.0 * sum(w * min(1.0, max(0.0, p)) for w, p in zip(SHARES, parts, strict=True)) - 1.0


@dataclass(frozen=True)
class Conversation:
    """A simulated recording and what was put into it.

    samples: (n,) at 8 kHz, zero-padded at the end behind `seconds`. frames: (3, n // 80) at 100 Hz: whether
    anyone speaks, whether two or more do, and the mean effort of those who speak.
    """

    samples: Samples
    seconds: float
    speakers: tuple[str, ...]
    overlap: float
    interruptions: float
    effort: float
    intensity: float
    frames: NDArray[np.float32]


@dataclass
class _Stage:
    """Where the turns are laid down: a signal and a line of activity for each speaker."""

    voices: list[Voice]
    gains: list[float]
    rates: list[float]
    signals: NDArray[np.float32]
    effort: NDArray[np.float32]  # (speakers, frames), -1 where silent
    cut_ins: int = 0

    def take(self, who: int, effort: float, rng: np.random.Generator) -> tuple[Samples, float]:
        take = self.voices[who].draw(effort, rng)
        x = _stretch(take.samples, self.rates[who])
        # A raised voice is also louder, though less so than in a room: recordings are levelled.
        gain = self.gains[who] * 10 ** ((take.effort - 0.3) * rng.uniform(2, 9) / 20)
        return (x * gain).astype(np.float32), take.effort

    def lay(self, who: int, start: float, samples: Samples, effort: float, counted: bool = True) -> float:
        """Put samples at `start` s; the end in s."""
        first = max(0, int(start * RATE))
        part = samples[: max(0, self.signals.shape[1] - first)]
        if not len(part):
            return start
        self.signals[who, first : first + len(part)] += part
        if counted:
            self.effort[who, first // FRAME : (first + len(part)) // FRAME] = effort
        return (first + len(part)) / RATE

    def hush(self, who: int, start: float) -> None:
        """End what `who` says at `start` s, with a fade of 50 ms."""
        first, fade = int(start * RATE), RATE // 20
        line = self.signals[who]
        ramp = np.linspace(1, 0, fade, dtype=np.float32)[: max(0, len(line) - first)]
        line[first : first + fade] *= ramp
        line[first + fade :] = 0.0
        self.effort[who, (first + fade) // FRAME :] = -1.0


def _stretch(samples: Samples, rate: float) -> Samples:
    """Played `rate` times as long, so lower in pitch, by linear interpolation."""
    at = np.arange(int(len(samples) * rate)) / rate
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


def simulate(
    voices: Sequence[Voice], rng: np.random.Generator, seconds: float = 30.0, speakers: int | None = None
) -> Conversation:
    """One recording of `seconds` s; everything is drawn from `rng`, also how many speak (one to four)."""
    length = int(seconds * RATE)
    # Short media are zero-padded at the end in use, so the net must have seen that.
    spoken = seconds if rng.random() < 0.8 else float(rng.uniform(0.15, 0.95)) * seconds
    drawn = int(rng.choice([1, 2, 3, 4], p=[0.15, 0.55, 0.18, 0.12]))
    count = min(len(voices), speakers or drawn)
    chosen = [voices[i] for i in rng.permutation(len(voices))[:count]]
    used = int(spoken * RATE)
    stage = _Stage(
        voices=chosen,
        gains=[10 ** (rng.normal(0, 3) / 20) for _ in chosen],
        rates=[rng.uniform(0.9, 1.1) for _ in chosen],
        signals=np.zeros((count, used), dtype=np.float32),
        effort=np.full((count, used // FRAME), -1.0, dtype=np.float32),
    )
    heat = rng.uniform()
    drive = np.clip(heat + rng.normal(0, 0.25, 3), 0, 1)  # overlap, interruption, effort
    _talk(stage, spoken, drive, rng)
    mixed = _record(stage, rng)

    said = stage.effort >= 0
    active = said.sum(0)
    speech = max(1, int((active > 0).sum()))
    overlap = float((active > 1).sum()) / speech
    rate = stage.cut_ins / (spoken / 60)
    effort = float(stage.effort[said].mean()) if said.any() else 0.0
    frames = np.zeros((3, length // FRAME), dtype=np.float32)
    frames[0, : len(active)] = active > 0
    frames[1, : len(active)] = active > 1
    frames[2, : len(active)] = np.where(said, stage.effort, 0).sum(0) / np.maximum(active, 1)
    return Conversation(
        samples=fit_length(mixed, length),
        seconds=spoken,
        speakers=tuple(f"{v.corpus}/{v.speaker}" for v in chosen),
        overlap=overlap,
        interruptions=rate,
        effort=effort,
        intensity=intensity(overlap, rate, effort),
        frames=frames,
    )


def _talk(stage: _Stage, spoken: float, drive: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Fill the stage with turns; `drive` (3,) in [0, 1] steers overlap, interruption and effort."""
    over, cutting, raised = (float(d) for d in drive)
    count = len(stage.voices)
    moods = np.clip(raised + rng.normal(0, 0.15, count), 0, 1)
    who, now = int(rng.integers(count)), float(rng.uniform(0, 1.0))
    while now < spoken:
        end, begun = now, now
        for _ in range(int(rng.choice([1, 2, 3], p=[0.35, 0.4, 0.25]))):
            samples, effort = stage.take(who, float(np.clip(moods[who] + rng.normal(0, 0.12), 0, 1)), rng)
            end = stage.lay(who, end, samples, effort) + rng.uniform(0, 0.25) * (1.2 - raised)
        if count == 1:
            now = end + rng.exponential(0.5)
            continue
        other = int(rng.choice([i for i in range(count) if i != who]))
        kind = rng.random()
        room = end - begun
        if kind < 0.4 * over and room > 0.8:  # both talk at once for a while, neither gives way
            start = begun + rng.uniform(0.1, 0.6) * room
            samples, effort = stage.take(other, float(moods[other]), rng)
            stage.cut_ins += start < spoken
            end = max(end, stage.lay(other, start, samples, effort))
        elif kind > 0.9 and room > 1.0:  # a listener's "mm-hm"
            samples, _ = stage.take(other, 0.05, rng)
            piece = samples[: int(rng.uniform(0.25, 0.45) * RATE)] * 0.4
            stage.lay(other, begun + rng.uniform(0.3, 0.8) * room, piece, 0.0, counted=False)
        if rng.random() < 0.8 * cutting and room > 0.9:  # the next speaker cuts in, this one gives way
            shared = min(room * 0.6, rng.uniform(MIN_OVERLAP, 0.45 + 0.9 * over))
            left = rng.uniform(0, 0.5) * (room - shared)
            now = end - left - shared
            for speaker in range(count):
                stage.hush(speaker, end - left)
            stage.cut_ins += now < spoken
        else:
            now = end + max(0.02, rng.exponential(0.55) * (1.3 - max(over, cutting)))
        who = other


def _record(stage: _Stage, rng: np.random.Generator) -> Samples:
    """Mix the speakers in one room, add distractors, and pass it through one channel."""
    lines = stage.signals
    if rng.random() < 0.7:
        decay, distance = rng.uniform(0.15, 0.8), 10 ** rng.uniform(-1.5, 0.3)
        lines = np.stack([reverberate(line, room_response(decay, distance, rng)) for line in lines])
    mixed = lines.sum(0)
    for chance, sound, longest in ((0.15, laughter, 2.5), (0.12, music, 20.0)):
        if rng.random() < chance:
            seconds = float(rng.uniform(0.15, 1.0)) * min(longest, len(mixed) / RATE)
            piece = sound(seconds, rng)[: len(mixed)] * 10 ** (-rng.uniform(0, 18) / 20)
            at = int(rng.integers(0, len(mixed) - len(piece) + 1))
            mixed[at : at + len(piece)] += piece
    return channel(mixed, rng)
