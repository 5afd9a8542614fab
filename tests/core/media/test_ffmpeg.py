"""An ffmpeg program is found, and its absence is a sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mien.errors import ExportError
from mien.media.ffmpeg import ffmpeg_path


def test_the_program_runs():
    done = subprocess.run([str(ffmpeg_path()), "-version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ffmpeg version")


def test_the_one_on_the_path_comes_first(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.delenv("MIEN_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg_path() == program
    monkeypatch.setenv("MIEN_FFMPEG", "no-such-program")
    with pytest.raises(ExportError, match="MIEN_FFMPEG"):
        ffmpeg_path()


def test_none_at_all(tmp_path, monkeypatch):
    monkeypatch.delenv("MIEN_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ExportError, match="install"):
        ffmpeg_path()
