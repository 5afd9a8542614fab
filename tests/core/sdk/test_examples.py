"""The examples in `plugins/examples` pass their own tests, the conformance kit among them, and run on a medium."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[3] / "plugins" / "examples" / "mien-prosody"


def test_its_own_tests_pass() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_analyzer_and_fusion_run_on_a_medium(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_clip: Any) -> None:
    """With subtitles for words; the clip's tone of 440 Hz is the pitch."""
    from mien.engine.choice import Choice
    from mien.engine.registry import Registry
    from mien.engine.run import analyze_medium
    from mien.library.library import Library

    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    monkeypatch.setenv("MIEN_PLUGINS", "mien_prosody.info")
    registry = Registry.load()
    assert registry.broken == ()
    clip = make_clip(tmp_path / "clip.mp4", 3.0)
    (tmp_path / "clip.srt").write_text("1\n00:00:00,000 --> 00:00:02,500\none two three four five\n", encoding="utf-8")
    choice = Choice(analyzers=("prosody", "speech.transcript"), fusion="agitation", device="cpu")
    with Library(tmp_path / "library.db") as library:
        done = analyze_medium(clip, choice, registry, library, lambda event: None, threading.Event())
        assert done.failed == {}
        tracks = library.tracks(done.medium)
    pitch, rate, score = (tracks[name] for name in ("prosody.pitch", "prosody.rate", "fusion.score"))
    assert pitch.values[:, 0] == pytest.approx(440, rel=0.01)
    assert rate.values.max() == pytest.approx(1.0)
    assert len(score)
    assert score.quantities[0].name == "agitation"
    for name in [name for name in sys.modules if name.startswith("mien_prosody")]:
        sys.modules.pop(name)
