"""What the conformance kit found, for people and for machines."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class Level(enum.IntEnum):
    """How grave a finding is: PASS is as it should be, NOTE is worth knowing, WARNING is poor, ERROR must not be."""

    PASS = 0
    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        check: its name, in words joined by dashes (`very-short`).
        text: one sentence; of a passed check, what was seen.
    """

    level: Level
    check: str
    text: str

    def to_dict(self) -> dict[str, str]:
        """The fields as JSON-ready values."""
        return {"level": self.level.name, "check": self.check, "text": self.text}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Finding:
        """The inverse of `to_dict`."""
        return cls(Level[values["level"]], values["check"], values["text"])


@dataclass(frozen=True, slots=True)
class Report:
    """All findings on one plugin."""

    plugin: str
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The gravest level among the findings."""
        return max((f.level for f in self.findings), default=Level.PASS)

    @property
    def ok(self) -> bool:
        """Whether no finding is an ERROR."""
        return self.worst < Level.ERROR

    def at(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level."""
        return tuple(f for f in self.findings if f.level == level)

    def __str__(self) -> str:
        """A line for each finding, the gravest first, and a sum."""
        ordered = sorted(self.findings, key=lambda f: -f.level)
        width = max((len(f.check) for f in ordered), default=0)
        counted = [f"{len(self.at(level))} {level.name}" for level in sorted(Level, reverse=True) if self.at(level)]
        lines = [f"  {f.level.name:<7}  {f.check:<{width}}  {f.text}" for f in ordered]
        return "\n".join([f"{self.plugin}: {', '.join(counted) or 'nothing was checked'}", *lines])

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values."""
        return {
            "plugin": self.plugin,
            "ok": self.ok,
            "worst": self.worst.name,
            "findings": [f.to_dict() for f in self.findings],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """The inverse of `to_dict`."""
        return cls(values["plugin"], tuple(Finding.from_dict(f) for f in values["findings"]))


def gathered(reports: Iterable[Report]) -> Level:
    """The gravest level of several reports."""
    return max((r.worst for r in reports), default=Level.PASS)
