"""A tiny corpus of acted speech in the layout of RAVDESS and EmoDB, from which recipes learn in miniature."""

from __future__ import annotations

import csv
import wave
from pathlib import Path

import numpy as np
import pytest

from mien_plugins.conflict.recipe import CALIBRATE, TEST, TRAIN

RATE = 8_000


@pytest.fixture(scope="session")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three takes for each speaker of ConflictNET's split: calm, neutral and angry buzzes."""
    root = tmp_path_factory.mktemp("takes")
    folder = root / "speech"
    folder.mkdir()
    rows = []
    speakers = [*TRAIN, *(s for part in (CALIBRATE, TEST) for group in part.values() for s in group)]
    for number, key in enumerate(speakers):
        name, speaker = key.split("/")
        emotions = ("boredom", "neutral", "anger") if name == "emodb" else ("calm", "neutral", "angry")
        for k, emotion in enumerate(emotions):
            t = np.arange(RATE) / RATE
            x = sum(np.sin(2 * np.pi * (90 + 5 * number) * h * t) * h ** (-2.0 + 0.8 * k) for h in range(1, 8))
            path = f"{name}_{speaker}_{k}.wav"
            with wave.open(str(folder / path), "wb") as file:
                file.setparams((1, 2, RATE, 0, "NONE", ""))
                file.writeframes((x / np.abs(x).max() * 20_000).astype("<i2").tobytes())
            told = {"gender": "fm"[number % 2], "lang": "de" if name == "emodb" else "en"}
            rows.append({"corpus": name, "path": path, "emotion": emotion, "speaker": speaker, "intensity": ""} | told)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return root
