"""The plugin of API 1 that is frozen here loads and runs; its file is as it was on the day it was written."""

from __future__ import annotations

import hashlib
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
SHA256 = "ef3118b537da2bd60875b43121c03476a68f26a7e7f92254a5e07324b5c16184"


def test_the_frozen_file_was_not_touched() -> None:
    """A change of the API that needs it changed breaks the plugins of others, and must not be made."""
    text = (HERE / "frozen_api1.py").read_text(encoding="utf-8")
    assert hashlib.sha256(text.encode()).hexdigest() == SHA256


def test_it_loads_and_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_clip: Any) -> None:
    from mien.engine.choice import Choice
    from mien.engine.registry import Registry, create
    from mien.engine.run import analyze_medium
    from mien.library.library import Library
    from mien.sdk import Analysis, MediaInfo

    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("MIEN_PLUGINS", "frozen_api1")
    registry = Registry.load()
    assert registry.broken == ()
    clip = make_clip(tmp_path / "clip.mp4", 3.0)
    choice = Choice(analyzers=("frozen.peak", "frozen.loud"), fusion="frozen", device="cpu")
    with Library(tmp_path / "library.db") as library:
        done = analyze_medium(clip, choice, registry, library, lambda event: None, threading.Event())
        assert done.failed == {}
        tracks = library.tracks(done.medium)
    peak, loud, score = (tracks[name] for name in ("frozen.peak", "frozen.loud", "fusion.score"))
    assert len(peak) >= 6  # the codec pads the sound
    # The clip's tone has half of full scale in the first and third second.
    assert peak.values[[0, 4], 0] == pytest.approx([0.5, 0.5], abs=0.1)
    assert len(loud) >= 4
    assert len(score) >= 12
    target = tmp_path / "names.txt"
    info = registry.exporter("frozen")
    written = create(info.factory).export(Analysis(MediaInfo(clip), tracks), target, info.params())
    assert written == [target]
    assert "frozen.peak" in target.read_text()
    sys.modules.pop("frozen_api1", None)
