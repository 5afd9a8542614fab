"""What the fuzz tests share: examples of anything, parsers by name, and how one is run."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from mien.errors import MienError

FEW = 40
MANY = int(os.environ.get("MIEN_EXAMPLES", "20000"))

text = st.text(max_size=60)
odd = st.sampled_from(
    ["", " ", "0", "-1", "1e999", "-1e308", "nan", "inf", "9" * 400, "9" * 5000, "\0", "\ud800", "\ufeff", "'=1", "--5", "²", "٣",
     "1:2:3:4", "1:60", "00:00:01,5", "a" * 300, "\t", "\r\n", '"', "'", ",", ";", "|", "<", ">", "{", "}", "[", "]", "&", "&lt;",
     "-->", "=", "#", "%", "\\", "../x", "null", "true", "-", "−1", "１", "0x1", "1_0", "1,5", "1.2.3"]
)  # fmt: skip
word = st.one_of(odd, text, st.integers(-10, 100).map(str), st.floats().map(repr))


def mixed(*pieces: str, size: int = 30) -> st.SearchStrategy[str]:
    """Texts of a format's own pieces, odd words and any characters."""
    return st.lists(st.one_of(st.sampled_from(pieces), word), max_size=size).map("".join)


def damaged(*wholes: bytes) -> st.SearchStrategy[bytes]:
    """Whole files with bytes changed, cut out, doubled or put in."""
    edit = st.tuples(st.integers(0, 1 << 16), st.integers(0, 30), st.binary(max_size=8))

    def apply(whole: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
        for place, length, put in edits:
            place %= len(whole) + 1
            whole = whole[:place] + put + whole[place + length :]
        return whole

    return st.builds(apply, st.sampled_from(wholes), st.lists(edit, min_size=1, max_size=6))


_BETWEEN = re.compile(r"([,;:|=\t\n\[\]{}()\"' _./-])")


def recelled(whole: str) -> st.SearchStrategy[str]:
    """A table, line or name with some of its cells changed, left out, doubled or swapped, its separators included."""
    cells = _BETWEEN.split(whole)
    places = st.integers(0, len(cells) - 1)

    def apply(edits: list[tuple[int, str | int]]) -> str:
        changed = list(cells)
        for place, put in edits:
            changed[place] = put if isinstance(put, str) else cells[put]
        return "".join(changed)

    return st.lists(st.tuples(places, word | places), min_size=1, max_size=4).map(apply)


Tree = Mapping[str, str]
"""A file's place below a folder → what it holds."""


def named(text: str) -> str:
    """What a file can be called, as near to the text as there is; a byte that is no letter of UTF-8 among them."""
    plain = text.replace("/", "").replace("\0", "").replace("\ud800", "\udcff")
    return os.fsdecode(os.fsencode("".join(c for c in plain if not "\ud800" <= c < "\udc80"))[:200])


def changed(tree: Tree) -> st.SearchStrategy[dict[str, bytes]]:
    """The tree with a text changed, or a file called otherwise or left out."""
    whole = {name: text.encode() for name, text in tree.items()}
    texts = [name for name, text in tree.items() if text]

    def written(name: str) -> st.SearchStrategy[tuple[str, bytes]]:
        cells = recelled(tree[name]).map(lambda text: text.encode("utf-8", "surrogatepass"))
        return st.tuples(st.just(name), cells | damaged(whole[name]))

    def renamed(name: str) -> st.SearchStrategy[tuple[str, str]]:
        head, _, last = name.rpartition("/")
        return st.tuples(st.just(name), recelled(last).map(named).map(lambda new: f"{head}/{new}" if new else ""))

    def apply(texts: dict[str, bytes], names: dict[str, str]) -> dict[str, bytes]:
        kept = {name: text for name, text in {**whole, **texts}.items() if name not in names}
        return kept | {new: whole[old] for old, new in names.items() if new and new.strip(".")}

    contents = st.lists(st.sampled_from(texts).flatmap(written), max_size=2) if texts else st.just([])
    names = st.lists(st.sampled_from(list(tree)).flatmap(renamed), max_size=2)
    return st.builds(apply, contents.map(dict), names.map(dict))


def lay(place: Path, files: Mapping[str, bytes], there: dict[str, bytes]) -> None:
    """These files alone, where others lay (which `there` says)."""
    if not place.is_dir():
        there.clear()
    for name in [name for name in there if there[name] != files.get(name)]:
        (place / name.lstrip("/")).unlink()
        del there[name]
    for name, content in files.items():
        path = place / name.lstrip("/")
        if name not in there and not path.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            there[name] = content


anything: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), word),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(word, inner, max_size=4)),
    max_leaves=12,
)


