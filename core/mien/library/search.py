"""Full-text search over transcripts: what is asked, what is current, what is found as a part of the text.

The index of words is the database's own: `mien.library.fts5` and `mien.library.tsearch`. It changes in the transaction
that changes the utterance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

import sqlalchemy as sa

from mien.errors import UsageError
from mien.library import schema
from mien.library.letters import SPACELESS, apart, may_go_on
from mien.tracks.track import AnyTrack, Spans

TRANSCRIPT: Final = "speech.transcript"
"""The track whose text can be searched."""

_WORD = re.compile(r'"([^"]*)"|(\S+)')
_INDEXED = re.compile(
    rf"[\s\x20-\x7e\u00a0-\u024f\u0370-\u037e\u0384-\u0527\u1e00-\u1fff\u2010-\u2027\u3000-\u3003\u3008-\u3020{SPACELESS}]*"
)
"""Latin, Greek and Cyrillic, whose words stand apart, scripts whose letters are indexed one by one, and the signs of both:
all that can be found of them is in the index."""
_SNIPPET_CHARS = 60
_SNIPPET_FROM = 5000  # characters of a text whose best part is looked for
_AT_ONCE = 200
_LONGEST = 4_000
MOST_WORDS = 50
"""A search has no more; every one of them is looked for in every utterance where the index does not help."""


class Term(NamedTuple):
    """A word, or a phrase whose words must follow each other; `open` when the last of them may go on."""

    text: str
    open: bool

    @property
    def indexed(self) -> str:
        """The text as the index has it."""
        return apart(self.text) or self.text


class Words(Protocol):
    """A database's index of words."""

    def insert(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store utterances (track_id, t0, t1, text) and index them."""

    def matches(self, connection: sa.Connection, terms: Sequence[Term], media: Sequence[str] | None) -> Iterable[int]:
        """Numbers of the utterances with those words, in every run (of those media).

        The best come first; of very many, the newest.
        To rank a word that half of all utterances have means to read all of them, and tells little.
        """

    def snippets(self, connection: sa.Connection, terms: Sequence[Term], texts: Mapping[int, str]) -> Mapping[int, str]:
        """Number → the part of the text around the found words, which stand in [brackets]."""


class Found(NamedTuple):
    """One utterance; times in seconds, the found words of the snippet in [brackets]."""

    run_id: str
    medium_id: str
    t0: float
    t1: float
    text: str
    snippet: str


def index(connection: sa.Connection, track_id: int, piece: AnyTrack) -> None:
    """Make the text of a piece findable, in the transaction that stores the piece."""
    if piece.name != TRANSCRIPT or not isinstance(piece, Spans):
        return
    rows = [
        {"track_id": track_id, "t0": start, "t1": end, "text": clean(text)}
        for start, end, _label, text, _score, _speaker in piece.rows()
        if text.strip()
    ]
    if rows:
        insert(connection, rows)


def insert(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store utterances (track_id, t0, t1, text), findable."""
    _words(connection).insert(connection, rows)


def find(connection: sa.Connection, text: str, *, media: Sequence[str] | None, limit: int) -> list[Found]:
    """The utterances of the current transcripts that hold what was asked for, the best first.

    Words may stand anywhere in an utterance and in any order; the last may be a beginning; "words in quotes"
    must follow each other. Every character is plain text: no operator of the database can come through.

    Raises:
        UsageError: it is longer than anything that anybody would look for.
    """
    text = clean(text)
    if len(text) > _LONGEST or len(text.split()) > MOST_WORDS:
        raise UsageError(f"A search may have {MOST_WORDS} words and {_LONGEST:,} characters at most; shorten it.")
    rows: list[Found] = []
    terms = terms_of(text)
    if terms:
        rows = _find_words(connection, terms, media, limit)
        if _INDEXED.fullmatch(text):
            return rows
    # Signs that are no words, and scripts with marks that the index leaves out, are found as parts of the text.
    return rows or find_parts(connection, text, media=media, limit=limit)


def terms_of(text: str) -> list[Term]:
    """What a user typed: each word or quoted phrase, the last word open at its end."""
    terms = []
    for quoted, word in _WORD.findall(text):
        term = (quoted or word).replace('"', " ").strip()
        if any(c.isalnum() for c in term):
            terms.append(Term(term, not quoted))
    return [term._replace(open=term.open and term is terms[-1] and may_go_on(term.text)) for term in terms]


def find_parts(connection: sa.Connection, text: str, *, media: Sequence[str] | None, limit: int) -> list[Found]:
    """The same without an index: every word must occur in the text; capitals of A to Z do not matter."""
    words = [(quoted or word).replace('"', "") for quoted, word in _WORD.findall(text)]
    words = [word for word in words if word.strip()]
    if not words:
        return []
    matches = (_contains(connection, word) for word in words)
    found = connection.execute(
        _current(sa.literal("").label("snippet"), media)
        .where(*matches)
        .order_by(schema.run.c.used.desc(), schema.utterance.c.t0, schema.utterance.c.id)
        .limit(limit)
    )
    return [Found(*row)._replace(snippet=_snippet(row.text, words[0])) for row in found]


def _find_words(
    connection: sa.Connection, terms: Sequence[Term], media: Sequence[str] | None, limit: int
) -> list[Found]:
    """The matches' numbers first, the best in front; then, a few at a time, those of them that are current."""
    found: dict[int, Found] = {}
    index = _words(connection)
    ids = iter(index.matches(connection, terms, media))
    while part := list(islice(ids, _AT_ONCE)):
        statement = _current(sa.literal("").label("snippet"), media).where(schema.utterance.c.id.in_(part))
        there = {row[-1]: Found(*row[:-1]) for row in connection.execute(statement.add_columns(schema.utterance.c.id))}
        found |= {number: there[number] for number in part if number in there}
        if len(found) >= limit:
            break
    chosen = dict(list(found.items())[:limit])
    # FTS5 takes the square of a text's length; who says so much at once may have said it to that end.
    short = {number: row.text for number, row in chosen.items() if len(row.text) <= _SNIPPET_FROM}
    snippets = index.snippets(connection, terms, short)
    return [
        row._replace(snippet=snippets.get(number) or _snippet(row.text, terms[0].text))
        for number, row in chosen.items()
    ]


def _contains(connection: sa.Connection, word: str) -> sa.ColumnElement[bool]:
    text = schema.utterance.c.text
    if connection.dialect.name == "sqlite":
        return text.icontains(word, autoescape=True)
    # As SQLite folds, whatever language the server was set up for.
    folded = "".join(c.lower() if c.isascii() else c for c in word)
    return sa.func.lower(text.collate("C")).contains(folded, autoescape=True)


def _words(connection: sa.Connection) -> Words:
    if connection.dialect.name == "sqlite":
        from mien.library.fts5 import Fts5

        return Fts5()
    from mien.library.tsearch import TextSearch

    return TextSearch()


def _current(snippet: Any, media: Sequence[str] | None) -> sa.Select[Any]:
    """The utterances of each medium's current transcript: that of the complete run used last."""
    run, track, utterance = schema.run, schema.track, schema.utterance
    other_run, other_track = run.alias(), track.alias()
    newer = (
        sa.select(sa.literal(1))
        .select_from(other_run.join(other_track, other_track.c.run_id == other_run.c.id))
        .where(
            other_run.c.medium_id == run.c.medium_id,
            other_run.c.status == "complete",
            other_track.c.name == track.c.name,
            sa.tuple_(other_run.c.used, other_run.c.id) > sa.tuple_(run.c.used, run.c.id),
        )
        .correlate(run, track)
        .exists()
    )
    statement = (
        sa.select(
            run.c.id.label("run_id"),
            run.c.medium_id,
            utterance.c.t0,
            utterance.c.t1,
            utterance.c.text,
            snippet,
        )
        .select_from(utterance)
        .join(track, track.c.id == utterance.c.track_id)
        .join(run, run.c.id == track.c.run_id)
        .where(run.c.status == "complete", ~newer)
    )
    return statement if media is None else statement.where(run.c.medium_id.in_(media))


def clean(text: str) -> str:
    """Text that any database stores: no NUL, no half of a surrogate pair."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _snippet(text: str, word: str) -> str:
    at = text.casefold().find(word.casefold())
    if at < 0 or text[at : at + len(word)].casefold() != word.casefold():
        return text[: 2 * _SNIPPET_CHARS] + ("…" if len(text) > 2 * _SNIPPET_CHARS else "")
    end = at + len(word)
    before = ("…" if at > _SNIPPET_CHARS else "") + text[max(0, at - _SNIPPET_CHARS) : at]
    after = text[end : end + _SNIPPET_CHARS] + ("…" if len(text) > end + _SNIPPET_CHARS else "")
    return f"{before}[{text[at:end]}]{after}"
