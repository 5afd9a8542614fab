"""The loop under all decoding: packets of one stream to frames, going on behind what is damaged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import av.error
from av.container import InputContainer

from mien.errors import MediaEncrypted, shown
from mien.media.damage import DamageLog

# So many read errors without a packet between them, and the rest of the file counts as unreadable.
_PATIENCE = 16


class Clock:
    """Turns a stream's timestamps into seconds of the medium.

    Broadcast formats (MPEG-TS, MPEG-PS) may jump: after a cut the clock restarts elsewhere. There, a jump by
    more than ten seconds against the end of the frame before is taken out, so that time goes on; in every
    format a jump back by as much is. A timestamp that lies an hour behind both its predecessor and the
    medium's declared end is taken for damaged.

    Args:
        beginning: the file's time at our 0, s.
        jumps: whether the format may jump.
        duration: declared duration, s, or None.
        longest: s that the file can last; what lies behind is damaged, too.
    """

    JUMP = 10.0
    ABSURD = 3600.0

    def __init__(self, beginning: float, *, jumps: bool, duration: float | None, longest: float = math.inf) -> None:
        self._offset = -beginning
        self._jumps = jumps
        self._duration = duration
        self._longest = longest

    def seconds(self, pts: int | None, base: Any, expected: float | None) -> float | None:
        """Time in seconds, or None when there is no timestamp that can be trusted.

        Args:
            pts: timestamp in units of `base`.
            base: seconds per unit (fraction).
            expected: end of the frame before, s, or None at the beginning.
        """
        if pts is None or not base:
            return None
        time: float = pts * base.numerator / base.denominator + self._offset
        if expected is None:
            return time if time <= self._longest else None
        if time < expected - self.JUMP or (self._jumps and time > expected + self.JUMP):
            self._offset += expected - time
            return expected
        if time > min(max(expected, self._duration or 0.0) + self.ABSURD, self._longest):
            return None
        return time


class _Place:
    """Where in the stream we are, s."""

    time = 0.0


def frames(container: InputContainer, stream: Any, log: DamageLog, clock: Clock) -> Iterator[Any]:
    """Decoded frames of one stream in presentation order; what cannot be read is skipped and noted in `log`.

    Raises:
        MediaEncrypted: the packets are encrypted.
    """
    place = _Place()
    for packet in _packets(container, stream, log, place):
        if packet is not None:
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is not None and stream.time_base:
                place.time = max(0.0, clock.seconds(stamp, stream.time_base, None) or 0.0)
            if packet.is_corrupt:
                log.add(stream.index, place.time, "a part of the data is missing")
            if packet.size and packet.has_sidedata("encryption_info"):
                raise MediaEncrypted(
                    f"Stream {stream.index} is encrypted (copy protection); "
                    f"use a copy that is not: {shown(container.name[5:])}"
                )
        try:
            decoded = stream.codec_context.decode(packet)
        except av.error.EOFError:
            continue
        except av.error.FFmpegError:
            log.add(stream.index, place.time, "data could not be decoded")
            continue
        yield from decoded


def _packets(container: InputContainer, stream: Any, log: DamageLog, place: _Place) -> Iterator[Any]:
    """Packets, then one that flushes the decoder (None where the demuxer broke off)."""
    broken = 0
    while broken < _PATIENCE:
        try:
            for packet in container.demux(stream):
                broken = 0
                yield packet
            return
        except av.error.FFmpegError:
            broken += 1
            log.add(stream.index, place.time, "the file could not be read")
        except IndexError:
            # PyAV stumbles at the end of the file when a damaged broadcast announced new streams on the way.
            log.add(stream.index, place.time, "streams change within the file", lost=False)
            break
    yield None
