"""Labels from an ELAN file (EAF 2.7 to 3.0): each tier is a column, each annotation a label."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from mien.errors import UsageError, shown
from mien.truth.labels import Label, LabelColumn, LookUp, column_of, watched

_MS = 1000.0
_AGAIN = re.compile(r" [(#]\d+\)?$")  # a second tier for what overlaps: `text.offence (2)`
_PERSON = re.compile(r" person (\d{1,9})$")
_DIGITS = 15  # of a time in ms: thirty thousand years
MOST_ELEMENTS = 5_000_000
"""More XML elements are refused: a day of annotations ten times a second has four million."""
_SCORED = re.compile(r"^(.*\D)\s[-−]?\d+\.\d+$", re.DOTALL)  # a label with its score behind it: `angry 0.71`


def read_eaf(path: Path, data: bytes, look_up: LookUp = lambda: None) -> list[LabelColumn]:
    """The tiers of an ELAN file; those of several persons, or made twice for what overlaps, become one column.

    Scores behind labels (`angry 0.71`), as Mien exports them, are left out where all annotations of a tier have one.

    Raises:
        UsageError: it is not an ELAN file, or refers to times that it does not have.
    """
    parser = DefusedXMLParser(target=_Counting(path, look_up), forbid_dtd=True)
    try:
        parser.feed(data)
        root = parser.close()
    except DefusedXmlException as error:
        raise UsageError(
            f"This ELAN file declares entities or a document type, which no ELAN file needs: {shown(path)}"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise UsageError(f"This is not a whole ELAN file; its XML breaks off or is wrong: {shown(path)}") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        begins = shown(root.tag[:40])
        raise UsageError(f"An ELAN file begins with ANNOTATION_DOCUMENT, this one with {begins}: {shown(path)}")
    medium = _medium(root)
    spans = _spans(root, path, look_up)
    columns: dict[str, list[Label]] = {}
    for tier in root.findall("TIER"):
        name, person = _name(tier.get("TIER_ID", ""), tier.get("PARTICIPANT", ""))
        filled = [(*spans[a.get("ANNOTATION_ID", "")], _value(a)) for a in watched(_annotations(tier), look_up)]
        filled = [one for one in filled if one[2]]
        if filled and all(_SCORED.match(text) for _, _, text in filled) and not name.startswith("speech."):
            filled = [(start, end, _SCORED.sub(r"\1", text).strip()) for start, end, text in filled]
        columns.setdefault(name, []).extend(
            Label(path, medium, start, end, text, person) for start, end, text in filled
        )
    return [column_of(name, sorted(labels, key=lambda one: one.start)) for name, labels in columns.items()]


class _Counting(TreeBuilder):
    """Builds the tree as long as it does not become too large: an element takes many times its place in the file."""

    def __init__(self, path: Path, look_up: LookUp) -> None:
        super().__init__()
        self._path, self._look_up, self._elements = path, look_up, 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self._elements += 1
        if self._elements % 1000 == 0:
            self._look_up()
        if self._elements > MOST_ELEMENTS:
            raise UsageError(
                f"An ELAN file may have {MOST_ELEMENTS:,} elements at most; part this one: {shown(self._path)}"
            )
        return super().start(tag, attrs)


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
    for annotation in tier.findall("ANNOTATION"):
        yield from annotation


def _value(annotation: Element) -> str:
    return (annotation.findtext("ANNOTATION_VALUE") or "").strip()


def _slots(root: Element, path: Path) -> dict[str, float]:
    """Times in s by slot; slots without a time lie evenly between their neighbours."""
    known: list[tuple[str, float | None]] = []
    for slot in root.iter("TIME_SLOT"):
        value = slot.get("TIME_VALUE")
        try:
            if value is not None and len(value) > _DIGITS:
                raise ValueError
            known.append((slot.get("TIME_SLOT_ID", ""), None if value is None else int(value) / _MS))
        except ValueError as error:
            said = shown((value or "")[:40])
            raise UsageError(f"A TIME_VALUE must be whole milliseconds, not “{said}”: {shown(path)}") from error
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


def _spans(root: Element, path: Path, look_up: LookUp) -> dict[str, tuple[float, float]]:
    """Start and end in s of every annotation; those that refer to another share its stretch evenly."""
    slots = _slots(root, path)
    spans: dict[str, tuple[float, float]] = {}
    children: dict[tuple[str, str], list[str]] = {}
    for tier in root.findall("TIER"):
        for annotation in watched(_annotations(tier), look_up):
            name = annotation.get("ANNOTATION_ID", "")
            parent = annotation.get("ANNOTATION_REF")
            if parent is not None:
                children.setdefault((parent, tier.get("TIER_ID", "")), []).append(name)
                continue
            try:
                start, end = (slots[annotation.get(key, "")] for key in ("TIME_SLOT_REF1", "TIME_SLOT_REF2"))
            except KeyError as error:
                raise UsageError(
                    f"Annotation {shown(name[:80])} refers to a time that is not there "
                    f"({shown(str(error)[:80])}): {shown(path)}"
                ) from error
            if end < start:
                raise UsageError(f"Annotation {shown(name[:80])} ends before it starts: {shown(path)}")
            spans[name] = (start, end)
    below: dict[str, list[list[str]]] = {}
    for (parent, _), names in children.items():
        below.setdefault(parent, []).append(names)
    ready = [parent for parent in below if parent in spans]
    while ready:
        parent = ready.pop()
        start, end = spans[parent]
        for names in below.pop(parent, ()):
            step = (end - start) / len(names)
            spans.update((name, (start + step * n, start + step * (n + 1))) for n, name in enumerate(names))
            ready += [name for name in names if name in below]
    if below:
        raise UsageError(f"Annotations refer to {shown(next(iter(below))[:80])}, which is not there: {shown(path)}")
    return spans
