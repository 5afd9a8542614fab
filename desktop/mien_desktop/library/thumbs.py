"""Small pictures of the media: made by the engine's code in a thread of their own, kept in the cache folder."""

from __future__ import annotations

import base64
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPixmap

from mien.config import cache_dir
from mien.exchange.thumbnails import thumbnails
from mien.sdk.protocols import Analysis
from mien_desktop.library.catalogue import Card
from mien_desktop.work.background import Background

_log = logging.getLogger(__name__)
_KEPT = 400  # pictures in memory, about 130 KB each


class Thumbnails(QObject):
    """Gives the pictures that are there, and makes those that are asked for, the one asked for last first.

    Signals:
        made(str): the picture of that medium is there now.

    Args:
        analysis: what a picture is made from, by a medium's id; called in the thread.
    """

    made = Signal(str)

    def __init__(self, analysis: Callable[[str], Analysis | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._analysis = analysis
        self._there: OrderedDict[str, QPixmap | None] = OrderedDict()
        self._wanted: dict[str, Card] = {}
        self._busy = False
        self._background = Background("mien-thumbnails", self)
        self._folder = cache_dir() / "thumbnails"

    def close(self) -> None:
        """End the thread; at most the picture in hand is waited for."""
        self._wanted.clear()
        self._background.close()

    def of(self, card: Card) -> QPixmap | None:
        """The picture, or None while (or because) there is none."""
        if card.id in self._there:
            self._there.move_to_end(card.id)
            return self._there[card.id]
        if card.video:
            self._wanted.pop(card.id, None)
            self._wanted[card.id] = card
            self._next()
        return None

    def forget_missing(self) -> None:
        """Try again where there was none: the file may be back."""
        for medium in [m for m, picture in self._there.items() if picture is None]:
            del self._there[medium]

    def _next(self) -> None:
        if self._busy or not self._wanted:
            return
        self._busy = True
        medium, card = self._wanted.popitem()
        self._background.run(
            lambda: _picture(self._folder, card, self._analysis),
            lambda image: self._take(medium, image),
            lambda _: self._take(medium, None),
        )

    def _take(self, medium: str, image: QImage | None) -> None:
        self._busy = False
        self._there[medium] = QPixmap.fromImage(image) if image is not None else None
        while len(self._there) > _KEPT:
            self._there.popitem(last=False)
        if image is not None:
            self.made.emit(medium)
        self._next()


def _picture(folder: Path, card: Card, analysis: Callable[[str], Analysis | None]) -> QImage | None:
    file = folder / f"{card.id}.jpg"
    image = QImage(str(file))
    if not image.isNull():
        return image
    asked = None if card.missing else analysis(card.id)
    found = thumbnails(asked, 1) if asked is not None else []
    if not found:
        return None
    data = base64.b64decode(found[0][2].split(",", 1)[1])
    _keep(file, data)
    image = QImage.fromData(data)
    return None if image.isNull() else image


def _keep(file: Path, data: bytes) -> None:
    """Write it whole or not at all: another window may read the same folder."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".thumb-")
        with os.fdopen(handle, "wb") as opened:
            opened.write(data)
        os.replace(name, file)
    except OSError as error:
        _log.info("a thumbnail could not be kept: %s", error)
