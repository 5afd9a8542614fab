"""An ffmpeg that takes nothing more, as on a drive that has gone, keeps neither the dialog nor the window."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien.exchange import video
from mien.media.ffmpeg import ffmpeg_path
from mien_desktop.export.dialog import ExportDialog

PATIENCE = 60_000
DEAF = """#!/bin/sh
case "$*" in *pipe:*) : > "{begun}"; exec sleep 120;; esac
exec "{real}" "$@"
"""
"""Sleeps over what it is to encode; it does all else."""


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's script stands for ffmpeg")
@pytest.mark.parametrize("way", ["cancel", "shutdown"])
def test_it_is_ended_at_once(
    dialog: ExportDialog, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    begun, deaf, out = tmp_path / "begun", tmp_path / "deaf", tmp_path / "out"
    deaf.write_text(DEAF.format(begun=begun, real=ffmpeg_path()))
    deaf.chmod(0o755)
    monkeypatch.setattr(video, "ffmpeg_path", lambda: deaf)
    dialog.folder.setText(str(out))
    dialog.formats.want("video")
    dialog.start.click()
    qtbot.waitUntil(begun.exists, timeout=PATIENCE)
    qtbot.wait(200)  # the pipe is full by now, or soon
    if way == "cancel":
        dialog.cancel.click()
        qtbot.waitUntil(lambda: not dialog.job.runs, timeout=PATIENCE)
        assert dialog.said == "Stopped; files that were complete stay."
    else:
        dialog.shutdown()
    assert [file.name for file in out.rglob("*") if file.is_file()] == []
