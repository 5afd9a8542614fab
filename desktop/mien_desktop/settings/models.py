"""The models that are here and those that could be: download, import, verify, remove."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
)

from mien.config import Settings
from mien.engine.registry import Registry
from mien.models import store
from mien.models.statement import Statement
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label, literal, panel
from mien_desktop.plugins.checks import CheckBox
from mien_desktop.plugins.lists import add_heading, beside, framed, item_list
from mien_desktop.settings.model_detail import ModelDetail
from mien_desktop.settings.page import Page, lock, size_text
from mien_desktop.settings.preferences import Preferences
from mien_desktop.settings.shelf import GROUPS, Shown, look
from mien_desktop.settings.transfer import Transfer
from mien_desktop.work.background import Background

_ID = int(Qt.ItemDataRole.UserRole)


class ModelsPage(Page):
    """Signals:
    changed: a model was installed or removed.
    """

    changed = Signal()

    def __init__(self, registry: Registry, preferences: Preferences, background: Background, palette: Palette) -> None:
        super().__init__("models", palette, scrolls=False)
        self._registry, self._preferences, self._background = registry, preferences, background
        self._models: dict[str, Shown] = {}
        self._wanted = ""
        self._looked = False
        self._what = ""
        self.transfer = Transfer(self)
        self.transfer.began.connect(self._began)
        self.transfer.moved.connect(self._moved)
        self.transfer.done.connect(self._done)
        self.transfer.failed.connect(self._failed)
        self.transfer.consent_needed.connect(self._consent)
        self.transfer.trust_needed.connect(self._trust)

        self.offline = CheckBox("Stay offline: never use the network")
        self.offline.clicked.connect(lambda on: preferences.change(offline=on))
        self._list = item_list("Models", "Installed models, and those that could be installed")
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # long titles differ at their ends
        self._list.currentItemChanged.connect(lambda *_: self._show())
        self.detail = ModelDetail(palette)
        self.detail.pull_asked.connect(self.pull)
        self.detail.trusted.connect(lambda stated: self.pull(True, stated))
        self.detail.import_asked.connect(self._choose_folder)
        self.detail.verify_asked.connect(self.verify)
        self.detail.remove_asked.connect(self.remove)
        self.detail.cancel_asked.connect(self.transfer.cancel)

        left = panel()
        box = QVBoxLayout(left)
        box.setContentsMargins(1, 1, 1, 8)
        box.addWidget(self._list, 1)
        self.other = QLineEdit()
        self.other.setPlaceholderText("another-model")
        explain(
            self.other, "Id of another model to import", "Under which plugins ask for it, such as conflictnet-rated"
        )
        self.add = button("Import…", "Import a model that is not on the list from a folder")
        explain(self.add, "Import another model", self.add.toolTip())
        self.add.clicked.connect(self._add_other)
        self.other.returnPressed.connect(self._add_other)
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 8, 0)
        row.addWidget(self.other, 1)
        row.addWidget(self.add)
        self.stop = button("Cancel", "Stop importing; nothing of it stays")
        explain(self.stop, "Cancel the import", self.stop.toolTip())
        self.stop.clicked.connect(self.transfer.cancel)
        self.stop.hide()
        row.addWidget(self.stop)
        box.addLayout(row)
        row = QHBoxLayout()
        row.addWidget(self.offline)
        self._override = label(kind="small", wrap=True)
        row.addWidget(self._override, 1)
        self.body.addLayout(row)
        self.body.addWidget(beside(left, framed(self.detail), (370, 420)), 1)
        preferences.applied.connect(self._follow)
        preferences.failed.connect(lambda sentence: self.say(sentence, bad=True))
        self.wear(palette)
        self._follow(preferences.now)

    # -- what can be done ------------------------------------------------------------------------------------------

    def select(self, model: str) -> None:
        """Show one model in full, as soon as the list is there."""
        self._wanted = model
        self._choose(model)

    @property
    def current(self) -> Shown | None:
        """The model that is shown."""
        item = self._list.currentItem()
        return self._models.get(item.data(0, _ID)) if item is not None else None

    def ids(self, group: str) -> list[str]:
        """The models under a heading."""
        return [m.id for m in self._models.values() if m.group == group]

    def pull(self, agreed: bool = False, trusted: Statement | None = None) -> None:
        """Download the model that is shown."""
        if (model := self.current) is not None:
            self.transfer.pull(model.id, agreed, trusted)

    def import_from(self, folder: Path, agreed: bool = False, model: str = "") -> None:
        """Import the model that is shown (or another) from a folder."""
        model = model or (self.current.id if self.current is not None else "")
        if model:
            self._wanted = model
            self.transfer.import_folder(model, folder, agreed)

    def verify(self) -> None:
        """Read the files of the model that is shown."""
        if (model := self.current) is not None:
            self.transfer.verify(model.id)

    def remove(self) -> None:
        """Delete the model that is shown from the store."""
        if (model := self.current) is None:
            return

        def removed(_: None, title: str = model.title) -> None:
            self.refresh(lambda: self.say(f"{title} was removed."))
            self.changed.emit()

        self._background.run(
            lambda: store.remove(model.id), removed, lambda sentence: self.detail.say(sentence, bad=True)
        )

    def refresh(self, then: object = None) -> None:
        """Look again at what is here."""

        def done(found: list[Shown]) -> None:
            self._fill(found)
            if callable(then):
                then()

        registry = self._registry
        self._background.run(lambda: look(registry), done, lambda sentence: self.say(sentence, bad=True))

    def set_registry(self, registry: Registry) -> None:
        """Other plugins are there."""
        self._registry = registry
        if self._looked:
            self.refresh()

    def entered(self) -> None:
        """Look at what is here when the page is seen."""
        self._looked = True
        self.refresh()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        super().wear(palette)
        self.detail.wear(palette)
        for item in self._items():
            item.setForeground(1 if item.data(0, _ID) else 0, QColor(palette.dim))

    def shutdown(self) -> None:
        """Stop what runs."""
        self.transfer.close()

    # -- the list --------------------------------------------------------------------------------------------------

    def _follow(self, settings: Settings) -> None:
        self.offline.setChecked(settings.offline)
        variable = self._preferences.overridden("offline")
        lock(self.offline, variable, "Stay offline", "Nothing is ever downloaded; models can still be imported")
        self._override.setText(f"{variable} in the environment decides this." if variable else "")
        self._show()

    def _fill(self, found: list[Shown]) -> None:
        current = self.current
        wanted = self._wanted or (current.id if current else "")
        self._models = {m.id: m for m in found}
        blocked = self._list.blockSignals(True)
        self._list.clear()
        for heading in GROUPS:
            members = [m for m in found if m.group == heading]
            if not members:
                continue
            group = add_heading(self._list, heading)
            for model in members:
                item = QTreeWidgetItem(group, [model.title, size_text(model.size) if model.size else ""])
                item.setData(0, _ID, model.id)
                item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                tip = f"{model.id} · {model.task} · {model.licence}".strip(" ·")
                item.setToolTip(0, literal(tip))
                item.setToolTip(1, literal(tip))
        self._list.expandAll()
        self._list.blockSignals(blocked)
        self.wear(self.palette_now)
        self._choose(wanted if wanted in self._models else next(iter(self._models), ""))
        self._wanted = ""
        self._show()

    def _choose(self, model: str) -> None:
        for item in self._items():
            if model and item.data(0, _ID) == model:
                self._list.setCurrentItem(item)

    def _items(self) -> Iterator[QTreeWidgetItem]:
        walk = QTreeWidgetItemIterator(self._list)
        while (item := walk.value()) is not None:
            yield item
            walk += 1

    def _show(self) -> None:
        model = self.current
        self.detail.show_model(model, offline=self._preferences.now.offline)
        running = self.transfer.model
        self.detail.busy(self._what if running else "", mine=model is not None and running == model.id)
        # One that is on no list yet has no place of its own: it is told of and stopped here.
        unlisted = bool(running) and running not in self._models
        self.stop.setVisible(unlisted)
        self.add.setVisible(not unlisted)

    # -- jobs ------------------------------------------------------------------------------------------------------

    def _began(self, model: str, what: str) -> None:
        self.say("" if model in self._models else f"{what} {model}…")
        self._what = what
        self._show()

    def _moved(self, model: str, done: int, total: int) -> None:
        if self.current is not None and self.current.id == model and self.transfer.runs:
            self.detail.progress(self._what, done, total)
        elif model not in self._models and self.transfer.runs and total:
            self.say(f"{self._what} {model}… {size_text(done)} of {size_text(total)}")

    def _done(self, model: str, sentence: str) -> None:
        self.say("")
        self._what = ""
        self._show()
        self.refresh(lambda: self._tell(model, sentence))
        self.changed.emit()

    def _failed(self, model: str, sentence: str) -> None:
        self._what = ""
        self._show()
        self._tell(model, sentence, bad=True)

    def _tell(self, model: str, sentence: str, *, bad: bool = False) -> None:
        """Beside the model where it is shown, else over the list."""
        if self.current is not None and self.current.id == model:
            self.detail.say(sentence, bad=bad)
        else:
            self.say(sentence, bad=bad)

    def _consent(self, model: str) -> None:
        self._what = ""
        self._show()
        if self.current is not None and self.current.id == model:
            self.detail.ask_consent("pull" if self.current.group == "Can be downloaded" else "import")

    def _trust(self, model: str, stated: Statement) -> None:
        self._what = ""
        self._show()
        if self.current is not None and self.current.id == model:
            self.detail.ask_trust(stated)

    def _choose_folder(self, agreed: bool) -> None:
        model = self.current
        folder = QFileDialog.getExistingDirectory(self, "Folder with the model") if model is not None else ""
        if folder:
            self.import_from(Path(folder), agreed)

    def _add_other(self) -> None:
        model = self.other.text().strip()
        if not model:
            self.say("Say first under which id plugins ask for the model.", bad=True)
            self.other.setFocus()
            return
        if model in self._models:
            self.select(model)
            return
        if self.transfer.runs:
            self.say(f"One at a time: {self._what.lower()} {self.transfer.model} is not through yet.", bad=True)
            return
        folder = QFileDialog.getExistingDirectory(self, f"Folder with {model}")
        if folder:
            self.import_from(Path(folder), model=model)
