"""MTCNN: the same faces as facenet-pytorch's own caller, alone or in a batch; none where there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from mien_plugins.face.cascade import load_cascade
from mien_plugins.face.found import Found, clip, inside, iou, square, suppress
from mien_plugins.face.halves import Halves


@pytest.mark.parametrize("name", ["real/talking_2.mp4", "real/grid_bbaf2n.mpg", "real/weekly_address_hill.mp4"])
def test_it_finds_what_the_librarys_own_caller_finds(clip, mtcnn, name):
    from facenet_pytorch import MTCNN

    image = clip(name, count=1).images[0]
    boxes, _, marks = MTCNN(min_face_size=24, device="cpu").detect(image, landmarks=True)
    found = mtcnn.detect(image[None])[0]
    assert len(found) == len(boxes) == 1
    theirs = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float32)
    side = theirs[0, 2:].max()
    assert iou(found.boxes, theirs)[0, 0] > 0.8
    assert np.abs(found.landmarks[0] - marks[0]).max() < 0.06 * side


def test_the_three_nets_are_the_librarys_own():
    from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

    torch.manual_seed(0)
    for ours, theirs, side in zip(load_cascade(), (PNet(), RNet(), ONet()), (31, 24, 48), strict=True):
        x = torch.randn(3, 3, side, side)
        with torch.inference_mode():
            mine, its = ours(x), theirs.eval()(x)
        # The library returns the probabilities last.
        for a, b in zip(mine, (its[-1], *its[:-1]), strict=True):
            torch.testing.assert_close(a, b)


def test_a_batch_answers_as_its_pictures_do_alone(clip, mtcnn):
    images = clip("real/talking_2.mp4", count=3).images
    for together, image in zip(mtcnn.detect(images), images, strict=True):
        alone = mtcnn.detect(image[None])[0]
        np.testing.assert_allclose(together.boxes, alone.boxes, atol=0.05)
        np.testing.assert_allclose(together.score, alone.score, atol=1e-3)


def test_landmarks_lie_as_in_a_face(clip, mtcnn):
    found = mtcnn.detect(clip("real/talking_2.mp4", count=1).images)[0]
    (x, y, w, h), marks = found.boxes[0], found.landmarks[0]
    assert ((marks > [x, y]) & (marks < [x + w, y + h])).all()
    left, right, nose, mouth_left, mouth_right = marks
    assert left[0] < nose[0] < right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (5, 5), (12, 12), (13, 200), (90, 120)])
def test_tiny_black_white_and_noisy_pictures_hold_no_face(mtcnn, shape):
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    images = np.stack([np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 255, np.uint8), noise])
    assert [len(found) for found in mtcnn.detect(images)] == [0, 0, 0]


def test_a_face_that_moved_is_followed_and_one_that_left_is_lost(clip, mtcnn):
    image = clip("real/talking_2.mp4", count=1).images[0]
    there = mtcnn.detect(image[None])[0]
    moved = np.roll(image, (20, -30), axis=(0, 1))
    followed = mtcnn.follow(moved, there.boxes)
    expected = there.boxes + np.array([-30, 20, 0, 0], np.float32)
    assert followed.score[0] > 0.9
    assert iou(followed.boxes, expected)[0, 0] > 0.7
    assert mtcnn.follow(np.zeros_like(image), there.boxes).score[0] == 0
    assert len(mtcnn.follow(image, np.zeros((0, 4), np.float32))) == 0


def test_views_are_what_plain_averaging_gives():
    y, x = np.mgrid[0:200, 0:301]
    wave = 128 + 60 * np.sin(x / 15) + 60 * np.cos(y / 20)
    image = np.repeat(wave[..., None].astype(np.uint8), 3, axis=2)
    views = Halves(np.stack([np.zeros_like(image), image]))
    for size in ((301, 200), (150, 100), (75, 50), (97, 61), (30, 20)):
        expected = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        assert np.abs(views.whole(size)[1].astype(int) - expected).max() <= 8
    box = np.array([40, 30, 120, 120], np.float32)
    expected = cv2.resize(image[30:150, 40:160], (24, 24), interpolation=cv2.INTER_AREA)
    assert np.abs(views.cut(1, box, 24).astype(int) - expected).max() <= 8
    np.testing.assert_array_equal(views.cut(1, box, 120), image[30:150, 40:160])


def test_cutting_beyond_the_border_pads_with_black():
    views = Halves(np.full((1, 20, 30, 3), 200, np.uint8))
    part = views.cut(0, np.array([-10, -10, 20, 20], np.float32), 20)
    assert part.shape == (20, 20, 3)
    assert (part[:10] == 0).all()
    assert (part[:, :10] == 0).all()
    assert (part[10:, 10:] == 200).all()
    assert (views.cut(0, np.array([100, 100, 5, 5], np.float32), 8) == 0).all()
    assert views.cut(0, np.array([3, 3, 0, 0], np.float32), 8).shape == (8, 8, 3)


def test_geometry():
    a = np.array([[0, 0, 10, 10], [100, 100, 4, 4]], np.float32)
    b = np.array([[5, 0, 10, 10], [0, 0, 5, 5]], np.float32)
    np.testing.assert_allclose(iou(a, b), [[50 / 150, 0.25], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(inside(a, b), [[0.5, 1], [0, 0]], atol=1e-6)
    assert suppress(np.concatenate([a, b]), np.array([0.5, 0.6, 0.9, 0.4]), 0.3).tolist() == [2, 1, 3]
    assert suppress(np.concatenate([a, b]), np.array([0.5, 0.6, 0.9, 0.4]), 0.2).tolist() == [2, 1, 3]
    assert suppress(b, np.array([0.1, 0.9]), 0.5).tolist() == [1, 0]
    np.testing.assert_allclose(square(np.array([[0, 0, 4, 8]], np.float32)), [[-2, 0, 8, 8]])
    np.testing.assert_allclose(clip(np.array([[-5, 2, 10, 10]], np.float32), 8, 6), [[0, 2, 5, 4]])
    assert len(square(Found.none().boxes)) == 0
