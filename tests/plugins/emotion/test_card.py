"""The weights that ship do what their card says."""

import json
from pathlib import Path

import numpy as np
import pytest

from mien.evaluation.metrics import ccc
from mien_plugins.emotion.corpus import read_clips
from mien_plugins.emotion.reader import load
from mien_plugins.emotion.recipe import small_sample
from mien_plugins.emotion.report import SAMPLE
from mien_plugins.emotion.windows import trim


def test_the_shipped_model_measures_what_its_card_says(shared):
    """Measured again on the first clip of each held-out speaker, emotion and intensity."""
    folder = Path(__file__).resolve().parents[3] / "resources" / "models" / "emotion-mtl"
    says = {
        m["name"]: m["value"]
        for m in json.loads((folder / "card.json").read_text(encoding="utf-8"))["metrics"]
        if m["subset"] == SAMPLE
    }
    reader, clips = load(folder), small_sample(read_clips(shared / "data"))
    values, _ = reader.read([reader.hear(trim(clip.samples)) for clip in clips])
    truth = np.array([clip.label for clip in clips])
    assert len(says) == 3
    for column, task in enumerate(("valence", "arousal", "dominance")):
        assert ccc(truth[:, column], values[:, column]) == pytest.approx(says[f"CCC {task}"], abs=0.01)
