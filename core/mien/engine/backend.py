"""Where the models run: `auto`, `cpu`, `cuda:N` or `mps`, and in which precision. One setting for all front ends."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from mien.errors import DeviceError

PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Backend:
    """A device that was tried and works.

    Args:
        device: as torch spells it.
        precision: one of `PRECISIONS`.
        name: the device's own name.
        threads: how many CPU threads the models may keep busy.
    """

    device: str
    precision: str
    name: str
    threads: int


def check_names(device: str, precision: str) -> None:
    """Refuse what cannot be a device or a precision, without loading torch.

    Raises:
        DeviceError: in one sentence.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", device):
        raise DeviceError(f"There is no device {device!r}; choose auto, cpu, cuda:0, cuda:1, … or mps.")
    if precision not in ("auto", *PRECISIONS):
        raise DeviceError(f"There is no precision {precision!r}; choose auto, {', '.join(PRECISIONS)}.")


def available() -> list[tuple[str, str]]:
    """Every device that works here as (device, name), the best first."""
    found = []
    for device in _candidates():
        name = _try(device)
        if name:
            found.append((device, name))
    return found


def select(device: str = "auto", precision: str = "auto", threads: int | None = None) -> Backend:
    """The device to use. `auto` tries each candidate with a real computation and takes the first that works.

    Raises:
        DeviceError: the device asked for is missing or does not compute.
    """
    check_names(device, precision)
    if device == "auto":
        chosen, name = available()[0]
    else:
        chosen = "cuda:0" if device == "cuda" else device
        name = _try(chosen)
        if not name:
            here = ", ".join(d for d, _ in available())
            raise DeviceError(
                f"The device {chosen} is not there or does not work; choose what this machine has: {here}."
            )
    if precision == "auto":
        precision = "float32"
    if precision == "float16" and chosen == "cpu":
        raise DeviceError("float16 needs a GPU; choose float32 or bfloat16 on the CPU.")
    return Backend(chosen, precision, name, threads or cores())


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that a GPU's memory is used up."""
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "out of memory" in str(error).lower()


def free_memory() -> None:
    """Give cached GPU memory back to the driver."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _candidates() -> list[str]:
    import torch

    devices = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def _try(device: str) -> str:
    """The device's name if a small computation on it comes out right, else an empty string."""
    if device == "cpu":  # always there; asking for it must not cost the seconds that loading torch takes
        return f"CPU, {cores()} cores"
    import torch

    try:
        ones = torch.ones(8, 8, device=device)
        if float((ones @ ones).sum().cpu()) != 512.0:
            return ""
        if device.startswith("cuda"):
            return str(torch.cuda.get_device_name(device))
    except (RuntimeError, AssertionError):
        return ""
    return {"mps": "Apple GPU"}.get(device, device)
