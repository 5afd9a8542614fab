"""The settings: a list of pages on the left, the page beside it. Not modal; what is changed works at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QIcon, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QListWidgetItem, QStackedWidget, QVBoxLayout, QWidget

from mien.config import Settings
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, open_at
from mien_desktop.settings import kept
from mien_desktop.settings.keys import Actions, bind
from mien_desktop.settings.page import TITLES, Page
from mien_desktop.settings.preferences import Preferences
from mien_desktop.work.background import Background

if TYPE_CHECKING:
    from mien_desktop.settings.appearance import AppearancePage
    from mien_desktop.settings.data import DataPage, Mover
    from mien_desktop.settings.device import DevicePage
    from mien_desktop.settings.models import ModelsPage
    from mien_desktop.settings.plugins import PluginsPage
    from mien_desktop.settings.shortcuts import ShortcutsPage

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
        page_made(Page): a page was made, because it is seen for the first time.

    `mover` puts another library into use; it is set by who has the library open.
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
    page_made = Signal(object)

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
        self._registry, self._palette, self._library = registry, palette, library
        self._choice, self._asked_for = choice or Choice(), actions
        self._theme, self._text_scale = theme, text_scale
        self._devices: list[tuple[str, str]] = []
        self._made: dict[str, Page] = {}
        self._rooms: dict[str, QVBoxLayout] = {}  # where each page is put once it is made
        self.mover: Mover | None = None

        self._list = QListWidget()
        self._list.setIconSize(QSize(18, 18))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        explain(self._list, "Pages of the settings", "Up and Down choose a page")
        self._stack = QStackedWidget()
        for name, (title, line) in TITLES.items():
            item = QListWidgetItem(title)
            item.setToolTip(line)
            self._list.addItem(item)
            blank = QWidget()
            self._stack.addWidget(blank)
            self._rooms[name] = QVBoxLayout(blank)
            self._rooms[name].setContentsMargins(0, 0, 0, 0)
        self._list.currentRowChanged.connect(self._turn)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.index = QWidget()  # the list has a style sheet of its own
        room = QVBoxLayout(self.index)
        room.setContentsMargins(0, 0, 0, 0)
        room.addWidget(self._list)
        row.addWidget(self.index)
        row.addWidget(self._stack, 1)
        self.setAccessibleName("Settings")
        self._wear_list(palette)
        blocked = self._list.blockSignals(True)
        self._list.setCurrentRow(0)  # the page is made when it is seen
        self._list.blockSignals(blocked)
        open_at(self, 1040, 680)

    def open_page(self, name: str = "", *, model: str = "") -> None:
        """Show the dialog at a page ("device", "models", "plugins", "appearance", "shortcuts", "data"), or where it was.

        An unknown name opens where it was; `model` is the model to show on the models' page.
        """
        if name in TITLES:
            self._list.setCurrentRow(list(TITLES).index(name))
        if not self.isVisible():
            self._turn(self._list.currentRow())  # it is there when the dialog is shown
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
        return list(TITLES)[self._stack.currentIndex()]

    @property
    def pages(self) -> list[Page]:
        """All pages; those that nobody has seen yet are made for it."""
        return [self._page(name) for name in TITLES]

    @property
    def device(self) -> DevicePage:
        """What computes."""
        return cast("DevicePage", self._page("device"))

    @property
    def models(self) -> ModelsPage:
        """The models."""
        return cast("ModelsPage", self._page("models"))

    @property
    def plugins(self) -> PluginsPage:
        """The plugins."""
        return cast("PluginsPage", self._page("plugins"))

    @property
    def appearance(self) -> AppearancePage:
        """Theme and size of text."""
        return cast("AppearancePage", self._page("appearance"))

    @property
    def shortcuts(self) -> ShortcutsPage:
        """The keys."""
        return cast("ShortcutsPage", self._page("shortcuts"))

    @property
    def data(self) -> DataPage:
        """Where everything lies."""
        return cast("DataPage", self._page("data"))

    @property
    def choice(self) -> Choice:
        """The plugins and parameters that are chosen."""
        return self.plugins.chooser.choice() if "plugins" in self._made else self._choice

    def set_choice(self, choice: Choice) -> None:
        """The window uses another choice (another fusion from the tool bar)."""
        self._choice = choice
        if "plugins" in self._made:
            self.plugins.take(choice)

    def set_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """The window has found out which devices work: (device, its real name)."""
        self._devices = list(devices)
        if "device" in self._made:
            self.device.set_devices(devices)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.take_palette(palette)
        for page in self._made.values():
            page.wear(palette)

    def take_palette(self, palette: Palette) -> None:
        """Take a palette's colours for the list, and for pages that are made from now on."""
        self._palette = palette
        self._wear_list(palette)

    def _wear_list(self, palette: Palette) -> None:
        self._list.setStyleSheet(_sheet(palette))
        for row, name in enumerate(TITLES):
            made = icon(_ICONS[name], palette)
            # A chosen row keeps its colour: Qt would tint the picture.
            for ratio in (1.0, 2.0):
                side = round(18 * ratio)
                made.addPixmap(made.pixmap(QSize(side, side)), QIcon.Mode.Selected)
            self._list.item(row).setIcon(made)
        self._fit_list()

    def show_appearance(self, theme: str, text_scale: float) -> None:
        """Theme and text size were changed elsewhere."""
        self._theme, self._text_scale = theme, text_scale
        if "appearance" in self._made:
            self.appearance.show_now(theme, text_scale)
        self._fit_list()

    def shutdown(self) -> None:
        """End everything that runs for the settings."""
        if not self._closed:
            self._closed = True
            for page in self._made.values():
                page.shutdown()
            self._background.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return in a field belongs to the field: Qt would press the first button of the dialog, wherever that stands."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """The page is seen."""
        super().showEvent(event)
        self._turn(self._stack.currentIndex())

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody waits for a measurement any more; downloads go on."""
        super().hideEvent(event)
        if not event.spontaneous() and "device" in self._made:
            self.device.stop_test()

    # ----------------------------------------------------------------------------------------------------------------

    def _page(self, name: str) -> Page:
        """A page; it is made when it is first asked for: together they are some hundred widgets."""
        if name not in self._made:
            page = self._made[name] = getattr(self, f"_make_{name}")()
            self._rooms[name].addWidget(page)
            self.page_made.emit(page)
        return self._made[name]

    def _make_device(self) -> Page:
        from mien_desktop.settings.device import DevicePage

        page = DevicePage(self.preferences, self._palette)
        if self._devices:
            page.set_devices(self._devices)
        return page

    def _make_models(self) -> Page:
        from mien_desktop.settings.models import ModelsPage

        page = ModelsPage(self._registry, self.preferences, self._background, self._palette)
        page.changed.connect(self._models_changed)
        return page

    def _make_plugins(self) -> Page:
        from mien_desktop.settings.plugins import PluginsPage

        page = PluginsPage(self._registry, self._background, self._palette, self._choice, self._kept.disabled)
        page.choice_changed.connect(self.choice_changed)
        page.registry_changed.connect(self._take_registry)
        page.disabled_changed.connect(self._disable)
        page.model_asked.connect(lambda model: self.open_page("models", model=model))
        return page

    def _make_appearance(self) -> Page:
        from mien_desktop.settings.appearance import AppearancePage

        page = AppearancePage(self._palette, self._theme, self._text_scale)
        page.theme_chosen.connect(self.theme_chosen)
        page.text_scale_chosen.connect(self.text_scale_chosen)
        return page

    def _make_shortcuts(self) -> Page:
        from mien_desktop.settings.shortcuts import ShortcutsPage

        page = ShortcutsPage(self._asked_for, self._kept.shortcuts, self._palette)
        page.changed.connect(self._bind)
        return page

    def _make_data(self) -> Page:
        from mien_desktop.settings.data import DataPage

        page = DataPage(self.preferences, self._background, self._palette, self._library)
        if self.mover is not None:
            page.mover = self.mover
        page.library_moved.connect(self.library_moved)
        return page

    def _models_changed(self) -> None:
        if "plugins" in self._made:
            self.plugins.chooser.look_again()
        self.models_changed.emit()

    def _take_registry(self, registry: Registry) -> None:
        self._registry = registry
        if "models" in self._made:
            self.models.set_registry(registry)
        self.registry_changed.emit(registry)

    def _apply(self, settings: Settings) -> None:
        """What computes is part of the choice; what else has changed leaves a device chosen elsewhere alone."""
        before, self._settings = self._settings, settings
        self.applied.emit(settings)
        if (before.device, before.precision, before.threads) == (settings.device, settings.precision, settings.threads):
            return
        device, precision, threads = settings.device, settings.precision, settings.threads or None
        if "plugins" in self._made:
            self.plugins.chooser.compute_on(device, precision, threads)
            self.plugins.tell()
        else:
            self._choice = replace(self._choice, device=device, precision=precision, threads=threads)
            self.choice_changed.emit(self._choice)

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
        if 0 <= row < len(TITLES):
            page = self._page(list(TITLES)[row])
            self._stack.setCurrentIndex(row)
            if self.isVisible():
                page.entered()

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
