"""One model in full, what can be done with it, and how far that is."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QDesktopServices, QKeyEvent, QTextDocument, QTextOption, QTextTable
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QStackedWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from mien.models.statement import Statement
from mien_desktop.look.flow import Flow
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label
from mien_desktop.plugins.checks import scrolling
from mien_desktop.settings.page import show, size_text
from mien_desktop.settings.shelf import Shown


class ModelDetail(QStackedWidget):
    """Signals: what is asked for of the model that is shown.

    pull_asked(bool), import_asked(bool): whether its licence was agreed to.
    trusted(Statement): the download is to be held to what the hub stated.
    """

    pull_asked = Signal(bool)
    import_asked = Signal(bool)
    trusted = Signal(object)
    verify_asked = Signal()
    remove_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._model: Shown | None = None
        self._offline = False
        self._awaited = ""
        self._stated: Statement | None = None
        self._palette = palette
        self._title, self._task = label(kind="heading", wrap=True), label(kind="dim", wrap=True)
        self._facts = QFormLayout()
        self._facts.setContentsMargins(0, 4, 0, 4)
        self._facts.setHorizontalSpacing(14)
        self._facts.setVerticalSpacing(4)
        self._hint = label(kind="small", wrap=True)
        self._hint.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.get = button("Download", "Fetch it at its pinned revision and check it", kind="primary")
        self.take = button(
            "Import from folder…", "Copy the model from a folder on this machine; no code and no pickles are taken"
        )
        self.card = button("Read the card", "What it was trained on, how good it is and where it fails")
        self.check = button("Verify", "Read all files and compare them with what was recorded")
        self.drop = button("Remove…", "Delete it from the store")
        self.folder = button("Open folder", "Show its files")
        self.page = button("Open its page", "Read about it in the browser")
        self.get.clicked.connect(lambda: self._with_consent("pull"))
        self.take.clicked.connect(lambda: self._with_consent("import"))
        self.card.clicked.connect(self.read_card)
        self.check.clicked.connect(self.verify_asked)
        self.drop.clicked.connect(lambda: self._ask("remove"))
        self.folder.clicked.connect(self._open_folder)
        self.page.clicked.connect(self._open_page)

        self._question = QWidget()
        self._asked = label(wrap=True)
        self.yes, self.no = button("", "", kind="primary"), button("Not now", "Leave it as it is")
        self.yes.clicked.connect(self._answered)
        self.no.clicked.connect(lambda: self._ask(""))
        row = QHBoxLayout()
        row.addWidget(self.yes)
        row.addWidget(self.no)
        row.addStretch(1)
        box = QVBoxLayout(self._question)
        box.setContentsMargins(0, 4, 0, 4)
        box.addWidget(self._asked)
        box.addLayout(row)
        self._work = QWidget()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setAccessibleName("How far it is")
        self._said = label(kind="small")
        self.stop = button("Cancel", "Stop; what has come of a download is kept")
        self.stop.clicked.connect(self.cancel_asked)
        box = QVBoxLayout(self._work)
        box.setContentsMargins(0, 4, 0, 4)
        box.addWidget(self._said)
        row = QHBoxLayout()
        row.addWidget(self._bar, 1)
        row.addWidget(self.stop)
        box.addLayout(row)
        self._result = label(wrap=True)
        self._result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        first, second = QWidget(), QWidget()
        for line, widgets in (
            (Flow(first), (self.get, self.take, self.card)),
            (Flow(second), (self.check, self.drop, self.folder, self.page)),
        ):
            for widget in widgets:
                line.addWidget(widget)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._task)
        column.addLayout(self._facts)
        said: tuple[QWidget, ...] = (self._hint, self._question, self._work, self._result)
        for part in said:
            column.addWidget(part)
        column.addWidget(first)
        column.addWidget(second)
        column.addStretch(1)
        reader = QWidget()
        self.back = button("Back", "Back to the model (Escape)")
        self.back.clicked.connect(self.close_card)
        self.text = _Reader()
        explain(self.text, "Model card", "The model's card")
        self.text.installEventFilter(self)
        self.text.setOpenLinks(False)
        self.text.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.text.anchorClicked.connect(self._follow)
        box = QVBoxLayout(reader)
        box.setContentsMargins(10, 10, 10, 10)
        box.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self.text, 1)
        self.addWidget(scrolling(body))
        self.addWidget(reader)
        self.setAccessibleName("The model in full")
        self.show_model(None)
        self.wear(palette)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self._dress_tables()

    def show_model(self, model: Shown | None, *, offline: bool = False) -> None:
        """Show another model, or the same one anew."""
        if model is None or self._model is None or model.id != self._model.id:
            self._ask("")
            self.say("")
            self.setCurrentIndex(0)
        self._model, self._offline = model, offline
        while self._facts.rowCount():
            self._facts.removeRow(0)
        self._title.setText(model.title if model else "Choose a model on the left")
        self._task.setText(model.task[:1].upper() + model.task[1:] if model else "")
        if model is not None:
            for name, value in (
                ("Known as", model.id),
                ("Size", size_text(model.size) if model.size else ""),
                ("Licence", model.licence),
                ("Languages", model.languages),
                ("From", model.source),
                ("Used by", model.used_by),
                ("Lies in", str(model.folder or "")),
            ):
                if value:
                    self._facts.addRow(_head(name), label(value, "small", wrap=True))
        self._show_actions()

    def busy(self, what: str, *, mine: bool) -> None:
        """Something runs (`what`), for this model or another one; empty when nothing does."""
        self._work.setVisible(bool(what) and mine)
        self._said.setText(what)
        if what:
            self._ask("")
            self._bar.setRange(0, 0)
            self.say("")
        for widget in (self.get, self.take, self.check, self.drop):
            widget.setEnabled(not what)
        if not what:
            self._show_actions()

    def progress(self, what: str, done: int, total: int) -> None:
        """How far it is."""
        self._bar.setRange(0, 1000 if total else 0)
        if total:
            self._bar.setValue(round(1000 * min(done / total, 1.0)))
        self._said.setText(f"{what}: {size_text(done)}" + (f" of {size_text(total)}" if total else ""))

    def say(self, text: str, *, bad: bool = False) -> None:
        """How it went."""
        show(self._result, text, bad=bad)

    @property
    def said(self) -> str:
        """How it went."""
        return self._result.text()

    @property
    def question(self) -> str:
        """What the user is asked, or empty."""
        return self._asked.text() if self._awaited else ""

    def read_card(self) -> None:
        """Open the card in place."""
        if self._model is None or not self._model.card:
            return
        if self._model.folder is not None:
            self.text.setSearchPaths([str(self._model.folder)])
        self.text.document().setMarkdown(self._model.card, _DIALECT)
        self._dress_tables()
        self.setCurrentIndex(1)
        self.text.setFocus()

    def _dress_tables(self) -> None:
        """Quiet lines; Markdown asks for a heading also where a table has none."""
        for frame in self.text.document().rootFrame().childFrames():
            if not isinstance(frame, QTextTable):
                continue
            shape = frame.format().toTableFormat()
            shape.setBorderBrush(QColor(self._palette.line))
            shape.setBorderCollapse(True)
            shape.setCellPadding(5)
            shape.setTopMargin(6)
            shape.setBottomMargin(10)
            frame.setFormat(shape)
            heads = [frame.cellAt(0, column).firstCursorPosition() for column in range(frame.columns())]
            if frame.rows() > 1 and not any(cursor.block().text().strip() for cursor in heads):
                frame.removeRows(0, 1)

    def close_card(self) -> None:
        """Back to the model."""
        self.setCurrentIndex(0)
        self.card.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape closes the card, not the window."""
        escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if escape and event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            event.accept()
            if event.type() == QEvent.Type.KeyPress:
                self.close_card()
            return True
        return super().eventFilter(watched, event)

    def ask_consent(self, what: str) -> None:
        """Ask for the licence before `pull` or `import`."""
        self._ask(what)

    def ask_trust(self, stated: Statement) -> None:
        """Ask whether a download shall be held to what the hub stated, which is shown."""
        self._stated = stated
        self._ask("trust")

    # ----------------------------------------------------------------------------------------------------------

    def _show_actions(self) -> None:
        model = self._model
        here = model is not None and model.folder is not None
        can_get = model is not None and model.group == "Can be downloaded"
        self.get.setVisible(can_get)
        self.get.setEnabled(can_get and not self._offline)
        self.take.setVisible(model is not None and not here)
        self.take.setEnabled(True)
        self.card.setVisible(model is not None and bool(model.card))
        self.check.setVisible(here)
        self.check.setEnabled(True)
        self.drop.setVisible(model is not None and here and not model.bundled)
        self.drop.setEnabled(True)
        self.folder.setVisible(here)
        self.page.setVisible(model is not None and bool(model.page))
        show(self._hint, _hint(model, self._offline and can_get))

    def _with_consent(self, what: str) -> None:
        if self._model is not None and self._model.consent:
            self._ask(what)
        else:
            (self.pull_asked if what == "pull" else self.import_asked).emit(False)

    def _ask(self, what: str) -> None:
        """Ask in place before something that needs an answer; empty asks nothing."""
        model = self._model
        self._awaited = what if model is not None else ""
        self._question.setVisible(bool(self._awaited))
        if not self._awaited or model is None:
            return
        if what == "remove":
            self._asked.setText(f"Delete {model.title} ({size_text(model.size)}) from this machine?")
            yes, tip = "Delete it", f"Delete {model.title}"
        elif what == "trust":
            self._asked.setText(_trust_question(model, self._stated))
            yes, tip = "I agree, download", "Hold it to that, now and from now on, and download it"
        else:
            self._asked.setText(f"The licence of {model.title} is {model.licence}: {model.consent}. Do you agree?")
            yes, tip = ("I agree, download", "Agree to the licence and download it") if what == "pull" else (
                "I agree, choose the folder…", "Agree to the licence and import it")  # fmt: skip
        self.say("")
        self.yes.setText(yes)
        explain(self.yes, yes, tip)
        self.yes.setFocus()

    def _answered(self) -> None:
        what = self._awaited
        self._ask("")
        if what == "remove":
            self.remove_asked.emit()
        elif what == "trust":
            self.trusted.emit(self._stated)
        elif what == "pull":
            self.pull_asked.emit(True)
        elif what == "import":
            self.import_asked.emit(True)

    def _follow(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
        elif not url.scheme() and url.hasFragment():
            self.text.scrollToAnchor(url.fragment())

    def _open_folder(self) -> None:
        if self._model is not None and self._model.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._model.folder)))

    def _open_page(self) -> None:
        if self._model is not None:
            QDesktopServices.openUrl(QUrl(self._model.page))


