"""The four quadrants of agreement and error are marked on the scatter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mien_desktop.truth.plot import dots

Load = Callable[..., None]
Desk = Any  # the class of the same name in conftest.py


def test_the_four_quadrants_are_named_counted_and_tinted(desk: Desk, loaded: Load) -> None:
    loaded()
    result = desk.panel.result
    assert result is not None
    laid = dots(result)
    assert [region.name for region in laid.regions] == ["Agree", "Missed", "False alarm", "Far off"]
    assert sum(region.count for region in laid.regions) == len(result.samples) == laid.x.size
    # Truth high and read low lies below and right of the middle; the other way round above and left of it.
    for x, y, kind in zip(laid.x, laid.y, laid.kinds, strict=True):
        if kind == 1:
            assert x >= 0 >= y
        elif kind == 2:
            assert x <= 0 <= y
        else:
            assert x * y >= 0
    for region in laid.regions[1:3]:
        (outline,) = region.outlines
        assert [min(p[0] for p in outline) >= 0, max(p[1] for p in outline) <= 0] == [region.kind == 1] * 2
    assert {line[:2] for line in laid.lines} == {(0.0, laid.up.low), (laid.across.low, 0.0)}