def objects(*keys: str) -> st.SearchStrategy[Any]:
    """JSON objects with keys that somebody looks for."""
    return st.dictionaries(st.one_of(st.sampled_from(keys), word), anything, max_size=6)


Way = tuple[str | int, ...]
"""Keys and numbers that lead to a value in nested objects and lists."""


def places(value: Any, before: Way = ()) -> Iterator[Way]:
    """The way to each value of nested objects and lists."""
    if before:
        yield before
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*before, key))


def at(value: Any, place: Way) -> Any:
    for key in place:
        value = value[key]
    return value


def spoilt(model: Path, folder: Path, changes: Mapping[Way, Any], file: str = "config.json") -> Path:
    """A model's folder in which one of its files of JSON says something else in some places."""
    config = json.loads((model / file).read_text(encoding="utf-8"))
    for place, value in changes.items():
        try:
            at(config, place[:-1])[place[-1]] = copy.deepcopy(value)
        except (LookupError, TypeError):
            continue  # what holds it was changed before
    made = folder / model.name
    made.mkdir(exist_ok=True)
    for path in model.iterdir():
        there = made / path.name
        if path.name != file and not there.is_symlink():
            there.unlink(missing_ok=True)  # an example before spoilt it
            there.symlink_to(path)
    (made / file).unlink(missing_ok=True)
    (made / file).write_text(json.dumps(config), encoding="utf-8")
    return made


Parse = Callable[[Any, Path], object]


class Parsers(dict[str, tuple[st.SearchStrategy[Any], Parse]]):
    """Parsers by name: examples, and what is done with one in a folder."""

    def of(self, examples: st.SearchStrategy[Any]) -> Callable[[Parse], Parse]:
        """Adds a function under its name."""

        def add(function: Parse) -> Parse:
            self[function.__name__.replace("_", " ").strip()] = (examples, function)
            return function

        return add

    def run(self, name: str, folder: Path, examples: int, *, same: bool) -> tuple[int, int]:
        """Runs the parser on so many; how many gave a value, and how many a sentence."""
        strategy, function = self[name]
        counts = [0, 0]

        def check(example: Any) -> None:
            try:
                function(example, folder)
                counts[0] += 1
            except MienError as error:
                counts[1] += 1
                told = str(error)
                assert "\n" not in told.strip(), told
                assert len(told) < 2000 + 2 * len(str(example))  # what was typed may be repeated
            except RecursionError:  # pragma: no cover - it would be a fault, and would hide behind the next line
                raise AssertionError("recursion") from None

        phases = (Phase.explicit, Phase.generate, Phase.shrink)
        run = settings(
            max_examples=examples, derandomize=same, deadline=None, database=None, phases=phases,
            suppress_health_check=list(HealthCheck), print_blob=False,
        )(given(strategy)(check))  # fmt: skip
        (run if same else seed(6)(run))()
        return counts[0], counts[1]


def made_tests(parsers: Parsers) -> tuple[Callable[..., None], Callable[..., None]]:
    """The tests of a module's parsers: a few examples, always the same, and very many (`make faults`)."""

    @pytest.mark.parametrize("name", parsers)
    def few(name: str, tmp_path: Path) -> None:
        values, sentences = parsers.run(name, tmp_path, FEW, same=True)
        assert values + sentences >= FEW // 2

    @pytest.mark.faults
    @pytest.mark.parametrize("name", parsers)
    def many(name: str, tmp_path: Path) -> None:
        values, sentences = parsers.run(name, tmp_path, MANY, same=False)
        print(f"{name}: {values + sentences} examples, {values} read, {sentences} refused", flush=True)

    return few, many
