"""Which part of a face the shipped nets read the expression from: an exact account, and what it names does matter."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mien.media.crops import crop_face
from mien.sdk.blocks import CropBatch
from mien_plugins.face.analyzer import FaceAffect
from mien_plugins.face.explain import evidence, heat, spread
from mien_plugins.face.info import CROP, AffectParams
from mien_plugins.face.mtcnn import Mtcnn
from mien_plugins.face.net import FaceNet
from mien_plugins.face.reader import ExpressionReader

ROOT = Path(__file__).resolve().parents[3] / "resources"
WEIGHTS = ROOT / "models" / "face-affect"
HIDDEN = 0.15
"""Share of a face that is hidden."""


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


def test_heat_is_a_share_of_what_spoke_for_the_expression(host, face) -> None:
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


@torch.inference_mode()
def test_the_cells_account_for_all_of_the_logit(reader, face) -> None:
    faces = reader.prepared(torch.from_numpy(np.stack([face, face[::-1].copy()])))
    for net in reader.ensemble.nets:
        assert isinstance(net, FaceNet)
        logits = net(faces).logits
        for wanted in range(len(reader.classes)):
            cells, rest = evidence(net, faces, torch.full((2,), wanted))
            told = sum(part.sum(dim=(1, 2)) for part in cells) + rest
            torch.testing.assert_close(told, logits[:, wanted] - logits.mean(1), atol=1e-3, rtol=1e-3)
            torch.testing.assert_close(spread(cells).sum(dim=(1, 2)) + rest, told, atol=0.05, rtol=0.05)


def test_hiding_what_it_names_matters_more_than_hiding_anything_else(reader, shared: Path) -> None:
    """FER2013's test pictures; a square of 15 % of the face is blurred."""
    with np.load(shared / "data" / "face" / "fer2013.npz") as archive:
        offset, jpeg = archive["offset"], archive["jpeg"]
        chosen = np.flatnonzero(archive["usage"] == 1)[:60]
        grey = [cv2.imdecode(jpeg[offset[i] : offset[i + 1]], cv2.IMREAD_GRAYSCALE) for i in chosen]
    faces = np.repeat(np.stack(grey)[..., None], 3, axis=3)
    before = reader.read(faces).probability
    rows, read = np.arange(len(faces)), before.argmax(1)
    maps = heat(reader, faces)
    side = round(HIDDEN**0.5 * faces.shape[1])
    rng = np.random.default_rng(0)
    lost = {}
    for which in ("most", "any", "least"):
        hidden = np.stack([_hidden(f, m, side, which, rng) for f, m in zip(faces, maps, strict=True)])
        lost[which] = float(np.mean(before[rows, read] - reader.read(hidden).probability[rows, read]))
    print(f"probability lost by hiding {HIDDEN:.0%}: {lost}")
    assert lost["most"] > 1.4 * lost["any"]
    assert lost["any"] > 1.4 * lost["least"]


def _hidden(face: np.ndarray, share: np.ndarray, side: int, which: str, rng: np.random.Generator) -> np.ndarray:
    """The face with a square blurred: where the map's share is largest or smallest, or anywhere."""
    places = len(share) - side + 1
    sums = cv2.boxFilter(share, -1, (side, side), normalize=False, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    sums = sums[:places, :places]
    at = {"most": sums.argmax(), "least": sums.argmin(), "any": rng.integers(places**2)}[which]
    y, x = np.unravel_index(int(at), sums.shape)
    covered = face.copy()
    covered[y : y + side, x : x + side] = cv2.GaussianBlur(face, (0, 0), len(face) / 6)[y : y + side, x : x + side]
    return covered
