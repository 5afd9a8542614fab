"""The first page: drop a file, take a recent one or the demo clip, see what is installed and what could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from mien.exchange.text import one_line
from mien_desktop.look.icons import icon, pixmap
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, label, panel
from mien_desktop.work.files import GONE, FileLook


@dataclass(frozen=True)
class Offer:
    """One line on what is there or could be: a model or a plugin. `there` tells which."""

    title: str
    detail: str
    there: bool


class DropZone(QWidget):
    """A dashed ground with buttons for a file and for the demo clip; files may be dropped on it.

    Signals:
        open_asked: a file is to be chosen.
        demo_asked: the clip that comes with Mien.
        dropped(list): these files and folders were dropped.
    """

    open_asked = Signal()
    demo_asked = Signal()
    dropped = Signal(object)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette, self._over = palette, False
        self.setAcceptDrops(True)
        self.setAccessibleName("Drop a video or a sound file here")
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title = label("Drop a video or a sound file here", "heading")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        formats = "mp4, mkv, webm, mov, avi, mpg, gif, wav, flac, mp3, m4a, ogg – or a folder of them"
        self._detail = label(formats, "dim", wrap=True)
        self._detail.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._open = button("Open…", "Choose a file", kind="primary", shortcut="Ctrl+O", command="open")
        self._open.clicked.connect(self.open_asked)
        self.demo = button("Open the demo clip", "A clip of 22 s that comes with Mien, to see what it reads")
        self.demo.clicked.connect(self.demo_asked)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addStretch(1)
        row.addWidget(self._open)
        row.addWidget(self.demo)
        row.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 14, 12, 14)
        box.addStretch(1)
        box.addWidget(self._picture)
        box.addSpacing(6)
        box.addWidget(self._title)
        box.addWidget(self._detail)
        box.addSpacing(10)
        box.addLayout(row)
        box.addStretch(1)
        self.wear(palette)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self._picture.setPixmap(pixmap("film", palette.faint, 44, self.devicePixelRatioF()))
        self.demo.setIcon(icon("film", palette))
        self.update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Show that files are welcome."""
        if event.mimeData().hasUrls():
            self._over = True
            event.acceptProposedAction()
            self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They have gone again."""
        self._over = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take them."""
        self._over = False
        self.update()
        paths = dropped_paths(event)
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground and its dashed edge."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            pen = QPen(QColor(self._palette.accent if self._over else self._palette.line), 1.5)
            pen.setDashPattern([5, 4])
            painter.setPen(pen)
            painter.setBrush(QColor(self._palette.hover if self._over else self._palette.panel))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 10, 10)


