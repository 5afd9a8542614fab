"""Exit codes: every error has one, and the page that scripts rely on says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mien import errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "exit-codes.md"


def below(kind: type[errors.MienError]) -> Iterator[type[errors.MienError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from below(each)


def test_the_page_names_every_error_with_its_code() -> None:
    told: dict[str, int] = {}
    codes = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = re.fullmatch(r"\| (\d+) \| (.+?) \|(.*)\|", line)
        if row is not None:
            codes.append(int(row[1]))
            told |= dict.fromkeys(re.findall(r"`(\w+)`", row[3]), int(row[1]))
    assert told == {kind.__name__: kind.exit_code for kind in below(errors.MienError)}
    assert codes == sorted(set(codes))
    assert {0, 1, 70, 130} <= set(codes)
