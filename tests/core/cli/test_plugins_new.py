"""`mien plugins new`: each kind of project, installed by pip into a fresh folder, is a plugin like any other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

NAMES = {"analyzer": "loud-curve", "fusion": "loudest", "exporter": "tab-text"}


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project of each kind."""
    from mien.cli.plugins_new import new_plugin

    folder = tmp_path_factory.mktemp("projects")
    for kind, name in NAMES.items():
        new_plugin(name, kind, folder / name)
    return folder


@pytest.fixture(scope="module")
def site(projects: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three as their users install them, in a folder of their own."""
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--target", str(place), *(str(projects / name) for name in NAMES.values())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("kind", NAMES)
def test_its_tests_pass_as_generated(projects: Path, kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=projects / NAMES[kind],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.mark.parametrize("kind", NAMES)
def test_the_project_is_complete(projects: Path, kind: str) -> None:
    """Entry point, descriptor, typed parameters, class, model card, tests, README: every kind has each of them."""
    name = NAMES[kind]
    folder, package = projects / name, f"mien_{name.replace('-', '_')}"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    source = {f"src/{package}/{part}" for part in ("__init__.py", "info.py", f"{kind}.py", "py.typed")}
    wanted = {"pyproject.toml", "README.md", "MODEL_CARD.md", "tests/conftest.py", f"tests/test_{package}.py", *source}
    assert {path for path in files if "__pycache__" not in path and ".egg-info" not in path} >= wanted
    texts = {path: (folder / path).read_text(encoding="utf-8") for path in wanted}
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    assert project["entry-points"]["mien"] == {name: f"{package}.info"}
    info = texts[f"src/{package}/info.py"]
    assert re.search(rf"^INFO = {kind.capitalize()}Info\($", info, re.MULTILINE)
    (title,) = re.findall(r"^class (\w+)Params\((?:Fusion)?Params\):", info, re.MULTILINE)
    assert re.search(r"^    \w+: (int|float|bool|str|Literal\[.+\]) = param\(", info, re.MULTILINE)
    assert "@hookimpl" in info
    assert f'factory="{package}.{kind}:{title}"' in info
    assert re.search(rf"^class {title}\b", texts[f"src/{package}/{kind}.py"], re.MULTILINE)
    assert "def test_conformance(mien_check" in texts[f"tests/test_{package}.py"]
    readme = texts["README.md"]
    assert all(f"`{part}`" in readme for part in ("MODEL_CARD.md", f"src/{package}/info.py", "tests/"))
    card = texts["MODEL_CARD.md"]
    assert "**There is no model.**" in card
    says = (
        ("## What it writes", "## Limits", "## Licence", project["license"]["text"])
        if kind == "exporter"
        else ("licence",)
    )
    assert all(part in card for part in says)


def test_what_is_written_is_tidy(projects: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    rules = ("check", "--isolated", "--no-cache", "--select", "E,F,I,UP,B,SIM,RUF100", "--line-length", "130")
    for name in NAMES.values():
        done = subprocess.run([*ruff, *rules, "."], cwd=projects / name, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        files = [p for p in (projects / name).rglob("*") if p.suffix in (".py", ".md", ".toml")]
        assert len(files) >= 7
        assert not [p for p in files if "PACKAGE" in str(p) or "@PACKAGE@" in p.read_text(encoding="utf-8")]


def test_installed_they_are_listed_and_run(site: Path, tmp_path: Path, mien: Any, clip: Path) -> None:
    """The settings forms of the window are made from the same descriptors."""
    path = {"PYTHONPATH": str(site), "MIEN_PLUGINS": "", "MIEN_ISOLATE": "1"}
    listed = mien("plugins", "--json", **path).lines[0]
    assert listed["broken"] == []
    for group, plugin in (("analyzers", "loud-curve"), ("fusions", "fusion.loudest"), ("exports", "tab-text")):
        assert plugin in {p["id"] for p in listed[group]}
    window = next(p for p in listed["analyzers"] if p["id"] == "loud-curve")["params"]["properties"]["window"]
    assert (window["minimum"], window["maximum"], window["unit"]) == (0.02, 10, "s")

    (tmp_path / "clip.srt").write_text("1\n00:00:00,200 --> 00:00:02,000\nso what did you see\n", encoding="utf-8")
    run = ("analyze", clip, "--plugins", "loud-curve,text", "--set", "loud-curve.hop=0.5", "--fusion", "loudest")
    done = mien(*run, "--device", "cpu", "--export", "tab-text", "--out", "out", "--json", **path)
    assert done.code == 0, done.err
    result = next(line for line in done.lines if line["event"] == "result")
    assert result["failed"] == {}
    assert result["tracks"]["fusion.score"]["rows"] > 0
    lines = next((tmp_path / "out").glob("*.tsv")).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    assert rows[0] == ["track", "start", "end", "what", "value", "text"]
    assert {"fusion.score", "loud-curve.loudness", "text.offence"} <= {row[0] for row in rows}
    # The clip's tone has half of full scale for every other second: −9 dB, and next to nothing between.
    level = {float(row[1]): float(row[4]) for row in rows if row[0] == "loud-curve.loudness"}
    assert level[0.7] == pytest.approx(-9.0, abs=0.5)
    assert level[1.7] < -50


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["Bad_Name", "--kind", "fusion"], 2, "is no name for a plugin"),
        (["a--b", "--kind", "fusion"], 2, "is no name for a plugin"),
        (["../up", "--kind", "fusion"], 2, "is no name for a plugin"),
        (["fine", "--kind", "window"], 2, "one of analyzer, fusion, exporter"),
        (["fine"], 2, "Missing option '--kind'"),
        (["csv", "--kind", "exporter"], 2, "There is a plugin csv already"),
        (["plugins", "--kind", "analyzer"], 2, "part of Mien itself"),
        (["taken", "--kind", "analyzer"], 2, "something already at taken"),
        (["fine", "--kind", "analyzer", "--out", "file/under"], 6, "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("a file")
    refused(["plugins", "new", *arguments], code, said)
    assert not (tmp_path / "fine").exists()


def test_the_list_and_one_plugin_are_still_asked_for_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    from mien.cli.app import run

    told = []
    for arguments in (["csv"], ["show", "csv"], ["csv", "--json"], [], ["--json"]):
        assert run(["plugins", *arguments]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert told[2].startswith('{"id": "csv"')
    assert "analyzers\n" in told[3]
    assert told[4].startswith('{"analyzers"')
