"""How long a file may be: what headers and timestamps say is believed as far as the file's size can bear it out."""

from __future__ import annotations

_ANYWAY = 3600.0
"""s that a file of any size may last: a picture that stands, a few words in a container of silence."""
_LEAST = 8
"""Bytes that a second takes at least beyond that; codecs of speech take ten times as much, films of slides twice."""
_MOST = 31 * 86_400.0
"""s; the longest medium."""


def longest(size_bytes: int) -> float:
    """The longest time in s that a file of that size is believed to last.

    A damaged or hostile header may announce decades, a timestamp may lie there: silence would be made for them, and room
    for readings, before anything shows that there is nothing.
    """
    return min(max(_ANYWAY, size_bytes / _LEAST), _MOST)


def disbelief(seconds: float, size_bytes: int) -> str:
    """What is wrong with a file that announces so many seconds, or an empty text where it may be so."""
    if seconds <= longest(size_bytes):
        return ""
    return f"the file announces {_told(seconds)}, which its {size_bytes:,} bytes cannot hold; its length was counted instead"


def _told(seconds: float) -> str:
    """`3 years`, `5 days`, `7 hours`."""
    for unit, length in (("years", 365.25 * 86_400), ("days", 86_400), ("hours", 3600.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}" if seconds < 1e12 else "ages"
    return f"{seconds:.0f} s"
