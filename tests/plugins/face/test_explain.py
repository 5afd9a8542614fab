"""Where on a face the shipped net looks: a share of attention that follows the face, and sees what is hidden."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.media.crops import crop_face
from mien.sdk.blocks import CropBatch
from mien_plugins.face.analyzer import FaceAffect
from mien_plugins.face.explain import heat
from mien_plugins.face.info import CROP, AffectParams
from mien_plugins.face.mtcnn import Mtcnn
from mien_plugins.face.reader import ExpressionReader

ROOT = Path(__file__).resolve().parents[3] / "resources"
WEIGHTS = ROOT / "models" / "face-affect"


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """The demo's face, smiling, (CROP, CROP, 3)."""
    import av

    with av.open(str(ROOT / "demo" / "demo.mp4")) as container:
        image = next(container.decode(container.streams.video[0])).to_ndarray(format="rgb24")
    found = Mtcnn("cpu").detect(image[None])[0]
    return crop_face(image, found.boxes[0], CROP, 0.0, found.landmarks[0])


@pytest.fixture(scope="module")
def reader() -> ExpressionReader:
    return ExpressionReader.load(WEIGHTS)


def test_heat_is_a_share_of_attention_over_the_crop(host, face) -> None:
    box = np.array([[1, 2, 30, 40]], np.float32)
    told = FaceAffect().explain_face(
        CropBatch(np.array([4.0]), np.array([3], np.int32), face[None], box),
        AffectParams(),
        host(models={"face-affect": WEIGHTS}),
    )
    assert (told.time, told.person, told.box.tolist()) == (4.0, 3, [1, 2, 30, 40])
    assert told.heat.shape == (CROP, CROP)
    assert told.heat.dtype == np.float32
    assert told.heat.min() >= 0
    assert told.heat.sum() == pytest.approx(1.0, abs=1e-4)
    assert told.labels[int(told.posterior.argmax())] == "happy"
    # The mouth that smiles draws more than its part of the face.
    assert told.heat[60:84, 24:72].sum() > 2 * (24 * 48) / CROP**2


def test_a_mirrored_face_has_mirrored_heat(reader, face) -> None:
    one, other = heat(reader, np.stack([face, face[:, ::-1]]))
    np.testing.assert_allclose(one, other[:, ::-1], atol=1e-6)


def test_what_is_hidden_changes_where_the_net_looks(reader, face) -> None:
    hidden = face.copy()
    mouth = (slice(58, 90), slice(20, 76))
    hidden[mouth] = cv2.GaussianBlur(hidden, (0, 0), 15)[mouth]
    seen, covered = heat(reader, np.stack([face, hidden]))
    moved = 0.5 * float(np.abs(seen - covered).sum())  # share of the attention that lies elsewhere
    again = 0.5 * float(np.abs(seen - heat(reader, face[None])[0]).sum())
    assert moved > 0.03 > 100 * again
