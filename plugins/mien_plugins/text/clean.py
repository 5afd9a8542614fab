"""Text as the offence model wants to see it: tweets stripped, transcripts with their punctuation.

Source of the rule: Rana & Jha, "Emotion based hate speech detection using multimodal learning" (2022): remove
@handles, URLs and special characters except ``!`` and ``?``; transcripts keep their punctuation.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Literal

Mode = Literal["tweet", "transcript"]

# "URL" in capitals and <user>/<number>/<url> are the corpora's own place holders (OLID, HateXplain).
_OLID_URL = re.compile(r"\bURL\b")
_LINK = re.compile(r"(?:https?://|www\.)\S+|<url>", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w.])@\w+|<user>", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"<(?:number|email|phone|date|time|percent|money|censored|emoji)>", re.IGNORECASE)
_RETWEET = re.compile(r"^\s*RT\b(?:\s*@\w+)?\s*:?")
_HASHTAG = re.compile(r"#(\w+)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_APOSTROPHE = re.compile(r"['`]")
_NOT_TWEET = re.compile(r"[^\w\s!?]|_")
_NOT_TRANSCRIPT = re.compile(r"[^\w\s!?.,;:'\"()\-%&$€£/]")
_NOT_SPOKEN = re.compile(r"[^\w\s']|_")
_LONE_APOSTROPHE = re.compile(r"(?<!\w)'|'(?!\w)")
_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


def _hashtag(match: re.Match[str]) -> str:
    """A hashtag's words: ``#NotToday`` → ``Not Today``; all-capital tags stay one word."""
    return " " + _CAMEL.sub(" ", match.group(1))


def clean(text: str, mode: Mode = "tweet") -> str:
    """``text`` without handles, links and the characters the model was not trained on.

    Args:
        text: any string; HTML entities are resolved, Unicode is normalised (NFKC).
        mode: ``tweet`` drops every special character except ``!`` and ``?`` (an apostrophe joins its two
            halves, all others become a space); ``transcript`` keeps ordinary punctuation.

    Returns:
        One line, single spaces, no space at its ends; empty if nothing was left.
    """
    text = unicodedata.normalize("NFKC", html.unescape(text)).translate(_QUOTES)
    text = _RETWEET.sub(" ", _LINK.sub(" ", _OLID_URL.sub(" ", text)))
    text = _PLACEHOLDER.sub(" ", _HANDLE.sub(" ", text))
    text = _HASHTAG.sub(_hashtag, text)
    text = _NOT_TWEET.sub(" ", _APOSTROPHE.sub("", text)) if mode == "tweet" else _NOT_TRANSCRIPT.sub(" ", text)
    return _SPACE.sub(" ", text).strip()


def as_spoken(text: str) -> str:
    """``text`` as a recogniser prints it: lower case, no punctuation but apostrophes, single spaces."""
    text = _NOT_SPOKEN.sub(" ", clean(text, "transcript").lower())
    return _SPACE.sub(" ", _LONE_APOSTROPHE.sub(" ", text)).strip()
