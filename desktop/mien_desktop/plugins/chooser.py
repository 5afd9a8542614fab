"""Which analyzers run, with which parameters, and how their readings are fused: a list on the left, one in full beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QStackedWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mien.engine.choice import Choice, default_analyzers, fill, load_recipe, save_recipe
from mien.engine.registry import Registry
from mien.errors import MienError, ParameterError
from mien.sdk.params import Params
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, label, literal
from mien_desktop.plugins.detail import PluginDetail
from mien_desktop.plugins.facts import Need, Plugin, added, all_needs, hidden, untrained
from mien_desktop.plugins.form import differing
from mien_desktop.plugins.lists import add_heading, beside, framed, item_list

_ID = int(Qt.ItemDataRole.UserRole)
_RECIPES = "Recipes (*.json);;All files (*)"


class PluginChooser(QWidget):
    """Makes a `Choice` and takes one. Device, precision, threads and sound stream of the choice taken are kept.

    Signals:
        changed: the choice is another one.
        model_asked(str): that model is to be shown in the settings.
    """

    changed = Signal()
    model_asked = Signal(str)

    def __init__(self, registry: Registry, palette: Palette, disabled: Collection[str] = ()) -> None:
        super().__init__()
        self._palette = palette
        self._registry = registry
        self._hidden = hidden(registry, disabled)
        self._given = Choice()
        self._on: set[str] = set()
        self._fusion = ""
        # A form has dozens of widgets; one is made when its plugin is first shown. Until then the values wait.
        self._details: dict[str, PluginDetail] = {}
        self._values: dict[str, dict[str, Any]] = {}
        self._items: dict[str, QTreeWidgetItem] = {}
        self._needs: dict[str, list[Need]] = {}
        self._filling = False
        self._list = item_list("Plugins", "What reads a medium; Space switches one on or off")
        self._list.itemChanged.connect(self._switched)
        self._list.currentItemChanged.connect(lambda item, _: self._show(item))
        self._stack = QStackedWidget()
        self._message = label(kind="small", wrap=True)
        self._load = button("Load recipe…", "Take plugins and parameters from a recipe file")
        self._load.clicked.connect(self._ask_load)
        self._save = button("Save as recipe…", "Keep plugins and parameters in a file, also for mien analyze --recipe")
        self._save.clicked.connect(self._ask_save)
        self._defaults = button("Defaults", "Take plugins and parameters back to the defaults")
        self._defaults.clicked.connect(self._to_defaults)

        foot = QHBoxLayout()
        foot.addWidget(self._message, 1)
        for widget in (self._defaults, self._load, self._save):
            foot.addWidget(widget)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(8)
        outer.addWidget(beside(framed(self._list), framed(self._stack), (330, 450), shares=(2, 3)), 1)
        outer.addLayout(foot)
        self.setAccessibleName("Plugins and their parameters")
        self.set_registry(registry, disabled)

    # -- the choice ----------------------------------------------------------------------------------------------

    def choice(self) -> Choice:
        """What is chosen. `analyzers` is None where it is exactly the defaults of the engine, and empty for none at all."""
        on = tuple(i for i in self._registry.analyzers if i in self._on)
        chosen = None if set(on) == set(default_analyzers(self._registry)) else on
        settings = {plugin: values for plugin in self._items if (values := self._set(plugin))}
        return replace(self._given, analyzers=chosen, fusion=self._fusion, settings=settings)

    def take(self, choice: Choice) -> None:
        """Show a choice.

        Raises:
            MienError: it names what is not here, or a parameter that cannot be; nothing is changed.
        """
        choice = choice.checked(self._registry)
        self._given, self._fusion = choice, choice.fusion
        wanted = default_analyzers(self._registry) if choice.analyzers is None else choice.analyzers
        self._on = {plugin for plugin in wanted if plugin not in self._hidden}
        self._values = {plugin: self._differing(plugin, choice.settings.get(plugin, {})) for plugin in self._items}
        for plugin, detail in self._details.items():
            detail.form.take(self._values[plugin])
        self._refresh()

    def compute_on(self, device: str, precision: str, threads: int | None) -> None:
        """The choice is to be computed so from now on; plugins and parameters stay."""
        self._given = replace(self._given, device=device, precision=precision, threads=threads)

    @property
    def problem(self) -> str:
        """Why the choice cannot be run as it is, a sentence, or empty."""
        if not self._on:
            return "No plugin is on; an analysis needs at least one."
        for plugin, detail in self._details.items():
            if detail.form.problem and (plugin in self._on or plugin == self._fusion):
                title = self._info(plugin).title
                return f"{title}: what cannot be is left out. {detail.form.problem}"
        for plugin, reader in self._added().items():
            if plugin in self._hidden:
                titles = self._info(plugin).title, self._info(reader).title
                return f"{titles[0]} is disabled, and runs all the same, because {titles[1]} reads what it writes."
        missing = [n.model for p in self._running() for n in self._needs[p] if not n.there and not n.optional]
        return f"Not installed: {', '.join(dict.fromkeys(missing))}." if missing else ""

    def set_registry(self, registry: Registry, disabled: Collection[str] = ()) -> None:
        """Other plugins are there; what was chosen of those that remain is kept."""
        values = {plugin: self._set(plugin) for plugin in self._items}
        first = not self._items
        known = set(self._items)
        self._registry, self._hidden = registry, hidden(registry, disabled)
        self._look()
        defaults = set(default_analyzers(registry))
        self._on = {i for i in registry.analyzers if i not in self._hidden} & (
            defaults if first else self._on | (defaults - known)
        )
        shown = [i for i, info in registry.fusions.items() if i not in self._hidden and not untrained(info)]
        if self._fusion not in shown:
            wanted = self._given.fusion
            named = next((i for i in shown if i in (wanted, f"fusion.{wanted}")), "")
            self._fusion = named or next(iter(shown), "")
        self._build(values)

    def look_again(self) -> None:
        """Which models are there may have changed."""
        for detail in self._details.values():
            detail.look_again()
        self._look()
        self._refresh()

    def _look(self) -> None:
        infos: list[Plugin] = [*self._registry.analyzers.values(), *self._registry.fusions.values()]
        self._needs = all_needs(infos, self._registry)

    def select(self, plugin: str) -> None:
        """Show one plugin in full."""
        if plugin in self._items:
            self._list.setCurrentItem(self._items[plugin])

    def form(self, plugin: str) -> Any:
        """The form of a plugin; raises KeyError where it is not listed."""
        return self._detail(plugin).form

    def switch(self, plugin: str, on: bool) -> None:
        """Turn an analyzer on or off."""
        self._items[plugin].setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def use_fusion(self, fusion: str) -> None:
        """Fuse with this one."""
        fusion = self._registry.fusion(fusion).id
        if fusion != self._fusion:
            self._fusion = fusion
            self._told()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self._refresh()
        for detail in self._details.values():
            detail.wear(palette)

    # -- recipes -------------------------------------------------------------------------------------------------

    def save_to(self, path: Path) -> None:
        """Write the choice as a recipe; what goes wrong is told in place."""
        try:
            save_recipe(self.choice().checked(self._registry), self._registry, path)
        except MienError as error:
            self._say(str(error), bad=True)
        except OSError as error:
            self._say(f"The recipe could not be written ({error.strerror}): {path}", bad=True)
        else:
            self._say(f"Saved as {path.name}.")

    def load_from(self, path: Path) -> None:
        """Take the choice of a recipe; what goes wrong is told in place and changes nothing."""
        try:
            loaded = load_recipe(path, self._registry)
            kept = self._given
            self.take(replace(loaded, device=kept.device, precision=kept.precision, threads=kept.threads))
        except MienError as error:
            self._say(str(error), bad=True)
        else:
            self.changed.emit()
            self._say(f"Taken from {path.name}.")

    def _ask_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save as recipe", "recipe.json", _RECIPES)
        if name:
            self.save_to(Path(name))

    def _ask_load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Load a recipe", "", _RECIPES)
        if name:
            self.load_from(Path(name))

    def _to_defaults(self) -> None:
        self.take(replace(self._given, analyzers=None, settings={}))
        self._told()

    # -- the list ------------------------------------------------------------------------------------------------

    def _build(self, values: dict[str, dict[str, Any]]) -> None:
        self._filling = True
        current = self._list.currentItem()
        selected = current.data(0, _ID) if current is not None else None
        self._list.clear()
        self._items = {}
        for detail in self._details.values():
            self._stack.removeWidget(detail)
            detail.deleteLater()
        self._details = {}
        self._values = {}
        groups: dict[str, QTreeWidgetItem] = {}
        analyzers = [i for i in self._registry.analyzers.values() if i.id not in self._hidden]
        analyzers.sort(key=lambda info: not info.default)  # what runs unasked leads
        fusions = [i for i in self._registry.fusions.values() if i.id not in self._hidden]
        infos: list[Plugin] = [*analyzers, *fusions]
        for info in infos:
            modality = getattr(info, "modality", None)
            group = "Fusion" if modality is None else (modality or "other").capitalize()
            if group not in groups:
                groups[group] = add_heading(self._list, group)
            item = QTreeWidgetItem(groups[group], [info.title, info.version])
            item.setData(0, _ID, info.id)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | (
                Qt.ItemFlag.ItemIsUserCheckable if modality is not None else Qt.ItemFlag.NoItemFlags))  # fmt: skip
            self._items[info.id] = item
            self._values[info.id] = self._kept(info.id, info.params, values)
        self._list.expandAll()
        self._filling = False
        self._refresh()
        start = selected if selected in self._items else next(iter(self._items), None)
        if start is not None:
            self._list.setCurrentItem(self._items[start])

    def _detail(self, plugin: str) -> PluginDetail:
        """The plugin in full; raises KeyError where it is not listed."""
        if plugin in self._items and plugin not in self._details:
            info = self._info(plugin)
            detail = self._details[plugin] = PluginDetail(info, self._registry, self._values[plugin], self._palette)
            detail.changed.connect(self._told)
            detail.form.refused.connect(lambda _: self._refresh())
            detail.use_asked.connect(lambda: self.use_fusion(plugin))
            detail.model_asked.connect(self.model_asked)
            detail.set_used(plugin == self._fusion)
            self._stack.addWidget(detail)
        return self._details[plugin]

    def _set(self, plugin: str) -> dict[str, Any]:
        """What differs from a plugin's defaults."""
        return self._details[plugin].form.values() if plugin in self._details else self._values.get(plugin, {})

    def _differing(self, plugin: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return differing(fill(plugin, self._info(plugin).params, values)) if values else {}

    def _kept(self, plugin: str, model: type[Params], values: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Values of a plugin of another version may have gone."""
        return {name: value for name, value in values.get(plugin, {}).items() if name in model.model_fields}

    def _show(self, item: QTreeWidgetItem | None) -> None:
        plugin = item.data(0, _ID) if item is not None else None
        if plugin is not None:
            self._stack.setCurrentWidget(self._detail(plugin))

    def _switched(self, item: QTreeWidgetItem) -> None:
        plugin = item.data(0, _ID)
        if self._filling or plugin not in self._registry.analyzers:
            return
        on = item.checkState(0) == Qt.CheckState.Checked
        if on == (plugin in self._on):
            return
        self._on = self._on | {plugin} if on else self._on - {plugin}
        self._told()

    def _told(self) -> None:
        self._refresh()
        self.changed.emit()

    def _added(self) -> dict[str, str]:
        params: dict[str, Params] = {}
        for plugin in self._on:
            detail = self._details.get(plugin)
            made = detail.form.params() if detail is not None else self._built(plugin)
            if made is not None:
                params[plugin] = made
        return added(self._on, self._registry, params)

    def _built(self, plugin: str) -> Params | None:
        try:
            return fill(plugin, self._info(plugin).params, self._values.get(plugin, {}))
        except ParameterError:
            return None  # a parameter without a default still lacks its value

    def _running(self) -> list[str]:
        return [*self._on, *self._added(), *([self._fusion] if self._fusion else [])]

    def _refresh(self) -> None:
        """Show what is on, what runs because of it, what lacks a model and what is changed."""
        self._filling = True
        also = self._added()
        for number in range(self._list.topLevelItemCount()):
            if (group := self._list.topLevelItem(number)) is not None:
                group.setForeground(0, QColor(self._palette.dim))
        for plugin, item in self._items.items():
            info = self._info(plugin)
            notes = []
            if plugin in self._registry.analyzers:
                item.setCheckState(0, Qt.CheckState.Checked if plugin in self._on else Qt.CheckState.Unchecked)
            elif plugin == self._fusion:
                notes.append("in use")
            if plugin in also:
                notes.append("runs too")
            if self._set(plugin):
                notes.append("changed")
            lacking = [n for n in self._needs[plugin] if not n.there and not n.optional]
            if lacking:
                notes.append("lacks a model")
            item.setText(1, ", ".join(notes) or info.version)
            item.setForeground(1, QColor(self._palette.warn if lacking else self._palette.dim))
            why = f"Runs too: {self._info(also[plugin]).title} reads what it writes" if plugin in also else ""
            tip = " · ".join(t for t in (info.description, why, *(n.help for n in lacking)) if t)
            item.setToolTip(0, literal(tip))
            item.setToolTip(1, literal(tip))
            if plugin in self._details:
                self._details[plugin].set_used(plugin == self._fusion)
        self._filling = False
        self._say(self.problem, bad=True)

    def _info(self, plugin: str) -> Plugin:
        return self._registry.analyzers.get(plugin) or self._registry.fusions[plugin]

    def _say(self, text: str, *, bad: bool = False) -> None:
        self._message.setText(text)
        self._message.setProperty("kind", "bad" if bad else "small")
        self._message.style().unpolish(self._message)
        self._message.style().polish(self._message)