_DIALECT = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
"""A card is Markdown; markup of another kind in it is shown as it stands."""


class _Reader(QTextBrowser):
    """Loads pictures that lie beside the card, and nothing from elsewhere."""

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Only plain names of files in the model's own folder."""
        url = QUrl(name)
        file = Path(url.path()).name
        if url.scheme() not in ("", "file") or not file:
            return None
        folders = [Path(folder) for folder in self.searchPaths()]
        there = next((folder / file for folder in folders if (folder / file).is_file()), None)
        return super().loadResource(kind, QUrl.fromLocalFile(str(there))) if there is not None else None


def _trust_question(model: Shown, stated: Statement | None) -> str:
    """A statement has no place to break its hashes; here they may be broken anywhere."""
    if stated is None:
        return ""
    told = [f"{stated.host} states of {model.title} ({stated.repo}, {stated.name}) at {stated.revision}:"]
    for file in stated.files:
        digest = f"SHA-256 {file.sha256}" if file.sha256 else f"Git's SHA-1 {file.blob}"
        told.append(f"{file.name}, {size_text(file.size)}, {digest}")
    told.append("This version of Mien has no pin of its own for it. Shall it be held to that, now and from now on?")
    return "\n".join(re.sub(r"([0-9a-f]{8})(?=[0-9a-f])", "\\1\u200b", line) for line in told)


def _hint(model: Shown | None, offline: bool) -> str:
    if model is None:
        return ""
    if model.command:
        return f"Train it with\n{model.command}\nand import the folder that comes out."
    if model.obstacle:
        return f"It cannot be downloaded: {model.obstacle}."
    if offline:
        return "Mien stays offline, so that nothing is downloaded; the switch is above the list."
    return ""


def _head(text: str) -> QLabel:
    made = label(text, "small")
    made.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    return made
