"""Memory does not grow with the medium: measured in a process of its own, on a short and a long file."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import sys
from mien.media.decode import Decoder
from mien.media.picture import to_rgb
from mien.media.pieces import FramePiece
from mien.media.resample import Resampler

frames = 0
resampler = Resampler(16_000)
with Decoder(sys.argv[1], threads=1) as decoder:
    for piece in decoder:
        if isinstance(piece, FramePiece):
            frames += 1
            to_rgb(piece.frame, 64)
        else:
            resampler.push(piece)
print(frames, round(decoder.reached), open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


def peak(path) -> tuple[int, int, int]:
    """Frames, seconds and peak memory (KiB) of a decode."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=True)
    frames, seconds, kilobytes = map(int, done.stdout.split())
    return frames, seconds, kilobytes


@pytest.mark.parametrize("interleave", [True, False])
def test_eight_times_the_length_takes_no_more_memory(make, interleave):
    """Also where the file holds all pictures first and all sound behind them, as some recorders write."""
    peaks = []
    for minutes in (1, 8):
        sound = np.zeros((minutes * 60 * 8_000, 1), np.float32)
        path = make(
            f"{minutes}.mkv", times=np.arange(0, minutes * 60, 2.0), size=(320, 240), sounds=[sound],
            rate=8_000, acodec="flac", interleave=interleave, options={"max_interleave_delta": "1"},
        )  # fmt: skip
        frames, seconds, kilobytes = peak(path)
        assert frames == minutes * 30
        assert seconds == pytest.approx(minutes * 60, abs=2)
        peaks.append(kilobytes)
    assert peaks[1] < 1.1 * peaks[0]
