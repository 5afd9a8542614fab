"""Full-text search over transcripts. The only place that knows SQLite's FTS5; other databases match parts of
words.

The index itself is kept by triggers (migration 0002): it changes in the transaction that changes the
utterance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from mien.library import schema
from mien.tracks.track import AnyTrack, Spans

TRANSCRIPT: Final = "speech.transcript"
"""The track whose text can be searched."""

_WORD = re.compile(r'"([^"]*)"|(\S+)')
_PLAIN = re.compile(r"[A-Za-z0-9\s]*")
_SNIPPET_WORDS = 16
_SNIPPET_CHARS = 60
_RANKED = 10_000  # most matches that are ranked
_AT_ONCE = 200


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
        connection.execute(sa.insert(schema.utterance), rows)


def find(connection: sa.Connection, text: str, *, medium_id: str | None, limit: int) -> list[Found]:
    """The utterances of the current transcripts that hold what was asked for, the best first.

    Words may stand anywhere in an utterance and in any order; the last may be a beginning; "words in quotes"
    must follow each other. Every character is plain text: no operator of FTS5 can come through.
    """
    text = clean(text)
    rows: list[Found] = []
    if connection.dialect.name == "sqlite":
        query = fts_query(text)
        if query:
            rows = _find_words(connection, query, medium_id, limit)
            if _PLAIN.fullmatch(text):  # words of these letters are all in the index
                return rows
    # Scripts without spaces, and signs that are no words, are found as parts of the text.
    return rows or find_parts(connection, text, medium_id=medium_id, limit=limit)


def fts_query(text: str) -> str:
    """What a user typed, for FTS5: each word or quoted phrase as a string, the last word open at its end."""
    terms = []
    for quoted, word in _WORD.findall(text):
        term = (quoted or word).replace('"', " ").strip()
        if any(c.isalnum() for c in term):
            terms.append((term, not quoted))
    parts = [f'"{term}"' for term, _ in terms]
    if terms and terms[-1][1]:
        parts[-1] += "*"
    return " ".join(parts)


def find_parts(connection: sa.Connection, text: str, *, medium_id: str | None, limit: int) -> list[Found]:
    """The same without an index: every word must occur in the text, in the database's case folding."""
    words = [(quoted or word).replace('"', "") for quoted, word in _WORD.findall(text)]
    words = [word for word in words if word.strip()]
    if not words:
        return []
    matches = (schema.utterance.c.text.icontains(word, autoescape=True) for word in words)
    found = connection.execute(
        _current(sa.literal("").label("snippet"), medium_id)
        .where(*matches)
        .order_by(schema.run.c.used.desc(), schema.utterance.c.t0)
        .limit(limit)
    )
    return [Found(*row)._replace(snippet=_snippet(row.text, words[0])) for row in found]


def _find_words(connection: sa.Connection, query: str, medium_id: str | None, limit: int) -> list[Found]:
    """The matches' numbers first, the best in front; then, a few at a time, those of them that are current."""
    found: dict[int, Found] = {}
    ids = _matches(connection, query, medium_id)
    for first in range(0, len(ids), _AT_ONCE):
        part = ids[first : first + _AT_ONCE]
        statement = _current(sa.literal("").label("snippet"), medium_id).where(schema.utterance.c.id.in_(part))
        there = {row[-1]: Found(*row[:-1]) for row in connection.execute(statement.add_columns(schema.utterance.c.id))}
        found |= {number: there[number] for number in part if number in there}
        if len(found) >= limit:
            break
    chosen = dict(list(found.items())[:limit])
    snippets = _snippets(connection, query, list(chosen))
    return [row._replace(snippet=snippets.get(number, "")) for number, row in chosen.items()]


def _snippets(connection: sa.Connection, query: str, ids: Sequence[int]) -> dict[int, str]:
    """The snippets of these utterances, in one go: a beginning of a word costs its time each time it is looked up."""
    if not ids:
        return {}
    numbers = ",".join(str(int(number)) for number in ids)
    statement = sa.text(
        f"SELECT rowid, CASE WHEN rowid IN ({numbers}) "
        f"THEN snippet(utterance_text, 0, '[', ']', '…', {_SNIPPET_WORDS}) END FROM utterance_text "
        "WHERE utterance_text MATCH :query AND rowid >= :low AND rowid <= :high"
    )
    rows = connection.execute(statement, {"query": query, "low": min(ids), "high": max(ids)})
    return {number: snippet for number, snippet in rows if snippet is not None}


def _matches(connection: sa.Connection, query: str, medium_id: str | None) -> Sequence[int]:
    """Numbers of the utterances with those words, in every run: the best first; of very many, the newest first.

    To rank a word that half of all utterances have means to read all of them, and tells little.
    """
    values: dict[str, Any] = {"query": query, "most": _RANKED}
    where = "FROM utterance_text WHERE utterance_text MATCH :query"
    if medium_id is not None:
        where += (
            " AND rowid IN (SELECT utterance.id FROM run JOIN track ON track.run_id = run.id"
            " JOIN utterance ON utterance.track_id = track.id WHERE run.medium_id = :medium)"
        )
        values["medium"] = medium_id
    count = connection.execute(sa.text(f"SELECT count(*) FROM (SELECT 1 {where} LIMIT :most)"), values).scalar() or 0
    order = "rank, rowid" if count < _RANKED else "rowid DESC"
    return connection.execute(sa.text(f"SELECT rowid {where} ORDER BY {order} LIMIT :most"), values).scalars().all()


def _current(snippet: Any, medium_id: str | None) -> sa.Select[Any]:
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
    return statement.where(run.c.medium_id == medium_id) if medium_id else statement


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
