"""Takes the pictures of the README and the guide: the real window on the demo clip, analysed by the real worker.

    make screenshots            # into docs/pictures, under Xvfb where it is installed

Library, settings and models lie in a folder of its own that is removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

DEMO = Path(str(files("mien_resources") / "demo" / "demo.mp4"))
PATIENCE = 600.0  # s
HEATED = 18.6  # s; where the two of the demo clip shout
EXCERPTS = {"Complaint": (0.0, 7.0), "Excuse": (9.0, 6.0), "Quarrel": (14.0, 8.0)}
"""Name → beginning and length in s: parts of the demo clip that fill the library."""


def main(out: Path) -> None:
    """Take all pictures into the folder `out`."""
    with tempfile.TemporaryDirectory(prefix="mien-") as home:
        os.environ.update(MIEN_HOME=home, HOME=home, MIEN_OFFLINE="1")
        out.mkdir(parents=True, exist_ok=True)
        # Pictures show where a medium lies; where this checkout lies is nobody's business.
        videos = Path(home) / "Videos"
        videos.mkdir()
        for file in DEMO.parent.glob("demo*"):
            shutil.copyfile(file, videos / file.name)
        _stock(videos)
        Tour(out, videos / DEMO.name).go()


def _stock(videos: Path) -> None:
    """Analyse excerpts, so that the library has more than one medium."""
    from mien.engine.analyze import analyze
    from mien.media.ffmpeg import ffmpeg_path

    for name, (begin, length) in EXCERPTS.items():
        part = ["-ss", str(begin), "-t", str(length)]
        for source in (DEMO, DEMO.with_name("demo.en.srt")):
            target = videos / (name + "".join(source.suffixes))
            subprocess.run([str(ffmpeg_path()), "-v", "error", *part, "-i", str(source), str(target)], check=True)
        for _ in analyze(videos / f"{name}.mp4"):
            pass


class Tour:
    """One walk through the window."""

    def __init__(self, out: Path, medium: Path) -> None:
        from mien_desktop.app import application
        from mien_desktop.shell.window import MainWindow

        self._out, self._medium = out, medium
        self._app = application()
        self._window = MainWindow()
        self._window.set_theme("dark")
        self._window.resize(1600, 1000)
        self._window.show()

    def go(self) -> None:
        """All pictures, one after the other."""
        try:
            self._walk()
        finally:
            self._window.close()

    def _walk(self) -> None:
        window, space = self._window, self._window.workspace
        self._wait(lambda: bool(window.devices))
        self._rest(1.0)
        self._take("welcome")
        window.open(self._medium)
        self._wait(lambda: space.player.frame is not None)
        ended: list[str] = []
        window.document.finished.connect(ended.append)
        window.conductor.analyse()
        self._wait(lambda: bool(ended))
        if ended[0]:
            raise SystemExit(f"the demo clip was not analysed: {ended[0]}")
        self._wait(lambda: space.events.ready)
        space.events.set_threshold(0.4)
        self._wait(lambda: bool(space.events.events))
        window.tools.compare.setCurrentIndex(window.tools.compare.findData("fusion.majority"))
        window.tools.compare.activated.emit(window.tools.compare.currentIndex())
        self._wait(lambda: space.lanes.fused.compares)
        space.player.seek(HEATED)
        self._wait(lambda: abs(space.player.position - HEATED) < 0.1)
        self._rest(1.5)
        self._take("main-dark")
        window.set_theme("light")
        self._take("main-light")
        window.set_theme("dark")
        space.events.choose(space.events.events[0])
        space.tabs.setCurrentWidget(space.events)
        self._take("events")
        space.explain_here()
        answers: list[object] = []
        window.conductor.explained.connect(lambda *answer: answers.append(answer))
        panel = space.explain
        panel.explain_seconds("conflict")
        self._wait(lambda: len(answers) == 1)
        panel.explain_face()
        self._wait(lambda: len(answers) == 2)
        sizes = space.all.sizes()
        space.all.setSizes([3 * sum(sizes) // 4, sum(sizes) // 4])
        self._take("explanation")
        space.all.setSizes(sizes)
        library = window.rooms.show_library('offence above 0.8 "you"')
        self._wait(lambda: library.model.answer is not None)
        self._rest(1.5)
        self._take("library")
        window.show_library()
        settings = window.rooms.show_settings("plugins")
        self._rest(1.0)
        self._take("settings", settings)
        settings.hide()

    def _take(self, name: str, widget: object = None) -> None:
        self._rest(0.6)
        self._wait(lambda: self._window.wardrobe.settled)
        picture = (widget or self._window).grab()  # type: ignore[attr-defined]
        path = self._out / f"{name}.png"
        if not picture.save(str(path)):
            raise SystemExit(f"The picture could not be written: {path}")
        print(path, flush=True)

    def _wait(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not until():
            if time.monotonic() > end:
                raise SystemExit("The window did not get there in time.")
            self._rest(0.05)

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._app.processEvents()
            time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
