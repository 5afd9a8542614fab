"""The wheel, installed into an empty folder, analyses a clip there with the weights it carries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from a copy of what git tracks, so that nothing else slips in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("needs a git checkout to know what belongs to the project")
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(ROOT / name, source / name) if os.stat(ROOT).st_dev == os.stat(source).st_dev else (
                source / name
            ).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), "."]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return next(out.glob("mien-*.whl"))


def test_the_wheel_holds_weights_cards_and_the_demo(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for model in ("text-offence", "face-affect", "conflictnet", "emotion-mtl"):
        for file in ("model.safetensors", "config.json", "card.json", "CARD.md"):
            assert f"mien_resources/models/{model}/{file}" in names
    assert "mien_resources/demo/demo.mp4" in names
    for file in ("common/pyproject.toml.in", "common/src/PACKAGE/py.typed.in", "fusion/MODEL_CARD.md.in"):
        assert f"mien_template/{file}" in names
    assert not [n for n in names if "examples/" in n]
    assert not [n for n in names if n.startswith("tests/")]


def test_an_installed_wheel_analyses_a_clip(wheel: Path, tmp_path: Path, make_clip: Any) -> None:
    """The dependencies are this environment's; Mien itself comes from the wheel alone."""
    place = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(place), str(wheel)],
        check=True,
        capture_output=True,
    )
    clip = make_clip(tmp_path / "clip.mp4", 3.0)
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import mien, mien_plugins, mien_resources\n"
        "assert all('installed' in m.__file__ for m in (mien, mien_plugins, mien_resources))\n"
        "from mien.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(place), "analyze", str(clip), "--json", "--device", "cpu"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(place)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    result = next(line for line in lines if line["event"] == "result")
    assert result["failed"] == {}
    assert {"conflict", "emotion", "face.affect", "speech.voice"} <= set(result["runs"])
