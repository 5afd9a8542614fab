"""A face with its heat laid over: nothing at no strength, colours where the heat is, one sentence when it cannot be written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import ExportError
from mien.exchange.heat import colours, overlaid, write_picture
from mien.sdk import FaceExplanation


@pytest.fixture
def found() -> FaceExplanation:
    crop = np.full((60, 60, 3), (200, 120, 90), np.uint8)
    heat = np.zeros((20, 20), np.float32)
    heat[10:, 10:] = 0.01
    return FaceExplanation(0.0, 1, np.zeros(4, np.float32), crop, heat)


def test_colours_grow_evenly_brighter() -> None:
    lab = cv2.cvtColor(colours(np.linspace(0, 1, 32))[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, :, 0]
    steps = np.diff(lab)
    assert (steps > 0).all()
    assert steps.max() < 2 * steps.mean()


def test_heat_is_laid_over_the_face(found: FaceExplanation) -> None:
    assert np.array_equal(overlaid(found, 0.0), found.crop)
    alone = overlaid(found, 1.0)
    assert alone[5, 5].tolist() == colours(0.0).tolist()
    assert alone[55, 55].tolist() == colours(1.0).tolist()
    between = overlaid(found, 0.5)
    assert between.shape == found.crop.shape
    assert not np.array_equal(between, alone)


def test_it_is_written_as_a_picture(found: FaceExplanation, tmp_path: Path) -> None:
    write_picture(found, tmp_path / "heat.png")
    assert cv2.imread(str(tmp_path / "heat.png")).shape == (60, 120, 3)
    with pytest.raises(ExportError, match=r"name the file \.png"):
        write_picture(found, tmp_path / "heat.doc")
    with pytest.raises(ExportError, match="cannot be written"):
        write_picture(found, tmp_path / "nowhere" / "heat.png")
