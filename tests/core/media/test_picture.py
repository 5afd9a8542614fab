"""Frames to pictures: upright as ffmpeg shows them, square pixels, and a scale that leads back."""

from __future__ import annotations

import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from mien.media.decode import Decoder
from mien.media.ffmpeg import ffmpeg_path
from mien.media.picture import to_rgb
from mien.media.pieces import FramePiece
from mien.media.probe import probe, quarter_turns


def first_frame(path) -> FramePiece:
    with Decoder(path, audio=None) as decoder:
        return next(p for p in decoder if isinstance(p, FramePiece))


def quadrants(width=64, height=48):
    """A picture whose corners tell how it is turned: red, green / blue, white."""
    picture = np.zeros((height, width, 3), np.uint8)
    h, w = height // 2, width // 2
    picture[:h, :w] = (250, 0, 0)
    picture[:h, w:] = (0, 250, 0)
    picture[h:, :w] = (0, 0, 250)
    picture[h:, w:] = 250
    return av.VideoFrame.from_ndarray(picture, format="rgb24"), picture


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_turned_upright(rotation):
    frame, picture = quadrants()
    upright, scale = to_rgb(frame, None, rotation)
    np.testing.assert_array_equal(upright, np.rot90(picture, rotation // 90))
    assert scale == (1.0, 1.0)
    assert upright.flags.c_contiguous


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_written_is_rotation_read(make, rotation):
    path = make("turned.mp4", times=[0.0, 0.04], vcodec="libx264", rotation=rotation)
    medium = probe(path)
    assert medium.video is not None
    assert medium.video.rotation == rotation
    assert medium.video.size == ((48, 64) if rotation in (90, 270) else (64, 48))
    assert first_frame(path).rotation == rotation
    assert medium.info().width == medium.video.size[0]


@pytest.mark.parametrize("name", ["odd/rotate90_metadata.mp4", "odd/rotate180_metadata.mp4", "odd/hevc10bit_5.1.mkv"])
def test_looks_as_ffmpeg_shows_it(shared, name):
    path = shared / "media" / name
    piece = first_frame(path)
    ours, _ = to_rgb(piece.frame, None, piece.rotation)
    source = ["-i", f"file:{path}", "-frames:v", "1"]
    command = [str(ffmpeg_path()), "-v", "error", *source, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    theirs = np.frombuffer(raw, np.uint8).reshape(ours.shape)
    assert np.abs(ours.astype(int) - theirs).mean() < 2.0


def test_scale_leads_back_and_small_pictures_stay():
    frame, _ = quadrants(640, 360)
    small, scale = to_rgb(frame, 160)
    assert small.shape == (90, 160, 3)
    assert scale == (4.0, 4.0)
    turned, scale = to_rgb(frame, 160, 90)
    assert turned.shape == (160, 90, 3)
    assert scale == (4.0, 4.0)
    same, scale = to_rgb(frame, 4_000)
    assert same.shape == (360, 640, 3)
    assert scale == (1.0, 1.0)
    odd, scale = to_rgb(frame, 101)
    assert odd.shape == (57, 101, 3)
    assert scale == (pytest.approx(640 / 101), pytest.approx(360 / 57))


def test_pixels_are_made_square():
    frame, _ = quadrants(72, 57)
    picture, scale = to_rgb(frame, None, 0, aspect=16 / 15)
    assert picture.shape == (57, 77, 3)
    assert scale == (1.0, 1.0)


def test_a_kept_reformatter_changes_nothing(make):
    path = make("clip.mp4", times=[0.0, 0.04, 0.08], vcodec="libx264", size=(320, 240), noisy=True)
    keep = VideoReformatter()
    with Decoder(path, audio=None) as decoder:
        for piece in decoder:
            for side in (100, None):
                alone, _ = to_rgb(piece.frame, side)
                kept, _ = to_rgb(piece.frame, side, reformatter=keep)
                np.testing.assert_array_equal(alone, kept)


def test_anamorphic_video_is_seen_as_players_show_it(make):
    medium = probe(make("wide.mkv", times=[0.0, 0.04], vcodec="libx264", size=(72, 58), aspect=Fraction(16, 15)))
    assert medium.video is not None
    assert (medium.video.width, medium.video.height) == (72, 58)
    assert medium.video.size == (medium.info().width, medium.info().height) == (77, 58)
    piece = first_frame(medium.path)
    picture, scale = to_rgb(piece.frame, None, piece.rotation, piece.aspect)
    assert picture.shape == (58, 77, 3)
    assert scale == (1.0, 1.0)


def test_one_pixel():
    frame = av.VideoFrame.from_ndarray(np.full((1, 1, 3), 200, np.uint8), format="rgb24")
    assert to_rgb(frame, 320)[0].shape == (1, 1, 3)


def test_colours_are_those_of_the_standard():
    """Pure red in BT.601 below 720 lines, in BT.709 from there on, where the file does not say."""
    for height, (y, u, v) in ((48, (81, 90, 240)), (720, (63, 102, 240))):
        frame = av.VideoFrame(64, height, "yuv444p")
        for plane, value in zip(frame.planes, (y, u, v), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        picture, _ = to_rgb(frame)
        np.testing.assert_allclose(picture.reshape(-1, 3).mean(0), (255, 0, 0), atol=3)


def test_quarter_turns():
    assert [quarter_turns(d) for d in (0, 90, -90, 180, -180, 89.6, -270)] == [0, 90, 270, 180, 180, 90, 90]
