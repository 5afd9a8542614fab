"""Every file of the shared media is probed and decoded, and must be what is known about it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import MediaError, NotMedia
from mien.media.decode import Decoder
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.probe import extent, probe


@dataclass(frozen=True)
class Facts:
    """What is known of a file, beyond the shared manifest (None: nothing of that kind, or not stated)."""

    frames: int | None = None
    sound: float | None = None  # s of sound decoded, silence in gaps included
    sound_starts: float = 0.0
    pictures_start: float = 0.0
    streams: int | None = None
    rotation: int = 0
    partial: bool = False
    duration: float | None = -1.0  # −1: as decoded
    refused: type[MediaError] | None = None


FACTS = {
    "odd/-leading-dash-1x1px.mp4": Facts(frames=5, streams=1),
    "odd/animation.gif": Facts(frames=30, streams=1, duration=3.0),
    "odd/attached_picture.mp3": Facts(sound=1.007, streams=2),
    "odd/audio_only.m4a": Facts(sound=8.0),
    "odd/audio_only.mp3": Facts(sound=8.0),
    "odd/audio_only_16k.wav": Facts(sound=8.0),
    "odd/audio_only_in.mp4": Facts(sound=8.0),
    # 1.5 s less the 64 ms of silence with which the encoder begins.
    "odd/audio_starts_1.5s_late.mp4": Facts(frames=200, sound=8.064, sound_starts=1.436, duration=9.5),
    "odd/av1_video.mkv": Facts(frames=125, streams=1, duration=5.0),
    "odd/concat_8speakers_48s.mp4": Facts(frames=1173, sound=47.043, pictures_start=0.063),
    "odd/corrupt_bytes.mp4": Facts(frames=200, sound=8.0, partial=True),
    "odd/failing_audio.mp4": Facts(frames=280, sound=11.233),
    "odd/fps5_8khz.mp4": Facts(frames=40, sound=8.0),
    "odd/hevc10bit_5.1.mkv": Facts(frames=200, sound=8.016, pictures_start=0.008),
    "odd/no_audio.mp4": Facts(frames=200, streams=1, duration=8.0),
    "odd/no_duration.webm": Facts(frames=74, sound=4.86, sound_starts=0.015, duration=None),
    "odd/odd_dims.webm": Facts(frames=200, sound=8.0, pictures_start=0.002),
    "odd/odd_timebase_no_speech.mp4": Facts(frames=25, sound=2.416, rotation=180),
    "odd/old.avi": Facts(frames=200, sound=8.1),
    "odd/one_frame.mp4": Facts(frames=1, streams=1, duration=0.04),
    "odd/rotate180_metadata.mp4": Facts(frames=199, sound=6.577, rotation=180),
    "odd/rotate90_metadata.mp4": Facts(frames=199, sound=6.577, rotation=90),
    "odd/silent_audio_track.mp4": Facts(frames=200, sound=8.0),
    "odd/six_streams_nasa.mp4": Facts(frames=325, sound=13.056, streams=6),
    "odd/spaces & ünïcødé 视频 (1).avi": Facts(frames=200, sound=8.1),
    "odd/text_renamed.mp4": Facts(refused=NotMedia),
    "odd/truncated.mkv": Facts(frames=127, sound=5.12, pictures_start=0.064, partial=True, duration=8.064),
    "odd/truncated_faststart_half.mp4": Facts(frames=92, sound=3.712, partial=True, duration=8.0),
    "odd/truncated_no_moov.mp4": Facts(refused=NotMedia),
    "odd/two_audio_tracks.mkv": Facts(frames=200, sound=8.064, streams=3, pictures_start=0.064),
    "odd/vfr.mkv": Facts(frames=107, sound=8.064, pictures_start=0.064),
    "odd/vfr_hevc_face_appears.mov": Facts(frames=169, sound=3.9455, duration=6.3786),
    "odd/zero_byte.mp4": Facts(refused=NotMedia),
    "real/hamilton_interview.mp4": Facts(frames=275, sound=10.008, pictures_start=0.844),
    "real/talking_1_vfr.mp4": Facts(frames=135, sound=6.107, pictures_start=0.033),
}  # fmt: skip

REAL = [
    "chaplin_black_and_white.mp4",
    "crowd_50fps.avi",
    "face_no_audio.mp4",
    "face_silent_track.mp4",
    "grid_bbaf2n.mpg",
    "grid_brbk7n.mpg",
    "grid_lbax4n.mpg",
    "grid_lrwp9a.mpg",
    "grid_sbia1a.mpg",
    "grid_swiz3n.mpg",
    "hamilton_interview.mp4",
    "one_face_speech_loud.mp4",
    "single_face_2s.mp4",
    "talking_1_vfr.mp4",
    "talking_2.mp4",
    "talking_4.mp4",
    "two_faces_talking.mp4",
    "weekly_address_hill.mp4",
]
NAMES = sorted(n for n in FACTS if n.startswith("odd/")) + [f"real/{name}" for name in REAL]


def manifest(shared: Path) -> dict[str, dict[str, str]]:
    with (shared / "media" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def packet_times(path: Path, index: int) -> list[float]:
    """Presentation times of a stream as its packets carry them, sorted, from the medium's beginning."""
    with av.open(f"file:{path}") as container:
        stamps = [p.pts * float(p.time_base) for p in container.demux(container.streams[index]) if p.pts is not None]
        starts = [
            s.start_time * float(s.time_base)
            for s in container.streams
            if s.type in ("audio", "video") and s.start_time is not None and not int(s.disposition) & 1024
        ]
    return [t - min(starts) for t in sorted(stamps)]


