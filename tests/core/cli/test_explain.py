"""`mien explain` on the demo clip, with the weights that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import pytest

DEMO = Path(__file__).resolve().parents[3] / "resources" / "demo" / "demo.mp4"


def test_a_reading_is_explained_by_stretches_of_sound(mien: Any) -> None:
    done = mien("explain", DEMO, "--at", "11", "--device", "cpu", "--json")
    assert done.code == 0, done.err
    found = done.lines[0]
    assert -1 <= found["reading"] <= 1
    assert found["fit"] > 0.3
    parts = found["parts"]
    assert [p["start"] for p in parts] == [0, 3, 6, 9, 12, 15, 18, 21]
    assert parts[-1]["end"] == pytest.approx(22.1, abs=0.3)
    # In the second half both voices speak at once: that is where the conflict is.
    half = [sum(p["contribution"] or 0 for p in parts if (p["start"] >= 12) == late) for late in (False, True)]
    assert half[1] > half[0]


def test_a_voice_is_explained_by_half_seconds(mien: Any) -> None:
    done = mien("explain", DEMO, "--at", "11", "--plugin", "emotion", "--of", "valence", "--device", "cpu")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("emotion reads valence ")
    assert "from 0:08.0 to 0:14.0" in lines[0]
    assert len(lines) == 1 + 12 + 1
    assert lines[-1].endswith("contributions in valence")


def test_a_face_is_explained_by_a_picture(mien: Any, tmp_path: Path) -> None:
    done = mien("explain", DEMO, "--at", "5", "--plugin", "face", "--out", "heat.png", "--device", "cpu", "--json")
    assert done.code == 0, done.err
    found = done.lines[0]
    assert found["plugin"] == "face.affect"
    assert found["time"] == pytest.approx(5.0, abs=0.05)
    assert max(found["expression"], key=found["expression"].get) == "happy"
    top, middle, bottom = (sum(row) for row in found["attention"])
    assert bottom > top  # she smiles
    assert top + middle + bottom == pytest.approx(1.0)
    picture = cv2.imread(str(tmp_path / "heat.png"))
    assert picture.shape[1] == 2 * picture.shape[0]


def test_what_cannot_be_explained_is_one_sentence(mien: Any) -> None:
    assert "cannot explain" in mien("explain", DEMO, "--at", "1", "--plugin", "text").err
    assert "no moment 99 s" in mien("explain", DEMO, "--at", "99").err
    assert "it explains arousal" in mien("explain", DEMO, "--at", "1", "--plugin", "emotion", "--of", "joy").err


def test_a_picture_of_what_is_heard_is_refused_before_anything_is_computed(mien: Any) -> None:
    done = mien("explain", "nowhere.mp4", "--at", "5", "--plugin", "conflict", "--out", "heat.png")
    assert done.code == 2
    assert "--out writes the picture of a face" in done.err
