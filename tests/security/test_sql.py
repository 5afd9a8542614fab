"""SQL only by parameters: no word, label, name or note can say anything to the database, and all of it comes back."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mien.errors import MienError, UsageError
from mien.library import Library
from mien.library.query import parse
from mien.library.readings import known_readings
from mien.library.search import MOST_WORDS
from mien.tracks import AROUSAL, Spans

ROOT = Path(__file__).resolve().parents[2]
PAYLOADS = (
    "'; DROP TABLE medium; --", '"; DROP TABLE medium; --', "' OR '1'='1", "x' UNION SELECT * FROM run --", "%", "_", "\\",
    "a% OR b", "*", '"', '""', '"""', "'", "''", "(", ")", "((((", "NEAR(a b, 5)", "a NEAR b", "a AND", "AND", "OR NOT", "NOT a",
    "text:a", "{text}: a", "^a", "a^", "a + b", "a*", "*a", "-a", "a -b", '"a" * "b"', 'utterance_text MATCH "a"', ":query",
    "?", "?1", "@x", "$x", "; VACUUM INTO '/tmp/x'", "load_extension('x')", "\\'", "[a]", "`a`", "a\0b", "\0", "\n", "\ud800a",
    "\ufeff", "a" * 3000, "ü" * 3000, "' " * 50, '" ' * 50, "é " * 50, "(" * 1000, "/*", "--", "0x1", "NULL", "rank", "rowid",
)  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, probed: Callable[..., Any]) -> Iterator[Library]:
    """A medium for each payload, which is its name, what is said in it, who says it, a label, a note and an author."""
    folder = tmp_path_factory.mktemp("sql")
    with Library(folder / "library.db") as opened:
        for number, text in enumerate(PAYLOADS):
            name = text.replace("/", "_").replace("\0", "_").encode("utf-8", "replace").decode()[:80]
            medium = opened.add_medium(probed(folder / f"{name}.mp4"), f"m{number}")
            track = Spans.of("speech.transcript", [(0.0, 1.0, text, f"zzz {text} zzz", 0.9, text)])
            plain = text.encode("utf-8", "replace").decode()  # half a character is refused, see below
            run = opened.begin_run(
                medium.id, key=f"k{number}", analyzer=plain[:50], version=plain[:50], params={plain: plain},
                models={plain: plain}, device="cpu", precision="float32", outputs=(),
            )  # fmt: skip
            run.note(plain)
            run.write(track)
            run.complete(plain)
            opened.correct(
                medium,
                plain,
                start=0.0,
                end=1.0,
                field=plain,
                old=plain,
                new={plain: plain},
                author=plain or "a",
                note=plain,
            )
        yield opened


def _rows(library: Library) -> dict[str, int]:
    raw = sqlite3.connect(str(library.place))
    try:
        tables = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        return {name: raw.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}
    finally:
        raw.close()


@pytest.mark.parametrize("text", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_search_is_sql_nor_the_index_s_language(library: Library, text: str) -> None:
    before = _rows(library)
    hits = library.search(text, limit=1000)
    if any(c.isalnum() for c in text) and "\0" not in text and len(text) < 100:
        words = text.encode("utf-8", "replace").decode().replace('"', " ").split()
        assert all(any(c in hit.text for c in words) or hit.snippet for hit in hits)
        assert hits, text
    assert len(hits) < len(PAYLOADS)  # “'1'='1'” is not true of every row
    assert _rows(library) == before


@pytest.mark.parametrize("text", PAYLOADS, ids=range(len(PAYLOADS)))
def test_names_and_ids_are_values(library: Library, text: str) -> None:
    before = _rows(library)
    for ask in (
        lambda: library.find_medium(text),
        lambda: library.find_run(text, text),
        lambda: library.search("zzz", among=text),
        lambda: library.medium(text),
    ):
        told = ""
        try:
            assert not ask()
        except MienError as error:
            told = str(error)
        assert "\n" not in told
    assert _rows(library) == before


def test_what_was_stored_comes_back(library: Library) -> None:
    known = {medium.id: medium for medium in library.media()}
    assert len(known) == len(PAYLOADS)
    for number, text in enumerate(PAYLOADS):
        clean = text.replace("\0", " ").encode("utf-8", "replace").decode()
        (run,) = known[f"m{number}"].runs()
        (row,) = library.tracks([run])["speech.transcript"].rows()
        assert row[3] in (
            f"zzz {text} zzz",
            f"zzz {clean} zzz",
            f"zzz {text.encode('utf-8', 'replace').decode()} zzz",
        )
        assert len(library.corrections(known[f"m{number}"])) == 1


@pytest.mark.parametrize("text", ["w " * (MOST_WORDS + 1), "ü " * 100_000, "x" * 100_000, '"' + "a " * 100_000 + '"'])
def test_a_search_of_a_novel_is_one_sentence(library: Library, text: str) -> None:
    with pytest.raises(UsageError, match="words and 4,000 characters at most"):
        library.search(text)


@pytest.mark.parametrize("text", PAYLOADS, ids=range(len(PAYLOADS)))
def test_filters_are_conditions_text_or_one_sentence(text: str) -> None:
    readings = known_readings([("voice.arousal", "curve", (AROUSAL,))])
    for typed in (
        text,
        f"arousal above {text}",
        f"{text} above 0.5",
        f"arousal above 0.5 for {text}",
        f"{text} < 1 {text}",
    ):
        told = ""
        try:
            parse(typed, readings)
        except UsageError as error:
            told = str(error)
        assert "\n" not in told


def test_statements_are_constants() -> None:
    """Every text that reaches a database is a literal, or made of literals and of names that we chose ourselves."""
    # What is put into statements, file by file: names of tables and parameters, constants, numbers made by `int`.
    ours: dict[str, set[str]] = {
        "core/mien/batch/journal.py": {"_VERSION"},
        "core/mien/library/fts5.py": {"where", "order", "numbers", "TOKENIZER"},
        "core/mien/library/postgresql.py": {"_MARK", "column", "table"},
        "core/mien/library/sqlite.py": {"APPLICATION_ID"},
        "core/mien/library/tsearch.py": {"where", "rank"},
    }
    found: list[tuple[str, int, set[str]]] = []
    for room in ("core", "plugins/mien_plugins", "desktop"):
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            source = path.read_text(encoding="utf-8")
            if "migrations" in name or not any(word in source for word in ("sqlite3", "sqlalchemy", "psycopg")):
                continue
            for node in ast.walk(ast.parse(source)):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                called = ast.unparse(node.func)
                if called.rsplit(".", 1)[-1] not in (
                    "execute",
                    "executemany",
                    "exec_driver_sql",
                    "text",
                    "executescript",
                ):
                    continue
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.FormattedValue):
                        told = {n.id for n in ast.walk(part.value) if isinstance(n, ast.Name)}
                        told |= {n.attr for n in ast.walk(part.value) if isinstance(n, ast.Attribute)}
                        assert told, f"{name}:{part.lineno}"
                        found.append((name, part.lineno, told - ours.get(name, set())))
    assert "; ".join(f"{name}:{line} {more}" for name, line, more in found if more) == ""
    assert found


def test_a_name_of_a_library_is_a_name(tmp_path: Path, probed: Callable[..., Any]) -> None:
    """SQLite takes URIs: `file:x?mode=memory`, which must stay names of files here."""
    for name in ("a?mode=memory", "file:b?mode=ro&cache=shared", "c#d", "e%20f", "; DROP TABLE x", "g'h"):
        place = tmp_path / name / "library.db"
        place.parent.mkdir(parents=True)
        with Library(place) as opened:
            opened.add_medium(probed(tmp_path / "a.mp4"), "id")
        assert place.stat().st_size > 0
        with Library(place) as opened:
            assert len(opened.media()) == 1
