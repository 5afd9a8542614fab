"""Labels from an ELAN file (EAF 2.7 to 3.0): each tier is a column, each annotation a label."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mien.errors import UsageError, shown
from mien.truth.labels import Label, LabelColumn, column_of

_MS = 1000.0
_AGAIN = re.compile(r" [(#]\d+\)?$")  # a second tier for what overlaps: `text.offence (2)`
_PERSON = re.compile(r" person (\d+)$")
_SCORED = re.compile(r"^(.*\D)\s[-−]?\d+\.\d+$", re.DOTALL)  # a label with its score behind it: `angry 0.71`


def read_eaf(path: Path, data: bytes) -> list[LabelColumn]:
    """The tiers of an ELAN file; those of several persons, or made twice for what overlaps, become one column.

    Scores behind labels (`angry 0.71`), as Mien exports them, are left out where all annotations of a tier have one.

    Raises:
        UsageError: it is not an ELAN file, or refers to times that it does not have.
    """
    try:
        root = fromstring(data)
    except DefusedXmlException as error:
        raise UsageError(f"This ELAN file declares entities, which no ELAN file needs: {shown(path)}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise UsageError(f"This is not a whole ELAN file; its XML breaks off or is wrong: {shown(path)}") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise UsageError(f"An ELAN file begins with ANNOTATION_DOCUMENT, this one with {root.tag[:40]}: {shown(path)}")
    medium = _medium(root)
    spans = _spans(root, path)
    columns: dict[str, list[Label]] = {}
    for tier in root.iter("TIER"):
        name, person = _name(tier.get("TIER_ID", ""), tier.get("PARTICIPANT", ""))
        filled = [(*spans[a.get("ANNOTATION_ID", "")], _value(a)) for a in _annotations(tier)]
        filled = [one for one in filled if one[2]]
        if filled and all(_SCORED.match(text) for _, _, text in filled) and not name.startswith("speech."):
            filled = [(start, end, _SCORED.sub(r"\1", text).strip()) for start, end, text in filled]
        columns.setdefault(name, []).extend(
            Label(path, medium, start, end, text, person) for start, end, text in filled
        )
    return [column_of(name, sorted(labels, key=lambda one: one.start)) for name, labels in columns.items()]


def _name(tier: str, participant: str) -> tuple[str, int | None]:
    plain = _AGAIN.sub("", tier.strip())
    person = _PERSON.search(plain)
    if person:
        return plain[: person.start()], int(person[1])
    return (plain.removesuffix(f" {participant}") if participant else plain), None


def _medium(root: Element) -> str:
    """The first medium linked, as a path; relative ones are taken first since folders move together."""
    for descriptor in root.iter("MEDIA_DESCRIPTOR"):
        for key in ("RELATIVE_MEDIA_URL", "MEDIA_URL"):
            url = descriptor.get(key, "").strip()
            if url:
                if url.startswith("file:"):
                    url = urlsplit(url.replace("#", "%23").replace("?", "%3F")).path
                    url = url[1:] if re.match(r"/[A-Za-z]:", url) else url
                return unquote(url)
    return ""


def _annotations(tier: Element) -> Iterator[Element]:
    for annotation in tier.iter("ANNOTATION"):
        yield from annotation


def _value(annotation: Element) -> str:
    return (annotation.findtext("ANNOTATION_VALUE") or "").strip()


def _slots(root: Element, path: Path) -> dict[str, float]:
    """Times in s by slot; slots without a time lie evenly between their neighbours."""
    known: list[tuple[str, float | None]] = []
    for slot in root.iter("TIME_SLOT"):
        value = slot.get("TIME_VALUE")
        try:
            known.append((slot.get("TIME_SLOT_ID", ""), None if value is None else int(value) / _MS))
        except ValueError as error:
            raise UsageError(f"A TIME_VALUE must be whole milliseconds, not “{value}”: {shown(path)}") from error
    times: dict[str, float] = {}
    last, waiting = 0.0, []
    for name, moment in known:
        if moment is None:
            waiting.append(name)
            continue
        for n, before in enumerate(waiting, 1):
            times[before] = last + (moment - last) * n / (len(waiting) + 1)
        waiting, last = [], moment
        times[name] = moment
    times.update(dict.fromkeys(waiting, last))
    return times


def _spans(root: Element, path: Path) -> dict[str, tuple[float, float]]:
    """Start and end in s of every annotation; those that refer to another share its stretch evenly."""
    slots = _slots(root, path)
    spans: dict[str, tuple[float, float]] = {}
    children: dict[tuple[str, str], list[str]] = {}
    for tier in root.iter("TIER"):
        for annotation in _annotations(tier):
            name = annotation.get("ANNOTATION_ID", "")
            parent = annotation.get("ANNOTATION_REF")
            if parent is not None:
                children.setdefault((parent, tier.get("TIER_ID", "")), []).append(name)
                continue
            try:
                start, end = (slots[annotation.get(key, "")] for key in ("TIME_SLOT_REF1", "TIME_SLOT_REF2"))
            except KeyError as error:
                raise UsageError(
                    f"Annotation {name} refers to a time that is not there ({error}): {shown(path)}"
                ) from error
            if end < start:
                raise UsageError(f"Annotation {name} ends before it starts: {shown(path)}")
            spans[name] = (start, end)
    while children:
        ready = [key for key in children if key[0] in spans]
        if not ready:
            name = next(iter(children))[0]
            raise UsageError(f"Annotations refer to {name}, which is not there: {shown(path)}")
        for key in ready:
            start, end = spans[key[0]]
            names = children.pop(key)
            step = (end - start) / len(names)
            spans.update((name, (start + step * n, start + step * (n + 1))) for n, name in enumerate(names))
    return spans
