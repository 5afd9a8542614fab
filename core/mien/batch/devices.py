"""How many workers there are and what each computes on."""

from __future__ import annotations

import glob
import subprocess
import sys
from dataclasses import dataclass

from mien.engine.backend import check_names, cores
from mien.errors import UsageError

CORES_EACH = 4
"""One medium keeps about as many cores busy: its branches run side by side, and the decoder beside them."""


@dataclass(frozen=True)
class Slot:
    """A worker's place: its device, and how many threads its models may keep busy."""

    device: str
    threads: int


def slots(device: str, precision: str, workers: int | None, threads: int | None) -> list[Slot]:
    """The places of all workers.

    Args:
        device: one, or several joined by commas; `auto` stands for every GPU, and for the CPU where there is none.
        workers: per device, None for what is sensible: one on a GPU, one for each four cores on a CPU.
        threads: of each worker, None to share the cores.

    Raises:
        DeviceError: one that cannot be.
    """
    devices: list[str] = []
    for name in device.split(","):
        name = name.strip()
        check_names(name, precision)
        devices += _gpus() or [name] if name == "auto" else [name]
    devices = list(dict.fromkeys(devices))
    if not devices:
        raise UsageError("Name at least one device.")
    places = []
    for name in devices:
        usual = 1 if name.startswith(("cuda", "mps")) else max(1, cores() // CORES_EACH)
        places += [name] * (workers or usual)
    share = threads or max(1, cores() // len(places))
    return [Slot(name, share) for name in places]


def _gpus() -> list[str]:
    """Every GPU that computes if there are several, else nothing: the engine finds the one by itself.

    Finding out needs torch, so a process of its own does it, and only where the system shows several.
    """
    if len(glob.glob("/dev/nvidia[0-9]*")) < 2:
        return []
    program = "from mien.engine.backend import available\nprint(*(d for d, _ in available() if d.startswith('cuda')))"
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.split()
