"""Which devices compute here, found out in a process of its own: torch is never loaded into the window's."""

from __future__ import annotations

import json
import subprocess
import sys

from mien.engine.backend import cores

_ASK = "import json; from mien.engine.backend import available; print(json.dumps(available()))"
_LONGEST = 60.0  # s; a driver that hangs must not keep the window from ending


def devices() -> list[tuple[str, str]]:
    """(device, its real name), the best first; takes seconds. Only the CPU where it cannot be found out."""
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _ASK], capture_output=True, text=True, timeout=_LONGEST, check=True
        )
        return [(str(device), str(name)) for device, name in json.loads(answer.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError):
        return [("cpu", f"CPU, {cores()} cores")]
