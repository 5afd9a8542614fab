"""The SQL is not SQLite's alone: it also compiles for PostgreSQL, on machines where no server can run, too."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from mien.library import schema, search
from mien.library.library import Library


@pytest.mark.parametrize("table", schema.metadata.sorted_tables, ids=str)
def test_tables(table: sa.Table) -> None:
    dialect = postgresql.dialect()
    assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
    for index in table.indexes:
        made = str(CreateIndex(index).compile(dialect=dialect))
        assert ("WHERE status = 'complete'" in made) == (index.name == "uq_run_complete")


def test_queries(library: Library, place: Path, medium, curve, transcript) -> None:
    """Every statement of a library's life, as SQLAlchemy has it before the dialect."""
    statements: list[sa.Executable] = []

    def remember(_connection: object, statement: object, *_rest: object) -> None:
        if isinstance(statement, sa.ClauseElement):
            statements.append(statement)

    engine = library._database._engine
    sa.event.listen(engine, "before_execute", remember)
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    run.write(curve(5.0))
    run.write(transcript("hello"))
    run.note("n")
    library.pieces(run.run_id, "emotion.attributes")
    run.complete()
    medium.tracks().read("emotion.attributes", 1.0, 2.0)
    library.runs(medium)
    library.find_medium("x.mp4")
    library.correct(medium, "t", start=0, end=1, field="f", old=1, new=2, author="me")
    medium.corrections("t")
    with library._database.read() as connection:
        search.find_parts(connection, "hel", media=None, limit=5)
    library.recover()
    library.remove(medium)
    sa.event.remove(engine, "before_execute", remember)
    assert len(statements) > 15
    for statement in statements:
        assert str(statement.compile(dialect=postgresql.dialect()))
