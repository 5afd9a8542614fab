"""What the events' panel says of its table: how many there are, and why there are none."""

from __future__ import annotations

from mien_desktop.events.model import EventModel
from mien_desktop.events.table import number


def counted(model: EventModel, shown: int) -> str:
    """`12 events · 9 open · 3 shown`."""
    events = model.events
    still = sum(event.state == "open" for event in events)
    text = f"{len(events)} events" if len(events) != 1 else "1 event"
    return f"{text} · {still} open" + (f" · {shown} shown" if shown != len(events) else "")


def why_none(model: EventModel) -> str:
    """What the table says while it has no rows."""
    prepared = model.prepared
    if model.events:
        return "No event is like this; another filter shows more."
    if prepared is None:
        return "Stretches over the threshold appear here as soon as something is read."
    over = f"{prepared.source.title} does not reach {number(model.rule.threshold)}"
    least = f" for {model.rule.min_length:g} s" if model.rule.min_length else ""
    return f"{over[0].upper()}{over[1:]}{least} anywhere. Lower the threshold, or add an event over a selected stretch."
