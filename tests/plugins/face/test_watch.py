"""Watching video: one number per person through movement, absence and cuts, and nobody where nobody is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mien_plugins.face.found import iou
from mien_plugins.face.watch import Watcher

ONE = (1.0, 1.0)


def watched(mtcnn, times, images, block: int = 20, **how):
    watcher = Watcher(mtcnn, **how)
    sightings = []
    for start in range(0, len(times), block):
        sightings += watcher.watch(times[start : start + block], images[start : start + block], ONE)
    return watcher, sightings


def by_person(sightings):
    return Counter(s.person for s in sightings)


def beside(*clips):
    """Clips side by side, as long as the shortest, at 0.2 s a picture."""
    length = min(len(c.images) for c in clips)
    height = min(c.images.shape[1] for c in clips)
    images = np.concatenate([c.images[:length, :height] for c in clips], axis=2)
    return np.arange(length) * 0.2, images


@pytest.mark.parametrize("name", ["real/two_faces_talking.mp4", "real/face_silent_track.mp4", "real/talking_1_vfr.mp4"])
def test_one_person_keeps_one_number(clip, mtcnn, name):
    seen = clip(name)
    watcher, sightings = watched(mtcnn, seen.times, seen.images)
    assert by_person(sightings) == {1: len(seen.times)}
    assert watcher.searches <= 0.45 * len(seen.times)


def test_two_people_keep_two_numbers(clip, mtcnn):
    times, images = beside(clip("real/two_faces_talking.mp4"), clip("real/face_silent_track.mp4"))
    _, sightings = watched(mtcnn, times, images)
    assert by_person(sightings) == {1: len(times), 2: len(times)}
    for person in (1, 2):
        lefts = [s.box[0] for s in sightings if s.person == person]
        assert np.ptp(lefts) < 240


def test_a_face_appears_later(clip, mtcnn):
    seen = clip("odd/vfr_hevc_face_appears.mov")
    _, sightings = watched(mtcnn, seen.times, seen.images)
    assert set(by_person(sightings)) == {1}
    assert 3.0 < sightings[0].time < 4.6
    assert sightings[-1].time == seen.times[-1]


def test_the_same_person_after_absence_and_another_after_a_cut(clip, mtcnn):
    first, other = clip("real/talking_2.mp4").images[:6], clip("real/talking_1_vfr.mp4").images[:6]
    black = np.zeros_like(first)
    images = np.concatenate([first, black, first, other, first])
    times = np.arange(len(images)) * 0.2
    _, sightings = watched(mtcnn, times, images)
    shown = [[s.person for s in sightings if low <= s.time < low + 1.15] for low in (0, 1.2, 2.4, 3.6, 4.8)]
    assert shown == [[1] * 6, [], [1] * 6, [2] * 6, [1] * 6]


def test_blocks_of_any_length_give_the_same(clip, mtcnn):
    seen = clip("real/talking_2.mp4")
    _, whole = watched(mtcnn, seen.times, seen.images)
    _, pieces = watched(mtcnn, seen.times, seen.images, block=3)
    assert [(s.time, s.person) for s in whole] == [(s.time, s.person) for s in pieces]
    np.testing.assert_allclose([s.box for s in whole], [s.box for s in pieces], atol=1.0)


def test_followed_faces_lie_where_a_search_finds_them(clip, mtcnn):
    seen = clip("real/one_face_speech_loud.mp4", count=20)
    _, followed = watched(mtcnn, seen.times, seen.images, search=10.0)
    for sighting, found in zip(followed, mtcnn.detect(seen.images, 25), strict=True):
        assert iou(sighting.box[None], found.boxes)[0, 0] > 0.75


@pytest.mark.parametrize("name", ["odd/odd_timebase_no_speech.mp4", "odd/av1_video.mkv", "odd/-leading-dash-1x1px.mp4"])
def test_media_without_faces_show_none(clip, mtcnn, name):
    seen = clip(name, count=15)
    assert watched(mtcnn, seen.times, seen.images)[1] == []


def test_one_picture_is_enough(clip, mtcnn):
    seen = clip("odd/one_frame.mp4")
    assert by_person(watched(mtcnn, seen.times, seen.images)[1]) == {1: 1}


def test_boxes_are_pixels_of_the_upright_picture_and_inside_it(clip, mtcnn):
    seen = clip("real/talking_2.mp4", count=4)
    small = seen.images[:, ::2, ::2]
    full = Watcher(mtcnn).watch(seen.times, seen.images, ONE)
    half = Watcher(mtcnn).watch(seen.times, small, (2.0, 2.0))
    for a, b in zip(full, half, strict=True):
        assert iou(a.box[None], b.box[None])[0, 0] > 0.8
        assert np.abs(a.landmarks - b.landmarks).max() < 0.08 * a.box[2:].max()
    cropped = seen.images[:, :, seen.images.shape[2] // 2 - 30 :]
    for sighting in Watcher(mtcnn).watch(seen.times, cropped, ONE):
        x, y, w, h = sighting.box
        assert x >= 0
        assert y >= 0
        assert x + w <= cropped.shape[2] + 0.01
        assert y + h <= cropped.shape[1] + 0.01


def test_no_more_faces_than_asked_for(clip, mtcnn):
    times, images = beside(clip("real/two_faces_talking.mp4"), clip("real/face_silent_track.mp4"))
    _, sightings = watched(mtcnn, times[:5], images[:5], max_faces=1)
    assert max(Counter(s.time for s in sightings).values()) == 1
