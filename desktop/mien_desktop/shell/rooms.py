"""The rooms beside the workspace: library, settings. Each is made when it is first asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien_desktop.library.view import LibraryView
from mien_desktop.look.palette import Palette

if TYPE_CHECKING:
    from mien_desktop.settings.dialog import SettingsDialog
    from mien_desktop.shell.window import MainWindow


class Rooms:
    """Makes the rooms, connects them with the window, and ends them."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.library: LibraryView | None = None
        self.settings: SettingsDialog | None = None

    # -- library ------------------------------------------------------------------------------------------------

    def show_library(self, words: str = "") -> LibraryView:
        """Turn to the library's page, with a search if words are given."""
        window = self._window
        if self.library is None:
            conductor = window.conductor
            made = self.library = LibraryView(conductor.shelf.place, conductor.background, window.palette_)
            made.open_asked.connect(self._open)
            made.analyse_asked.connect(self._analyse)
            made.trouble.connect(window.message.tell)
            conductor.saved.connect(made.refresh)
            window.pages.addWidget(made)
        self.library.refresh()
        if words:
            self.library.search(words)
        window.pages.setCurrentWidget(self.library)
        return self.library

    def _open(self, path: Path, position: float) -> None:
        self._window.open(path, at=position)

    def _analyse(self, paths: list[Path]) -> None:
        if paths:
            self._window.open(paths[0])
            self._window.conductor.analyse()

    # -- settings -----------------------------------------------------------------------------------------------

    def show_settings(self, page: str = "") -> SettingsDialog:
        """Show the settings, at a page if one is named."""
        from mien_desktop.settings.dialog import SettingsDialog

        window = self._window
        if self.settings is None:
            made = self.settings = SettingsDialog(
                window.registry,
                window.palette_,
                choice=window.conductor.choice,
                actions=window.actions_.actions,
                theme=window.state.theme,
                text_scale=window.state.text_scale,
                library=window.library_asked_for,
                parent=window,
            )
            made.choice_changed.connect(self._choose)
            made.theme_chosen.connect(window.set_theme)
            made.text_scale_chosen.connect(window.set_text_scale)
            made.registry_changed.connect(self._take_registry)
            made.models_changed.connect(window.show_offers)
            made.library_moved.connect(window.library_moved)
            made.set_devices(window.devices)
        self.settings.set_choice(window.conductor.choice)
        self.settings.open_page(page)
        return self.settings

    def _choose(self, choice: Choice) -> None:
        self._window.choose(choice)

    def _take_registry(self, registry: Registry) -> None:
        self._window.take_registry(registry)

    # -- all ----------------------------------------------------------------------------------------------------

    def wear(self, palette: Palette) -> None:
        """Hand a palette to the rooms that there are."""
        for room in (self.library, self.settings):
            if room is not None:
                room.wear(palette)

    def shutdown(self) -> None:
        """End what runs in them."""
        for room in (self.library, self.settings):
            if room is not None:
                room.shutdown()
