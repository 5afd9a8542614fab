"""Media: FFmpeg opens one local file of a kind we read and nothing that it names; no size in it is believed."""

from __future__ import annotations

import ast
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mien.media.ffmpeg import ffmpeg_path

ROOT = Path(__file__).resolve().parents[2]
SECRET = "secret.ts"


@pytest.fixture
def secret(tmp_path: Path, make_clip: Any) -> Path:
    """A file that no playlist may lead to."""
    return make_clip(tmp_path / SECRET, 1.0)


def _playlists(target: str) -> dict[str, bytes]:
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">'
        f'<Period><AdaptationSet mimeType="video/mp2t"><Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>"
    )
    return {
        "hls": hls.encode(),
        "hls behind a byte order mark": b"\xef\xbb\xbf" + hls.encode(),
        "hls behind an ID3 tag": b"ID3\x04\0\0\0\0\0\0" + hls.encode(),
        "hls before a transport stream": hls.encode().ljust(188 * 3, b"\n") + (b"\x47" + bytes(187)) * 50,
        "concat": f"ffconcat version 1.0\nfile '{target}'\n".encode(),
        "dash": dash.encode(),
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 9000 RTP/AVP 0\na={target}\n".encode(),
        "asf reference": f"[Reference]\nRef1={target}\n".encode(),
        "ram": f"{target}\n".encode(),
        "rtsp of old": f"rtsptext\n{target}\n".encode(),
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{target}"/></svg>'.encode(),
    }