def test_no_file_is_left_out(shared):
    there = {f"{p.parent.name}/{p.name}" for kind in ("real", "odd") for p in (shared / "media" / kind).iterdir()}
    assert there == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_is_what_is_known_about_it(shared, name):
    path, facts, row = shared / "media" / name, FACTS.get(name, Facts()), manifest(shared).get(name)
    if facts.refused is not None:
        with pytest.raises(facts.refused) as caught:
            probe(path)
        message = str(caught.value)
        assert "\n" not in message
        assert message.endswith(path.name)
        return

    medium = probe(path)
    medium.check()
    with Decoder(medium) as decoder:
        shown, heard, count, ends = [], [], 0, None
        for piece in decoder:
            if isinstance(piece, FramePiece):
                shown.append(piece.time)
                assert piece.rotation == facts.rotation
            else:
                assert ends is None or piece.start == pytest.approx(ends, abs=1e-9)
                assert piece.samples.dtype == np.float32
                assert np.abs(piece.samples).max() <= 1.0
                heard.append(piece.start)
                count, ends = count + len(piece.samples), piece.end

    assert decoder.partial is facts.partial, decoder.damage
    if facts.streams is not None:
        assert len(medium.streams) == facts.streams
    frames = facts.frames if facts.frames is not None or row is None else int(row["frames"] or 0)
    assert len(shown) == (frames or 0)
    assert bool(shown) is (medium.video is not None)
    if shown:
        assert medium.video is not None
        assert shown[0] == pytest.approx(facts.pictures_start, abs=1e-3)
        assert (np.diff(shown) > 0).all()
        assert medium.video.rotation == facts.rotation
        if not facts.partial:
            np.testing.assert_allclose(shown, packet_times(path, medium.video.index), atol=1e-6)
    rate = medium.audio.sample_rate if medium.audio is not None else 1
    if facts.sound is not None:
        assert heard[0] == pytest.approx(facts.sound_starts, abs=1e-3)
        assert count / rate == pytest.approx(facts.sound, abs=1e-3)
    last = max(shown[-1] + 1.0 / medium.video.rate if shown and medium.video else 0.0, ends or 0.0)
    assert decoder.reached == pytest.approx(last, abs=0.1)
    if facts.duration is None:
        assert medium.duration is None
        assert medium.problems
        assert extent(path) == pytest.approx(last, abs=0.1)
    else:
        expected = facts.duration if facts.duration >= 0 else last
        assert medium.duration == pytest.approx(expected, abs=0.1)
    if row is not None:
        agrees_with(row, medium, last, name)


def agrees_with(row: dict[str, str], medium, last: float, name: str) -> None:
    """The shared manifest says the same (in six_streams_nasa it counts subtitles, which last longer)."""
    if row["size"] != "x":
        assert medium.video is not None
        assert f"{medium.video.width}x{medium.video.height}" == row["size"]
        assert medium.video.codec == row["video"]
    if row["audio_rate"]:
        assert medium.audio is not None
        assert medium.audio.sample_rate == int(row["audio_rate"])
        assert medium.audio.channels == int(row["channels"])
        assert medium.audio.codec == row["audio"]
    elif row["size"] != "x":
        assert medium.audio is None
    if row["duration_s"] and "six_streams" not in name:
        assert last == pytest.approx(float(row["duration_s"]), abs=0.08)


def test_two_sound_tracks_can_be_chosen(shared):
    medium = probe(shared / "media/odd/two_audio_tracks.mkv")
    assert [s.index for s in medium.audios] == [1, 2]
    loudness = []
    for index in (1, 2):
        with Decoder(medium, audio=index, video=None) as decoder:
            sound = np.concatenate([p.samples for p in decoder if isinstance(p, AudioPiece)])
        loudness.append(sound.ravel())
    assert loudness[0].shape == loudness[1].shape
    assert not np.allclose(loudness[0], loudness[1])


def test_six_streams_and_their_default(shared):
    medium = probe(shared / "media/odd/six_streams_nasa.mp4")
    kinds = [s.kind for s in medium.streams]
    assert kinds == ["video", "audio", "subtitle", "video", "audio", "subtitle"]
    assert medium.video is not None
    assert medium.video.size == (320, 180)
    assert medium.choose_audio(4) == medium.streams[4]
    with Decoder(medium, audio=4, video=3) as decoder:
        pieces = list(decoder)
    assert sum(isinstance(p, FramePiece) for p in pieces) == 390
    assert next(p for p in pieces if isinstance(p, AudioPiece)).rate == 16_000


def test_a_cover_is_no_video(shared):
    medium = probe(shared / "media/odd/attached_picture.mp3")
    assert medium.streams[1].attached_picture
    assert medium.streams[1].kind == "video"
    assert medium.video is None
    assert medium.info().has_video is False


def test_damage_says_where(shared):
    with Decoder(shared / "media/odd/corrupt_bytes.mp4") as decoder:
        for _ in decoder:
            pass
    lost = [d for d in decoder.damage if d.lost]
    assert {d.stream for d in lost} == {0, 1}
    assert all(0.0 < d.start <= d.end <= 8.0 for d in lost)
    assert all("\n" not in str(d) for d in lost)


@pytest.mark.parametrize("folder", ["asr", "conversation"])
def test_recordings_are_decoded_to_the_sample(shared, folder):
    paths = sorted((shared / "media" / folder).glob("*.flac"))
    assert len(paths) >= 3
    for path in paths:
        with av.open(str(path)) as container:
            expected = container.streams.audio[0].duration
        with Decoder(path) as decoder:
            assert sum(len(p.samples) for p in decoder if isinstance(p, AudioPiece)) == expected
