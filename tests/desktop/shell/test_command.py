"""`mien desktop VIDEO` as the terminal has it, on a screen of twice as many pixels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .conftest import DEMO

LOOK = """
import json, sys
from PySide6.QtCore import QTimer
from mien_desktop.app import application
app = application()
waited = 0
def look():
    global waited
    waited += 1
    window = next((w for w in app.topLevelWidgets() if type(w).__name__ == "MainWindow"), None)
    if window is None or (window.workspace.player.frame is None and waited < 2000):
        return
    clock.stop()
    window.resize(1280, 720)
    space, ground, outside = window.workspace, window.centralWidget(), []
    for page in range(space.tabs.count()):
        space.tabs.setCurrentIndex(page)
        app.processEvents()
        for part in (window.tools, window.foot, space.transport, space.timeline, space.canvas, space.tabs):
            at = part.rect().translated(part.mapTo(ground, part.rect().topLeft()))
            if not ground.rect().contains(at):
                outside.append(f"{space.tabs.tabText(page)}: {part.accessibleName() or type(part).__name__}")
    icon = space.transport.play.icon().pixmap(space.transport.play.iconSize(), window.devicePixelRatioF())
    print(json.dumps({
        "path": str(window.document.path), "page": type(window.pages.currentWidget()).__name__,
        "ratio": window.devicePixelRatioF(), "size": [window.width(), window.height()], "outside": outside,
        "pixels": window.grab().width(), "icon": icon.width() / space.transport.play.iconSize().width(),
        "picture": space.player.frame.image.width() / space.player.frame.size[0],
        "room": space.canvas.width() * window.devicePixelRatioF() / space.player.frame.size[0],
    }), flush=True)
    window.close()
clock = QTimer()
clock.timeout.connect(look)
clock.start(50)
from mien.cli.app import main
sys.argv = ["mien", "desktop", sys.argv[1], "--library", sys.argv[2]]
main()
"""


def test_the_command_opens_the_video_and_all_fits_at_200_percent(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "QT_SCALE_FACTOR": "2",
        "QT_QPA_PLATFORM": "offscreen",
        "MIEN_HOME": str(tmp_path / "home"),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(DEMO), str(tmp_path / "library.db")],
        capture_output=True, text=True, timeout=240, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["path"], told["page"]) == (str(DEMO), "Workspace")
    assert (told["ratio"], told["size"], told["pixels"]) == (2.0, [1280, 720], 2560)
    assert told["outside"] == []
    assert told["icon"] == 2.0  # drawn for its pixels, not blown up
    assert told["picture"] >= min(1.0, 0.9 * told["room"])  # and so is the picture, as far as it has pixels
    assert "Traceback" not in done.stderr
