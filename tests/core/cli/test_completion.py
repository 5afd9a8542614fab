"""Completion in a shell: installed as the README says, and then asked by that shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MIEN = Path(sys.executable).with_name("mien")

pytestmark = pytest.mark.skipif(
    not MIEN.exists() or shutil.which("bash") is None, reason="needs bash and the command where Python is"
)


def bash(program: str, home: Path) -> str:
    """What a bash of somebody whose home that is prints."""
    environ = {**os.environ, "HOME": str(home), "PATH": f"{MIEN.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", program], capture_output=True, text=True, env=environ, cwd=home, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    bash("mien --install-completion && true", tmp_path)  # two commands, so that the shell stays and is seen
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert str(script) in (tmp_path / ".bashrc").read_text()
    ask = f'source "{script}"; COMP_WORDS=(mien {{}}); COMP_CWORD={{}}; _mien_completion mien; echo "${{{{COMPREPLY[*]}}}}"'
    assert bash(ask.format("ana", 1), tmp_path).split() == ["analyze"]
    assert {"list", "show", "search", "remove"} <= set(bash(ask.format("library ''", 2), tmp_path).split())
    options = bash(ask.format("analyze --", 2), tmp_path).split()
    named = {"--plugins", "--set", "--fusion", "--device", "--export", "--recipe", "--json", "--quiet", "--precision"}
    assert named <= set(options)
