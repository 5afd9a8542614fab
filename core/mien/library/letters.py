"""Letters of scripts that put no spaces between words, each a word of its own in the index.

Chinese, Japanese, Korean, Thai, Lao, Tibetan, Burmese, Khmer, Yi: what is looked for there is a part of a run of letters,
which an index of runs cannot find. As a phrase of letters it can.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

SPACELESS: Final = (
    "\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3021-\u3035\u3038-\u303c\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U000323af"
)
"""Their letters, marks and digits, for the inside of a regular expression's brackets."""

_RUN = re.compile(f"[{SPACELESS}]+")
_SEPARATOR: Final = "\x1f"  # ASCII's unit separator: one byte, no part of a word, and nobody says it
_MARKED: Final = ("\u0e00", "\u17ff")  # where vowels and tones are marks, which FTS5 would take for spaces
_PRIVATE: Final = 0xE000 - 0x0E00  # FTS5 takes characters for private use as parts of words
_KEPT = re.compile(f"{_SEPARATOR}|[\ue000-\ue9ff]")


def apart(text: str) -> str | None:
    """The text as it is indexed, with a separator around each letter of those scripts; None if it has none of them.

    A letter keeps its vowels and tones: they are characters for private use meanwhile.
    """
    return _RUN.sub(_each, text) if _RUN.search(text) else None


def together(indexed: str) -> str:
    """The text again (or a part of it) that `apart` made ready."""
    return _KEPT.sub(lambda found: "" if found[0] == _SEPARATOR else chr(ord(found[0]) - _PRIVATE), indexed)


def may_go_on(text: str) -> bool:
    """Whether a beginning of a word may end so: not where each letter is a whole one."""
    last = text[-1:]
    return not _RUN.fullmatch(last) or _MARKED[0] <= last <= _MARKED[1]


def _each(run: re.Match[str]) -> str:
    parts = []
    for letter in run[0]:
        if _MARKED[0] <= letter <= _MARKED[1] and unicodedata.category(letter).startswith("M"):
            parts.append(chr(ord(letter) + _PRIVATE))
        else:
            parts.append(_SEPARATOR + letter)
    return "".join(parts) + _SEPARATOR