TARGETS = (
    "secret.ts", "file:secret.ts", "/etc/passwd", "http://127.0.0.1:9/a.ts", "subfile,,start,0,end,0,,:secret.ts",
    "concat:secret.ts|secret.ts", "data:video/mp2t;base64,R0AAEAAAsA0AAcEAAA==", "crypto:secret.ts", "tcp://127.0.0.1:9",
)  # fmt: skip


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi", "clip.m3u8", "clip.wav"])
def test_a_playlist_in_disguise_opens_nothing(
    attack: Callable[..., Any], victim: Any, secret: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    for target in TARGETS:
        for kind, content in _playlists(target).items():
            path.write_bytes(content)
            outcome = attack("medium", path)
            outcome.bounded(mib=50)
            assert outcome.mien, f"{kind} to {target}: {outcome.value}"
    if not victim.trapped:
        pytest.skip("here the kernel cannot be told to kill who opens a socket")


def test_a_film_that_refers_to_other_files_does_not_open_them(
    attack: Callable[..., Any], make_clip: Any, tmp_path: Path
) -> None:
    """QuickTime may keep its samples in another file (`dref` with an alias or a URL)."""
    whole = make_clip(tmp_path / "whole.mov", 1.0)
    content = whole.read_bytes()
    for kind, said in ((b"url ", b"file:///etc/passwd\0"), (b"alis", b"\0" * 150), (b"rsrc", b"secret\0")):
        entry = struct.pack(">I4sI", 12 + len(said), kind, 0) + said  # flags 0: not in this file
        place = content.find(b"dref")
        assert place > 0
        size = struct.unpack(">I", content[place - 4 : place])[0]
        changed = content[: place + 8] + struct.pack(">I", 1) + entry[: max(0, size - 16)].ljust(size - 16, b"\0")
        path = tmp_path / "refers.mov"
        path.write_bytes(changed + content[place - 4 + size :])
        attack("medium", path).bounded()


@pytest.mark.parametrize("kind", ["hls", "concat"])
def test_ffmpeg_the_program_opens_no_playlist_either(
    attack: Callable[..., Any], secret: Path, make_clip: Any, tmp_path: Path, kind: str
) -> None:
    """The medium becomes a playlist between the look at it and the export."""
    clip = make_clip(tmp_path / "clip.mp4", 1.0)
    for target in (SECRET, str(secret), "http://127.0.0.1:9/a.ts"):
        disguise = tmp_path / "list.m3u8"
        disguise.write_bytes(_playlists(target)[kind])
        outcome = attack("video", clip, disguise, tmp_path / "out.mp4")
        outcome.refused("ffmpeg could not write the video")
        clip = make_clip(clip, 1.0)
    assert attack("video", clip, clip, tmp_path / "out.mp4").value > 1000  # what changed into itself is rendered


def test_the_program_opens_what_we_do_not_protect(secret: Path, tmp_path: Path) -> None:
    """The same playlist without our options: the attack works."""
    (tmp_path / "clip.mp4").write_bytes(_playlists(SECRET)["concat"])
    command = [str(ffmpeg_path()), "-v", "error", "-i", "clip.mp4", "-f", "null", "-"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0


def test_media_are_opened_in_one_place_only() -> None:
    """Every `av.open` for reading goes through `mien.media.opening`, which has the lists of what may be opened."""
    for room in ("core", "plugins/mien_plugins", "desktop"):
        for path in sorted((ROOT / room).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            doors = ("av.open", "VideoCapture", "torchaudio.load", "ffmpeg.")
            for node in ast.walk(ast.parse(source)) if any(door in source for door in doors) else ():
                if isinstance(node, ast.Call):
                    name = ast.unparse(node.func)
                    assert name not in ("cv2.VideoCapture", "torchaudio.load", "ffmpeg.probe"), path
                    if name == "av.open" and path.name != "opening.py":
                        assert len(node.args) > 1, f"{path}:{node.lineno}"
                        assert ast.unparse(node.args[1]) == "'w'", f"{path}:{node.lineno}"
                    if name == "ffmpeg.input":
                        given = [ast.unparse(k.value) for k in node.keywords if k.arg is None]
                        piped = bool(node.args) and ast.unparse(node.args[0]) == "'pipe:'"
                        assert piped or "LOCAL_ONLY" in given, f"{path}:{node.lineno}"


# -- sizes -----------------------------------------------------------------------------------------------------------


def test_sound_of_64_bits_is_sound(attack: Callable[..., Any], tmp_path: Path) -> None:
    """Found by the attack above: PyAV makes no array of it."""
    path = tmp_path / "long.wav"
    path.write_bytes(wav(16_000, 2, 64, data=np.full(64_000, 1 << 62, np.int64).tobytes()))
    outcome = attack("medium", path)
    assert outcome.value[0] == pytest.approx(2.0, abs=0.01), outcome.error


def wav(rate: int, channels: int = 1, bits: int = 16, data: bytes = bytes(64_000), claimed: int | None = None) -> bytes:
    """A WAV file whose header may say anything."""
    size = len(data) if claimed is None else claimed
    align = channels * bits // 8 & 0xFFFF
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * align & 0xFFFFFFFF, align, bits)
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + size, 0xFFFFFFFF))
        + b"WAVE"
        + head
        + b"data"
        + struct.pack("<I", size)
        + data
    )


@pytest.mark.parametrize("rate", [0, 1, 7, 999, 10_000_000, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
def test_no_rate_beyond_sound_is_resampled(attack: Callable[..., Any], tmp_path: Path, rate: int) -> None:
    path = tmp_path / "rate.wav"
    path.write_bytes(wav(rate))
    outcome = attack("medium", path)
    outcome.bounded(mib=60)
    outcome.refused()


@pytest.mark.parametrize(("channels", "bits"), [(65_535, 16), (0, 16), (512, 64), (1, 0), (1, 65_535), (4096, 8)])
def test_no_number_of_channels_is_believed(
    attack: Callable[..., Any], tmp_path: Path, channels: int, bits: int
) -> None:
    path = tmp_path / "channels.wav"
    path.write_bytes(wav(96_000, channels, bits))
    attack("medium", path).bounded(mib=150)


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 1 << 31])
def test_sound_that_claims_four_gigabytes_is_as_long_as_it_is(
    attack: Callable[..., Any], tmp_path: Path, claimed: int
) -> None:
    path = tmp_path / "claims.wav"
    path.write_bytes(wav(16_000, claimed=claimed))
    outcome = attack("medium", path)
    outcome.bounded(mib=60)
    assert outcome.value[0] == pytest.approx(2.0, abs=0.01)


