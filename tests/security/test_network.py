"""Nothing that reads hostile files opens a connection: the kernel kills whichever process tries, worker and ffmpeg included."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
TINY = HERE.parent / "core" / "engine"


def test_the_trap_works(victim: Any) -> None:
    """So that the silence elsewhere means something."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        victim("cues", "/nothing.srt")
        if not victim.trapped:
            pytest.skip("here the kernel cannot be told to kill who opens a socket")
        with pytest.raises(AssertionError, match=rf"died \({-signal.SIGSYS}\)"):
            victim("connect", server.getsockname()[1])
    program = f"import sys; sys.path.insert(0, {str(HERE)!r}); import victim, subprocess; assert victim.trap()\n"
    program += "sys.exit(subprocess.run([sys.executable, '-c', 'import socket; socket.socket()']).returncode == -31)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 1  # children are caught as well


def test_a_scan_of_hostile_files_opens_no_connection(
    victim: Any, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    """`mien scan` with worker processes, exports and an annotated video; what calls out is killed, and says so."""
    victim("cues", "/nothing.srt")
    if not victim.trapped:
        pytest.skip("here the kernel cannot be told to kill who opens a socket")
    media = tmp_path / "media"
    media.mkdir()
    good = make_clip(media / "good.mp4", 1.0)
    url = "http://127.0.0.1:9/a.ts"
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n"
    (media / "list.mp4").write_text(playlist)
    (media / "polyglot.mkv").write_bytes(playlist.encode() + good.read_bytes())
    (media / "concat.avi").write_text(f"ffconcat version 1.0\nfile '{url}'\n")
    (media / "call.wav").write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 9000 RTP/AVP 0\n")
    (media / "good.srt").write_text(
        f"1\n00:00:00,000 --> 00:00:01,000\n<img src={url}> {url} <a href='{url}'>x</a> {{\\fn{url}}}\n"
    )
    # Python loads this into every process that has its folder on the path; what they start inherits the filter.
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        f"import sys\nsys.path.append({str(HERE)!r})\nimport victim\nassert victim.trap()\n"
    )
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), str(TINY)]),
        "MIEN_PLUGINS": "tiny_plugins",
        "MIEN_OFFLINE": "0",
        "MIEN_ISOLATE": "0",
        "OMP_NUM_THREADS": "1",
    }
    options = ("--plugins", "tiny.level,tiny.brightness", "--fusion", "tiny", "--device", "cpu", "--json", "-j", "1")
    done = subprocess.run(
        [sys.executable, "-c", "from mien.cli.app import main; main()", "scan", str(media), *options,
         "--out", str(tmp_path / "out"), "-e", "report", "-e", "video"],
        capture_output=True, text=True, env=environ, timeout=300, check=False,
    )  # fmt: skip
    results = [line for line in map(json.loads, done.stdout.splitlines()) if line.get("event") == "result"]
    states = {Path(line["path"]).name: line["state"] for line in results}
    assert states.pop("polyglot.mkv") in ("done", "failed")  # there is a whole film behind the playlist
    assert states == {
        "good.mp4": "done", "list.mp4": "failed", "concat.avi": "failed", "call.wav": "failed",
    }, done.stderr  # fmt: skip
    assert done.returncode == 1, done.stderr  # and not killed by the trap
    assert "worker" not in done.stderr.lower()
    assert "does not read" in done.stdout or "recognised" in done.stdout
    assert sorted(p.suffix for p in (tmp_path / "out").glob("good-mien*")) == [".html", ".mp4"]
