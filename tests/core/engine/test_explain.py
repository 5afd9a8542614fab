"""Explanations of faces: the picture that is shown at the moment, the face that is meant, and refusals in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.engine.choice import Choice
from mien.engine.explain import explain
from mien.errors import NotMedia, PluginError, UnknownPlugin, UsageError
from mien.media.decode import Decoder
from mien.media.picture import to_rgb
from mien.media.pieces import FramePiece
from mien.sdk import FaceExplanation
from mien.tracks import Boxes

CHOICE = Choice(fusion="", device="cpu", threads=1)


def look(registry: Any, clip: Path, at: float, plugin: str = "tiny.cropmean", **more: Any) -> FaceExplanation:
    found = explain(clip, plugin, at, CHOICE, registry, **more)
    assert isinstance(found, FaceExplanation)
    return found


@pytest.mark.parametrize(("at", "shown"), [(0.0, 0.0), (2.34, 2.3), (2.3, 2.3), (6.0, 5.9)])
def test_the_picture_that_is_shown_then_is_explained(registry: Any, clip: Path, at: float, shown: float) -> None:
    found = look(registry, clip, at)
    assert found.time == pytest.approx(shown, abs=1e-3)
    assert found.crop.mean() == pytest.approx(
        (round(shown * 10) * 5) % 256, abs=6
    )  # each picture has a grey of its own
    assert found.box.tolist() == [16, 16, 32, 32]
    assert found.person == -1  # found for this question only
    assert found.heat.sum() == pytest.approx(1.0, abs=1e-4)


def test_known_faces_are_taken_from_the_track(registry: Any, clip: Path) -> None:
    times = np.array([2.0, 2.0, 2.4])
    xywh = np.array([[0, 0, 20, 20], [30, 30, 30, 30], [5, 5, 12, 12]], np.float32)
    boxes = Boxes("tiny.boxes", times, np.array([7, 8, 7]), xywh, np.ones(3))
    assert look(registry, clip, 2.1, boxes=lambda _: boxes).person == 8  # the larger one
    found = look(registry, clip, 2.1, boxes=lambda _: boxes, person=7)
    assert (found.person, found.time) == (7, pytest.approx(2.0))
    assert found.box.tolist() == [0, 0, 20, 20]
    assert look(registry, clip, 2.3, boxes=lambda _: boxes, person=7).time == pytest.approx(2.4)
    with pytest.raises(UsageError, match=r"Person 8 is not seen at 5\.0 s"):
        look(registry, clip, 5.0, boxes=lambda _: boxes, person=8)
    assert look(registry, clip, 5.0, boxes=lambda _: boxes).person == -1  # the track says nothing there


def test_a_plugin_is_found_by_the_name_of_its_family(registry: Any, clip: Path) -> None:
    assert look(registry, clip, 1.0, "tiny").time == pytest.approx(1.0)
    with pytest.raises(UnknownPlugin):
        look(registry, clip, 1.0, "tinny")


def test_what_cannot_be_explained_is_said(registry: Any, clip: Path, tmp_path: Path, make_clip: Any) -> None:
    with pytest.raises(UsageError, match="one explanation only"):
        look(registry, clip, 1.0, of="arousal")
    with pytest.raises(UsageError, match="one reading only"):
        explain(clip, "tiny.level", 1.0, CHOICE, registry, of="arousal")
    with pytest.raises(UsageError, match="cannot explain its readings"):
        explain(clip, "tiny.brightness", 1.0, CHOICE, registry)
    with pytest.raises(NotMedia, match="no picture to explain"):
        look(registry, make_clip(tmp_path / "sound.mp4", 2.0, video=False), 1.0)


def test_attention_that_is_none_is_the_plugins_error(
    registry: Any, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tiny_plugins

    def nonsense(self: Any, faces: Any, params: Any, ctx: Any) -> FaceExplanation:
        return FaceExplanation(0.0, 0, faces.boxes[0], faces.images[0], np.full((4, 4), np.nan, np.float32))

    monkeypatch.setattr(tiny_plugins.CropMean, "explain_face", nonsense)
    with pytest.raises(PluginError, match="no share"):
        look(registry, clip, 1.0)


def test_a_face_is_found_where_it_is_in_the_turned_picture(registry: Any, shared: Path) -> None:
    """The same coded pictures, once turned by 90° and once by 180°, as two phones may write them."""
    centres = []
    for name, turns in (("rotate90_metadata.mp4", 1), ("rotate180_metadata.mp4", 2)):
        path = shared / "media" / "odd" / name
        found = look(registry, path, 1.0, "face.affect")
        assert found.heat.shape == (96, 96)
        assert found.posterior.sum() == pytest.approx(1.0, abs=1e-4)
        with Decoder(path, audio=None, begin=1.0) as decoder:
            frame = next(iter(decoder))
        assert isinstance(frame, FramePiece)
        assert frame.rotation in (90 * turns, 360 - 90 * turns)
        x, y, w, h = found.box
        here = complex(x + w / 2, y + h / 2)
        height, width = to_rgb(frame.frame, None, frame.rotation)[0].shape[:2]
        # About the middle of the picture, back by the turn: where the face is in the coded picture.
        angle = np.deg2rad(frame.rotation)
        centres.append((here - complex(width, height) / 2) * complex(np.cos(angle), np.sin(angle)))
    assert abs(centres[0] - centres[1]) < 40
