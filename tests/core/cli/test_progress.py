"""Progress on a terminal: a bar for each plugin with how far it is and how long it will take; none elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest

from mien.engine.events import Finished, PlannedPlugin, Progress, Started
from mien.sdk.media import MediaInfo

ENGINE = Path(__file__).resolve().parent.parent / "engine"


def test_each_bar_tells_how_much_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from mien.cli import say, screens

    terminal = Console(file=StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(say, "console", lambda: terminal)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    screen = screens.TextScreen(1)
    bars = screen._bars
    now = [0.0]
    bars.get_time = lambda: now[0]
    plugins = (PlannedPlugin("a", "Sound level", "run"), PlannedPlugin("b", "Faces", "cached"))
    screen.begin(Path("clip.mp4"))
    screen.show(Started("m", MediaInfo(Path("clip.mp4"), 60.0), plugins, (), "CPU (float32)"))
    for fraction in (0.1, 0.2, 0.3):
        now[0] += 6.0
        screen.show(Progress("a", fraction))

    def seen() -> str:
        with terminal.capture() as captured:
            terminal.print(bars.get_renderable())
        return re.sub(r"\x1b\[[0-9;]*m", "", captured.get())

    assert re.search(r"Sound level .* 30% 0:00:4[0-9]", seen()), seen()  # 0.1 in 6 s: 42 s are left
    assert "Faces" not in seen()  # it comes from the library: nothing to wait for
    screen.show(Finished("a", 10, 18.0, ()))
    assert re.search(r"Sound level .*100%.* done", seen()), seen()


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals")
def test_bars_are_drawn_on_a_terminal_and_gone_at_the_end(clip: Path, tmp_path: Path) -> None:
    import pty

    environ = {**os.environ, "PYTHONPATH": str(ENGINE), "MIEN_PLUGINS": "tiny_plugins", "MIEN_ISOLATE": "0"}
    environ |= {"TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-c", "from mien.cli.app import main; main()", "analyze", str(clip)]
    command += ["--plugins", "tiny.level", "--fusion", "none", "--device", "cpu"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, cwd=tmp_path, env=environ) as process:
        os.close(theirs)
        said = read_all(ours)
    assert process.returncode == 0, said
    assert "opening" in said
    assert "what it found" in said
    assert re.search(r"Level.*%", said), said
    assert "\x1b[2K" in said  # bars are wiped, so that the table alone stays
    assert "Traceback" not in said


def read_all(terminal: int) -> str:
    """All that is printed until the other side closes."""
    parts = []
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux' way of saying that the other side has closed
            break
        if not part:
            break
        parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode(errors="replace")
