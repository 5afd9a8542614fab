"""`python -m mien.engine.isolation.describe NAME`: what an installed distribution offers, as JSON; run by its environment's
Python, since only that can import it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from typing import Any

import mien
from mien.engine.isolation.snapshot import Info, describe
from mien.engine.registry import GROUP, Registry


def main() -> None:
    """Tell each plugin that the distribution has an entry point for."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what plugins print is for the log
    entries = importlib.metadata.distribution(sys.argv[1]).entry_points.select(group=GROUP)
    found = [_offered(entry) for entry in entries]
    told.write(json.dumps({"mien": mien.__version__, "plugins": found}))
    told.flush()
    os._exit(0)


def _offered(entry: Any) -> dict[str, Any]:
    registry = Registry.load([entry])
    infos: list[Info] = [*registry.analyzers.values(), *registry.fusions.values(), *registry.exporters.values()]
    [source] = registry.sources
    told = {"name": entry.name, "module": entry.value, "error": source.error, "ids": list(source.offers)}
    return told | {"offers": [describe(info) for info in infos]}


if __name__ == "__main__":
    main()
