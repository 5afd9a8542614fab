"""A manifest's rows as faces, found by the face room in the demo clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.training.manifest import Label, Manifest, Row
from mien.training.stretch import faces
from mien_plugins.corpora.faces import detector

DEMO = Path(__file__).resolve().parents[3] / "resources" / "demo"


def test_the_demos_face_is_found_and_cut_out() -> None:
    row = Row("demo.mp4", 0.0, 0.8, labels=(None,))
    detect = detector()
    times, crops = faces(Manifest(DEMO, (Label("arousal", -1, 1),), (row,)), row, detect, rate=2.0, size=48)
    assert times.tolist() == sorted(times.tolist())
    assert crops.shape == (2, 48, 48, 3)
    assert crops.std() > 20  # a face, not a wall
    assert detect(np.zeros((80, 80, 3), np.uint8)) == []
