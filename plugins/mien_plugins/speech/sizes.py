"""Bounds on the sizes that a model's config.json may give a net, checked before any of it is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 16_384
"""Of a width, a kernel, a number of layers; four times what any published net here has."""
LONGEST = 64
"""Sizes in one list: a block or layer each."""


def check_sizes(values: Mapping[str, Any]) -> None:
    """Refuse sizes that no net has.

    Args:
        values: name → a whole number, or several.

    Raises:
        ValueError: one is no whole number from 1 to `LARGEST`, or a list is empty or longer than `LONGEST`.
    """
    for name, value in values.items():
        sizes = value if isinstance(value, tuple) else (value,)
        if not 1 <= len(sizes) <= LONGEST:
            raise ValueError(f"{name} has {len(sizes)} sizes, which should be 1 to {LONGEST}")
        if any(type(size) is not int or not 1 <= size <= LARGEST for size in sizes):
            raise ValueError(f"{name} should be whole numbers from 1 to {LARGEST}")
