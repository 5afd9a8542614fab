"""Titles are drawn once: what is kept is what would be drawn, and anything that changes them draws them anew."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QFont, QImage, QPainter
from PySide6.QtWidgets import QApplication

from mien.tracks import AROUSAL, VALENCE, Curve
from mien_desktop.look.palette import DARK, LIGHT, Palette
from mien_desktop.timeline import titles
from mien_desktop.timeline.lanes import CurvesLane
from mien_desktop.timeline.order import Slot

ROW = QRect(0, 30, 178, 52)


class Page:
    """One lane's title, drawn with and without what is kept."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale, self.font = scale, QFont()
        self.palette: Palette = DARK
        self.lane = CurvesLane("voice", "Voice: valence and arousal")
        self.lane.set_track(Curve("voice", [0.0, 1.0], [[0.0, 0.1], [0.2, 0.3]], (VALENCE, AROUSAL)))
        self.titles = titles.Titles()
        self.state = {"current": False, "hovered": False, "focused": False}

    @property
    def slot(self) -> Slot:
        return Slot(self.lane, 0, ROW.height())

    def _image(self) -> QImage:
        image = QImage(round(200 * self.scale), round(100 * self.scale), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(self.scale)
        image.fill(0)
        return image

    def direct(self) -> QImage:
        image = self._image()
        painter = QPainter(image)
        titles.paint(painter, QRectF(ROW), self.slot, self.palette, self.font, **self.state)
        painter.end()
        return image

    def kept(self) -> QImage:
        image = self._image()
        painter = QPainter(image)
        self.titles.draw(painter, ROW, self.slot, self.palette, self.font, **self.state)
        painter.end()
        return image


@pytest.mark.parametrize("scale", [1.0, 1.25, 2.0])
def test_what_is_kept_is_what_would_be_drawn(qapp: QApplication, scale: float) -> None:
    page = Page(scale)
    assert page.kept() == page.direct()
    assert page.kept() == page.direct()
    assert bool(page.titles._kept) == (scale != 1.25)


def test_whatever_changes_a_title_draws_it_anew(qapp: QApplication) -> None:
    page = Page()
    seen = [page.kept()]

    def changed() -> None:
        image = page.kept()
        assert image == page.direct()
        assert all(image != before for before in seen)
        seen.append(image)

    page.state["hovered"] = True
    changed()
    page.state = {"current": True, "hovered": False, "focused": True}
    changed()
    page.palette = LIGHT
    changed()
    page.font = QFont(page.font)
    page.font.setPixelSize(19)
    changed()
    page.lane.title = "Another title"
    changed()
    page.lane.set_track(Curve("voice", [0.0, 1.0], [[0.0], [0.2]], (AROUSAL,)))
    changed()
