"""The plugins that are installed, those that could not be loaded, and what runs."""

from __future__ import annotations

import importlib
from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from mien.engine.choice import Choice
from mien.engine.registry import Registry, Source
from mien.errors import MienError
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label, panel
from mien_desktop.plugins.checks import CheckBox, scrolling
from mien_desktop.plugins.chooser import PluginChooser
from mien_desktop.settings.page import Page
from mien_desktop.work.background import Background


class PluginsPage(Page):
    """Signals:
    choice_changed(Choice): other plugins or parameters are chosen.
    registry_changed(Registry): the plugins were loaded anew.
    disabled_changed(tuple): names of the plugins that are switched off.
    model_asked(str): that model is to be shown.
    """

    choice_changed = Signal(object)
    registry_changed = Signal(object)
    disabled_changed = Signal(tuple)
    model_asked = Signal(str)

    def __init__(
        self,
        registry: Registry,
        background: Background,
        palette: Palette,
        choice: Choice | None = None,
        disabled: Collection[str] = (),
    ) -> None:
        super().__init__("plugins", palette, scrolls=False)
        self._registry, self._background = registry, background
        self._disabled = set(disabled)
        self._cards: list[SourceCard] | None = None  # made when they are first seen
        self.chooser = PluginChooser(registry, palette, disabled)
        self.chooser.changed.connect(self.tell)
        self.chooser.model_asked.connect(self.model_asked)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        explain(self.tabs, "Plugins", "What runs, and what is installed")
        first = QWidget()
        box = QVBoxLayout(first)
        box.setContentsMargins(0, 10, 0, 0)
        box.addWidget(self.chooser)
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(8)
        self.again = button(
            "Look again", "Load all plugins anew: those that were installed meanwhile, and those that failed"
        )
        self.again.clicked.connect(self.reload)
        self._state = label(kind="small", wrap=True)
        row = QHBoxLayout()
        row.addWidget(self._state, 1)
        row.addWidget(self.again)
        second = QWidget()
        box = QVBoxLayout(second)
        box.setContentsMargins(0, 10, 0, 0)
        box.addWidget(scrolling(inside), 1)
        box.addLayout(row)
        self.tabs.addTab(first, "What runs")
        self.tabs.addTab(second, "Installed")
        self.tabs.currentChanged.connect(lambda tab: self.cards if tab == 1 else None)
        self.body.addWidget(self.tabs, 1)
        self._fill()
        if choice is not None:
            self.take(choice)

    def take(self, choice: Choice) -> None:
        """Show a choice; one that cannot be is told in place."""
        try:
            self.chooser.take(choice)
        except MienError as error:
            self.say(str(error), bad=True)

    def reload(self) -> None:
        """Load all plugins anew, in the background."""
        self.again.setEnabled(False)
        self._state.setText("Loading…")
        self._background.run(_load, self._loaded, self._not_loaded)

    def enable(self, source: str, on: bool) -> None:
        """Offer what a plugin brings, or hide it."""
        self._disabled = self._disabled - {source} if on else self._disabled | {source}
        self.chooser.set_registry(self._registry, self._disabled)
        self.disabled_changed.emit(tuple(sorted(self._disabled)))
        self.tell()

    def tell(self) -> None:
        """Tell the choice, unless nothing is on: that cannot be run, and the chooser says so."""
        choice = self.chooser.choice()
        if choice.analyzers != ():
            self.choice_changed.emit(choice)

    @property
    def disabled(self) -> frozenset[str]:
        """Names of the plugins that are switched off."""
        return frozenset(self._disabled)

    @property
    def cards(self) -> list[SourceCard]:
        """One per plugin, the broken ones first."""
        if self._cards is None:
            self._cards = [self._card(source) for source in sorted(self._registry.sources, key=_broken_first)]
            for card in self._cards:
                self._list.addWidget(card)
            self._list.addStretch(1)
        return list(self._cards)

    def entered(self) -> None:
        """Models may have come or gone."""
        self.chooser.look_again()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        super().wear(palette)
        self.chooser.wear(palette)

    def _loaded(self, registry: Registry) -> None:
        self._registry = registry
        self.again.setEnabled(True)
        self.chooser.set_registry(registry, self._disabled)
        self._fill()
        self.registry_changed.emit(registry)

    def _not_loaded(self, sentence: str) -> None:
        self.again.setEnabled(True)
        self._state.setText(sentence)

    def _fill(self) -> None:
        while (item := self._list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._cards = None
        if self.tabs.currentIndex() == 1:
            _ = self.cards
        broken, all_ = len(self._registry.broken), len(self._registry.sources)
        self._state.setText(f"{broken} could not be loaded." if broken else f"All {all_} plugins are loaded.")
        self.tabs.setTabText(1, f"Installed ({broken} broken)" if broken else "Installed")

    def _card(self, source: Source) -> SourceCard:
        card = SourceCard(source, self._registry, source.name not in self._disabled)
        card.retry_asked.connect(self.reload)
        card.switched.connect(lambda on: self.enable(source.name, on))
        return card


class SourceCard(QWidget):
    """One plugin module: where it came from and what it offers, or why it could not be loaded.

    Signals:
        switched(bool): it is to be offered, or not.
        retry_asked: it is to be loaded again.
    """

    switched = Signal(bool)
    retry_asked = Signal()

    def __init__(self, source: Source, registry: Registry, on: bool) -> None:
        super().__init__()
        self.source = source
        ground = panel()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
        box = QVBoxLayout(ground)
        box.setContentsMargins(14, 10, 14, 10)
        box.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(label(source.name, "heading"))
        head.addWidget(label(source.distribution or "not from a package", "dim"))
        head.addStretch(1)
        box.addLayout(head)
        box.addWidget(label(source.module, "small"))
        self.switch: CheckBox | None = None
        if not source.error:
            self.switch = CheckBox("Enabled")
            self.switch.setChecked(on)
            explain(self.switch, f"Enable {source.name}", f"Offer what the plugin {source.name} brings")
            self.switch.clicked.connect(self.switched)
            head.addWidget(self.switch)
            box.addWidget(label(_offers(source, registry), wrap=True))
            return
        box.addWidget(label(f"Could not be loaded: {source.error}", "bad", wrap=True))
        self.details = QPlainTextEdit(source.details)
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setFixedHeight(160)
        explain(self.details, f"Details of {source.name}", "The error as Python tells it, for whoever wrote the plugin")
        self.details.hide()
        self.more = button("Details", f"Show why {source.name} could not be loaded", kind="flat")
        self.more.setCheckable(True)
        self.more.toggled.connect(self.details.setVisible)
        self.retry = button("Retry", f"Load {source.name} again")
        explain(self.retry, f"Retry {source.name}", f"Load {source.name} again")
        self.retry.clicked.connect(self.retry_asked)
        row = QHBoxLayout()
        row.addWidget(self.retry)
        row.addWidget(self.more)
        row.addStretch(1)
        box.addLayout(row)
        box.addWidget(self.details)


def _broken_first(source: Source) -> tuple[bool, str]:
    return not source.error, source.name


def _offers(source: Source, registry: Registry) -> str:
    """Titles and versions of what a plugin brings; what does not read is only counted."""
    told = []
    for offer in source.offers:
        info = registry.analyzers.get(offer) or registry.fusions.get(offer)
        if info is not None:
            told.append(f"{info.title} {info.version}")
    for room, one, several in (
        (registry.exporters, "export format", "export formats"),
        (registry.recipes, "training recipe", "training recipes"),
        (registry.corpora, "corpus reader", "corpus readers"),
        (registry.tables, "published table", "published tables"),
    ):
        count = sum(offer in room for offer in source.offers)
        if count:
            told.append(f"{count} {one if count == 1 else several}")
    return ", ".join(told) or "Offers nothing."


def _load() -> Registry:
    # What was installed a moment ago is not found by an importer that remembers the folder as it was.
    importlib.invalidate_caches()
    return Registry.load()
