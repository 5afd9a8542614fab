"""ELAN files: no entities, nothing from outside, no more elements than a recording has, no time that grows with the square."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.errors import UsageError
from mien.truth import eaf
from mien.truth.labels import read_labels

_LAUGHS = "".join(f'<!ENTITY l{n} "' + f"&l{n - 1};" * 10 + '">' for n in range(1, 12))
_TIER = '<TIER TIER_ID="t">{}</TIER>'
_SLOTS = '<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="b" TIME_VALUE="1000"/></TIME_ORDER>'


def _said(text: str, name: str = "a1") -> str:
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}" TIME_SLOT_REF1="a" TIME_SLOT_REF2="b">'
        f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    )


def document(body: str, before: str = "") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}<ANNOTATION_DOCUMENT>{_SLOTS}{body}</ANNOTATION_DOCUMENT>'


BOMBS = {
    "a billion laughs": document(_TIER.format(_said("&l11;")), f'<!DOCTYPE x [<!ENTITY l0 "ha">{_LAUGHS}]>'),
    "one long entity many times": document(
        _TIER.format(_said("&l;" * 50_000)), '<!DOCTYPE x [<!ENTITY l "' + "x" * 50_000 + '">]>'
    ),
    "a file from outside": document(
        _TIER.format(_said("&x;")), '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    ),
    "a page from outside": document(
        _TIER.format(_said("&x;")), '<!DOCTYPE x [<!ENTITY x SYSTEM "http://127.0.0.1/">]>'
    ),
    "a document type from outside": document(_TIER.format(_said("hi")), '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">'),
    "entities of the document type": document(
        _TIER.format(_said("hi")), '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/x.dtd"> %p;]>'
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("what", BOMBS)
def test_entities_are_refused(attack: Callable[..., Any], tmp_path: Path, what: str, encoding: str) -> None:
    path = tmp_path / "bomb.eaf"
    path.write_bytes(BOMBS[what].replace("UTF-8", encoding.upper()).encode(encoding))
    outcome = attack("labels", path)
    outcome.refused("no ELAN file needs")
    outcome.bounded(mib=50)
    assert "root:" not in outcome.error


def test_nesting_and_width_cost_what_they_weigh(attack: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "odd.eaf"
    for body in (
        "<TIER>" * 50_000 + "</TIER>" * 50_000,
        "".join(f'<TIER TIER_ID="{n}"/>' for n in range(20_000)),
        "<TIER " + " ".join(f'a{n}="1"' for n in range(20_000)) + "/>",
        '<TIER TIER_ID="' + "person " * 50_000 + '"/>',
    ):
        path.write_text(document(_TIER.format(_said("hi")) + body))
        outcome = attack("labels", path)
        outcome.bounded(mib=150)
        assert outcome.value == [["t", 1]]


def test_a_chain_of_references_takes_no_squared_time(attack: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "chain.eaf"
    chain = "".join(
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a{n + 1}" ANNOTATION_REF="a{n}"><ANNOTATION_VALUE>x</ANNOTATION_VALUE>'
        "</REF_ANNOTATION></ANNOTATION>"
        for n in range(10_000, 0, -1)
    )
    path.write_text(document(_TIER.format(_said("hi")) + f'<TIER TIER_ID="below">{chain}</TIER>'))
    outcome = attack("labels", path)
    outcome.bounded()
    assert outcome.value == [["t", 1], ["below", 10_000]]
    ring = chain.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a10001"')
    path.write_text(document(_TIER.format(_said("hi")) + f'<TIER TIER_ID="below">{ring}</TIER>'))
    attack("labels", path).refused("which is not there")


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "1e5", "0x10", "-" * 9, "", "\u0661" * 20])
def test_times_are_numbers_of_a_few_digits(tmp_path: Path, value: str) -> None:
    path = tmp_path / "time.eaf"
    path.write_text(document(_TIER.format(_said("hi"))).replace('"1000"', f'"{value}"'))
    with pytest.raises(UsageError, match="must be whole milliseconds") as caught:
        read_labels(path)
    assert len(str(caught.value)) < 300


def test_the_number_of_a_person_has_few_digits(tmp_path: Path) -> None:
    path = tmp_path / "person.eaf"
    path.write_text(document(_TIER.format(_said("hi")).replace('"t"', '"face person ' + "9" * 5000 + '"')))
    assert read_labels(path).columns[0].labels[0].person is None


def test_more_elements_than_a_recording_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "many.eaf"
    path.write_text(document(_TIER.format(_said("hi")) + "<T/>" * 1000))
    assert len(read_labels(path).columns) == 1
    monkeypatch.setattr(eaf, "MOST_ELEMENTS", 1000)
    with pytest.raises(UsageError, match="1,000 elements at most"):
        read_labels(path)
