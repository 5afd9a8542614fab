"""Words of others, in which markup may stand, are shown as they stand: in labels, tooltips, tables and messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex
from PySide6.QtGui import Qt, QTextDocument
from PySide6.QtWidgets import QAbstractItemView, QLabel, QTextBrowser, QWidget
from pytestqt.qtbot import QtBot

from mien.library.library import Library
from mien.media.identity import content_id
from mien.media.probe import probe
from mien.tracks import HOSTILITY, Curve, Provenance, Spans
from mien_desktop.look.parts import literal
from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE, MakeWindow

MARKUP = "<b>bold</b> <img src='http://example.invalid/x.png'>"
NAME = "a <b>bold name & more.mp4"


def rendered(tip: str) -> str:
    """The words that Qt shows for a tooltip."""
    if not Qt.mightBeRichText(tip):
        return tip
    document = QTextDocument()
    document.setHtml(tip)
    return document.toPlainText()


@pytest.mark.parametrize(
    "text", [MARKUP, "plain", "x < y & z", "two  spaces\nand <i>a</i> line", "&lt;", "<!-- -->", ""]
)
def test_a_tooltip_says_what_it_was_given(text: str, qtbot: QtBot) -> None:
    assert rendered(literal(text)) == text


@pytest.fixture
def marked(make_window: MakeWindow, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """A medium with markup in its name, its transcript, its labels and its notes."""
    path = tmp_path / NAME
    path.write_bytes(DEMO.read_bytes())
    medium, place = probe(path), tmp_path / "library.db"
    words = [(1.0 + n, 1.5 + n, MARKUP, MARKUP, 0.9) for n in range(8)]
    score = Curve("fusion.score", [0.5, 2.0, 4.0, 8.0], [[0.1], [0.9], [0.9], [0.1]], (HOSTILITY,), None,
                  Provenance("fusion.late", "1.0.0", {}, {"threshold": 0.7}, "k"))  # fmt: skip
    with Library(place) as library:
        known = library.add_medium(medium.info(duration=22.0), content_id(path))
        run = library.begin_run(known, key="k", analyzer="fusion.late", version="1.0.0", params={"threshold": 0.7})
        for track in (Spans.of("speech.words", words), Spans.of("speech.transcript", words), score):
            run.write(track)
        run.complete()
    window = make_window(place)
    window.open(path)
    qtbot.waitUntil(lambda: bool(window.workspace.events.events), timeout=PATIENCE)
    return window


def tips(root: QWidget) -> Iterator[str]:
    """All tooltips: of widgets, of the cells of lists, of entries of menus."""
    for widget in (root, *root.findChildren(QWidget)):
        yield widget.toolTip()
        yield from (action.toolTip() for action in widget.actions())
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            yield from cells(widget.model(), QModelIndex())


def cells(model: QAbstractItemModel, parent: QModelIndex) -> Iterator[str]:
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)
    for row in range(min(model.rowCount(parent), 50)):
        for column in range(columns):
            index = model.index(row, column, parent)
            yield str(index.data(Qt.ItemDataRole.ToolTipRole) or "")
            if column == 0 and not isinstance(model, QAbstractListModel):
                yield from cells(model, index)


def labels(root: QWidget) -> Iterator[QLabel]:
    yield from (one for one in root.findChildren(QLabel) if one.text())


def everything(window: MainWindow, qtbot: QtBot) -> list[QWidget]:
    """The window and all that it can open, with the marked texts in them."""
    events = window.workspace.events
    events.change([events.events[0]], {"label": MARKUP, "note": MARKUP}, "Label")
    window.message.tell(MARKUP)
    window.foot.say(MARKUP)
    window.actions_.recent.aboutToShow.emit()
    library = window.rooms.show_library()
    qtbot.waitUntil(lambda: library.model.rowCount() > 0, timeout=PATIENCE)
    queue = window.rooms.show_queue()
    queue.add([window.document.path])
    qtbot.waitUntil(lambda: bool(queue.queue.items), timeout=PATIENCE)
    export = window.rooms.show_export()
    rooms: list[QWidget] = [window, queue, export]
    for page in ("device", "models", "plugins", "appearance", "shortcuts", "data"):
        rooms.append(window.rooms.show_settings(page))
    return rooms


def test_every_label_and_every_tooltip_shows_its_text_as_it_stands(marked: MainWindow, qtbot: QtBot) -> None:
    rooms = everything(marked, qtbot)
    met = 0
    for room in rooms:
        for one in labels(room):
            assert one.textFormat() == Qt.TextFormat.PlainText, (one.text(), one.objectName(), type(one.parent()))
            met += "<b>" in one.text()
        for tip in tips(room):
            if "bold" in tip:
                met += 1
                assert "<b>bold" in rendered(tip), tip
    assert met > 8  # the texts did come to labels and tooltips
    for room in rooms:
        room.close() if room is not marked else None


def test_a_card_of_a_model_is_markdown_and_no_markup(window: MainWindow, qtbot: QtBot) -> None:
    settings = window.rooms.show_settings("models")
    detail = settings.findChild(QTextBrowser)
    assert detail is not None
    qtbot.waitUntil(lambda: settings.models.detail._model is not None, timeout=PATIENCE)
    from dataclasses import replace

    shown = settings.models.detail
    shown._model = replace(shown._model, card=f"# Title\n\nA *card* with {MARKUP}.")
    shown.read_card()
    assert "<b>bold</b>" in shown.text.toPlainText()
    assert "A card with" in shown.text.toPlainText()
    settings.hide()
