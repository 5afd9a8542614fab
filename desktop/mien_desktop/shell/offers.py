"""What the welcome page says is installed, and what could be."""

from __future__ import annotations

from collections.abc import Sequence

from mien.engine.registry import Registry
from mien.models import catalogue, store
from mien_desktop.plugins.facts import Plugin, untrained
from mien_desktop.welcome.page import Offer

ROOMS = (("speech", "What is said"), ("emotion", "How it is said"), ("text", "What the words carry"),
         ("face", "What the face shows"), ("conflict", "How heated it is"), ("fusion", "All of it as one"))  # fmt: skip


_FEW, _FIRST = 3, 2


def offers(registry: Registry) -> tuple[Offer, ...]:
    """A line for every room of plugins that is here, for what is broken, and for the models that could be installed."""
    found = []
    plugins: list[Plugin] = [*registry.fusions.values(), *registry.analyzers.values()]
    ready = [info for info in plugins if not untrained(info)]
    for room, means in ROOMS:
        titles = [info.title for info in ready if info.id.split(".")[0] == room]
        if titles:
            found.append(Offer(means, _some(titles), True))
    known = {room for room, _ in ROOMS}
    others = [info.title for info in ready if info.id.split(".")[0] not in known]
    if others:
        found.append(Offer("Added by plugins", _some(others), True))
    trainable = [info.title for info in plugins if untrained(info)]
    if trainable:
        found.append(Offer(f"{len(trainable)} more could be trained", _some(trainable), False))
    found += [Offer(f"{source.name} could not be loaded", source.error, False) for source in registry.broken]
    missing = [entry.title for entry in catalogue.ENTRIES if not store.is_installed(entry.id)]
    if missing:
        found.append(Offer(f"{len(missing)} larger models could be installed", _some(missing), False))
    return tuple(found)


def _some(titles: Sequence[str]) -> str:
    """All of a few, the first two of many: a line each, so that the page fits into a small window."""
    if len(titles) <= _FEW:
        return ", ".join(titles)
    return f"{', '.join(titles[:_FIRST])} and {len(titles) - _FIRST} more"