def _png(width: int, height: int, rows: int = 40, kind: int = 6, depth: int = 16) -> bytes:
    """A picture whose header may say anything, with a little of what it promises."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    line = bytes(1 + 8 * min(width, 100_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(line * rows)) + chunk(b"IEND", b"")
    )


def _jpeg(width: int, height: int) -> bytes:
    """A picture of 16 × 16 pixels whose header says otherwise."""
    cv2 = pytest.importorskip("cv2")
    data = bytearray(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes())
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _wrapped(path: Path, codec: str, pictures: list[bytes], sound: bool = True) -> Path:
    """Pictures as they are in a Matroska or AVI file that says 64 × 64."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = {"mjpeg": "yuvj420p"}.get(codec, "rgb24")
        audio = out.add_stream("pcm_s16le", rate=16_000, layout="mono") if sound else None
        for n, picture in enumerate(pictures):
            packet = av.Packet(picture)
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = n
            packet.duration, packet.is_keyframe = 1, True
            out.mux(packet)
        if audio is not None:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600 * len(pictures)), np.int16), "s16", "mono")
            frame.sample_rate = 16_000
            for packet in [*audio.encode(frame), *audio.encode(None)]:
                out.mux(packet)
    return path


def _good(codec: str) -> bytes:
    cv2 = pytest.importorskip("cv2")
    suffix = ".jpg" if codec == "mjpeg" else ".png"
    return bytes(cv2.imencode(suffix, np.full((64, 64, 3), 90, np.uint8))[1].tobytes())


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a PNG of 60,000 x 60,000": ("png", lambda: _png(60_000, 60_000)),
    "a PNG of 2^31 - 1 x 1": ("png", lambda: _png((1 << 31) - 1, 1)),
    "a PNG of 26,000 x 26,000": ("png", lambda: _png(26_000, 26_000, kind=2, depth=8)),
    "a JPEG of 65,500 x 65,500": ("mjpeg", lambda: _jpeg(65_500, 65_500)),
    "a JPEG of 65,500 x 1": ("mjpeg", lambda: _jpeg(65_500, 1)),
}


@pytest.mark.parametrize("what", BOMBS)
@pytest.mark.parametrize("first", [True, False])
def test_a_picture_that_grows_in_mid_stream_is_left_out(
    attack: Callable[..., Any], tmp_path: Path, what: str, first: bool
) -> None:
    codec, bomb = BOMBS[what]
    pictures = [_good(codec)] * 12
    pictures[0 if first else 6] = bomb()
    for suffix in (".mkv" if codec == "mjpeg" else ".mov", ".avi"):
        path = _wrapped(tmp_path / f"grows{suffix}", codec, pictures)
        outcome = attack("medium", path)
        outcome.bounded(mib=150)
        assert outcome.value is not None, outcome.error
        assert outcome.value[0] == pytest.approx(1.2, abs=0.1)
        assert outcome.value[1] >= 10


