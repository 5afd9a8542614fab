"""The words of transcripts in SQLite: its FTS5. The index is kept by triggers (migration 0003)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from mien.library.letters import apart, together
from mien.library.search import Term

RANKED: Final = 10_000
"""Most matches that are ranked."""

TOKENIZER: Final = "unicode61 remove_diacritics 2"
"""What a word is, and which words are the same."""

_INSERT = sa.text("INSERT INTO utterance (track_id, t0, t1, text, spaced) VALUES (:track_id, :t0, :t1, :text, :spaced)")
_SNIPPETS = "SELECT rowid, snippet(said, 0, '[', ']', '…', :most) FROM said WHERE said MATCH :query"
_MOST, _MOST_LETTERS = 16, 48
"""Words of a snippet, and of one where each letter is a word."""


class Fts5:
    """Implements `mien.library.search.Words`."""

    def insert(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        connection.execute(_INSERT, [{**row, "spaced": apart(row["text"])} for row in rows])

    def matches(self, connection: sa.Connection, terms: Sequence[Term], media: Sequence[str] | None) -> Sequence[int]:
        values: dict[str, Any] = {"query": query_of(terms), "most": RANKED}
        where = "FROM utterance_text WHERE utterance_text MATCH :query"
        if media is not None:
            # The plus: else FTS5 begins its search anew for every utterance of those media.
            where += (
                " AND +rowid IN (SELECT utterance.id FROM run JOIN track ON track.run_id = run.id"
                " JOIN utterance ON utterance.track_id = track.id WHERE run.medium_id IN :media)"
            )
            values["media"] = list(media)
        count = connection.execute(
            among(f"SELECT count(*) FROM (SELECT 1 {where} LIMIT :most)", media), values
        ).scalar()
        order = "rank, rowid" if (count or 0) < RANKED else "rowid DESC"
        chosen = among(f"SELECT rowid {where} ORDER BY {order} LIMIT :most", media)
        return connection.execute(chosen, values).scalars().all()

    def snippets(self, connection: sa.Connection, terms: Sequence[Term], texts: Mapping[int, str]) -> Mapping[int, str]:
        """Off the texts themselves: the index would go through all that it has of the words once more."""
        return reader().snippets(terms, texts)


class Reader:
    """FTS5 beside a library: what its words and snippets are, in every library the same.

    Usable from any thread. Nothing is kept of what it reads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._memory.execute(f"CREATE VIRTUAL TABLE said USING fts5(text, tokenize='{TOKENIZER}')")
        self._memory.execute("CREATE VIRTUAL TABLE word USING fts5vocab(said, instance)")

    def words(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of each text in their order, small and without accents."""
        found: list[list[str]] = [[] for _ in texts]
        with self._lock:
            self._read(dict(enumerate(texts)))
            for number, word in self._memory.execute("SELECT doc, term FROM word ORDER BY doc, offset"):
                found[number].append(word)
            self._memory.execute("ROLLBACK")
        return found

    def snippets(self, terms: Sequence[Term], texts: Mapping[int, str]) -> dict[int, str]:
        """As `Words.snippets`."""
        if not texts:
            return {}
        with self._lock:
            self._read(texts)
            found = self._memory.execute(_SNIPPETS, {"query": query_of(terms), "most": _most(terms)}).fetchall()
            self._memory.execute("ROLLBACK")
        return {number: together(snippet) for number, snippet in found}

    def _read(self, texts: Mapping[int, str]) -> None:
        self._memory.execute("BEGIN")
        rows = [(number, apart(text) or text) for number, text in texts.items()]
        self._memory.executemany("INSERT INTO said (rowid, text) VALUES (?, ?)", rows)


@cache
def reader() -> Reader:
    """The one of this process."""
    return Reader()


def among(statement: str, media: Sequence[str] | None) -> sa.TextClause:
    """A statement in which `:media` may stand for several."""
    made = sa.text(statement)
    return made if media is None else made.bindparams(sa.bindparam("media", type_=sa.String(), expanding=True))


def query_of(terms: Sequence[Term]) -> str:
    """The terms for FTS5: each one a string, so that no operator of its can come through."""
    return " ".join(f'"{term.indexed}"{"*" if term.open else ""}' for term in terms)


def _most(terms: Sequence[Term]) -> int:
    """Words of a snippet."""
    return _MOST_LETTERS if any(term.indexed != term.text for term in terms) else _MOST
