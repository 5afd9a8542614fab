"""The rooms beside the workspace: library, queue, settings, export. Each is made when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mien.config import log_dir
from mien.engine.choice import Choice
from mien_desktop.library.view import LibraryView
from mien_desktop.look.palette import Palette

if TYPE_CHECKING:
    from mien_desktop.export.dialog import ExportDialog
    from mien_desktop.library.queue_view import QueueWindow
    from mien_desktop.settings.dialog import SettingsDialog
    from mien_desktop.shell.window import MainWindow
    from mien_desktop.work.scanner import Scanner


def load_queue() -> None:
    """Load what the queue is made of; in a thread that nobody waits for."""
    import_module("mien_desktop.library.queue")
    import_module("mien_desktop.library.queue_view")
    import_module("mien_desktop.work.scanner")


class Rooms:
    """Makes the rooms, connects them with the window, and ends them."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.library: LibraryView | None = None
        self.settings: SettingsDialog | None = None
        self.queue: QueueWindow | None = None
        self.export: ExportDialog | None = None
        self._scanner: Scanner | None = None

    # -- library ------------------------------------------------------------------------------------------------

    def show_library(self, words: str = "") -> LibraryView:
        """Turn to the library's page, with a search if words are given."""
        window = self._window
        if self.library is None:
            conductor = window.conductor
            made = self.library = LibraryView(conductor.shelf.place, conductor.background, window.palette_)
            made.open_asked.connect(self._open)
            made.analyse_asked.connect(self._analyse)
            made.scan_asked.connect(self.show_queue)
            made.trouble.connect(window.message.tell)
            made.removed.connect(self._removed)
            conductor.saved.connect(made.refresh)
            window.pages.addWidget(made)
            window.wardrobe.add(made, made.wear)
            window.key_tips.tell(made)
        self.library.refresh()
        if words:
            self.library.search(words)
        window.pages.setCurrentWidget(self.library)
        return self.library

    def _open(self, path: Path, position: float) -> None:
        self._window.open(path, at=position)

    def _analyse(self, paths: list[Path]) -> None:
        queue = self.show_queue()
        queue.add(paths)

    def _removed(self, media: list[str]) -> None:
        """The open medium is shown as it was before it was analysed, its corrections are gone; the page stays."""
        window = self._window
        window.workspace.steps.forget(media)
        if window.document.medium in media:
            page = window.pages.currentIndex()
            window.reopen(window.workspace.player.position)
            window.pages.setCurrentIndex(page)

    # -- queue --------------------------------------------------------------------------------------------------

    def show_queue(self) -> QueueWindow:
        """Show the queue of media to be analysed; it has workers of its own, so that the window's stays free."""
        from mien_desktop.library.queue import Queue
        from mien_desktop.library.queue_view import QueueWindow

        window = self._window
        if self.queue is None:
            conductor = window.conductor
            self._scanner = self._scanner_at(conductor.shelf.place)
            queue = Queue(self._scanner, lambda: conductor.choice, parent=window)
            queue.finished.connect(lambda _: conductor.saved.emit())
            made = self.queue = QueueWindow(queue, window.palette_, window)
            made.open_asked.connect(window.open)
            window.wardrobe.add(made, made.wear)
        self.queue.show()
        self.queue.raise_()
        self.queue.activateWindow()
        return self.queue

    # -- export -------------------------------------------------------------------------------------------------

    def show_export(self) -> ExportDialog:
        """Show what can be exported of the open medium, the selection first where there is one."""
        from mien_desktop.export.dialog import ExportDialog

        window = self._window
        selection = window.workspace.selection
        if self.export is None:
            place = window.conductor.shelf.place
            made = ExportDialog(window.registry, window.document.path, place, selection, window.palette_, window)
            self.export = made
            window.workspace.timeline.selection_changed.connect(self._selected)
            window.wardrobe.add(made, made.wear)
        self.export.open_for(window.document.path, selection)
        return self.export

    def _selected(self, selection: tuple[float, float] | None) -> None:
        if self.export is not None and self.export.isVisible():
            self.export.follow(self._window.document.path, selection)

    # -- settings -----------------------------------------------------------------------------------------------

    def show_settings(self, page: str = "") -> SettingsDialog:
        """Show the settings, at a page if one is named."""
        made = self.settings_made()
        made.set_choice(self._window.conductor.choice)
        made.open_page(page)
        return made

    def take_choice(self, choice: Choice) -> None:
        """Something else is chosen in the window: what the settings show and tell follows it."""
        if self.settings is not None and self.settings.choice != choice:
            self.settings.set_choice(choice)

    def settings_made(self) -> SettingsDialog:
        """The settings, whether they are shown or not."""
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
            made.registry_changed.connect(window.supply.take_registry)
            made.models_changed.connect(window.supply.show_models)
            made.disabled_changed.connect(window.supply.set_disabled)
            made.page_made.connect(window.key_tips.tell)
            made.page_made.connect(lambda page: window.wardrobe.add(page, page.wear))
            window.wardrobe.add(made.index, made.take_palette)
            made.preferences.failed.connect(lambda text: None if made.isVisible() else window.message.tell(text))
            made.mover = window.library_move.begin
            made.set_devices(window.devices)
            window.key_tips.tell(made)
        return self.settings

    def _choose(self, choice: Choice) -> None:
        self._window.choose(choice)

    # -- another library ----------------------------------------------------------------------------------------

    def obstacle(self) -> str:
        """Why the library cannot be moved now, a sentence; empty when it can."""
        if self.queue is not None and self.queue.queue.busy:
            return "The library cannot be moved while the queue analyses; pause the queue first."
        if self.queue is not None and self.queue.summary is not None and self.queue.summary.job.writes:
            return "The library cannot be moved while a summary is made from it; wait until that is written."
        if self.export is not None and self.export.job.runs:
            return "The library cannot be moved while something is exported from it; wait until that is written."
        if self.library is not None and self.library.locating.runs:
            return "The library cannot be moved while a file is looked through that was moved; wait, or cancel that."
        return ""

    def before_move(self) -> None:
        """Carry out what has only been announced to the library."""
        if self.library is not None:
            self.library.leaving.finish()

    def use_library(self, place: str) -> None:
        """The library is another one."""
        if self.library is not None:
            self.library.set_library(place)
        if self.export is not None:
            self.export.set_library(place)
        if self.queue is not None and self._scanner is not None:
            before, self._scanner = self._scanner, self._scanner_at(place)
            self.queue.queue.use(self._scanner)
            self._window.conductor.background.run(before.close, lambda _: before.deleteLater())

    def _scanner_at(self, place: str) -> Scanner:
        from mien_desktop.work.scanner import Scanner

        return Scanner(place, lambda: self._window.registry, log_dir() / "desktop.log", self._window)

    # -- all ----------------------------------------------------------------------------------------------------

    def wear(self, palette: Palette) -> None:
        """Hand a palette to what will be made with it; what there is gets it from the wardrobe."""
        if self.settings is not None:
            self.settings.take_palette(palette)
            self.settings.show_appearance(self._window.state.theme, self._window.state.text_scale)

    def shutdown(self) -> None:
        """End what runs in them."""
        if self.queue is not None:
            self.queue.queue.shutdown()
        for room in (self.library, self.settings, self.queue, self.export):
            if room is not None:
                room.shutdown()
        if self._scanner is not None:
            self._scanner.close()
