"""Look into a file without decoding it: its streams, when they begin, how they stand, what of them cannot be
read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.stream import Discard, Disposition

from mien.media.medium import Medium, StreamInfo
from mien.media.opening import MAX_PIXELS, MAX_SIDE, is_sound, open_medium
from mien.media.plausible import disbelief, longest

# Rotation and encryption are told by the first packets and pictures only; how many are looked at for them at
# most.
_PEEK_PACKETS = 400
_PEEK_PER_STREAM = 40


def probe(path: str | os.PathLike[str]) -> Medium:
    """What the file holds. The first picture of each video stream is decoded for its rotation, nothing else.

    Raises:
        MediaMissing, NotMedia: it cannot be opened as a medium (one sentence). That a medium's streams cannot
            be decoded is told in their `problems`; `Medium.check` raises for it.
    """
    with open_medium(path) as container:
        start = beginning(container)
        peeked = _peek(container)
        streams = tuple(_stream_info(s, start, peeked.get(s.index, _Peeked())) for s in container.streams)
        duration = container.duration / av.time_base if container.duration else None
        if duration is None:
            ends = [s.start + s.duration for s in streams if s.duration is not None and s.start is not None]
            duration = max(ends, default=None) or None
        size = os.stat(path).st_size
        problems = () if duration is not None else ("the file does not say how long it is",)
        if duration is not None and (doubt := disbelief(duration, size)):
            duration, problems = None, (doubt,)
        return Medium(
            path=Path(path),
            size_bytes=size,
            format=container.format.name,
            duration=duration,
            start=start,
            streams=streams,
            problems=problems,
            title=container.metadata.get("title", ""),
        )


def extent(path: str | os.PathLike[str]) -> float:
    """End of the last sound or picture in seconds, found by reading through the packets, not decoding. What lies further
    than a file of that size can reach does not count.

    Raises:
        MediaMissing, NotMedia: as `probe`.
    """
    with open_medium(path) as container:
        start, end, limit = beginning(container), 0.0, longest(os.stat(path).st_size)
        wanted = [s for s in container.streams if s.type in ("audio", "video") and not _attached(s)]
        keep_only(container, wanted)
        try:
            for packet in container.demux(wanted) if wanted else ():
                if packet.pts is not None:
                    time = float(packet.pts * packet.time_base) - start
                    length = float((packet.duration or 0) * packet.time_base)
                    end = max([end, *(t for t in (time, time + length) if t <= limit)])
        except av.error.FFmpegError:
            pass  # damaged from here on: what was seen is its extent
        return end


def beginning(container: InputContainer) -> float:
    """Presentation time of the medium's beginning on the file's own clock, in seconds: the earliest sound or
    picture.
    """
    starts = [
        float(s.start_time * s.time_base)
        for s in container.streams
        if s.type in ("audio", "video") and not _attached(s) and s.start_time is not None and s.time_base
    ]
    if starts:
        return min(starts)
    return container.start_time / av.time_base if container.start_time is not None else 0.0


def keep_only(container: InputContainer, wanted: Sequence[Any]) -> None:
    """Tell the demuxer to skip the packets of all other streams."""
    indices = {s.index for s in wanted}
    for stream in container.streams:
        if stream.index not in indices:
            stream.discard = Discard.all


class _Peeked:
    """What the first packets of a stream told."""

    def __init__(self) -> None:
        self.packets = 0
        self.rotation: int | None = None
        self.encrypted = False


def _peek(container: InputContainer) -> dict[int, _Peeked]:
    """Look at the first packets for encryption, and decode each video stream's first picture for its
    rotation.
    """
    wanted = [s for s in container.streams if s.type in ("audio", "video") and not _attached(s)]
    peeked = {s.index: _Peeked() for s in wanted}
    unseen = {s.index for s in wanted}
    keep_only(container, wanted)
    if not wanted:
        return peeked
    try:
        for n, packet in enumerate(container.demux(wanted)):
            stream = packet.stream
            if n >= _PEEK_PACKETS or not unseen:
                break
            if stream.index not in unseen:
                continue
            peek = peeked[stream.index]
            peek.packets += 1
            peek.encrypted = peek.encrypted or packet.has_sidedata("encryption_info")
            decodable = stream.codec_context is not None and not peek.encrypted
            if stream.type == "video" and decodable and not _too_large(stream):
                peek.rotation = _first_rotation(packet)
            if (
                stream.type == "audio"
                or peek.encrypted
                or peek.rotation is not None
                or peek.packets >= _PEEK_PER_STREAM
            ):
                unseen.discard(stream.index)
    except av.error.FFmpegError:
        pass  # damaged near its beginning: decoding will say where
    return peeked


def _first_rotation(packet: Any) -> int | None:
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        return None
    return quarter_turns(frames[0].rotation) if frames else None


def quarter_turns(degrees: float) -> int:
    """The nearest multiple of 90 degrees in 0, 90, 180, 270."""
    return round(degrees / 90.0) % 4 * 90


def _attached(stream: Any) -> bool:
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _too_large(stream: Any) -> bool:
    width, height = stream.codec_context.width, stream.codec_context.height
    return bool(max(width, height) > MAX_SIDE or width * height > MAX_PIXELS)


def _stream_info(stream: Any, start: float, peek: _Peeked) -> StreamInfo:
    context, kind = stream.codec_context, stream.type
    facts: dict[str, Any] = {}
    problems: list[str] = []
    if kind in ("audio", "video", "subtitle"):
        if context is None:
            problems.append("no decoder for it is known here")
        elif kind == "video":
            facts |= _picture_facts(stream, peek)
            if not (context.width and context.height):
                problems.append("the size of its picture cannot be made out")
            elif _too_large(stream):
                problems.append(f"its picture of {context.width}×{context.height} is larger than can be decoded")
        elif kind == "audio":
            layout = context.layout
            facts |= {
                "sample_rate": context.rate or 0,
                "channels": context.channels,
                "layout": layout.name if layout else "",
            }
            if not (context.rate and context.channels):
                problems.append("its sampling rate or channels cannot be made out")
            elif not is_sound(context.rate, context.channels):
                problems.append(f"its {context.channels} channels at {context.rate} Hz are not what sound has")
    if peek.encrypted:
        problems.append("it is encrypted")
    base = stream.time_base
    seconds = None if stream.duration is None or base is None else float(stream.duration * base)
    begins = None if stream.start_time is None or base is None else float(stream.start_time * base) - start
    if seconds is None and (end := tagged_end(stream)) is not None:
        seconds = max(0.0, end - start - (begins or 0.0))
    language = stream.metadata.get("language", "")
    return StreamInfo(
        index=stream.index,
        kind=kind if kind in ("audio", "video", "subtitle", "attachment", "data") else "unknown",
        codec=context.codec.canonical_name if context is not None else (getattr(stream, "name", "") or ""),
        time_base=base,
        start=begins,
        duration=seconds,
        language="" if language == "und" else language,
        title=stream.metadata.get("title", ""),
        attached_picture=kind == "video" and _attached(stream),
        default=bool(stream.disposition & Disposition.default),
        encrypted=peek.encrypted,
        problems=tuple(problems),
        readable=not problems,
        **facts,
    )


def _picture_facts(stream: Any, peek: _Peeked) -> dict[str, Any]:
    context = stream.codec_context
    rotation = peek.rotation or 0
    aspect = pixel_aspect(stream.sample_aspect_ratio)
    rate = stream.average_rate or stream.guessed_rate
    return {
        "width": context.width,
        "height": context.height,
        "size": upright_size(context.width, context.height, rotation, aspect),
        "rotation": rotation,
        "aspect": aspect,
        "rate": float(rate) if rate else 0.0,
    }


def pixel_aspect(ratio: Any) -> float:
    """Width over height of a pixel; 1 where the file says nothing or nonsense."""
    value = float(ratio) if ratio else 1.0
    return value if 0.1 <= value <= 10.0 else 1.0


def upright_size(width: int, height: int, rotation: int, aspect: float) -> tuple[int, int]:
    """(width, height) of the picture as it is seen: pixels made square by stretching the width, then turned
    upright.
    """
    seen = (max(1, round(width * aspect)), height)
    return (seen[1], seen[0]) if rotation in (90, 270) else seen


def tagged_end(stream: Any) -> float | None:
    """Matroska keeps in a tag where a stream ends on the file's own clock: `00:00:08.064000000`. Seconds, or
    None.
    """
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        return int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2]) if len(parts) == 3 else None
    except ValueError:
        return None
