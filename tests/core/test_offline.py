"""Offline means that no socket is opened: every socket call of every process is watched while commands run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Python loads this into every process that has its folder on the path: workers and helpers as well. Sockets between
# processes of this machine (multiprocessing's) have no address family of the internet.
WATCH = """
import os, socket, sys

def watch(event, arguments):
    if not event.startswith("socket."):
        return
    family = arguments[1] if event == "socket.__new__" else getattr(arguments[0], "family", None)
    names = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
    if names or family in (socket.AF_INET, socket.AF_INET6):
        with open(os.environ["SOCKETS_SEEN"], "a") as file:
            file.write(f"{event} {sys.argv[1:4]}\\n")
        raise PermissionError(f"{event} although Mien is offline")

sys.addaudithook(watch)
"""


@pytest.fixture
def watched(tmp_path: Path) -> Any:
    """Runs `mien …`; gives exit code, standard error and the sockets that were asked for."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    seen = tmp_path / "sockets"

    def call(*arguments: object, offline: str = "1") -> tuple[int, str, str]:
        seen.write_text("")
        path = os.pathsep.join([str(tmp_path / "watch"), os.environ.get("PYTHONPATH", "")])
        environ = {**os.environ, "PYTHONPATH": path, "SOCKETS_SEEN": str(seen), "MIEN_OFFLINE": offline}
        for name in ("HF_ENDPOINT", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            environ.pop(name, None)
        done = subprocess.run(
            [sys.executable, "-c", "from mien.cli.app import main; main()", *map(str, arguments)],
            capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=300, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr, seen.read_text()

    return call


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["models", "list"], 0),
        (["models", "show", "whisper-tiny"], 0),
        (["models", "pull", "whisper-tiny"], 5),
        (["models", "pull", "yunet", "--accept-licence"], 5),
        (["models", "pull", "roberta-hate", "--trust-hub", "--ask-again"], 5),
        (["models", "verify"], 0),
        (["train"], 0),
        (["plugins", "--json"], 0),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_commands_open_no_socket(watched: Any, arguments: list[str], code: int) -> None:
    done, said, sockets = watched(*arguments)
    assert (done, sockets) == (code, ""), said


@pytest.mark.parametrize("offline", ["1", "0"])
def test_an_analysis_opens_no_socket(watched: Any, tmp_path: Path, make_clip: Any, offline: str) -> None:
    """All default plugins, worker and helpers included; models are fetched on request only, where it may be done too."""
    clip = make_clip(tmp_path / "clip.mp4", 1.0, size=32)
    done, said, sockets = watched("analyze", clip, "--device", "cpu", "--threads", "1", "--quiet", offline=offline)
    assert (done, sockets) == (0, ""), said


@pytest.mark.parametrize("model", ["yunet", "roberta-hate"])
def test_the_watch_sees_a_download(watched: Any, model: str) -> None:
    """The same command with the network allowed does ask for a socket, so the silence above means something."""
    done, said, sockets = watched("models", "pull", model, "--trust-hub", offline="0")
    assert done in (5, 6, 70), said
    assert "socket." in sockets
