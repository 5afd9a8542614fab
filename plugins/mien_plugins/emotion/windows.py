"""Windows of speech as the analyzer meets them, made from short clips of one speaker in one emotion.

Clips are two to four seconds of speech in silence; a window of a talk holds parts of several utterances and
the pauses between them, in any room and through any channel. So clips of one speaker, emotion and intensity
are trimmed and strung together with pauses, windows are cut anywhere, and training windows are sped up or
slowed down, coloured, reverberated and noisy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from mien_plugins.emotion.corpus import RATE, Clip

Sound = NDArray[np.float32]

Span = tuple[float, float]

PAUSE, SPEED = (0.1, 0.8), (0.87, 1.15)
VERSION = 3
"""Raised when windows come out otherwise than before."""
ROWS = 10
"""Mid-term windows of one second in the longest window: f2 of the paper lays ten of them side by side."""


def trim(sound: Sound, below: float = 35.0, margin: float = 0.1) -> Sound:
    """Without the silence at both ends: `below` dB under the loudest 25 ms, but for a margin in s."""
    frame = RATE // 40
    if len(sound) < frame:
        return sound
    power = (sound[: len(sound) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10.0 ** (-below / 10.0))
    if not len(loud) or power.max() == 0.0:
        return sound
    around = int(margin * RATE)
    return sound[max(0, loud[0] * frame - around) : (loud[-1] + 1) * frame + around]


def groups(clips: Sequence[Clip]) -> list[list[Clip]]:
    """Clips that belong to one speaker, emotion and intensity."""
    found: dict[tuple[str, str, str], list[Clip]] = {}
    for clip in clips:
        found.setdefault((clip.speaker, clip.emotion, clip.intensity), []).append(clip)
    return list(found.values())


def string(spoken: Sequence[Sound], seconds: float, rng: np.random.Generator) -> Sound:
    """At least `seconds` of the utterances in random order, with pauses of room tone between them."""
    parts: list[Sound] = []
    have = 0
    while have < seconds * RATE:
        for index in rng.permutation(len(spoken)):
            pause = np.zeros(int(rng.uniform(*PAUSE) * RATE), np.float32)
            parts += [spoken[index], pause]
            have += len(spoken[index]) + len(pause)
            if have >= seconds * RATE:
                break
    joined = np.concatenate(parts)
    floor = np.float32(10.0 ** (rng.uniform(-75.0, -55.0) / 20.0))
    return joined + floor * rng.standard_normal(len(joined), np.float32)


def _level(sound: Sound) -> Sound:
    return np.asarray(sound / (np.sqrt(np.mean(sound**2)) + 1e-9) * 0.05, np.float32)


def disturb(sound: Sound, rng: np.random.Generator) -> Sound:
    """Another room and microphone: tilt, band limits, reverberation and noise, each now and then."""
    size = next_fast_len(len(sound) + RATE // 2, real=True)
    spectrum = rfft(sound, size)
    frequency = np.asarray(np.fft.rfftfreq(size, 1.0 / RATE), np.float32)
    if rng.random() < 0.3:
        seconds = rng.uniform(0.15, 0.5)
        fade = np.exp(-6.9 * np.linspace(0.0, 1.0, int(seconds * RATE)))
        tail = rng.standard_normal(len(fade)) * fade
        tail *= rng.uniform(0.1, 0.6) / np.sqrt((tail**2).sum())
        tail[0] = 1.0
        spectrum = spectrum * rfft(tail, size)
    octaves = np.log2(np.maximum(frequency, 50.0) / 1000.0)
    gain = rng.normal(0.0, 2.0) * octaves
    for _ in range(3):  # broad bumps of a few dB
        centre, width = rng.uniform(-4.0, 3.0), rng.uniform(0.5, 1.5)
        gain += rng.normal(0.0, 3.0) * np.exp(-(((octaves - centre) / width) ** 2))
    if rng.random() < 0.4:
        gain -= 24.0 * np.maximum(0.0, np.log2(np.maximum(frequency, 1.0) / rng.uniform(3000.0, 7500.0)))
    if rng.random() < 0.4:
        gain -= 12.0 * np.maximum(0.0, np.log2(rng.uniform(60.0, 300.0) / np.maximum(frequency, 1.0)))
    out = irfft(spectrum * np.exp2(np.clip(gain, -80.0, 30.0) / 6.0206), size)[: len(sound)]
    if rng.random() < 0.6:
        noise = rfft(rng.standard_normal(size, np.float32)) / np.maximum(frequency, 50.0) ** rng.uniform(0.0, 1.0)
        hiss = irfft(noise, size)[: len(sound)]
        ratio = 10.0 ** (-rng.uniform(8.0, 40.0) / 20.0)
        out = out + hiss * (ratio * np.sqrt(np.mean(out**2)) / (np.sqrt(np.mean(hiss**2)) + 1e-12))
    return np.asarray(out, np.float32)


def elsewhere(sound: Sound, rng: np.random.Generator) -> Sound:
    """A clip at another speed (and so of another vocal tract and pitch: more speakers than there are), elsewhere."""
    if rng.random() < 0.7:
        speed = float(rng.uniform(*SPEED))
        at = np.arange(0.0, len(sound) - 1.0, speed)
        sound = np.interp(at, np.arange(len(sound)), sound).astype(np.float32)
    return disturb(sound, rng)


def cut(
    clips: Sequence[Clip], seconds: Span, count: int, rng: np.random.Generator, *, disturbed: bool
) -> Iterator[Sound]:
    """`count` windows from one group of clips; one disturbed window in five begins or ends in silence."""
    spoken = [_level(trim(clip.samples)) for clip in clips]
    for _ in range(count):
        chosen = rng.uniform(*seconds)
        speed = float(rng.uniform(*SPEED)) if disturbed and rng.random() < 0.7 else 1.0
        length = int(chosen * RATE)
        stream = string(spoken, chosen * speed + 3.0, rng)
        start = int(rng.integers(0, len(stream) - int(length * speed) - 1))
        window = stream[start : start + length].copy()
        if disturbed:
            if speed != 1.0:  # another vocal tract and pitch: more speakers than there are
                at = start + speed * np.arange(length)
                window = np.interp(at, np.arange(len(stream)), stream).astype(np.float32)
            if rng.random() < 0.2:
                hush = int(rng.uniform(0.2, 0.6) * length)
                quiet = slice(0, hush) if rng.random() < 0.5 else slice(length - hush, length)
                window[quiet] *= 10.0 ** (-rng.uniform(40.0, 80.0) / 20.0)
            window = disturb(window, rng)
        yield window
