"""The annotated video: plays, lasts as long, keeps its sound, shows what the tracks say, fails cleanly."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import ExportError, MediaError
from mien.exchange.lettering import Letters, right_to_left
from mien.exchange.overlay import Overlay
from mien.exchange.params import VideoParams
from mien.exchange.readings_at import Faces, gauges
from mien.exchange.video import fitted, pictures, steady_rate
from mien.exchange.write import export
from mien.media.probe import probe
from mien.sdk import MediaInfo
from mien.sdk.protocols import Analysis
from mien.tracks import VALENCE, Boxes, Curve, Spans

Write = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[3]
BASE = Fraction(1, 12800)


def film(path: Path, times: list[float], end: float, sound: bool = True, size: tuple[int, int] = (320, 240)) -> Path:
    """A clip whose n-th picture is grey of level 40 + 10 n (mod 160), at the given times, with a tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt, video.time_base = *size, "yuv420p", BASE
        video.bit_rate, video.codec_context.time_base = 400_000, BASE
        audio = container.add_stream("aac", rate=16_000, layout="mono") if sound else None
        durations = np.diff([*times, end])
        for n, time in enumerate(times):
            grey = np.full((size[1], size[0], 3), 40 + 10 * (n % 16), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = round(time / BASE), BASE
            for packet in video.encode(frame):
                packet.duration = round(durations[n] / packet.time_base)
                container.mux(packet)
        container.mux(video.encode())
        if audio is not None:
            tone = (0.2 * np.sin(2 * np.pi * 220 * np.arange(int(end * 16_000)) / 16_000)).astype(np.float32)
            for start in range(0, tone.size - 1023, 1024):
                chunk = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
                chunk.sample_rate, chunk.pts, chunk.time_base = 16_000, start, Fraction(1, 16_000)
                container.mux(audio.encode(chunk))
            container.mux(audio.encode())
    return path


def spoken(path: Path, duration: float) -> Analysis:
    """A face, a word, a reading: enough to draw."""
    times = np.arange(0, duration, 0.2)
    person = np.zeros(times.size, np.int32)
    tracks = [
        Spans.of("speech.transcript", [(0.5, 1.5, "asr", "hello wörld 你好", 0.9, "Anna")]),
        Spans.of("speech.words", [(0.5, 0.8, "w", "hello"), (0.8, 1.1, "w", "wörld"), (1.1, 1.5, "w", "你好")]),
        Boxes(
            "face.boxes",
            times,
            person,
            np.tile([160.0, 100.0, 60.0, 60.0], (times.size, 1)),
            np.ones(times.size),
        ),
        Curve("emotion.attributes", times, np.full((times.size, 1), 0.5), (VALENCE,)),
    ]
    return Analysis(MediaInfo(path, duration, True, True, 320, 240, 25.0), {t.name: t for t in tracks}, path.name)


def steady(seconds: float) -> list[float]:
    return [n / 25 for n in range(round(seconds * 25))]


def decoded(path: Path) -> tuple[list[float], list[np.ndarray]]:
    with av.open(str(path)) as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    return [time for time, _ in frames], [image for _, image in frames]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "clip.mp4", steady(2.0), 2.0)


def test_it_plays_lasts_as_long_and_has_its_sound(clip: Path, written: Write) -> None:
    path = written(spoken(clip, 2.0), "video")
    assert path.name == "clip-mien.mp4"
    times, images = decoded(path)
    assert abs(times[-1] + 1 / 25 - 2.0) <= 1 / 25
    assert abs(len(times) - 50) <= 1
    assert images[0].shape[0] >= 360  # enlarged, so that text can be read
    with av.open(str(path)) as out, av.open(str(clip)) as source:
        assert out.streams.video[0].codec_context.name == "h264"
        sound, own = out.streams.audio[0], source.streams.audio[0]
        assert abs(float(sound.duration * sound.time_base - own.duration * own.time_base)) < 0.07
        heard = np.concatenate([frame.to_ndarray()[0] for frame in out.decode(audio=0)])
    spectrum = np.abs(np.fft.rfft(heard[4000:20_000]))
    assert abs(np.argmax(spectrum) * 16_000 / 16_000 - 220) <= 1


