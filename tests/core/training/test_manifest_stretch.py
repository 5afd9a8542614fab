"""What a manifest names is decoded: sound, pictures, faces; stretches outside their medium are refused."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import CorpusError
from mien.training.manifest import Label, Manifest, Row
from mien.training.stretch import Face, check_media, faces, pictures, sound


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_clip) -> Path:
    """A clip of four seconds with picture and sound, two seconds of a ramp, a still, and what is no medium."""
    root = tmp_path_factory.mktemp("media")
    make_clip(root / "clip.mp4")
    ramp = (np.arange(16_000, dtype=np.int64) * 2 - 16_000).astype("<i2")
    with wave.open(str(root / "ramp.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(ramp.tobytes())
    cv2.imwrite(str(root / "still.png"), np.full((40, 80, 3), (10, 20, 30), np.uint8))
    (root / "text.wav").write_text("this is no sound")
    return root


def one(folder: Path, path: str, start: float = 0.0, end: float = math.inf, text: str = "") -> tuple[Manifest, Row]:
    row = Row(path, start, end, text=text, labels=(0.0,), number=2)
    return Manifest(folder, (Label("arousal", -1, 1),), (row,), "m.csv"), row


def test_sound_of_a_stretch_is_that_stretch(folder: Path) -> None:
    got = sound(*one(folder, "ramp.wav", 0.5, 1.25), rate=8_000)
    assert got.shape == (6_000,)
    assert got[0] == pytest.approx((4_000 * 2 - 16_000) / 32_768, abs=1e-3)
    assert sound(*one(folder, "ramp.wav"), rate=16_000).shape == (32_000,)
    assert sound(*one(folder, "ramp.wav", 1.5), rate=8_000).shape == (4_000,)
    loud = sound(*one(folder, "clip.mp4", 2.1, 2.9))
    quiet = sound(*one(folder, "clip.mp4", 1.1, 1.9))
    assert loud.shape == (12_800,)
    assert np.abs(loud).mean() > 20 * np.abs(quiet).mean()


def test_pictures_come_at_the_rate_asked_for(folder: Path) -> None:
    got = list(pictures(*one(folder, "clip.mp4", 1.0, 3.0), rate=5.0, long_side=32))
    assert [round(time, 2) for time, _ in got] == [round(1 + 0.2 * n, 2) for n in range(10)]
    assert got[0][1].shape == (32, 32, 3)
    brightness = [float(picture.mean()) for _, picture in got]
    assert brightness == sorted(brightness)
    ((time, still),) = pictures(*one(folder, "still.png"), long_side=40)
    assert (time, still.shape) == (0.0, (20, 40, 3))
    assert still[0, 0].tolist() == [30, 20, 10]


def test_the_largest_face_is_cut_out(folder: Path) -> None:
    def detect(picture: np.ndarray) -> list[Face]:
        if picture.mean() > 100:
            return []
        return [Face(np.array([0, 0, 4, 4], np.float32)), Face(np.array([10, 10, 20, 20], np.float32))]

    manifest, row = one(folder, "clip.mp4")
    times, crops = faces(manifest, row, detect, rate=5, size=24)
    assert crops.shape == (len(times), 24, 24, 3)
    assert 5 < len(times) < 15  # the clip grows brighter
    assert faces(manifest, row, lambda picture: [], size=24)[1].shape == (0, 24, 24, 3)


def test_stretches_outside_their_medium_are_refused(folder: Path) -> None:
    assert check_media(one(folder, "clip.mp4", 1, 4.2)[0]) == ()
    assert check_media(one(folder, "still.png")[0]) == ()
    assert check_media(one(folder, "features.npz", 0, 9)[0]) == ()
    assert check_media(one(folder, "", text="only a text")[0]) == ()
    with pytest.raises(
        CorpusError, match=r"Row 2: the stretch from 1 to 9 s lies outside its medium, which is 2\.00 s long"
    ):
        check_media(one(folder, "ramp.wav", 1, 9)[0])
    with pytest.raises(CorpusError, match=r"Row 2: .*text\.wav"):
        check_media(one(folder, "text.wav")[0])


def test_what_cannot_be_loaded_is_one_sentence(folder: Path) -> None:
    for load in (sound, lambda m, r: list(pictures(m, r))):
        with pytest.raises(CorpusError, match="Row 2: "):
            load(*one(folder, "text.wav"))
        with pytest.raises(CorpusError, match="Row 2 is only a text"):
            load(*one(folder, "", text="only a text"))
        with pytest.raises(CorpusError, match=r"Row 2: there is no (sound|picture) from 7 s on"):
            load(*one(folder, "clip.mp4", 7.0, 8.0))
    with pytest.raises(CorpusError, match="Row 2: "):
        sound(*one(folder, "still.png"))
    with pytest.raises(CorpusError, match="Row 2: there is no picture"):
        list(pictures(*one(folder, "ramp.wav")))
