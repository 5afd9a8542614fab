"""What could not be read of a medium, kept short however damaged it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

# Two troubles of one kind closer than this are told as one.
_NEAR = 2.0
_MOST = 200


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of one stream that could not be read as it should be.

    Args:
        stream: index of the stream in the file, or None if it concerns the file.
        start, end: where, in seconds of the medium.
        reason: in plain words.
        count: how many packets or frames it stands for.
        lost: whether sound or pictures are missing or wrong because of it; False where only timestamps were
            repaired.
    """

    stream: int | None
    start: float
    end: float
    reason: str
    count: int = 1
    lost: bool = True

    def __str__(self) -> str:
        where = (
            f"at {self.start:.2f} s" if self.end - self.start < 0.01 else f"from {self.start:.2f} to {self.end:.2f} s"
        )
        times = f" ({self.count} times)" if self.count > 1 else ""
        stream = "" if self.stream is None else f"stream {self.stream}: "
        return f"{stream}{self.reason} {where}{times}"


class DamageLog:
    """Collects damage; neighbours of one kind are merged, and beyond 200 entries only counted into the last
    of their kind.
    """

    def __init__(self) -> None:
        self._entries: list[Damage] = []

    def add(self, stream: int | None, time: float, reason: str, *, lost: bool = True) -> None:
        """Note that at `time` (s) something of `stream` was unreadable."""
        for i in range(len(self._entries) - 1, -1, -1):
            old = self._entries[i]
            if old.stream == stream and old.reason == reason:
                if time - old.end <= _NEAR or len(self._entries) >= _MOST:
                    self._entries[i] = replace(
                        old, end=max(old.end, time), start=min(old.start, time), count=old.count + 1
                    )
                    return
                break
        if len(self._entries) < _MOST:
            self._entries.append(Damage(stream, time, time, reason, lost=lost))

    @property
    def entries(self) -> tuple[Damage, ...]:
        """What was noted so far, in the order of time."""
        return tuple(sorted(self._entries, key=lambda d: (d.start, d.stream if d.stream is not None else -1)))

    @property
    def lost(self) -> bool:
        """Whether anything of the medium is missing."""
        return any(entry.lost for entry in self._entries)
