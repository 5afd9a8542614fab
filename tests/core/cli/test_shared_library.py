"""`--library postgresql://…`: every command says and writes what it does with a library in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.library import Library
from mien.tracks import Spans

TINY = ("--plugins", "tiny.level,tiny.loud", "--fusion", "none", "--device", "cpu")


@pytest.fixture
def places(postgres: Any, tmp_path: Path) -> tuple[str, str]:
    """A file and a database."""
    return str(tmp_path / "library.db"), postgres.emptied()


def test_from_analysis_to_removal(
    here: Callable[..., Any], places: tuple[str, str], clip: Path, tmp_path: Path
) -> None:
    said: list[list[Any]] = []
    for place in places:
        out = tmp_path / f"out{len(said)}"
        at = ("--library", place)
        code, text, errors = here("analyze", clip, *at, *TINY, "--quiet")
        assert (code, text, errors) == (0, "", "")
        with Library(place) as library:
            run = library.begin_run(library.medium(clip), key="k", analyzer="speech.transcript", version="1")
            run.write(Spans.of("speech.transcript", [(0, 1, "x", "Où est le café"), (1, 2, "x", "nowhere at all")]))
            run.complete()
            library.correct(
                clip_id(library), "tiny.loud", start=0, end=1, field="label", old="loud", new="soft", author="Ada"
            )
        shown = [
            here("library", "list", *at),
            here("library", "show", clip, *at),
            here("library", "show", clip, *at, "--json"),
        ]
        listed = json.loads(here("library", "list", *at, "--json")[1])
        shown += [[{**entry, "added": ""} for entry in listed]]
        shown += [here("library", "search", words, *at) for words in ("cafe", "now", "zebra", '"at all"')]
        assert here("export", clip, *at, "--format", "csv", "--format", "json", "--out", out, "--quiet") == (0, "", "")
        shown += [here("library", "remove", "unknown.mp4", "--yes", *at)]
        shown += [here("library", "remove", clip, "--yes", *at), here("library", "list", *at)]
        files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
        tables = [(out / path).read_bytes() for path in files if path.suffix == ".csv"]
        said.append([*shown, files, *(re.sub(rb"20\d\d-[-0-9]+T[0-9:+]+", b"", table) for table in tables)])
        assert "nowhere at all" in shown[5][1]
        assert "The library is empty" in shown[-1][1]
    assert said[0] == said[1]
    assert len(said[0]) > 15


def clip_id(library: Library) -> str:
    (medium,) = library.media()
    return medium.id


def test_a_scan_goes_on_in_it(here: Callable[..., Any], postgres: Any, make_clip: Any, tmp_path: Path) -> None:
    folder = tmp_path / "talks"
    folder.mkdir()
    make_clip(folder / "a.mp4", 0.5, video=False)
    options = ("--plugins", "tiny.level", "--fusion", "none", "--device", "cpu", "--rank", "highest level", "--json")
    scan = ("scan", folder, "--library", postgres.emptied(), *options)
    assert here(*scan)[0] == 0
    make_clip(folder / "b.mp4", 1.0, video=False)
    code, text, _ = here(*scan, "--dry-run")
    assert code == 0
    plans = [json.loads(line) for line in text.splitlines()]
    assert [line["state"] for line in plans if line["event"] == "plan"] == ["done", "todo"]


def test_a_dry_run_makes_no_library(here: Callable[..., Any], postgres: Any, make_clip: Any, tmp_path: Path) -> None:
    folder = tmp_path / "talks"
    folder.mkdir()
    make_clip(folder / "a.mp4", 0.5, video=False)
    scan = ("scan", folder, "--plugins", "tiny.level", "--fusion", "none", "--device", "cpu", "--dry-run", "--quiet")
    shared = postgres.database()
    for place in (shared, f"sqlite:///{tmp_path}/deep/library.db"):
        assert here(*scan, "--library", place) == (0, "", "")
    assert postgres.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", shared) == []
    assert not (tmp_path / "deep").exists()
    (tmp_path / "bare.db").touch()
    assert here(*scan, "--library", tmp_path / "bare.db")[0] == 0
    assert (tmp_path / "bare.db").read_bytes() == b""
    postgres.sql("CREATE TABLE theirs (id int)", shared)
    code, _, errors = here(*scan, "--library", shared)
    assert (code, errors.count("\n")) == (6, 1)
    assert "belongs to another program" in errors


def test_what_is_wrong_is_one_sentence(here: Callable[..., Any], postgres: Any, clip: Path) -> None:
    for place, what in (
        (postgres.url("nowhere"), "no database of that name"),
        (postgres.url("postgres", "guarded:guess"), "refused the user or the password"),
        ("postgresql://me@127.0.0.1:1/library", "cannot be reached"),
    ):
        for command in (("library", "list"), ("export", clip, "--format", "csv"), ("scan", clip)):
            code, _, errors = here(*command, "--library", place)
            assert code == 6
            assert what in errors
            assert errors.count("\n") == 1
            assert "guess" not in errors