def test_pictures_that_change_their_size_are_all_seen(attack: Callable[..., Any], tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    sizes = [(64, 64), (2, 2), (640, 16), (16, 640), (1, 1), (64, 64)]
    pictures = [bytes(cv2.imencode(".png", np.zeros((h, w, 3), np.uint8))[1].tobytes()) for w, h in sizes]
    outcome = attack("medium", _wrapped(tmp_path / "sizes.mov", "png", pictures))
    outcome.bounded(mib=60)
    assert outcome.value[1] == len(sizes)


@pytest.mark.parametrize("size", [(60_000, 60_000), (26_000, 26_000), (32_768, 4_096)])
def test_a_cover_of_absurd_size_is_not_unpacked(
    attack: Callable[..., Any], tmp_path: Path, size: tuple[int, int]
) -> None:
    """FFmpeg looks into covers to find out what they are; 26,000 × 26,000 would be 2 GB."""
    cover = _png(*size, kind=2, depth=8)
    picture = b"\0image/png\0\x03\0" + cover
    frame = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    length = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    mp3 = tmp_path / "plain.mp3"
    with av.open(str(mp3), "w") as out:
        stream = out.add_stream("mp3", rate=44_100, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 44_100), np.float32), "fltp", "mono")
        sound.sample_rate = 44_100
        for packet in [*stream.encode(sound), *stream.encode(None)]:
            out.mux(packet)
    path = tmp_path / "covered.mp3"
    path.write_bytes(b"ID3\x03\0\0" + length + frame + mp3.read_bytes()[mp3.read_bytes().index(b"\xff\xfb") :])
    outcome = attack("medium", path)
    outcome.bounded(mib=450)  # a picture of 134 megapixels is as large as one may be
    assert outcome.value[0] == pytest.approx(1.0, abs=0.2)


def _gif(width: int, height: int, frames: int) -> bytes:
    frame = b"," + struct.pack("<HHHH", 0, 0, width, height) + b"\0" + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b";"


def test_a_gif_of_sixty_bytes_is_not_gigabytes(attack: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "vast.gif"
    for width, height in ((65_000, 65_000), (65_535, 1), (60_000, 60_000)):
        path.write_bytes(_gif(width, height, 3))
        outcome = attack("medium", path)
        outcome.bounded(mib=100)
        outcome.refused()


def _variants() -> Iterator[tuple[str, bytes]]:
    """Headers with their sizes at the ends of their range."""
    largest = b"\xff" * 8
    yield "an MP4 box of 2^64 bytes", struct.pack(">I4sI4s", 16, b"ftyp", 0, b"isom") + b"\0\0\0\x01mdat" + largest
    yield "an MP4 box inside of itself", struct.pack(">I4s", 16, b"ftyp") + b"isom\0\0\0\0" + b"\0\0\0\x08moov" * 20_000
    yield "an MKV element of 2^56 bytes", b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + bytes(1000)
    yield "an AVI list of 4 GiB", b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xffhdrl" + bytes(1000)
    yield "a FLAC block of 16 MiB", b"fLaC\x84\xff\xff\xff" + bytes(1000)
    yield "an ID3 tag of 256 MiB", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(1000)
    yield "an Ogg page of many pages", (b"OggS\0\x02" + bytes(20) + b"\xff" + b"\xff" * 255) * 100
    yield "a W64 of 2^63 bytes", b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0" + largest + b"wave" + bytes(500)
    yield "an AIFF of 4 GiB", b"FORM\xff\xff\xff\xffAIFFCOMM\xff\xff\xff\xff" + bytes(500)
    yield "an AU of 4 GiB", b".snd\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x01\x7f\xff\xff\xff\0\0\x00\x01" + bytes(500)
    yield "a Y4M of vast pictures", b"YUV4MPEG2 W999999999 H999999999 F25:1\nFRAME\n" + bytes(500)
    yield "a Y4M of large pictures", b"YUV4MPEG2 W30000 H30000 F25:1 C444\nFRAME\n" + bytes(500)
    yield (
        "an IVF of vast pictures",
        b"DKIF\0\0\x20\0VP80\xff\xff\xff\xff" + bytes(16) + b"\xff\xff\xff\x7f" + bytes(500),
    )


@pytest.mark.parametrize(("what", "content"), list(_variants()), ids=[what for what, _ in _variants()])
def test_no_header_makes_room_for_what_it_claims(
    attack: Callable[..., Any], tmp_path: Path, what: str, content: bytes
) -> None:
    path = tmp_path / "claims.mp4"
    path.write_bytes(content)
    outcome = attack("medium", path)
    outcome.bounded(mib=100)
    outcome.refused()
