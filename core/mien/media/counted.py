"""Whether the length that a file announces was counted, so that an early end is a truncation, or guessed from its bit rate."""

from __future__ import annotations

from pathlib import Path

_COUNTED = frozenset({"mov", "matroska", "avi", "flac", "wav", "w64", "gif", "asf"})
_MPEG_TAGS = (b"Xing", b"Info", b"VBRI")
_ID3 = 10
"""Bytes of an ID3v2 header; its size field counts what follows, 7 bits a byte (ID3v2.4, 3.1)."""


def is_counted(path: Path, form: str) -> bool:
    """For a file that opened; `form` is FFmpeg's name of its format, such as `mov,mp4,m4a`."""
    name = form.split(",")[0]
    return name in _COUNTED or (name == "mp3" and _counts_its_frames(path))


def _counts_its_frames(path: Path) -> bool:
    """Whether the first frame of an MP3 says how many follow; encoders write it there, streams lack it."""
    try:
        with path.open("rb") as file:
            head = file.read(_ID3)
            if head[:3] == b"ID3" and len(head) == _ID3:
                size = 0
                for byte in head[6:]:
                    size = size << 7 | byte & 0x7F
                file.seek(_ID3 + size)
                head = b""
            head += file.read(512)
    except OSError:
        return False
    return any(tag in head for tag in _MPEG_TAGS)
