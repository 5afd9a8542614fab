"""Rooms, channels and things that are not speech: what lies between a conversation and its recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from mien_plugins.conflict.features import Samples, rms
from mien_plugins.conflict.net import RATE

Rng = np.random.Generator


def room_response(decay: float, distance: float, rng: Rng) -> Samples:
    """A synthetic room impulse response: direct sound, then exponentially decaying noise.

    decay: reverberation time (T60) in s. distance: energy of the reverberation over that of the direct sound.
    """
    length = max(2, int(decay * RATE * 0.7))
    t = np.arange(length) / RATE
    tail = rng.standard_normal(length) * np.exp(-6.91 * t / decay)
    tail[: int(0.004 * RATE)] = 0.0
    tail *= np.sqrt(distance / max(float(np.square(tail).sum()), 1e-9))
    tail[0] = 1.0
    return tail.astype(np.float32)


def reverberate(samples: Samples, response: Samples) -> Samples:
    """`samples` in that room, of the same length."""
    wet: Samples = signal.oaconvolve(samples, response)[: len(samples)].astype(np.float32)
    return wet


def channel(samples: Samples, rng: Rng) -> Samples:
    """A random microphone and line: tilt, band limits, overload, telephone coding, noise at 5-40 dB."""
    x = samples.astype(np.float64)
    tilt = rng.uniform(-0.35, 0.35)
    x = signal.lfilter([1.0, -tilt], [1.0], x)
    if rng.random() < 0.5:
        low = rng.uniform(50, 300)
        high = rng.uniform(2600, 3900)
        x = signal.sosfilt(signal.butter(2, [low, high], "bandpass", fs=RATE, output="sos"), x)
    level = max(float(rms(x)), 1e-9)
    if rng.random() < 0.2:
        drive = rng.uniform(3.0, 6.0) * level
        x = np.tanh(x / drive) * drive
    x = x + noise(len(x), rng) * level * 10 ** (-rng.uniform(5, 40) / 20)
    if rng.random() < 0.2:
        peak = max(float(np.abs(x).max()), 1e-9)
        compressed = np.sign(x) * np.log1p(255 * np.abs(x) / peak) / np.log(256)
        coded = np.round(compressed * 127) / 127
        x = np.sign(coded) * np.expm1(np.abs(coded) * np.log(256)) / 255 * peak
    out: Samples = x.astype(np.float32)
    return out


def noise(length: int, rng: Rng) -> NDArray[np.float64]:
    """(length,) noise of RMS 1 with a slope between white and brown, and hum now and then."""
    white = rng.standard_normal(length)
    pole = rng.choice([0.0, 0.5, 0.9, 0.97])
    x: NDArray[np.float64] = signal.lfilter([1.0], [1.0, -pole], white)
    if rng.random() < 0.2:
        t = np.arange(length) / RATE
        base = rng.choice([50.0, 60.0])
        for k in (1, 2, 3, 5):
            x = x + rms(x) * rng.uniform(0, 0.6) * np.sin(2 * np.pi * base * k * t + rng.uniform(0, 6.28))
    scaled: NDArray[np.float64] = x / max(float(rms(x)), 1e-9)
    return scaled


def laughter(seconds: float, rng: Rng) -> Samples:
    """Laughter-like sound of RMS 1: four to six breathy bursts a second, falling in pitch and level."""
    length = int(seconds * RATE)
    t = np.arange(length) / RATE
    burst = rng.uniform(4.0, 6.0)
    pitch = rng.uniform(180, 420) * (1 - 0.25 * t / seconds) * (1 + 0.05 * np.sin(2 * np.pi * burst * t))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voiced = sum(np.sin(k * phase) / k for k in range(1, 7))
    breath = rng.standard_normal(length) * 0.6
    gate = np.clip(np.sin(2 * np.pi * burst * t), 0, None) ** 1.5
    x = (voiced + breath) * gate * np.exp(-0.8 * t / seconds)
    x = _formant(x, rng.uniform(600, 1000), 200) + 0.4 * _formant(x, rng.uniform(1300, 2200), 300)
    return (x / max(float(rms(x)), 1e-9)).astype(np.float32)


def music(seconds: float, rng: Rng) -> Samples:
    """Music-like sound of RMS 1: chords of decaying harmonics over a beat."""
    x = np.zeros(int(seconds * RATE))
    beat = rng.uniform(0.3, 0.8)
    root = 110.0 * 2 ** (rng.integers(0, 12) / 12)
    t = np.arange(int(1.2 * RATE)) / RATE
    for number, start in enumerate(np.arange(0.0, seconds, beat)):
        degree = rng.choice([0, 2, 4, 5, 7, 9])
        notes = root * 2 ** ((degree + rng.choice([0, 3, 4, 7, 12], size=3, replace=False)) / 12)
        partials = (notes[:, None] * np.array([1, 2, 3])).ravel()
        level = np.tile(np.array([1.0, 0.35, 0.19]), len(notes)) * (partials < RATE / 2)
        chord = np.exp(-t * rng.uniform(1.5, 5)) * (level @ np.sin(2 * np.pi * np.outer(partials, t)))
        if number % 2:
            chord += 0.3 * np.exp(-t * 40) * rng.standard_normal(len(t))
        at = int(start * RATE)
        x[at : at + len(chord)] += chord[: len(x) - at]
    return (x / max(float(rms(x)), 1e-9)).astype(np.float32)


def _formant(x: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    b, a = signal.iirpeak(centre, centre / width, fs=RATE)
    y: NDArray[np.float64] = signal.lfilter(b, a, x)
    return y
