"""What is analysed with before anybody has chosen anything else: as the settings say."""

from __future__ import annotations

from mien.config import Settings
from mien.engine.choice import Choice, default_analyzers
from mien.engine.registry import Registry
from mien_desktop.plugins.facts import hidden, untrained
from mien_desktop.settings import kept


def usual_choice(registry: Registry, settings: Settings) -> Choice:
    """The settings' fusion and device, and the plugins that run by default; without those that are switched off.

    Raises:
        MienError: a name or a value in the settings.
    """
    off = hidden(registry, kept.load().disabled)
    usual = default_analyzers(registry)
    fusion = settings.fusion
    if off & {fusion, f"fusion.{fusion}"}:
        fusion = next((f.id for f in registry.fusions.values() if f.id not in off and not untrained(f)), "")
    return Choice(
        analyzers=tuple(a for a in usual if a not in off) or None if off & set(usual) else None,
        fusion=fusion,
        device=settings.device,
        precision=settings.precision,
        threads=settings.threads or None,
    ).checked(registry)
