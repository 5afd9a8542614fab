"""What the events' panel says of its table: how many there are, and why there are none."""

from __future__ import annotations

from mien_desktop.events.model import EventModel
from mien_desktop.events.table import number


def counted(model: EventModel, shown: int) -> str:
    """`12 events · 9 open · 3 shown · 2 decided that the threshold hides`."""
    events = model.events
    still = sum(event.state == "open" for event in events)
    text = f"{len(events)} events" if len(events) != 1 else "1 event"
    text += f" · {still} open" + (f" · {shown} shown" if shown != len(events) else "")
    return text + (f" · {model.hidden} decided, hidden by the threshold" if model.hidden else "")


def about_hidden(model: EventModel) -> str:
    """Where the decisions are that the table does not show; empty where it shows all."""
    if not model.hidden:
        return ""
    many = model.hidden > 1
    which = f"{model.hidden} event{'s' if many else ''} that you decided on {'do' if many else 'does'} not come up"
    again = "they do" if many else "it does"
    return f"{which} with this threshold or least length. What you decided is kept, is exported, and is here again once {again}."


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