def dropped_paths(event: QDropEvent) -> list[Path]:
    """The local files and folders of a drop."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


class WelcomePage(QWidget):
    """Signals:
    open_asked: a file is to be chosen.
    chosen(Path): this one is to be opened.
    dropped(list): these files and folders are to be opened.
    demo_asked: the clip that comes with Mien.
    settings_asked(str): a page of the settings ("models", "plugins").
    library_asked: all media that were analysed.
    """

    open_asked = Signal()
    chosen = Signal(object)
    dropped = Signal(object)
    demo_asked = Signal()
    settings_asked = Signal(str)
    library_asked = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._recent: tuple[str, ...] = ()
        self._offers: tuple[Offer, ...] = ()
        self.drop = DropZone(palette)
        self.drop.open_asked.connect(self.open_asked)
        self.drop.demo_asked.connect(self.demo_asked)
        self.drop.dropped.connect(self.dropped)
        title = label("Mien", "title")
        line = label(
            "What is said, how it is said, what the face shows and how heated the exchange is.", "dim", wrap=True
        )
        self.demo = self.drop.demo
        self._files, self._rows = FileLook(self), dict[str, QPushButton]()
        self._recent_box, self._offer_box = QVBoxLayout(), QVBoxLayout()
        self.models = button("Models…", "See, import and download models", kind="flat")
        self.models.clicked.connect(lambda: self.settings_asked.emit("models"))
        all_media = "All media that were analysed"
        self.library = button("Library…", all_media, kind="flat", shortcut="Ctrl+L", command="library")
        self.library.clicked.connect(self.library_asked)

        column = QWidget()
        column.setMaximumWidth(980)
        box = QVBoxLayout(column)
        box.setContentsMargins(32, 18, 32, 18)
        box.setSpacing(6)
        box.addWidget(title)
        box.addWidget(line)
        box.addSpacing(8)
        box.addWidget(self.drop, 1)  # the lists come first: there is air around the buttons where the window is high
        box.addSpacing(8)
        lists = QHBoxLayout()
        lists.setSpacing(16)
        lists.addWidget(self._list("Recent", self._recent_box, self.library), 1)
        lists.addWidget(self._list("What reads", self._offer_box, self.models), 1)
        box.addLayout(lists)
        box.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        centred = QWidget()
        middle = QHBoxLayout(centred)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.addStretch(1)
        middle.addWidget(column, 100)
        middle.addStretch(1)
        scroll.setWidget(centred)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        self.setAccessibleName("Welcome")
        self.wear(palette)
        self.show_recent(())

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.drop.wear(palette)
        self.models.setIcon(icon("plugins", palette))
        self.library.setIcon(icon("library", palette))
        self.show_recent(self._recent)
        self.show_offers(self._offers)

    def show_recent(self, recent: Sequence[str]) -> None:
        """The media opened last; those that are gone are shown, and cannot be chosen. They are looked for meanwhile."""
        self._recent = tuple(recent)
        _empty(self._recent_box)
        self._rows = {}
        for name in self._recent[:6]:
            path = Path(name)
            told = f"{one_line(path.name)}\n{one_line(str(path.parent))}".replace("&", "&&")
            line = self._rows[name] = button(told, one_line(name), kind="row")
            line.setAccessibleName(f"Open {one_line(path.name)}")
            line.clicked.connect(lambda _=False, path=path: self.chosen.emit(path))
            self._recent_box.addWidget(line)
            self._show_found(name, self._files.known(name))
            self._files.ask(name, partial(self._show_found, name))
        if not self._recent:
            self._recent_box.addWidget(label("Nothing yet. The media that you open will stand here.", "dim", wrap=True))
        self._recent_box.addStretch(1)

    def _show_found(self, name: str, kind: str | None) -> None:
        """Whether a recent medium is there; None while that is not known."""
        line = self._rows.get(name)
        if line is not None:
            line.setIcon(icon("warning" if kind == GONE else "film", self._palette, self._palette.dim))
            line.setEnabled(kind != GONE)

    def shutdown(self) -> None:
        """Look for nothing any more."""
        self._files.close()

    def show_offers(self, offers: Sequence[Offer]) -> None:
        """What is installed, and what could be."""
        self._offers = tuple(offers)
        _empty(self._offer_box)
        for offer in self._offers:
            row = QHBoxLayout()
            mark = QLabel()
            colour = self._palette.good if offer.there else self._palette.faint
            mark.setPixmap(pixmap("accept" if offer.there else "add", colour, 16, self.devicePixelRatioF()))
            words = QVBoxLayout()
            words.setSpacing(0)
            words.addWidget(label(offer.title, wrap=True))
            words.addWidget(label(offer.detail, "small", wrap=True))
            row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
            row.addSpacing(4)
            row.addLayout(words, 1)
            self._offer_box.addLayout(row)
        self._offer_box.addStretch(1)

    @staticmethod
    def _list(title: str, lines: QVBoxLayout, action: QWidget) -> QWidget:
        ground = panel()
        box = QVBoxLayout(ground)
        box.setContentsMargins(14, 6, 14, 10)
        head = QHBoxLayout()
        head.addWidget(label(title, "heading"), 1)
        head.addWidget(action)
        box.addLayout(head)
        lines.setSpacing(6)
        box.addLayout(lines, 1)
        return ground


def _empty(box: QVBoxLayout | QHBoxLayout) -> None:
    while (item := box.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()  # it goes with the next turn of the event loop, and is not to be seen until then
            widget.deleteLater()
        elif isinstance(inner, QVBoxLayout | QHBoxLayout):
            _empty(inner)
            inner.deleteLater()
