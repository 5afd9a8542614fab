"""What there is to choose from: plugins, fusions, models, devices; told to the tool bar, the welcome page and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.engine.registry import Registry
from mien_desktop.plugins.facts import hidden
from mien_desktop.settings import kept
from mien_desktop.shell.offers import offers
from mien_desktop.work.devices import DeviceFinder

if TYPE_CHECKING:
    from mien_desktop.shell.window import MainWindow


class Supply:
    """Keeps what is offered in step with what is installed, switched on and found out."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._disabled = kept.load().disabled
        self.devices: list[tuple[str, str]] = []
        self.finder = DeviceFinder(window)
        self.finder.found.connect(self._show_devices)

    def show(self) -> None:
        """Offer what is known at once: the fusions that are switched on, and devices that are everywhere."""
        self._show_fusions()
        choice = self._window.conductor.choice
        self._window.tools.set_devices([("auto", "Auto"), ("cpu", "CPU")], choice.device)

    def look(self) -> None:
        """Find out what takes longer: models, and devices that work."""
        self.show_offers()
        self.finder.start()

    def take_registry(self, registry: Registry) -> None:
        """Plugins were loaded anew."""
        self._window.registry = registry
        self._window.conductor.take_registry(registry)
        self.show_models()

    def set_disabled(self, names: tuple[str, ...]) -> None:
        """Plugins were switched off or on: what they bring is offered no more, or again."""
        self._disabled = names
        self._show_fusions()

    def show_models(self) -> None:
        """A model has come or gone: fusions and the welcome page show what can be used now."""
        self._show_fusions()
        self.show_offers()

    def show_offers(self) -> None:
        """Say on the welcome page what is installed now."""
        window = self._window
        window.conductor.background.run(lambda: offers(window.registry), window.welcome.show_offers)

    def _show_fusions(self) -> None:
        window = self._window
        compared = window.conductor.compare
        window.tools.set_fusions(window.registry, hidden(window.registry, self._disabled))
        window.tools.set_fusion(window.conductor.choice.fusion)
        if compared and window.tools.compare.currentData() != compared:
            window.conductor.choose_comparison("")

    def _show_devices(self, found: list[tuple[str, str]]) -> None:
        window, self.devices = self._window, found
        if window.rooms.settings is not None:
            window.rooms.settings.set_devices(found)
        best = found[0][1] if found else "CPU"
        names = [("auto", f"Auto ({best})"), *((d, n if d == "cpu" else f"{d} · {n}") for d, n in found)]
        window.tools.set_devices(names, window.conductor.choice.device)
