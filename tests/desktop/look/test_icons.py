"""Icons are as large as they are asked for, up to what text of 200 % goes with."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon

from mien_desktop.look.icons import icon
from mien_desktop.look.palette import DARK


@pytest.mark.parametrize("side", [16, 18, 24, 32, 36])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("mode", [QIcon.Mode.Normal, QIcon.Mode.Disabled])
def test_they_grow_with_the_text(qapp: object, side: int, ratio: float, mode: QIcon.Mode) -> None:
    made = icon("open", DARK)
    assert made.actualSize(QSize(side, side), mode) == QSize(side, side)
    drawn = made.pixmap(QSize(side, side), ratio, mode)
    assert (drawn.width(), drawn.devicePixelRatio()) == (round(side * ratio), ratio)
