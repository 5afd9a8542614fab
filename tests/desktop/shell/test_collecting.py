"""Python's collector of garbage does not go through the whole window while somebody works in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import gc, json, sys
from mien_desktop.app import application, open_window
app = application()
window = open_window(sys.argv[1])
for _ in range(5):
    app.processEvents()
print(json.dumps([gc.isenabled(), gc.get_freeze_count(), len(gc.get_objects())]), flush=True)
window.close()
window.shutdown()
"""


def test_what_was_made_while_it_started_is_left_alone(tmp_path: Path) -> None:
    """In a process of its own: what is left alone is never given back."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "MIEN_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "library.db")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    collects, kept, watched = json.loads(done.stdout.splitlines()[-1])
    assert collects
    assert kept > 40_000
    assert watched < kept / 4
