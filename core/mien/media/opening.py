"""Open a file for reading: only a local one, only as a kind that we read, and never more than we can hold.

FFmpeg opens nearly everything, playlists that fetch from the network among it. What is opened here is a
regular file given by its name alone (`file:` in front, so that no character in it has a meaning), read by one
of the demuxers below.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from mien.errors import MediaError, MediaMissing, NotMedia, shown

# Containers and raw streams of sound and moving pictures. What is left out on purpose: playlists (hls, dash,
# concat: they name other files), devices, text that FFmpeg would draw (tty), tracker scores, still pictures.
DEMUXERS = (
    "mov", "matroska", "avi", "mpeg", "mpegts", "mpegvideo", "gif", "wav", "w64", "flac", "mp3", "aac",
    "ogg", "flv", "asf", "aiff", "au", "caf", "ac3", "eac3", "dts", "truehd", "amr", "wv", "ape", "tta",
    "tak", "mpc", "mpc8", "dsf", "voc", "h264", "hevc", "vvc", "obu", "av1", "ivf", "m4v", "mjpeg",
    "vc1", "mxf", "gxf", "dv", "rm", "nut", "nsv", "wtv", "yuv4mpegpipe", "apng", "webp_anim",
)  # fmt: skip

MAX_SIDE = 32_768
"""Widest or tallest picture that is decoded, in pixels."""

MAX_PIXELS = 1 << 27
"""Largest picture that is decoded: 134 megapixels, four times 8K. Asked for before anything is allocated."""

RATES = (1_000, 3_072_000)
"""Lowest and highest sampling rate of sound that is decoded, Hz. At 1 Hz a packet of a few kB would become hours."""

MAX_SAMPLES = 50_000_000
"""Most samples a second of all channels together."""

LOCAL_ONLY = {"protocol_whitelist": "file", "format_whitelist": ",".join(DEMUXERS)}
"""Options of FFmpeg, the library and the program, that let it open nothing but the named file, as one of these kinds."""

_OPTIONS = {**LOCAL_ONLY, "max_pixels": str(MAX_PIXELS)}


def is_sound(rate: int, channels: int) -> bool:
    """Whether sound of that rate (Hz) and so many channels is decoded."""
    return RATES[0] <= rate <= RATES[1] and channels > 0 and rate * channels <= MAX_SAMPLES


def check_file(path: str | os.PathLike[str]) -> Path:
    """The path, if a regular file with something in it stands there and may be read.

    Raises:
        MediaMissing: nothing there, or it may not be opened.
        NotMedia: a folder, a device, an empty file.
    """
    path = Path(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            os.scandir(path).close()  # one that may not be read is told as such
            raise NotMedia(f"This is a folder, not a medium; name the files in it: {shown(path)}")
        if not stat.S_ISREG(status.st_mode):
            raise NotMedia(f"This is a device or a pipe; save the medium as a file first: {shown(path)}")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise refusal(error, path) from error
    if status.st_size == 0:
        raise NotMedia(f"The file is empty (0 bytes); copy or download it again: {shown(path)}")
    return path


def refusal(error: OSError | ValueError, path: Path) -> MediaError:
    """The sentence for what the operating system said when the file was to be opened."""
    code = error.errno if isinstance(error, OSError) else errno.ENOENT
    if code in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return MediaMissing(f"There is no such file; check the name: {shown(path)}")
    if code in (errno.EACCES, errno.EPERM):
        return MediaMissing(f"The file may not be read; ask for the permission to read it: {shown(path)}")
    return MediaMissing(f"The file cannot be opened ({os.strerror(code or errno.EIO)}); check its disk: {shown(path)}")


def open_medium(path: str | os.PathLike[str]) -> InputContainer:
    """Open a medium and read its headers; the caller closes it.

    Raises:
        MediaMissing, NotMedia: one sentence each, see `check_file`.
    """
    path = check_file(path)
    try:
        container = av.open(f"file:{path}", "r", options=dict(_OPTIONS), metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise NotMedia(_why_unreadable(path, error)) from error
    except OSError as error:
        raise refusal(error, path) from error
    if not isinstance(container, InputContainer):  # pragma: no cover - mode "r" always gives one
        raise NotMedia(f"This cannot be read: {shown(path)}")
    return container


def _why_unreadable(path: Path, error: av.error.FFmpegError) -> str:
    """One sentence for a file that no demuxer took."""
    with path.open("rb") as file:
        head = file.read(512)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return (
            "The MP4/MOV file has no index (moov), as when a recording or copy was cut off; "
            f"copy it again or repair it with a tool made for that: {shown(path)}"
        )
    if error.errno == errno.EINVAL:
        return (
            "This is a picture, playlist, text or other kind of file that Mien does not read; "
            f"choose a video or sound file: {shown(path)}"
        )
    if not head.strip(b"\0"):
        return f"The file holds nothing but zeros; copy or download it again: {shown(path)}"
    return (
        "No sound or video was recognised in the file; it is of another kind or its header is damaged, "
        f"so choose or copy it again: {shown(path)}"
    )
