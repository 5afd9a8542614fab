"""A process that reads hostile files, so that what they do to it can be measured: memory, time, the network.

One JSON list a line comes in: name of a function below, its arguments. One JSON object a line goes out: what it answered, or
which error it raised; how far its memory rose while it did (bytes), and how long it computed (s).

No socket of the internet can be made in it or in what it starts: the kernel kills the process that tries.
"""

from __future__ import annotations

import ctypes
import json
import platform
import struct
import sys
import time
from pathlib import Path
from typing import Any

_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""Of each machine: its name in the kernel's audit, the number of the call `socket`."""


def trap() -> bool:
    """Make the kernel kill this process and its children at their first socket of the internet; False where it cannot.

    A seccomp filter (linux/seccomp.h, linux/filter.h) of eight instructions on the call's number and first argument.
    """
    if sys.platform != "linux" or platform.machine() not in _SOCKET:
        return False
    arch, number = _SOCKET[platform.machine()]
    load, equal, answer = 0x20, 0x15, 0x06
    allow, kill = 0x7FFF0000, 0x80000000
    program = b"".join(
        struct.pack("<HBBI", *instruction)
        for instruction in (
            (load, 0, 0, 4),  # the machine
            (equal, 0, 5, arch),
            (load, 0, 0, 0),  # the call's number
            (equal, 0, 3, number),
            (load, 0, 0, 16),  # its first argument: the address family
            (equal, 2, 0, 2),  # AF_INET
            (equal, 1, 0, 10),  # AF_INET6
            (answer, 0, 0, allow),
            (answer, 0, 0, kill),
        )
    )
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(program, len(program))
    filter_ = ctypes.create_string_buffer(struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(held)))
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    return not libc.prctl(no_new_privileges, 1, 0, 0, 0) and not libc.prctl(set_seccomp, mode_filter, filter_)


# -- what is done to hostile files -----------------------------------------------------------------------------------


def medium(path: str) -> list[Any]:
    """Look at it and decode all of it, as the engine does: [s of sound, pictures, partial, s that it lasts]."""
    from mien.media.decode import Decoder
    from mien.media.picture import to_rgb
    from mien.media.pieces import AudioPiece
    from mien.media.probe import extent, probe
    from mien.media.resample import Resampler
    from mien.media.subtitles import find_cues

    found = probe(path)
    found.check()
    find_cues(found)
    sound, pictures, resampler = 0, 0, Resampler(16_000)
    with Decoder(found, threads=1) as decoder:
        for piece in decoder:
            if isinstance(piece, AudioPiece):
                chunk = resampler.push(piece)
                sound += 0 if chunk is None else len(chunk.samples)
            else:
                pictures += 1
                to_rgb(piece.frame, 320, piece.rotation, piece.aspect)
        length = found.duration if found.duration is not None else extent(path)
        return [round(sound / 16_000, 2), pictures, decoder.partial, round(max(length, decoder.reached), 2)]


def problems(path: str) -> list[str]:
    """What is wrong with a medium that can be read."""
    from mien.media.probe import probe

    return list(probe(path).problems)


def told(path: str) -> list[Any]:
    """The cues that plugins are told of: [start, end, text] each."""
    from mien.engine.choice import Choice
    from mien.engine.run import open_medium

    return [[cue.start, cue.end, cue.text] for cue in open_medium(Path(path), Choice())[1].cues]


def cues(path: str) -> list[str]:
    """The texts of a subtitle file, the first few."""
    from mien.media.subtitles import read_file

    return [cue.text[:50] for cue in read_file(Path(path))][:5]


def labels(path: str) -> list[Any]:
    """The columns of a label file, with how many labels they hold."""
    from mien.truth.labels import read_labels

    return [[column.name, len(column.labels)] for column in read_labels(Path(path)).columns]


def manifest(path: str) -> int:
    """How many rows a corpus' manifest holds."""
    from mien.training.manifest_file import read_manifest

    return len(read_manifest(Path(path)).rows)


def recipe(path: str) -> list[str]:
    """The analyzers of a saved choice."""
    from mien.engine.choice import load_recipe
    from mien.engine.registry import Registry

    return list(load_recipe(Path(path), Registry.load()).analyzers or ())


def install(path: str) -> list[str]:
    """Import a model; the files that were left out."""
    from mien.models.install import import_folder

    return list(import_folder("hostile", Path(path)).left_out)


def video(path: str, disguise: str, target: str) -> int:
    """Render a medium that turns into another file once it was looked at; bytes of the result."""
    from fractions import Fraction

    import numpy as np

    from mien.exchange import video as exporter
    from mien.media.probe import probe

    found = probe(path)
    Path(path).write_bytes(Path(disguise).read_bytes())
    exporter._shift = lambda _: {}  # type: ignore[assignment] # the last look at the medium came before
    with exporter._Encoder(found, found.audio, Path(target), (64, 64), Fraction(10), 30) as encoder:
        for _ in range(10):
            encoder.write(np.zeros((64, 64, 3), np.uint8))
    return Path(target).stat().st_size


def connect(port: int) -> str:
    """What the trap is for."""
    import socket

    with socket.create_connection(("127.0.0.1", port)):
        return "connected"


def _peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _serve() -> None:
    import av  # noqa: F401 - what everybody needs is loaded before memory is measured
    import numpy as np  # noqa: F401

    from mien.errors import MienError

    print(json.dumps(trap()), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, begun = _peak(), time.process_time()
        answer: dict[str, Any] = {"value": None, "error": "", "mien": False}
        try:
            answer["value"] = globals()[name](*arguments)
        except Exception as error:  # noqa: BLE001 - the test judges it
            answer |= {"error": f"{type(error).__name__}: {error}", "mien": isinstance(error, MienError)}
        answer |= {"memory": _peak() - before, "seconds": time.process_time() - begun}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
