"""Which plugins a name means, and how light their modules are."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from dataclasses import dataclass

from mien.engine.isolation.environment import python
from mien.engine.registry import GROUP, Registry, Source
from mien.errors import PluginError, UnknownPlugin
from mien.sdk.conformance import Finding, Level
from mien.sdk.conformance.descriptor import Info

LIGHT = 0.05
"""s of processor time that a descriptor's module may take to import, besides what Mien itself imports."""
_PATIENCE = 120.0
"""s after which a module that still imports is given up."""
_MEASURE = """
import json, sys, time
import numpy, pydantic, pluggy, mien.sdk, mien.tracks, mien.engine.registry
begun = time.process_time()
__import__(sys.argv[1])
print(json.dumps([time.process_time() - begun, sorted({"torch", "transformers", "cv2", "scipy"} & set(sys.modules))]))
"""


@dataclass(frozen=True)
class Found:
    """One plugin, the module that offers it, and all that is installed beside it."""

    info: Info
    source: Source
    registry: Registry

    @classmethod
    def by_id(cls, plugin_id: str, module: str = "") -> Found:
        """The plugin with that id, of a module that need not be installed; raises UnknownPlugin."""
        registry = _load(module)
        known: dict[str, Info] = {**registry.exporters, **registry.fusions, **registry.analyzers}
        if plugin_id not in known:
            raise UnknownPlugin(f"There is no analyzer, fusion or export format named {plugin_id!r}.")
        source = next(s for s in registry.sources if plugin_id in s.offers)
        return cls(known[plugin_id], source, registry)


def find(name: str) -> tuple[list[str], str]:
    """Ids of the plugins that a name means, and the module to load besides those that are installed.

    Args:
        name: an id (`fusion.` may be left out), the name of an entry point, or a module that offers plugins.

    Raises:
        UnknownPlugin: there is nothing of that name.
        PluginError: the module cannot be loaded.
    """
    registry = _load("")
    known = {*registry.analyzers, *registry.fusions, *registry.exporters}
    for plugin_id in (name, f"fusion.{name}"):
        if plugin_id in known:
            return [plugin_id], ""
    module = ""
    if not any(name in (s.name, s.module) for s in registry.sources):
        if "." not in name:
            raise UnknownPlugin(f"There is no plugin named {name!r}; `mien plugins` lists what there is.")
        registry, module = _load(name), name
        known = {*registry.analyzers, *registry.fusions, *registry.exporters}
    source = next(s for s in registry.sources if name in (s.name, s.module))
    if source.error:
        raise PluginError(f"{name} could not be loaded: {source.error}")
    offered = [i for i in source.offers if i in known]
    if not offered:
        raise UnknownPlugin(f"{name} offers no analyzer, fusion or export format.")
    return offered, module


def check_light(source: Source) -> Finding:
    """How long the module takes to import in a fresh process, and whether it brings heavy libraries along."""
    best = float("inf")
    heavy: list[str] = []
    for _ in range(4):  # a machine that others keep busy makes single measurements too long
        interpreter = python(source.environment) if source.environment else sys.executable
        command = [interpreter, "-c", _MEASURE, source.module]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=True)
            seconds, heavy = _measured(done.stdout)
        except subprocess.TimeoutExpired:
            text = f"{source.module} was still being imported after {_PATIENCE:g} s."
            return Finding(Level.ERROR, "light", text)
        except (subprocess.CalledProcessError, OSError):
            return Finding(Level.ERROR, "light", "Its module cannot be imported by itself.")
        except (ValueError, TypeError, IndexError, RecursionError):  # it ended the process, or had the last word
            return Finding(Level.ERROR, "light", f"{source.module} ends its process, or prints, when it is imported.")
        best = min(best, seconds)
        if best < LIGHT:
            break
    if heavy:
        level = Level.ERROR if "torch" in heavy or "transformers" in heavy else Level.WARNING
        return Finding(level, "light", f"{source.module} imports {', '.join(heavy)}.")
    level = Level.PASS if best < LIGHT else Level.ERROR
    return Finding(
        level, "light", f"{source.module} takes {best * 1000:.0f} ms to import; {LIGHT * 1000:.0f} ms is meant."
    )


def _measured(told: bytes) -> tuple[float, list[str]]:
    """What the last line of `_MEASURE` says; raises ValueError, TypeError, IndexError or RecursionError where it is another's."""
    seconds, heavy = json.loads(told.splitlines()[-1])
    if not isinstance(seconds, float) or not 0 <= seconds <= _PATIENCE or not isinstance(heavy, list):
        raise ValueError("these are no seconds and modules")
    return seconds, [name for name in heavy if isinstance(name, str)]


def _load(module: str) -> Registry:
    """All that is installed, and the module besides unless it is among that."""
    registry = Registry.load()
    if not module or any(s.module == module for s in registry.sources):
        return registry
    registry._load_one(importlib.metadata.EntryPoint(module, module, GROUP))
    return registry