def test_it_shows_boxes_words_and_bars(clip: Path, written: Write) -> None:
    analysis = spoken(clip, 2.0)
    _, drawn = decoded(written(analysis, "video"))
    _, bare = decoded(written(analysis, "video", boxes=False, caption=False, bars=""))

    def differs(frame: int, rows: slice, columns: slice) -> float:
        changed = np.abs(drawn[frame].astype(int) - bare[frame].astype(int)).max(-1) > 24
        height, width = changed.shape
        part = changed[
            round(rows.start * height) : round(rows.stop * height),
            round(columns.start * width) : round(columns.stop * width),
        ]
        return float(part.mean())

    assert differs(25, slice(0.02, 0.1), slice(0.02, 0.3)) > 0.3  # the bars, top left
    assert differs(25, slice(0.85, 0.95), slice(0.3, 0.7)) > 0.3  # the caption, while she speaks
    assert differs(5, slice(0.85, 0.95), slice(0.3, 0.7)) < 0.01  # and not before
    assert differs(25, slice(0.41, 0.43), slice(0.5, 0.69)) > 0.15  # the upper edge of the face's box
    assert differs(25, slice(0.5, 0.6), slice(0.55, 0.65)) < 0.01  # the face itself is left alone


def test_variable_rate_shows_the_nearest_earlier_picture(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.5, 1.0, 1.04, 1.4]
    path = film(tmp_path / "vfr.mp4", times, 2.0)
    medium = probe(path)
    for time, picture in pictures(medium, (320, 240), Fraction(25)):
        grey = float(picture.mean())
        due = max(n for n, t in enumerate(times) if t <= time + 0.011)
        assert abs(grey - (40 + 10 * due)) < 5, time
    count = sum(1 for _ in pictures(medium, (320, 240), Fraction(25)))
    assert abs(count - 50) <= 1


def test_sound_that_begins_later_stays_where_it_is(shared: Path, written: Write) -> None:
    source = shared / "media" / "odd" / "audio_starts_1.5s_late.mp4"
    with av.open(str(written(spoken(source, 9.5), "video", max_height=120))) as out:
        sound = out.streams.audio[0]
        assert abs(float(sound.start_time * sound.time_base) - 1.5) < 0.1
        assert abs(float(out.streams.video[0].duration * out.streams.video[0].time_base) - 8.0) <= 0.04


