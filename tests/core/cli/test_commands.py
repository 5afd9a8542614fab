"""Every command, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.core import TyperGroup
from typer.main import get_command

from mien.cli.app import app, only

TINY = ("--plugins", "tiny.level,tiny.loud,tiny.brightness", "--fusion", "tiny", "--device", "cpu")


def test_analyze_then_library_then_export(mien: Any, clip: Path, tmp_path: Path) -> None:
    first = mien("analyze", clip, *TINY, "--export", "csv", "--export", "json", "--out", "results")
    assert first.code == 0, first.err
    assert first.err == ""
    assert "tiny.level" in first.out
    assert "level" in first.out
    assert "opening" not in first.out  # bars are for terminals
    assert json.loads((tmp_path / "results" / "clip-mien.json").read_text())
    assert (tmp_path / "results" / "clip-mien-csv" / "tiny.level.csv").is_file()

    again = mien("analyze", clip, *TINY, "--json")
    states = {p["id"]: p["state"] for line in again.lines if line["event"] == "started" for p in line["plugins"]}
    assert states == {
        "tiny.level": "cached",
        "tiny.loud": "cached",
        "tiny.brightness": "cached",
        "fusion.tiny": "run",
    }
    result = next(line for line in again.lines if line["event"] == "result")
    assert result["failed"] == {}
    assert "level" in result["tracks"]["tiny.level"]["says"]

    listed = mien("library", "list", "--json").lines[0]
    assert [Path(m["path"]).name for m in listed] == ["clip.mp4"]
    shown = mien("library", "show", clip)
    assert "tiny.level: level" in shown.out
    by_id = mien("library", "show", listed[0]["id"][:8], "--json").lines[0]
    assert by_id["id"] == listed[0]["id"]
    assert mien("library", "search", "nothing").out == "Nothing found.\n"

    exported = mien("export", clip, "--format", "parquet", "--out", "more", "--json")
    assert exported.code == 0
    assert all(Path(tmp_path, p).exists() for p in exported.lines[0]["paths"])
    part = mien("export", clip, "--format", "json", "--out", "more", "--start", "1", "--end", "2.5", "--json")
    assert [Path(p).name for p in part.lines[0]["paths"]] == ["clip-1s-2.5s-mien.json"]
    assert json.loads((tmp_path / "more" / "clip-1s-2.5s-mien.json").read_text())["span"] == [1.0, 2.5]
    assert mien("export", clip, "--format", "json", "--start", "2", "--end", "1").code == 7

    assert mien("library", "remove", clip, "--yes").code == 0
    assert mien("library", "list", "--json").lines == [[]]
    assert clip.exists()


def test_what_an_earlier_run_read_is_told_apart(mien: Any, clip: Path) -> None:
    """A plugin that failed, or was left out this time, has found nothing now, whatever the library knows."""
    assert "earlier run" not in mien("analyze", clip, *TINY).out
    assert "earlier run" not in mien("analyze", clip, *TINY).out  # all of it from the library, and asked for
    part = ("analyze", clip, "--plugins", "tiny.level", "--fusion", "none", "--device", "cpu")
    shown = mien(*part).out
    assert "earlier run: " in next(line for line in shown.splitlines() if "tiny.brightness" in line)
    assert "earlier run" not in next(line for line in shown.splitlines() if "tiny.level" in line)
    result = next(line for line in mien(*part, "--json").lines if line["event"] == "result")
    earlier = {name for name, told in result["tracks"].items() if told["earlier"]}
    assert "tiny.level" not in earlier
    assert {"tiny.brightness", "fusion.score"} <= earlier


def test_a_recipe_replays_a_choice(mien: Any, clip: Path, tmp_path: Path) -> None:
    saved = mien("analyze", clip, *TINY, "--set", "tiny.level.window=0.25", "--save-recipe", "choice.json", "--quiet")
    assert (saved.code, saved.out) == (0, "")
    recipe = json.loads((tmp_path / "choice.json").read_text())
    assert recipe["plugins"]["tiny.level"]["params"] == {"window": 0.25}
    replayed = mien("analyze", clip, "--recipe", "choice.json", "--device", "cpu", "--json")
    states = [p["state"] for line in replayed.lines if line["event"] == "started" for p in line["plugins"]]
    assert states == ["cached", "cached", "cached", "run"]
    # What a recipe says of plugins that are left out does no harm; a provider is there though nobody named it.
    part = ("--recipe", "choice.json", "--plugins", "tiny.loud", "--fusion", "none", "--device", "cpu", "--json")
    fewer = mien("analyze", clip, *part, "--set", "tiny.level.window=0.25")
    assert (fewer.code, fewer.err) == (0, "")
    recipe["plugins"]["tiny.level"]["version"] = "0.9"
    (tmp_path / "choice.json").write_text(json.dumps(recipe))
    stale = mien("analyze", clip, "--recipe", "choice.json")
    assert stale.code == 2
    assert "made with tiny.level 0.9" in stale.err
    absent = mien("analyze", clip, "--recipe", "choise.json")
    assert absent.code == 2
    assert (
        "cannot be opened (No such file or directory); check its name and whether it may be read: choise.json"
        in absent.err
    )
    (tmp_path / "choice.json").write_text("{")
    broken = mien("analyze", clip, "--recipe", "choice.json")
    assert broken.code == 2
    assert "This is no recipe of format 1; save one with --save-recipe: choice.json" in broken.err


def test_one_bad_file_in_a_folder_never_stops_the_others(mien: Any, tmp_path: Path, make_clip: Any) -> None:
    folder = tmp_path / "a folder"
    (folder / "deep").mkdir(parents=True)
    make_clip(folder / "good.mp4", 1.0)
    make_clip(folder / "deep" / "auch gut – ünïcode.mkv", 1.0)
    (folder / "bad.mp4").write_bytes(b"\0" * 1000)
    (folder / "empty.wav").touch()
    (folder / "notes.txt").write_text("not a medium")
    done = mien("analyze", folder, "--plugins", "tiny.level", "--fusion", "none", "--device", "cpu")
    assert done.code == 1
    assert "2 of 4 media analysed." in done.out
    assert "bad.mp4" in done.err
    assert "The file is empty" in done.err
    assert len(mien("library", "list", "--json").lines[0]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["analyze", "nowhere.mp4"], 3, "There is no such file"),
        (["analyze", "clip.mp4", "--plugins", "tiny.levl"], 2, "did you mean tiny.level?"),
        (["analyze", "clip.mp4", "--fusion", "magic"], 2, "no fusion named 'magic'"),
        (["analyze", "clip.mp4", "--device", "tpu"], 4, "There is no device 'tpu'"),
        (["analyze", "clip.mp4", "--plugins", "tiny.level", "--device", "cuda:9"], 4, "cuda:9 is not there"),
        (["analyze", "clip.mp4", "--precision", "float8"], 4, "There is no precision 'float8'"),
        (["analyze", "clip.mp4", "--device", "cpu", "--precision", "float16"], 4, "float16 needs a GPU"),
        (["analyze", "clip.mp4", "--threads", "0"], 2, "--threads"),
        (["analyze", "clip.mp4", "--export", "docx"], 2, "no export format named 'docx'"),
        (["analyze", "clip.mp4", "--set", "tiny.level.window=-1"], 2, "greater than 0"),
        (
            ["analyze", "clip.mp4", "--plugins", "tiny.level", "--set", "text.threshold=0.4"],
            2,
            "text does not take part",
        ),
        (["analyze", "clip.mp4", "--fusion", "none", "--set", "late.threshold=0.5"], 2, "fusion.late does not take"),
        (["analyze", "clip.mp4", "--set", "video.max_height=120"], 2, "video does not take part; choose it with"),
        (["analyze", "clip.mp4", "--set", "window"], 2, "must read plugin.param=value"),
        (["analyze", "clip.mp4", "--plugins", "tiny.level", "--audio-stream", "7"], 2, "no audio stream '7'"),
        (["analyze", "clip.mp4", "--recipe", "clip.mp4"], 2, "no recipe"),
        (["analyze", "."], 3, "no medium in the folder"),
        (["analyze"], 2, "Missing argument"),
        (["analyse", "clip.mp4"], 2, "No such command"),
        (["probe", "."], 3, "no medium in the folder"),
        (["export", "clip.mp4", "--format", "csv"], 6, "does not know this medium"),
        (["library", "show", "clip.mp4"], 6, "does not know this medium"),
        (["plugins", "nothing.like.it"], 2, "no analyzer named"),
        (["models", "show", "nothing"], 5, "nothing"),
        (["library", "list", "--library", "clip.txt"], 6, "library"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_every_mistake_is_one_sentence(
    mien: Any, tmp_path: Path, make_clip: Any, mien_home: Path, arguments: list[str], code: int, says: str
) -> None:
    if code != 3 and "clip.mp4" in arguments:
        make_clip(tmp_path / "clip.mp4", 0.5)
    (tmp_path / "clip.txt").write_text("this is not a database, it is a text that somebody wrote\n" * 40)
    done = mien(*arguments)
    assert done.code == code, done.err
    assert says in done.err
    assert done.err.startswith("mien: ")
    assert done.err.count("\n") == 1
    if (mien_home / "library.db").exists():  # the library is as it was: empty
        assert mien("library", "list", "--json").lines == [[]]


def test_device_and_precision_are_those_of_the_settings_unless_others_are_named(mien: Any, clip: Path) -> None:
    """The window writes the same settings (tests/desktop/settings)."""
    from mien import config

    config.save({"device": "cuda:77", "precision": "bfloat16"})
    level = ("analyze", clip, "--plugins", "tiny.level", "--fusion", "none")
    refused = mien(*level)
    assert refused.code == 4
    assert "cuda:77 is not there" in refused.err
    done = mien(*level, "--device", "cpu", "--json")
    assert done.code == 0
    (started,) = [line for line in done.lines if line["event"] == "started"]
    assert started["device"].startswith("CPU")
    assert started["device"].endswith("(bfloat16)")
    # This plugin knows no precisions, and the record does not say that it did.
    (run,) = mien("library", "show", clip, "--json").lines[0]["runs"]
    assert (run["device"], run["precision"]) == ("cpu", "float32")


def test_odd_paths(mien: Any, tmp_path: Path, make_clip: Any) -> None:
    names = ["-dash.mp4", "two  spaces & (1).mp4", "视频.mp4", "new\nline.mp4"]
    for seconds, name in enumerate(names, 1):
        make_clip(tmp_path / name, 0.5 * seconds)
    done = mien("analyze", "--quiet", "--plugins", "tiny.level", "--fusion", "none", "--device", "cpu", "--", *names)
    assert (done.code, done.err) == (0, "")
    assert len(mien("library", "list", "--json").lines[0]) == len(names)
    missing = mien("probe", "--", "no\nsuch.mp4")
    assert missing.code == 3
    assert missing.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["plugins"], ["train"], ["plugins", "--help"]], ids=" ".join)
def test_help_and_plugins_load_nothing_heavy(arguments: list[str], mien_home: Path) -> None:
    """How long they take is measured by `make bench`; here, what would make it long."""
    program = (
        "import sys\n"
        "from mien.cli.app import run\n"
        f"assert run({arguments!r}) == 0\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'sqlalchemy', 'transformers', 'av', 'cv2', 'soundfile'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    environ = {k: v for k, v in os.environ.items() if k != "MIEN_PLUGINS"}
    subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ, check=True)


def test_options_are_worked_out_for_the_command_asked_for_only() -> None:
    """Typer makes those of every command otherwise, a sixth of the start; what is no command gets the whole for its hint."""
    whole = _group(app)
    assert len(whole.commands) > 10
    for name in whole.commands:
        narrow = _group(only(name))
        assert list(narrow.commands) == [name]
        assert [p.name for p in narrow.params] == [p.name for p in whole.params]
    for other in ("", "--help", "analyse", "-h"):
        assert list(_group(only(other)).commands) == list(whole.commands)


def _group(made: Typer) -> TyperGroup:
    group = get_command(made)
    assert isinstance(group, TyperGroup)
    return group


def test_a_command_misspelt_is_told_the_nearest(mien: Any) -> None:
    said = mien("analyse")
    assert said.code == 2
    assert "analyze" in said.err


def test_plugins_in_full(mien: Any) -> None:
    shown = mien("plugins", "tiny.level")
    assert "--set tiny.level.window=0.5  length of a window (s, > 0 and ≤ 10)" in shown.out
    facts = mien("plugins", "--json").lines[0]
    assert {"speech.voice", "speech.transcript", "text", "conflict"} <= {a["id"] for a in facts["analyzers"]}
    assert facts["broken"] == []


def test_ctrl_c_in_a_command_says_that_it_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    from mien.cli.app import run

    monkeypatch.setattr("mien.cli.plugins.list_plugins", stopped)
    assert run(["plugins"]) == 130
    assert capsys.readouterr() == ("", "mien: Stopped.\n")


def test_ctrl_c_while_the_command_line_loads_says_that_it_stopped(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n", encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "mien.cli", "plugins"], capture_output=True, text=True, env=environ, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "mien: Stopped.\n")
