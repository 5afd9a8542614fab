"""What explanations say, as plain values and as files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from mien.exchange.csv import table
from mien.exchange.whole import write_whole
from mien.sdk.protocols import Explanation, FaceExplanation


def seconds_facts(plugin: str, found: Explanation) -> dict[str, Any]:
    """What each stretch contributed to a plugin's reading, JSON-ready; NaN for what was not weighed."""
    parts = [{"start": s, "end": e, "contribution": c} for s, e, _, _, c, _ in found.parts.rows()]
    facts = {"reading": found.reading, "intercept": found.intercept, "fit": found.fit, "unit": found.unit}
    return {"plugin": plugin, "of": found.of, **facts, "parts": parts}


def face_facts(plugin: str, found: FaceExplanation, picture: Path | None = None) -> dict[str, Any]:
    """What was read from a face, and the shares of attention by thirds of it (rows of columns), JSON-ready."""
    read = {name: float(p) for name, p in zip(found.labels, found.posterior, strict=True)}
    facts = {"time": found.time, "box": [float(v) for v in found.box], "expression": read, "attention": thirds(found)}
    return {"plugin": plugin, **facts, "picture": None if picture is None else str(picture)}


def thirds(found: FaceExplanation) -> list[list[float]]:
    """Shares of the attention in three rows of three columns, from the top left."""
    heat = found.heat / found.heat.sum()
    return [[float(part.sum()) for part in np.array_split(row, 3, axis=1)] for row in np.array_split(heat, 3)]


def write_seconds(plugin: str, found: Explanation, target: Path) -> Path:
    """Write what each stretch contributed: all facts as JSON where the name ends so, else the stretches as CSV.

    Raises:
        ExportError: it cannot be written there.
    """
    facts = seconds_facts(plugin, found)
    if target.suffix.lower() == ".json":
        text = json.dumps(_known(facts), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    else:
        names = ("start", "end", "contribution")
        text = table(names, ([part[name] for name in names] for part in facts["parts"]))
    return write_whole(target, text, "values")


def _known(value: Any) -> Any:
    """The value with None for what is not a number."""
    if isinstance(value, dict):
        return {name: _known(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
