"""Export formats of others, as factories that whoever writes files can load: each name here stands for a plugin's id."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from mien import config
from mien.engine.isolation.watch import TOKEN
from mien.sdk.descriptors import ExporterInfo

_PREFIX = "Of_"


def apart() -> bool:
    """Whether plugins of others run in processes of their own: not where that cannot be, nor in such a process itself."""
    return os.name == "posix" and TOKEN not in os.environ and config.load().isolate


def factory_of(info: ExporterInfo) -> str:
    """The factory that makes an exporter's stand-in."""
    return f"{__name__}:{_PREFIX}{info.id.encode().hex()}"


def __getattr__(name: str) -> Any:
    if not name.startswith(_PREFIX):
        raise AttributeError(name)
    return partial(_make, bytes.fromhex(name.removeprefix(_PREFIX)).decode())


def _make(plugin: str) -> Any:
    from mien.engine.isolation.choose import Builder
    from mien.engine.registry import Registry

    registry = Registry.load()
    return Builder(registry).exporter(registry.exporter(plugin))
