"""What a user types into the library's search: words to be found, and levels that readings shall reach.

    conflict above 0.5 for 10 s and arousal < -0.3 "let me finish"

A condition is a reading, `above`, `over`, `below`, `under`, `at least`, `at most`, `>`, `<`, `>=` or `<=`, and a number;
`for 10 s` asks that it lasts. Conditions are joined by `and`, a comma or nothing. All else is text, searched as
`Library.search` does; quotes keep anything from being taken for a condition.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mien.errors import UsageError
from mien.tracks import Quantity

_TOKEN = re.compile(r'"[^"]*"?|>=|<=|[<>≥≤]|[^\s"<>≥≤]+')
_NUMBER = re.compile(r"[+\-−]?(?:\d+(?:[.,]\d+)?|[.,]\d+)")
_LENGTH = re.compile(r"(\d+(?:[.,]\d+)?|[.,]\d+)([a-z]*)")
_SIGNS = {">": (True, False), "<": (False, False), ">=": (True, True), "≥": (True, True)}
_SIGNS |= {"<=": (False, True), "≤": (False, True)}
_WORDS = {"above": (True, False), "over": (True, False), "below": (False, False), "under": (False, False)}
_PAIRS = {("at", "least"): (True, True), ("at", "most"): (False, True)}
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0}
_UNITS |= {"m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hour": 3600.0}


@dataclass(frozen=True, slots=True)
class Condition:
    """A reading above or below a level.

    Args:
        reading: its name in lower case (`arousal`, `face.arousal`).
        above: over the level, else under it.
        level: in the reading's own unit.
        inclusive: the level itself counts.
        seconds: how long it must last.
    """

    reading: str
    above: bool
    level: float
    inclusive: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        sign = (">" if self.above else "<") + ("=" if self.inclusive else "")
        lasts = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.reading} {sign} {self.level:g}{lasts}"


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions that hold at one time, and the text that is spoken meanwhile; either may be empty."""

    text: str = ""
    conditions: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.conditions)


def parse(typed: str, readings: Mapping[str, Quantity]) -> Query:
    """What was typed as a query.

    Args:
        readings: name in lower case → what it measures; see `mien.library.readings`.

    Raises:
        UsageError: a condition that cannot be; one sentence for the user.
    """
    return _Parser(_TOKEN.findall(typed), readings).parse()


class _Parser:
    def __init__(self, tokens: list[str], readings: Mapping[str, Quantity]) -> None:
        self._tokens, self._readings = tokens, readings
        self._at = 0
        self._texts: list[str] = []
        self._conditions: list[Condition] = []

    def parse(self) -> Query:
        joined = False  # whether an "and" here would join conditions or quotes, and so is no word to be found
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token in _SIGNS:
                raise UsageError(f"Before {token} the name of a reading must stand, as in conflict {token} 0.5.")
            if token.startswith('"'):
                self._at += 1
                if token.strip('" '):
                    self._texts.append(token if token.endswith('"') and len(token) > 1 else token + '"')
                joined = True
            elif (token.casefold() == "and" and (joined or self._joins(self._at + 1))) or token.strip(",;") == "":
                self._at += 1
            elif self._condition_at(self._at):
                self._condition()
                joined = True
            else:
                self._texts.append(token)
                self._at += 1
                joined = False
        return Query(" ".join(self._texts), tuple(self._conditions))

    def _token(self, at: int) -> str:
        return self._tokens[at].casefold() if at < len(self._tokens) else ""

    def _named(self, at: int) -> tuple[str, int]:
        """The reading's name that begins here, and the tokens it takes: `face arousal` is `face.arousal`."""
        both = f"{self._token(at)}.{self._token(at + 1)}"
        return (both, 2) if both in self._readings else (self._token(at), 1)

    def _comparison(self, at: int) -> tuple[bool, bool, int] | None:
        """Above or below, whether the level counts, and the tokens it takes."""
        token, pair = self._token(at), (self._token(at), self._token(at + 1))
        if token in _SIGNS or token in _WORDS:
            return (*(_SIGNS | _WORDS)[token], 1)
        return (*_PAIRS[pair], 2) if pair in _PAIRS else None

    def _condition_at(self, at: int) -> bool:
        name, taken = self._named(at)
        found = self._comparison(at + taken)
        if not name or name.startswith('"') or name in _SIGNS or found is None:
            return False
        # "above" is also an ordinary word: "nobody above me" is text.
        sign = self._token(at + taken) in _SIGNS
        return sign or name in self._readings or _number(self._token(at + taken + found[2])) is not None

    def _joins(self, at: int) -> bool:
        return self._token(at).startswith('"') or self._condition_at(at)

    def _condition(self) -> None:
        name, taken = self._named(self._at)
        found = self._comparison(self._at + taken)
        assert found is not None
        above, inclusive, width = found
        end = self._at + taken + width
        shown = " ".join(self._tokens[self._at : end])
        if name not in self._readings:
            raise UsageError(f"{_unknown(name, self._readings)}; put words that are to be found in quotes.")
        level = _number(self._token(end))
        if level is None:
            raise UsageError(f"After “{shown}” a number must follow, as in {shown} 0.5.")
        self._check(name, above, inclusive, level)
        self._at = end + 1
        self._conditions.append(Condition(name, above, level, inclusive, self._seconds()))

    def _check(self, name: str, above: bool, inclusive: bool, level: float) -> None:
        quantity = self._readings[name]
        edge = quantity.high if above else quantity.low
        if edge is None:
            return
        beyond = level > edge if above else level < edge
        if beyond or (level == edge and not inclusive):
            low, high = (f"{e:g}".replace("-", "−") if e is not None else "…" for e in (quantity.low, quantity.high))
            side = "above" if above else "below"
            raise UsageError(f"{name} lies between {low} and {high}, it is never {side} {level:g}.".replace("-", "−"))

    def _seconds(self) -> float:
        """The length after `for`, 0 without one."""
        if self._token(self._at) not in ("for", "lasting"):
            return 0.0
        at = self._at + 1
        if (self._token(at), self._token(at + 1)) == ("at", "least"):
            at += 2
        found = _LENGTH.fullmatch(self._token(at).rstrip(",;"))
        unit = found[2] if found else ""
        if found and not unit and self._token(at + 1).rstrip(",;.") in _UNITS:
            at += 1
            unit = self._token(at).rstrip(",;.")
        if found is None or (unit and unit not in _UNITS):
            raise UsageError("After “for” a length must follow, as in for 10 s or for 2 min.")
        self._at = at + 1
        return float(found[1].replace(",", ".")) * _UNITS.get(unit, 1.0)


def _number(token: str) -> float | None:
    token = token.rstrip(",;")
    if not _NUMBER.fullmatch(token):
        return None
    return float(token.replace("−", "-").replace(",", "."))


def _unknown(name: str, readings: Mapping[str, Quantity]) -> str:
    near = difflib.get_close_matches(name, readings, 1, 0.7)
    if near:
        return f"There is no reading “{name}”, did you mean {near[0]}"
    plain = sorted(n for n in readings if "." not in n)
    return (
        f"There is no reading “{name}”, there are {', '.join(plain)}" if plain else f"There is no reading “{name}” yet"
    )
