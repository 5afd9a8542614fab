"""Who is who: place first, then looks, jointly for all faces of a picture."""

from __future__ import annotations

import numpy as np

from mien_plugins.face.found import Found
from mien_plugins.face.looks import _LEVEL, look, similarity
from mien_plugins.face.tracker import Tracker


def looking(*people: int) -> np.ndarray:
    """A look per person, unlike all others'."""
    return np.eye(8, dtype=np.float32)[list(people)]


def faces(*corners: tuple[float, float]) -> Found:
    boxes = np.array([[x, y, 50, 60] for x, y in corners], np.float32).reshape(-1, 4)
    return Found(boxes, np.ones(len(boxes), np.float32), np.zeros((len(boxes), 5, 2), np.float32))


def test_numbers_follow_place_whatever_the_order():
    tracker = Tracker()
    assert tracker.assign(0.0, faces((0, 0), (200, 0)), looking(0, 1)).tolist() == [1, 2]
    assert tracker.assign(0.2, faces((205, 5), (8, 2)), looking(1, 0)).tolist() == [2, 1]


def test_two_people_who_cross_keep_their_numbers():
    tracker = Tracker()
    tracker.assign(0.0, faces((0, 0), (60, 0)), looking(0, 1))
    tracker.assign(0.2, faces((20, 0), (40, 0)), looking(0, 1))
    assert tracker.assign(0.4, faces((40, 0), (20, 0)), looking(0, 1)).tolist() == [1, 2]


def test_somebody_who_comes_back_elsewhere_keeps_the_number():
    tracker = Tracker()
    tracker.assign(0.0, faces((0, 0)), looking(0))
    tracker.assign(30.0, faces((300, 100)), looking(1))
    assert tracker.assign(60.0, faces((500, 50), (300, 100)), looking(0, 2)).tolist() == [1, 3]


def test_a_stranger_in_the_same_place_gets_a_new_number():
    tracker = Tracker()
    tracker.assign(0.0, faces((0, 0)), looking(0))
    assert tracker.assign(0.2, faces((0, 0)), looking(1)).tolist() == [2]


def test_after_a_cut_only_looks_count():
    tracker = Tracker()
    tracker.assign(0.0, faces((0, 0), (200, 0)), looking(0, 1))
    tracker.forget_places()
    assert tracker.assign(0.1, faces((0, 0), (200, 0)), looking(1, 0)).tolist() == [2, 1]


def test_nobody_there():
    assert Tracker().assign(0.0, Found.none(), np.zeros((0, 1), np.float32)).tolist() == []


def test_a_persons_gallery_stays_small():
    tracker = Tracker()
    rng = np.random.default_rng(0)
    for step in range(40):
        looks = np.abs(np.eye(8)[:1] + 0.25 * rng.random((1, 8))).astype(np.float32)
        looks /= np.linalg.norm(looks)
        assert tracker.assign(step * 0.2, faces((step, 0)), looks).tolist() == [1]
    assert len(tracker.people[1].gallery) <= 8


def test_a_crowd_does_not_fill_the_memory():
    tracker = Tracker()
    rng = np.random.default_rng(0)
    for step in range(700):
        strange = np.sign(rng.normal(size=(1, 512))).astype(np.float32) / 512**0.5
        assert tracker.assign(step * 5.0, faces((0, 0)), strange).tolist() == [step + 1]
    assert len(tracker.people) <= 300


def test_similarity_undoes_turn_zoom_and_shift():
    angle, zoom = 0.4, 1.7
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (_LEVEL @ turn.T + [5, -3]).astype(np.float32)
    matrix = similarity(moved, _LEVEL)
    np.testing.assert_allclose(moved @ matrix[:, :2].T + matrix[:, 2], _LEVEL, atol=1e-5)
    assert similarity(np.zeros((5, 2), np.float32), _LEVEL) is None


def test_looks_tell_people_apart_and_know_them_again(clip, mtcnn):
    looks = []
    for name in ("real/talking_2.mp4", "real/one_face_speech_loud.mp4", "real/grid_bbaf2n.mpg"):
        images = clip(name, count=11).images[[0, 10]]
        found = mtcnn.detect(images)
        looks.append([look(i, f.boxes[0], f.landmarks[0]) for i, f in zip(images, found, strict=True)])
    for i, mine in enumerate(looks):
        assert mine[0] @ mine[1] > 0.82
        for other in looks[i + 1 :]:
            assert mine[0] @ other[0] < 0.82


def test_a_look_beyond_every_border_is_a_unit_vector():
    image = np.full((40, 40, 3), 90, np.uint8)
    for box in ([-200, -200, 20, 20], [0, 0, 40, 40], [10, 10, 1, 1]):
        vector = look(image, np.array(box, np.float32), np.zeros((5, 2), np.float32))
        assert np.isclose(np.linalg.norm(vector), 1, atol=1e-5)
