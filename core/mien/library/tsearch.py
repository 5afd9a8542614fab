"""The words of transcripts in PostgreSQL: its text search, asked so that it finds and ranks what SQLite's FTS5 does.

What a word is says FTS5's own tokenizer (`mien.library.fts5.Reader`); the server's parser would cut and stem by the rules
of one language. The rank is FTS5's too: Okapi BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, "The Probabilistic
Relevance Framework", 2009), where a word that more than half of all utterances have counts for next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from mien.library.fts5 import RANKED, among, reader
from mien.library.search import Term

_FEW: Final = 2_000
"""Utterances up to which it is faster to look them up than to go through the index again."""
_FIRST: Final = 1_000
_K1: Final = 1.2
_B: Final = 0.75
_LITTLE: Final = 1e-6
# A tsvector knows 16,383 positions, words of 2 KB, and 1 MB in all; no utterance comes near.
_MOST_PLACES: Final = 16_000
_MOST_BYTES: Final = 500
_MOST_IN_ALL: Final = 400_000

_INSERT = sa.text(
    "INSERT INTO utterance (track_id, t0, t1, text, words, length) "
    "VALUES (:track_id, :t0, :t1, :text, CAST(:words AS tsvector), :length)"
)
_COUNT = sa.text(
    "INSERT INTO utterance_count (track_id, utterances, words) VALUES (:track_id, :utterances, :words) "
    "ON CONFLICT (track_id) DO UPDATE SET utterances = utterance_count.utterances + excluded.utterances, "
    "words = utterance_count.words + excluded.words"
)
_ALL = sa.text("SELECT coalesce(sum(utterances), 0), coalesce(sum(words), 0) FROM utterance_count")
_HAVING = sa.text(
    "SELECT count(*) FROM (SELECT 1 FROM utterance WHERE words @@ CAST(:query AS tsquery) LIMIT :most) AS found"
)
_OF_MEDIA = (
    " AND track_id IN (SELECT track.id FROM track JOIN run ON run.id = track.run_id WHERE run.medium_id IN :media)"
)


class TextSearch:
    """Implements `mien.library.search.Words`."""

    def insert(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        made = indexed([row["text"] for row in rows])
        connection.execute(
            _INSERT,
            [{**row, "words": words, "length": length} for row, (words, length) in zip(rows, made, strict=True)],
        )
        counts: dict[int, list[int]] = {}
        for row, (_, length) in zip(rows, made, strict=True):
            count = counts.setdefault(row["track_id"], [0, 0])
            count[0] += 1
            count[1] += length
        connection.execute(_COUNT, [{"track_id": t, "utterances": u, "words": w} for t, (u, w) in counts.items()])

    def matches(self, connection: sa.Connection, terms: Sequence[Term], media: Sequence[str] | None) -> Iterable[int]:
        phrases = _phrases(terms)
        if not phrases:
            return []
        values: dict[str, Any] = {"query": " & ".join(f"({_query(*phrase)})" for phrase in phrases), "most": RANKED}
        where = "FROM utterance WHERE words @@ CAST(:query AS tsquery)"
        if media is not None:
            where += _OF_MEDIA
            values["media"] = list(media)
        # To go through the index for a phrase of frequent words is most of the work: what is few is kept from the first time.
        once = (
            "SELECT count(*), CASE WHEN count(*) <= :few THEN array_agg(id) END "
            f"FROM (SELECT id {where} LIMIT :most) AS found"
        )
        count, few = connection.execute(among(once, media), {**values, "few": _FEW}).one()
        if count >= RANKED:
            return _newest(connection, where, values, media)
        if not count:
            return []
        rank, more = _rank(connection, phrases, count if len(phrases) == 1 and media is None else None)
        if few is not None:
            ranked = sa.text(f"SELECT id FROM utterance WHERE id = ANY(:found) ORDER BY {rank} DESC, id")
            return connection.execute(ranked, {"found": few, **more}).scalars().all()
        # Materialized: the rank is for what was found, not for what is looked at.
        ranked = among(
            f"WITH found AS MATERIALIZED (SELECT id, words, length {where}) SELECT id FROM found ORDER BY {rank} DESC, id",
            media,
        )
        return connection.execute(ranked, values | more).scalars().all()

    def snippets(self, connection: sa.Connection, terms: Sequence[Term], texts: Mapping[int, str]) -> Mapping[int, str]:
        return reader().snippets(terms, texts)


def _newest(
    connection: sa.Connection, where: str, values: Mapping[str, Any], media: Sequence[str] | None
) -> Iterator[int]:
    """The newest of very many: hardly ever more than the first are asked for, and all of them take ten times as long."""
    asked = among(f"SELECT id {where} AND id < :before ORDER BY id DESC LIMIT :most", media)
    before = 1 << 62
    for most in (_FIRST, RANKED - _FIRST):
        part = connection.execute(asked, {**values, "before": before, "most": most}).scalars().all()
        yield from part
        if len(part) < most:
            return
        before = part[-1]


def indexed(texts: Sequence[str]) -> list[tuple[str, int]]:
    """What the index keeps of each text: its words as a tsvector, and their number."""
    return [(_vector(_bounded(words)), len(words)) for words in reader().words(texts)]


def _phrases(terms: Sequence[Term]) -> list[tuple[list[str], bool]]:
    """The words of each term that has any, and whether the last may go on."""
    read = reader().words([term.text for term in terms])
    return [(_bounded(words), term.open) for words, term in zip(read, terms, strict=True) if words]


def _rank(
    connection: sa.Connection, phrases: Sequence[tuple[list[str], bool]], known: int | None
) -> tuple[str, dict[str, Any]]:
    """An expression over `words` and `length`, and its values; `known`: how many utterances have the phrase, if it is known."""
    utterances, words = connection.execute(_ALL).one()
    values: dict[str, Any] = {"k1": _K1, "grown": _K1 + 1.0, "b": _B, "rest": 1.0 - _B}
    values["usual"] = float(words) / max(float(utterances), 1.0) or 1.0
    parts = []
    for n, (phrase, is_open) in enumerate(phrases):
        # Beyond a half the number makes no difference.
        most = int(utterances) // 2 + 1
        if known is None:
            hits = connection.execute(_HAVING, {"query": _query(phrase, is_open), "most": most}).scalar() or 0
        else:
            hits = min(known, most)
        weight = math.log((float(utterances) - hits + 0.5) / (hits + 0.5))
        values[f"weight{n}"] = weight if weight > 0.0 else _LITTLE
        often, more = _often(n, phrase, is_open)
        values |= more
        parts.append(
            f"(SELECT CAST(:weight{n} AS float8) * ((often * CAST(:grown AS float8)) / (often + CAST(:k1 AS float8) * "
            "(CAST(:rest AS float8) + CAST(:b AS float8) * length / CAST(:usual AS float8)))) "
            f"FROM ({often}) AS seen)"
        )
    return " + ".join(parts), values


def _often(n: int, phrase: Sequence[str], is_open: bool) -> tuple[str, dict[str, Any]]:
    """How often a phrase stands in `words`, as a statement with one row and the column `often`."""
    values = {f"word{n}_{i}": word for i, word in enumerate(phrase)}
    last = len(phrase) - 1

    def same(table: str, i: int) -> str:
        word = f"CAST(:word{n}_{i} AS text)"
        if i == last and is_open:
            return f"starts_with({table}.lexeme, {word})"
        return f"{table}.lexeme = {word}"

    follow = "".join(
        f" AND EXISTS (SELECT 1 FROM unnest(words) AS w{i} WHERE {same(f'w{i}', i)} AND (at + {i})::int2 = ANY(w{i}.positions))"
        for i in range(1, len(phrase))
    )
    statement = (
        "SELECT CAST(count(*) AS float8) AS often FROM unnest(words) AS w0, unnest(w0.positions) AS at "
        f"WHERE {same('w0', 0)}{follow}"
    )
    return statement, values


def _query(phrase: Sequence[str], is_open: bool) -> str:
    """A phrase as a tsquery."""
    return " <-> ".join(map(_quoted, phrase)) + (":*" if is_open else "")


def _vector(words: Sequence[str]) -> str:
    """Words as a tsvector with their positions, as far as positions go."""
    placed = [f"{_quoted(word)}:{at}" for at, word in enumerate(words[:_MOST_PLACES], 1)]
    return " ".join([*placed, *map(_quoted, dict.fromkeys(words[_MOST_PLACES:]))])


def _quoted(word: str) -> str:
    doubled = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _bounded(words: Sequence[str]) -> list[str]:
    """What fits into a tsvector."""
    kept = []
    size = 0
    for word in words:
        data = word.encode("utf-8", "replace")
        if len(data) > _MOST_BYTES:
            data = data[:_MOST_BYTES]
        size += len(data)
        if size > _MOST_IN_ALL:
            break
        kept.append(data.decode("utf-8", "ignore"))
    return kept
