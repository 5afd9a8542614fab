"""Where the library, the models and everything else lie, and the library's care."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLineEdit

from mien.config import Settings
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label
from mien_desktop.plugins.checks import CheckBox
from mien_desktop.settings import places
from mien_desktop.settings.child import Child
from mien_desktop.settings.page import Page, lock, section, show, size_text
from mien_desktop.settings.places import Place
from mien_desktop.settings.preferences import Preferences
from mien_desktop.work.background import Background

Mover = Callable[[str, str, Callable[[], None], Callable[[str], None]], None]
"""Puts another library into use: its place, the one that it begins as a copy of (empty for a new one), what to call then, and
what to call with a sentence when that cannot be."""


class DataPage(Page):
    """Signals:
    library_moved(str): the library that is used from now on.

    `mover` is set by who has the library open; without one the place is only made ready.
    """

    library_moved = Signal(str)

    def __init__(
        self, preferences: Preferences, background: Background, palette: Palette, library: str | None = None
    ) -> None:
        super().__init__("data", palette)
        self._preferences, self._background = preferences, background
        self._given = library  # named on the command line: stands above the settings while the window lives
        self._closed = False
        self._moved = ""  # where it was moved to, until the settings say so
        self.mover: Mover = self._make_ready
        ground, box = section("Library", "All media that were analysed, with their readings and corrections.")
        self.place = QLineEdit()
        self.place.returnPressed.connect(self.move_library)
        self.choose = button("Choose…", "Choose another file for the library")
        self.choose.clicked.connect(self._choose)
        self.use = button("Use this place", "Keep the library there, at once", kind="primary")
        self.use.clicked.connect(self.move_library)
        self.standard = button("Usual place", "Keep the library in Mien's own folder")
        self.standard.clicked.connect(self._to_standard)
        self.copy = CheckBox("Take along what the present library holds, if there is none yet")
        self.copy.setChecked(True)
        explain(self.copy, "Take along", "Copy the present library to the new place; the old file stays")
        self.place.textChanged.connect(self._typed)
        row = QHBoxLayout()
        for widget in (self.place, self.choose):
            row.addWidget(widget, 1 if widget is self.place else 0)
        box.addLayout(row)
        box.addWidget(self.copy)
        self._override = label(kind="small", wrap=True)
        box.addWidget(self._override)
        row = QHBoxLayout()
        self._size = label(kind="dim")
        self.open_library = button("Open folder", "Show the library's file")
        explain(self.open_library, "Open the library's folder", "Show the library's file")
        self.open_library.clicked.connect(lambda: _open(Place("Library", Path(self.library))))
        self.verify = button("Check", "Read the whole library and see whether it is sound")
        explain(self.verify, "Check the library", self.verify.toolTip())
        self.verify.clicked.connect(self.check)
        self.compact_ = button("Compact", "Merge the pieces of finished readings and give free space back")
        explain(self.compact_, "Compact the library", self.compact_.toolTip())
        self.compact_.clicked.connect(self.compact)
        self.stop_ = button("Stop", "Stop checking or compacting; nothing is changed by that")
        explain(self.stop_, "Stop", self.stop_.toolTip())
        self.stop_.clicked.connect(self.stop)
        self.stop_.hide()
        self._care = Child(self)
        self._care.answered.connect(self._cared)
        self._care.ended.connect(self._care_ended)
        row.addWidget(self._size, 1)
        for button_ in (self.use, self.standard, self.open_library, self.verify, self.compact_, self.stop_):
            row.addWidget(button_)
        box.addLayout(row)
        self._result = label(wrap=True)
        self._result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._result.hide()
        box.addWidget(self._result)
        self.body.addWidget(ground)

        ground, box = section(
            "Other places", "MIEN_HOME in the environment puts all of them, the library too, under one folder."
        )
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        box.addLayout(self._grid)
        self.body.addWidget(ground)
        self.body.addStretch(1)
        preferences.applied.connect(self._follow)
        preferences.failed.connect(lambda sentence: self.say(sentence, bad=True))
        self.wear(palette)
        self._follow(preferences.now)

    @property
    def library(self) -> str:
        """The library that is in use."""
        return self._given or self._moved or self._preferences.now.place()

    def entered(self) -> None:
        """Look how much there is."""
        place = self.library
        self._background.run(lambda: (places.library_size(place), places.places()), self._sized)

    def check(self) -> None:
        """See whether the library is sound."""
        self._look_after("check", "Checking…")

    def compact(self) -> None:
        """Merge and shrink the library."""
        self._look_after("compact", "Compacting…")

    def stop(self) -> None:
        """Stop checking or compacting."""
        if self._care.runs:
            self._care.stop()
            self._free()
            self._tell("Stopped.")

    @property
    def care_pid(self) -> int:
        """Id of the process that checks or compacts, 0 for none."""
        return self._care.pid

    def shutdown(self) -> None:
        """Whatever runs is ended."""
        self._closed = True
        self._care.stop()

    def move_library(self) -> None:
        """Keep the library where the line says; told in place when that cannot be."""
        place, old = self.place.text().strip(), self.library
        if place == old:
            return
        copy = old if self.copy.isChecked() else ""
        standard = not place
        target = places.resolved(place or Settings.model_validate({}).place())

        def done() -> None:
            self._free()
            self._given, self._moved = None, target
            self._preferences.change(library=None if standard else target)
            self._tell(f"This library is in use now: {target}")
            self.library_moved.emit(target)

        def failed(sentence: str) -> None:
            self._free()
            self._tell(sentence, bad=True)

        self._hold("Moving the library…")
        self.mover(target, copy, done, failed)

    @property
    def result(self) -> str:
        """How the last task went."""
        return self._result.text()

    # ----------------------------------------------------------------------------------------------------------------

    def _follow(self, settings: Settings) -> None:
        if settings.place() == self._moved:
            self._moved = ""
        variable = self._preferences.overridden("library")
        self.place.setText(self.library)
        self.place.setCursorPosition(0)
        tip = "A file, or the address of a PostgreSQL database"
        lock(self.place, variable, "Place of the library", tip)
        for widget, name in ((self.choose, "Choose the library's file"), (self.standard, "Usual place")):
            lock(widget, variable, name, name)
        given = "It was named when the window was started." if self._given else ""
        show(self._override, f"{variable} in the environment decides this." if variable else given)
        self._typed()
        if self.isVisible():
            self.entered()

    def _typed(self) -> None:
        other = self.place.text().strip() != self.library
        self.use.setVisible(other)
        self.copy.setVisible(other)
        usual = self.library == Settings.model_validate({}).place()
        self.standard.setVisible(not other and not usual)

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self,
            "The library's file",
            self.library,
            "Libraries (*.db *.sqlite)",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            self.place.setText(name)

    def _to_standard(self) -> None:
        self.place.setText("")
        self.move_library()

    def _sized(self, found: tuple[int, list[Place]]) -> None:
        size, others = found
        url = places.is_url(self.library)
        self._size.setText("on a server" if url else size_text(size) if size else "not made yet")
        self.open_library.setEnabled(not url)
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, place in enumerate(others):
            path = label(str(place.path), wrap=True)
            path.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            go = button("Open folder", f"Show the folder: {place.name}")
            explain(go, f"Open the folder of {place.name.lower()}", str(place.path))
            go.clicked.connect(lambda _=False, place=place: _open(place))
            self._grid.addWidget(label(place.name, "dim"), row, 0)
            self._grid.addWidget(path, row, 1)
            self._grid.addWidget(label(size_text(place.size) if place.size else "empty", "dim"), row, 2)
            self._grid.addWidget(go, row, 3)

    def _make_ready(self, place: str, copy_from: str, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        self._background.run(lambda: places.prepare(place, copy_from, lambda: self._closed), lambda _: done(), failed)

    def _look_after(self, task: str, saying: str) -> None:
        self._hold(saying)
        self.stop_.show()
        self._care.start("mien_desktop.settings.care", [task], {"MIEN_LIBRARY": self.library})

    def _cared(self, answer: dict[str, Any]) -> None:
        self._free()
        if "problems" in answer:
            problems = answer["problems"]
            self._tell("; ".join(problems) if problems else "The library is sound.", bad=bool(problems))
        elif "after" in answer:
            before, after = answer["before"], answer["after"]
            saved = f", {size_text(before - after)} less" if before > after else ""
            self._tell(f"Compacted: {size_text(after)}{saved}.")
            self.entered()
        else:
            self._tell(str(answer.get("error", "")), bad=True)

    def _care_ended(self, problem: str) -> None:
        self._free()
        if problem:
            self._tell(problem, bad=True)

    def _hold(self, saying: str) -> None:
        for widget in (self.verify, self.compact_, self.use, self.standard):
            widget.setEnabled(False)
        self._tell(saying)

    def _free(self) -> None:
        for widget in (self.verify, self.compact_, self.use, self.standard):
            widget.setEnabled(True)
        self.stop_.hide()

    def _tell(self, text: str, *, bad: bool = False) -> None:
        show(self._result, text, bad=bad)


def _open(place: Place) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(place.folder)))
