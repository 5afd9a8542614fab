"""What another fusion of a medium needs, loaded before it is asked for: torch alone takes longer than any fusion."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mien.engine.backend import select
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.media import identity

_log = logging.getLogger(__name__)
_VECTORS = "pyarrow.compute"  # which pyarrow loads when it first reads vectors, as the trained fusions do


class Ahead:
    """Loads in a thread, a module at a time, and begins each only while there is nothing else to do.

    A job that comes meanwhile begins at once. If it needs the very module that is being loaded, it waits for what is left of
    that, which is less than it would have had to load itself. So the thread keeps its priority: one that was lowered could not
    be raised again when somebody waits for it.

    Args:
        free: set while no job runs or waits.
    """

    def __init__(self, registry: Registry, free: threading.Event) -> None:
        self._registry, self._free = registry, free
        self._path = Path()
        self._thread: threading.Thread | None = None

    def load(self, path: Path, choice: Choice) -> None:
        """Begin, unless it has begun before and still goes on.

        Args:
            path: the medium that is open; its content is read once, as every run of it must.
            choice: whose device is tried, as every run tries it.
        """
        self._path = path
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, args=(choice,), name="mien-ahead", daemon=True)
            self._thread.start()

    def _work(self, choice: Choice) -> None:
        modules = (*fusion_modules(self._registry), _VECTORS)
        steps: list[Callable[[], object]] = [partial(select, choice.device, choice.precision, choice.threads)]
        steps += [partial(importlib.import_module, name) for name in modules]
        for step in steps:
            self._free.wait()
            try:
                step()
            except Exception as error:  # noqa: BLE001 - whatever a library raises; the job that needs it tells
                _log.info("not loaded ahead: %s", error)
        self._free.wait()
        identity.begin(self._path)
        _log.info("loaded ahead: what fusions need")


def fusion_modules(registry: Registry) -> tuple[str, ...]:
    """The modules of the fusions that can run here, of ours alone: those of others load in processes of their own."""
    ready = [info for info in registry.fusions.values() if not info.needs_training]
    own = [info for info in ready if (source := registry.source(info.id)) is not None and source.own]
    return tuple(dict.fromkeys(info.factory.partition(":")[0] for info in own))
