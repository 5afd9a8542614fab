"""Bad input: one sentence, the right error, nothing fetched, nothing allocated for a lie."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
import time

import numpy as np
import pytest

from mien.errors import MediaEncrypted, MediaError, MediaMissing, NotMedia, ParameterError, shown
from mien.media.decode import Decoder
from mien.media.ffmpeg import ffmpeg_path
from mien.media.identity import content_id
from mien.media.opening import check_file, open_medium, refusal
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.probe import extent, probe


def sentence(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    assert "Traceback" not in text
    assert 20 < len(text) < 500
    return text


def refused(path, kind: type[MediaError]) -> str:
    with pytest.raises(kind) as caught:
        probe(path)
    with pytest.raises(kind):
        Decoder(path)
    return sentence(caught.value)


def test_missing_folder_empty_device(tmp_path):
    assert "no such file" in refused(tmp_path / "nothing.mp4", MediaMissing)
    assert "no such file" in refused(tmp_path / "a.mp4" / "b.mp4", MediaMissing)
    assert "no such file" in refused("a\0b.mp4", MediaMissing)
    assert "no such file" in refused("x" * 300, MediaMissing)
    assert "folder" in refused(tmp_path, NotMedia)
    (tmp_path / "empty.mp4").touch()
    assert "empty" in refused(tmp_path / "empty.mp4", NotMedia)
    assert "device" in refused("/dev/null", NotMedia)
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "pipe" in refused(tmp_path / "pipe.mp4", NotMedia)


def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.mp4"
    path.write_bytes(b"x")
    assert "permission" in sentence(refusal(PermissionError(13, "no"), path))
    assert "disk" in sentence(refusal(OSError(5, "no"), path))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("the superuser may read everything")
    assert "permission" in refused(path, MediaMissing)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"hello, this is a text about nothing in particular\n" * 50, "recognised"),
        (bytes(100_000), "zeros"),
        (np.random.default_rng(7).bytes(50_000), "recognised"),
        (b"\0\0\0\x20ftypisom" + bytes(5_000), "index"),
        (b"PK\x03\x04" + bytes(3_000), "recognised"),
    ],
)
def test_what_is_no_medium(tmp_path, content, word):
    path = tmp_path / "renamed.mp4"
    path.write_bytes(content)
    assert word in refused(path, NotMedia)


def test_a_picture_is_no_medium(tmp_path):
    cv2 = pytest.importorskip("cv2")
    for suffix in (".png", ".jpg"):
        path = tmp_path / f"photo{suffix}"
        path.write_bytes(cv2.imencode(suffix, np.zeros((32, 32, 3), np.uint8))[1].tobytes())
        assert "picture" in refused(path, NotMedia)


def test_playlists_fetch_and_open_nothing(make, tmp_path, sine):
    clip = make("clip.ts", sounds=[sine(0.5, 48_000)], acodec="mp2", rate=48_000)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        called = []
        thread = threading.Thread(target=lambda: called.append(_accepted(server)))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        for target in (url, str(clip), clip.name):
            for name, text in {
                "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n",
                "list.ffconcat": f"ffconcat version 1.0\nfile '{target}'\n",
                "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 9000 RTP/AVP 0\n",
            }.items():
                path = tmp_path / name
                path.write_text(text)
                refused(path, NotMedia)
        thread.join()
        assert called == [False]


def _accepted(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except TimeoutError:
        return False
    return True


AWKWARD = [
    "with spaces and 'quotes' \".mp4",
    "-i.mp4",
    "--help.mp4",
    "two\nlines\tand\rmore.mp4",
    "%d%05d%s.mp4",
    "http:__example.org_a.mp4",
    "concat:a|b.mp4",
    "ünïcødé 视频 🎬.mp4",
    "a;b&c$(d)`e`.mp4",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names(make, sine, name, monkeypatch, tmp_path):
    path = make(name, times=[0.0, 0.04], sounds=[sine(0.2, 16_000)])
    assert probe(path).video is not None
    monkeypatch.chdir(tmp_path)
    medium = probe(name)  # relative, so that a leading dash or a scheme stands first
    with Decoder(medium) as decoder:
        assert sum(isinstance(p, FramePiece) for p in decoder) == 2
    assert content_id(name) == medium.content_id()
    assert "\n" not in shown(name)


def test_a_name_in_no_encoding(make, sine):
    plain = make("plain.wav", sounds=[sine(0.1, 16_000)], acodec="pcm_s16le")
    raw = os.fsencode(plain.parent) + b"/\xff\xfe.wav"
    os.rename(plain, raw)
    with Decoder(os.fsdecode(raw)) as decoder:
        assert any(isinstance(p, AudioPiece) for p in decoder)
    shown(os.fsdecode(raw)).encode("utf-8")


def test_content_id_is_that_of_the_content(tmp_path):
    one, two, other = (tmp_path / name for name in ("a.mp4", "b.wav", "c.mp4"))
    one.write_bytes(b"x" * 3_000_000)
    two.write_bytes(b"x" * 3_000_000)
    other.write_bytes(b"x" * 2_999_999 + b"y")
    seen: list[float] = []
    assert content_id(one, seen.append) == content_id(two) != content_id(other)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    with pytest.raises(MediaMissing):
        content_id(tmp_path / "none")


def test_content_that_has_not_changed_is_read_once(tmp_path):
    file = tmp_path / "film.bin"
    file.write_bytes(bytes(3 << 20))
    seen: list[float] = []
    before = content_id(file)
    assert content_id(file, seen.append) == before
    assert len(seen) == 3  # so new that its times might not tell of a change that follows: read again
    long_ago = time.time() - 100.0
    os.utime(file, (long_ago, long_ago))
    time.sleep(2.1)  # the time at which its times were changed cannot be set
    content_id(file)
    seen.clear()
    assert content_id(file, seen.append) == before
    assert seen == [1.0]
    file.write_bytes(bytes(2 << 20) + bytes([1]) * (1 << 20))
    os.utime(file, (long_ago, long_ago))  # another content of the same size and age
    assert content_id(file) != before


def test_encrypted(make, sine, tmp_path):
    clear = make("clear.mp4", times=np.arange(25) / 25, vcodec="libx264", sounds=[sine(1.0, 44_100)], rate=44_100)
    path = tmp_path / "locked.mp4"
    key = [
        "-encryption_key",
        "76a6c65c5ea762046bd749a2e632ccbb",
        "-encryption_kid",
        "a7e61c373e219033c21091fa607bf3b8",
    ]
    subprocess.run(
        [
            str(ffmpeg_path()),
            "-v",
            "error",
            "-i",
            str(clear),
            "-c",
            "copy",
            "-encryption_scheme",
            "cenc-aes-ctr",
            *key,
            path,
        ],
        check=True,
    )
    medium = probe(path)
    assert all(s.encrypted and not s.readable for s in medium.streams)
    with pytest.raises(MediaEncrypted) as caught:
        medium.check()
    sentence(caught.value)
    with pytest.raises(MediaEncrypted):
        Decoder(path)


def test_sound_without_a_sample_and_without_streams(tmp_path):
    header = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    path = tmp_path / "nothing.wav"
    path.write_bytes(header + b"data" + struct.pack("<I", 0))
    with pytest.raises(NotMedia) as caught:
        list(Decoder(path))
    assert "Not one second" in sentence(caught.value)
    assert extent(path) == 0.0


def test_an_absurd_picture_is_not_allocated(tmp_path):
    """A GIF that announces 65,000 × 65,000 pixels in 60 bytes."""
    path = tmp_path / "vast.gif"
    frame = b"," + struct.pack("<HHHH", 0, 0, 65_000, 65_000) + b"\0" + b"\x02\x02\x4c\x01\0"
    path.write_bytes(b"GIF89a" + struct.pack("<HHBBB", 65_000, 65_000, 0x80, 0, 0) + bytes(6) + frame + b";")
    before = _peak_memory()
    with pytest.raises(NotMedia) as caught:
        probe(path).check()
    sentence(caught.value)
    assert _peak_memory() - before < 200 << 20


def _peak_memory() -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def test_only_cover_and_text_is_no_medium(make, tmp_path):
    path = tmp_path / "words.mkv"
    subtitles = tmp_path / "a.srt"
    subtitles.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    subprocess.run([str(ffmpeg_path()), "-v", "error", "-i", str(subtitles), str(path)], check=True)
    medium = probe(path)
    assert [s.kind for s in medium.streams] == ["subtitle"]
    with pytest.raises(NotMedia) as caught:
        medium.check()
    sentence(caught.value)


def test_a_stream_that_is_not_there(make, sine):
    medium = probe(make("clip.mkv", sounds=[sine(0.2, 16_000)], languages=["eng"]))
    for wanted in (7, "fra", "video"):
        with pytest.raises(ParameterError) as caught:
            medium.choose_audio(wanted)
        assert "0 (eng)" in sentence(caught.value)
    with pytest.raises(NotMedia):
        Decoder(medium, audio=7)
    with pytest.raises(NotMedia):
        Decoder(medium, video=0)


def test_opening_is_the_only_door(tmp_path):
    """The name is taken as a name, never as a URL."""
    with pytest.raises(MediaMissing):
        open_medium("http://localhost/a.mp4")
    with pytest.raises(MediaMissing):
        check_file("pipe:0")
