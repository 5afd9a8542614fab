"""The settings: a list of pages on the left, the page beside it. Not modal; what is changed works at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QIcon, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QListWidgetItem, QStackedWidget, QWidget

from mien.config import Settings
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, open_at
from mien_desktop.settings import kept
from mien_desktop.settings.appearance import AppearancePage
from mien_desktop.settings.data import DataPage
from mien_desktop.settings.device import DevicePage
from mien_desktop.settings.keys import Actions, bind
from mien_desktop.settings.models import ModelsPage
from mien_desktop.settings.page import Page
from mien_desktop.settings.plugins import PluginsPage
from mien_desktop.settings.preferences import Preferences
from mien_desktop.settings.shortcuts import ShortcutsPage
from mien_desktop.work.background import Background

_ICONS = {
    "device": "wave",
    "models": "library",
    "plugins": "plugins",
    "appearance": "film",
    "shortcuts": "edit",
    "data": "open",
}


class SettingsDialog(QDialog):
    """Made once by the window and shown when asked for; `shutdown` ends its thread and processes.

    Args:
        registry: all plugins.
        choice: what the window analyses with; its plugins and parameters are shown.
        actions: id → QAction of the window, whose keys this dialog sets (see `keys.bind`); or (area, action, keys).
        theme, text_scale: what is in force.
        library: the library named on the command line, None for the settings' own.

    Signals:
        applied(Settings): device, precision, threads, library or offline have changed.
        choice_changed(Choice): other plugins, parameters, device, precision or threads.
        theme_chosen(str), text_scale_chosen(float): the window dresses itself and keeps them in its state.
        shortcuts_changed(dict): id → keys, of all that differ from the defaults.
        registry_changed(Registry): the plugins were loaded anew.
        disabled_changed(tuple): names of plugins (entry points) that are switched off.
        models_changed: a model was installed or removed.
        library_moved(str): the library to use from now on.
    """

    applied = Signal(object)
    choice_changed = Signal(object)
    theme_chosen = Signal(str)
    text_scale_chosen = Signal(float)
    shortcuts_changed = Signal(dict)
    registry_changed = Signal(object)
    disabled_changed = Signal(tuple)
    models_changed = Signal()
    library_moved = Signal(str)

    def __init__(
        self,
        registry: Registry,
        palette: Palette,
        *,
        choice: Choice | None = None,
        actions: Actions = (),
        theme: str = "system",
        text_scale: float = 1.0,
        library: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setModal(False)
        self._closed = False
        self._background = Background("mien-settings", self)
        self._kept = kept.load()
        self._actions = actions if isinstance(actions, Mapping) else {}
        bind(self._actions, self._kept.shortcuts)
        self.preferences = Preferences(self._background, self)
        self._settings = self.preferences.now
        self.preferences.applied.connect(self._apply)
        self.device = DevicePage(self.preferences, palette)
        self.models = ModelsPage(registry, self.preferences, self._background, palette)
        self.plugins = PluginsPage(registry, self._background, palette, choice, self._kept.disabled)
        self.appearance = AppearancePage(palette, theme, text_scale)
        self.shortcuts = ShortcutsPage(actions, self._kept.shortcuts, palette)
        self.data = DataPage(self.preferences, self._background, palette, library)
        self.pages: list[Page] = [
            self.device, self.models, self.plugins, self.appearance, self.shortcuts, self.data
        ]  # fmt: skip
        self._join()

        self._list = QListWidget()
        self._list.setIconSize(QSize(18, 18))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        explain(self._list, "Pages of the settings", "Up and Down choose a page")
        self._stack = QStackedWidget()
        for page in self.pages:
            item = QListWidgetItem(page.title)
            item.setToolTip(page.accessibleDescription())
            self._list.addItem(item)
            self._stack.addWidget(page)
        self._list.currentRowChanged.connect(self._turn)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._list)
        row.addWidget(self._stack, 1)
        self.setAccessibleName("Settings")
        self._wear_list(palette)  # the pages wear it already
        self._list.setCurrentRow(0)
        open_at(self, 1040, 680)

    def open_page(self, name: str = "", *, model: str = "") -> None:
        """Show the dialog at a page ("device", "models", "plugins", "appearance", "shortcuts", "data"), or where it was.

        An unknown name opens where it was; `model` is the model to show on the models' page.
        """
        for row, page in enumerate(self.pages):
            if page.name == name:
                self._list.setCurrentRow(row)
        if model:
            self.models.select(model)
        self.show()
        self.raise_()
        self.activateWindow()
        if not model:
            self._list.setFocus()

    @property
    def page(self) -> str:
        """Name of the page that is shown."""
        return self.pages[self._stack.currentIndex()].name

    @property
    def choice(self) -> Choice:
        """The plugins and parameters that are chosen."""
        return self.plugins.chooser.choice()

    def set_choice(self, choice: Choice) -> None:
        """The window uses another choice (another fusion from the tool bar)."""
        self.plugins.take(choice)

    def set_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """The window has found out which devices work: (device, its real name)."""
        self.device.set_devices(devices)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        for page in self.pages:
            page.wear(palette)
        self._wear_list(palette)

    def _wear_list(self, palette: Palette) -> None:
        self._list.setStyleSheet(_sheet(palette))
        for row, page in enumerate(self.pages):
            made = icon(_ICONS[page.name], palette)
            # A chosen row keeps its colour: Qt would tint the picture.
            for ratio in (1.0, 2.0):
                side = round(18 * ratio)
                made.addPixmap(made.pixmap(QSize(side, side)), QIcon.Mode.Selected)
            self._list.item(row).setIcon(made)
        self._fit_list()

    def show_appearance(self, theme: str, text_scale: float) -> None:
        """Theme and text size were changed elsewhere."""
        self.appearance.show_now(theme, text_scale)
        self._fit_list()

    def shutdown(self) -> None:
        """End everything that runs for the settings."""
        if not self._closed:
            self._closed = True
            for page in self.pages:
                page.shutdown()
            self._background.close()

    def showEvent(self, event: QShowEvent) -> None:
        """The page is seen."""
        super().showEvent(event)
        self._turn(self._stack.currentIndex())

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody waits for a measurement any more; downloads go on."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.device.stop_test()

    # ----------------------------------------------------------------------------------------------------------------

    def _join(self) -> None:
        self.models.changed.connect(self.models_changed)
        self.models.changed.connect(self.plugins.chooser.look_again)
        self.plugins.choice_changed.connect(self.choice_changed)
        self.plugins.registry_changed.connect(self.models.set_registry)
        self.plugins.registry_changed.connect(self.registry_changed)
        self.plugins.disabled_changed.connect(self._disable)
        self.plugins.model_asked.connect(lambda model: self.open_page("models", model=model))
        self.appearance.theme_chosen.connect(self.theme_chosen)
        self.appearance.text_scale_chosen.connect(self.text_scale_chosen)
        self.shortcuts.changed.connect(self._bind)
        self.data.library_moved.connect(self.library_moved)

    def _apply(self, settings: Settings) -> None:
        """What computes is part of the choice; what else has changed leaves a device chosen elsewhere alone."""
        before, self._settings = self._settings, settings
        self.applied.emit(settings)
        if (before.device, before.precision, before.threads) == (settings.device, settings.precision, settings.threads):
            return
        self.plugins.chooser.compute_on(settings.device, settings.precision, settings.threads or None)
        self.plugins.tell()

    def _disable(self, names: tuple[str, ...]) -> None:
        self._keep(disabled=names)
        self.disabled_changed.emit(names)

    def _bind(self, mapping: dict[str, str]) -> None:
        self._keep(shortcuts=mapping)
        bind(self._actions, mapping)
        self.shortcuts_changed.emit(mapping)

    def _keep(self, **changes: object) -> None:
        now = self._kept = self._kept.model_copy(update=changes)
        self._background.run(lambda: kept.save(now))

    def _turn(self, row: int) -> None:
        if 0 <= row < len(self.pages):
            self._stack.setCurrentIndex(row)
            if self.isVisible():
                self.pages[row].entered()

    def _fit_list(self) -> None:
        self._list.ensurePolished()
        self._list.setFixedWidth(max(168, self._list.sizeHintForColumn(0) + 30))


def _sheet(p: Palette) -> str:
    return f"""
QListWidget {{ background: {p.panel}; border: none; border-right: 1px solid {p.line}; padding: 12px 8px; }}
QListWidget::item {{ padding: 8px 10px; border-radius: 5px; color: {p.dim}; }}
QListWidget::item:selected {{ background: {p.hover}; color: {p.text}; }}
QListWidget::item:hover {{ color: {p.text}; }}
"""
