"""Blocks in halves, for a GPU whose memory does not hold what a whole one needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from mien.sdk.blocks import Block


def split(block: Block) -> tuple[Block, Block] | None:
    """A block as two of half the batch, or None when nothing in it can be halved. Sound without windows stays whole."""
    sizes = {
        "windows": 0 if block.windows is None else block.windows.starts.size,
        "frames": 0 if block.frames is None else block.frames.times.size,
        "crops": 0 if block.crops is None else block.crops.times.size,
        "utterances": len(block.utterances),
    }
    if max(sizes.values()) < 2:
        return None
    halves = []
    for first in (True, False):
        changes: dict[str, Any] = {} if first else {"audio": None, "tracks": {}}
        for name, size in sizes.items():
            rows = slice(0, size // 2) if first else slice(size // 2, size)
            part = getattr(block, name)
            if size == 0:
                continue
            if name == "utterances":
                changes[name] = part[rows]
            elif rows.stop == rows.start:
                changes[name] = None
            else:
                changes[name] = _rows(part, rows)
        halves.append(replace(block, **changes))
    return halves[0], halves[1]


def _rows(batch: Any, rows: slice) -> Any:
    changes = {name: value[rows] for name in batch.__slots__ if isinstance(value := getattr(batch, name), np.ndarray)}
    return replace(cast(Any, batch), **changes)
