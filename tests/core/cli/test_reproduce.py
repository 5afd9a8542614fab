"""`mien reproduce`, run as a user runs it, with a table that a plugin of the tests offers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mien.engine.registry import Registry
from mien.sdk import TableInfo
from mien.training.reproduction_page import sections_of

TINY = Path(__file__).resolve().parent / "tiny"


@pytest.fixture
def mien(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Any) -> Iterator[Any]:
    """The command line in this process, with the tiny tables listed."""
    monkeypatch.setenv("MIEN_PLUGINS", "tiny_table_info")
    monkeypatch.syspath_prepend(str(TINY))
    monkeypatch.chdir(tmp_path)
    yield command
    for name in ("tiny_table", "tiny_table_info"):
        sys.modules.pop(name, None)


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    folder = tmp_path / "corpora"
    folder.mkdir()
    (folder / "numbers.txt").write_text("80")
    return folder


def make(numbers: Path, *more: object) -> list[object]:
    return ["reproduce", "tiny-table", "--data", numbers, "--device", "cpu", *more]


def runs(numbers: Path) -> list[str]:
    return (numbers / "runs.txt").read_text().splitlines()


def test_lists_what_can_be_made_and_what_cannot(mien: Any) -> None:
    code, out, _ = mien("reproduce")
    assert code == 0
    assert "tiny-table: A tiny table" in out
    assert "cannot be reproduced here: nobody has the data." in out
    assert "mien train tiny --data DIR" in out


def test_prints_and_writes_paper_ours_and_difference(mien: Any, numbers: Path, tmp_path: Path) -> None:
    code, out, err = mien(*make(numbers, "--seeds", 3))
    assert code == 0, err
    assert "81.0 ± 1.0" in out
    assert "+0.7" in out
    assert "−2.9" in out
    assert "6 of 6: student, seed 2: accuracy 62.0" in err
    page = (tmp_path / "reproduction.md").read_text()
    assert "| strong | accuracy | 80.3 | 81.0 ± 1.0 | +0.7 | ≥ 80.0: reached |" in page
    assert "| weak | accuracy | 63.9 | 61.0 ± 1.0 | −2.9 | ≥ 63.9: not reached |" in page
    assert "| weak | ours alone | – | 1.0 ± 0.0 | – |" in page
    assert "Read 6 results." in page
    assert "| `tiny-closed` A closed table | nobody has the data. | `mien train tiny --data DIR` |" in page


def test_what_is_done_is_not_done_again(mien: Any, numbers: Path) -> None:
    assert mien(*make(numbers, "--seeds", 1))[0] == 0
    assert mien(*make(numbers, "--seeds", 2))[0] == 0
    assert runs(numbers) == ["teacher 0", "student 0", "teacher 1", "student 1"]
    assert mien(*make(numbers, "--seeds", 1, "--fresh"))[0] == 0
    assert len(runs(numbers)) == 6


def test_fresh_makes_what_it_builds_on_anew_too(mien: Any, numbers: Path, tmp_path: Path) -> None:
    """Nets that several tables read lie beside the tables' folders."""
    shared = tmp_path / "work" / "tiny-nets" / "kept"
    make_it = make(numbers, "--seeds", 1, "--work", tmp_path / "work")
    shared.mkdir(parents=True)
    assert mien(*make_it)[0] == 0
    assert shared.is_dir()
    assert mien(*make_it, "--fresh")[0] == 0
    assert not shared.exists()


def test_a_stopped_table_goes_on(mien: Any, numbers: Path) -> None:
    code, _, err = mien(*make(numbers, "--seeds", 2, "--set", "stop=student 1"))
    assert code == 130
    assert "goes on with: mien" in err
    assert mien(*make(numbers, "--seeds", 2))[0] == 0
    assert runs(numbers) == ["teacher 0", "student 0", "teacher 1", "student 1", "student 1"]


def test_what_a_training_of_other_settings_left_is_not_gone_on_with(tmp_path: Path) -> None:
    from mien.training.reproduction import begin

    begin(tmp_path / "a", {"rate": 1})
    (tmp_path / "a" / "checkpoint").write_text("half")
    begin(tmp_path / "a", {"rate": 1})
    assert (tmp_path / "a" / "checkpoint").is_file()
    begin(tmp_path / "a", {"rate": 2})
    assert not (tmp_path / "a" / "checkpoint").exists()
    (tmp_path / "a" / "checkpoint").write_text("half")
    begin(tmp_path / "a", {"rate": 2}, fresh=True)
    assert not (tmp_path / "a" / "checkpoint").exists()


def test_the_page_keeps_other_sections_and_follows_docs(mien: Any, numbers: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "reproduction.md"
    page.write_text("# old title\n\n## `other` Another table\n\nkept\n\n## What cannot be reproduced here\n\nold\n")
    assert mien(*make(numbers, "--seeds", 1, "--quiet")) == (0, "", "")
    text = page.read_text()
    assert list(sections_of(text)) == ["tiny-table", "other"]
    assert "kept" in text
    assert "old" not in text
    assert "±" not in sections_of(text)["tiny-table"]  # one seed has no deviation


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["reproduce", "tiny-tabel", "--data", "."], 2, "did you mean tiny-table?"),
        (["reproduce", "tiny-table"], 2, "mien reproduce tiny-table --data DIR"),
        (["reproduce", "tiny-table", "--data", "."], 10, "numbers.txt, which is not in the folder"),
        (["reproduce", "tiny-closed"], 2, "nobody has the data; whoever has the data gives: mien train tiny"),
    ],
)
def test_what_cannot_be_is_one_sentence(mien: Any, arguments: list[str], code: int, said: str) -> None:
    got, out, err = mien(*arguments)
    assert (got, out) == (code, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_run_without_its_number_is_told(mien: Any, numbers: Path) -> None:
    code, _, err = mien(*make(numbers, "--seeds", 1, "--quiet", "--set", "nothing=1"))
    assert code == 10
    assert "teacher gave no number for accuracy" in err


def test_every_table_that_is_offered_can_be_loaded_or_says_why_not() -> None:
    from mien.training.reproduction import load_table

    tables = Registry.load().tables
    for info in tables.values():
        if info.closed:
            continue
        table = load_table(info)
        assert {figure.task for figure in table.FIGURES} <= set(table.TASKS)
        assert all(table.settings(task) is not None for task in table.TASKS)


def test_a_table_has_a_module_or_a_reason() -> None:
    with pytest.raises(ValueError, match="either a module or a reason"):
        TableInfo("x", "X")
    with pytest.raises(ValueError, match="no id"):
        TableInfo("X y", "X", closed="no")
