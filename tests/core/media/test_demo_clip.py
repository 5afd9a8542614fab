"""The clip that ships is small, whole, and heated at its end."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from mien.media.decode import Decoder
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.probe import probe
from mien.media.resample import to_mono
from mien.media.subtitles import find_cues

DEMO = Path(__file__).resolve().parents[3] / "resources" / "demo" / "demo.mp4"


def test_demo_clip():
    medium = probe(DEMO)
    assert medium.size_bytes < 2_000_000
    assert medium.duration == pytest.approx(22.1, abs=0.2)
    with Decoder(medium) as decoder:
        pieces = list(decoder)
    assert not decoder.damage
    assert sum(isinstance(p, FramePiece) for p in pieces) == pytest.approx(medium.duration * 25, abs=2)
    sound = np.concatenate([to_mono(p.samples, p.layout) for p in pieces if isinstance(p, AudioPiece)])
    half = len(sound) // 2
    assert np.std(sound[half:]) > 1.5 * np.std(sound[:half])
    cues, source = find_cues(medium)
    assert source == "demo.en.srt"
    assert len(cues) == 11
    overlapping = [a for a, b in itertools.pairwise(cues) if b.start < a.end]
    assert overlapping
    assert min(a.start for a in overlapping) > medium.duration / 2
    assert cues[-1].end <= medium.duration
