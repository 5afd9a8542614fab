"""Subtitle text made harmless for parsers that look for markup with regular expressions.

pysubs2 and our own patterns look for `<…>`, `{…}`, `[…]` and runs of blanks. Where an opening sign has no closing one, or a
run goes on and on, they search the rest of the text from each place anew: the time grows with the square of the length, and
a few hundred kilobytes keep a process busy for hours. In what is left here, every opening sign is closed before the next one
opens and no run is long. All patterns here are possessive: they never go back, so their own time grows with the length.
"""

from __future__ import annotations

import re

_BRACE = "\ue001"
"""Stands for a `{` that is none of a tag, until `restored` (a private-use character)."""

_BLANKS = re.compile(r"[^\S\n]{2,}+")
_EMPTY_LINES = re.compile(r"\n(?:[^\S\n]?+\n){2,}+")
_LONE_ANGLE = re.compile(r"<(?=[^<>]*+(?:<|\Z))")
_LONE_BRACE = re.compile(r"\{(?=[^{}]*+(?:\{|\Z))")
_NO_TAG = re.compile(r"\{(?!\\)")  # `{laughs}` is text in SubRip, where `{\an8}` is a tag of players
_ANY_BRACE = re.compile(r"\{")  # WebVTT has no such tags
_HEADING = re.compile(r"^([^\n\[]{0,5}+\[[^\n]{0,200}+)[^\n]++", re.MULTILINE)
_DRAWN = re.compile(r"\{[^}]*?\\p[1-9]")


def tamed(text: str, kind: str) -> str:
    """The text with every run of blanks as one, no more than one empty line in a row, and no tag left open.

    Args:
        kind: `srt`, `vtt`, `ass` or `ssa`.
    """
    text = _EMPTY_LINES.sub("\n\n", _BLANKS.sub(" ", text))
    if kind in ("srt", "vtt"):
        text = _LONE_ANGLE.sub("&lt;", text)  # entities are taken back at the end
        text = (_NO_TAG if kind == "srt" else _ANY_BRACE).sub(_BRACE, text)
    else:
        text = _HEADING.sub(r"\1", text)  # of sections: [Events]
    return closed(text)


def closed(text: str) -> str:
    """The text without a `{` that no `}` follows before the next `{`."""
    return _LONE_BRACE.sub(_BRACE, text)


def restored(text: str) -> str:
    """The text of a cue with its lone braces."""
    return text.replace(_BRACE, "{")


def is_drawing(text: str) -> bool:
    """Whether the text of an event (closed) draws shapes, `{\\p1}m 0 0 l …`, instead of saying anything.

    pysubs2 answers the same, but joins all tags before each tag: twenty thousand of them take hundreds of MB.
    """
    return _DRAWN.search(text) is not None
