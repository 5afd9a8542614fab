"""What is analysed with when the window starts: as it was chosen last, and before anybody has chosen, as the settings say."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from mien.config import Settings
from mien.engine.choice import Choice, build_params, default_analyzers
from mien.engine.registry import Registry
from mien.errors import MienError
from mien_desktop.plugins.facts import hidden, untrained
from mien_desktop.settings import kept
from mien_desktop.work import chosen


def usual_choice(registry: Registry, settings: Settings) -> Choice:
    """The settings' fusion and device, and the plugins that run by default, or what was chosen instead; without those that are
    switched off.

    Raises:
        MienError: a name or a value in the settings.
    """
    off = hidden(registry, kept.load().disabled)
    usual = default_analyzers(registry)
    fusion = settings.fusion
    if off & {fusion, f"fusion.{fusion}"}:
        fusion = next((f.id for f in registry.fusions.values() if f.id not in off and not untrained(f)), "")
    choice = Choice(
        analyzers=tuple(a for a in usual if a not in off) or None if off & set(usual) else None,
        fusion=fusion,
        device=settings.device,
        precision=settings.precision,
        threads=settings.threads or None,
    ).checked(registry)
    return _as_chosen(choice, chosen.load(), registry, off)


def offered(registry: Registry, fusion: str, off: Collection[str] = ()) -> bool:
    """Whether there is a fusion of that id that can run, and is not switched off (`off`, ids)."""
    info = registry.fusions.get(fusion)
    return info is not None and fusion not in off and not untrained(info)


def _as_chosen(usual: Choice, last: chosen.Chosen, registry: Registry, off: Collection[str]) -> Choice:
    """What was chosen last in place of the usual; of plugins that are gone, and parameters that no longer fit, the usual stays.

    A fusion that the environment names comes first.
    """
    analyzers = tuple(a for a in last.analyzers or () if a in registry.analyzers and a not in off)
    named = os.environ.get("MIEN_FUSION", "").strip()
    return replace(
        usual,
        analyzers=analyzers or usual.analyzers,
        fusion=last.fusion if offered(registry, last.fusion, off) and not named else usual.fusion,
        settings={plugin: values for plugin, values in last.settings.items() if _fits(registry, plugin, values)},
    )


def _fits(registry: Registry, plugin: str, values: Mapping[str, Any]) -> bool:
    try:
        build_params(registry, plugin, values)
    except MienError:
        return False
    return True