def test_a_rotated_source_comes_out_upright(shared: Path) -> None:
    medium = probe(shared / "media" / "odd" / "rotate90_metadata.mp4")
    assert medium.video is not None
    assert medium.video.rotation in (90, 270)
    _, picture = next(pictures(medium, (140, 140), Fraction(25)))
    with av.open(str(medium.path)) as container:
        coded = next(container.decode(video=0)).to_ndarray(format="rgb24")[2::5, 2::5]
    turned = np.rot90(coded, medium.video.rotation // 90)
    assert np.abs(picture.astype(int) - turned[:140, :140]).mean() < 12
    assert np.abs(picture.astype(int) - coded[:140, :140]).mean() > 20


def test_without_sound_and_with_one_picture(tmp_path: Path, written: Write) -> None:
    path = film(tmp_path / "-one\n.mp4", [0.0], 0.05, sound=False, size=(64, 48))
    times, _ = decoded(written(spoken(path, 0.05), "video"))
    assert len(times) >= 1


def test_sound_alone_is_refused(shared: Path, tmp_path: Path, exporters: dict) -> None:
    for name in ("audio_only.m4a", "attached_picture.mp3"):
        source = shared / "media" / "odd" / name
        with pytest.raises(ExportError, match="There is no video to draw on"):
            export(spoken(source, 5.0), ["video"], tmp_path / "out", exporters)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_no_medium_is_refused(tmp_path: Path, exporters: dict) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(MediaError):
        export(spoken(path, 5.0), ["video"], tmp_path / "out", exporters)
    assert list((tmp_path / "out").iterdir()) == []


_FULL = """
    import resource, sys
    from pathlib import Path
    import av, numpy as np
    sys.path.insert(0, {tests!r})
    import test_video
    from mien.errors import StorageError
    from mien.exchange import info
    from mien.exchange.write import export
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))  # no file may grow beyond 8 KiB
    try:
        analysis = test_video.spoken(Path({medium!r}), 2.0)
        export(analysis, ["video"], Path({out!r}), {{entry.id: entry for entry in info.ALL}})
    except StorageError as error:
        print(error)
"""


def test_a_full_disk_leaves_no_half_video(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tests = str(Path(__file__).parent)
    script = textwrap.dedent(_FULL.format(tests=tests, medium=str(clip), out=str(out)))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The disk is full")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("size", "highest", "result"),
    [
        ((1920, 1080), 1080, (1920, 1080)),
        ((3840, 2160), 1080, (1920, 1080)),
        ((320, 240), 1080, (480, 360)),
        ((320, 240), 120, (160, 120)),
        ((1, 1), 1080, (360, 360)),
        ((201, 401), 1080, (200, 400)),
        ((4000, 8), 1080, (3840, 8)),
    ],
)
def test_sizes(size: tuple[int, int], highest: int, result: tuple[int, int]) -> None:
    assert fitted(size, highest) == result


def test_rates() -> None:
    assert steady_rate(30000 / 1001, 60) == Fraction(30000, 1001)
    assert steady_rate(0.0, 60) == 25
    assert steady_rate(1.0, 60) == 10
    assert steady_rate(240.0, 60) == 60
    assert steady_rate(1.0, 5) == 5


def test_faces_move_between_detections_and_go_when_they_go() -> None:
    times = np.array([0.0, 0.2, 0.4, 3.0])
    boxes = Boxes(
        "face.boxes",
        times,
        [3, 3, 3, 3],
        [[0, 0, 10, 10], [20, 0, 10, 10], [40, 0, 10, 10], [0, 0, 9, 9]],
        [1] * 4,
    )
    faces = Faces(Analysis(MediaInfo(Path("x")), {"face.boxes": boxes}))
    assert faces.at(0.1)[0].box[0] == pytest.approx(10)
    assert faces.at(1.5) == []
    assert faces.at(3.0)[0].person == 3


def test_gauges_say_nothing_where_nothing_was_read() -> None:
    curve = Curve("emotion.attributes", [0.0, 1.0, 2.0], [[0.1], [np.nan], [0.3]], (VALENCE,))
    gauge = gauges(Analysis(MediaInfo(Path("x")), {curve.name: curve}), ["valence", "nothing"])
    assert len(gauge) == 1
    assert gauge[0].at(0.2) == pytest.approx(0.1)
    assert gauge[0].at(9.0) is None


def test_drawing_survives_hostile_text_and_boxes_outside(hostile_analysis: Analysis) -> None:
    boxes = Boxes("face.boxes", [0.0, 0.0], [1, 2], [[-500, -500, 20, 20], [5000, 5000, 9, 9]], [1, 1])
    analysis = replace(hostile_analysis, tracks={**hostile_analysis.tracks, "face.boxes": boxes})
    for size in ((640, 360), (130, 130), (16, 16)):
        overlay = Overlay(analysis, size, VideoParams(), 0.7)
        image = np.zeros((size[1], size[0], 3), np.uint8)
        for time in np.arange(0, 9, 0.5):
            overlay.draw(image, float(time))
    assert right_to_left("مرحبا")
    assert not right_to_left("hello")
    assert Letters(20).width("wide word") > Letters(20).width("word") > Letters(20).width("") == 0
