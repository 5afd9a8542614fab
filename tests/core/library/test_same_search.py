"""A library on PostgreSQL answers as one in SQLite does: the same utterances, in the same order, with the same snippets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.library import Library, Medium
from mien.library.tsearch import _bounded, _quoted, _vector
from mien.tracks import Spans

Both = tuple[Library, Library]


@pytest.fixture(scope="module")
def both(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with Library(tmp_path_factory.mktemp("same") / "library.db") as one, Library(postgres.emptied()) as other:
        yield one, other


def _say(both: Both, texts: Sequence[str], medium: str = "m", key: str = "k") -> None:
    for library in both:
        entry = library.find_medium(medium) or library.add_medium(_Facts(Path("talk.mp4")), medium)
        run = library.begin_run(entry, key=key, analyzer="speech.transcript", version="1")
        rows = [(float(n), n + 1.0, "x", text) for n, text in enumerate(texts)]
        for start in range(0, len(rows), 5):
            run.write(Spans.of("speech.transcript", rows[start : start + 5]))
        run.complete()


def _clear(both: Both) -> None:
    for library in both:
        for medium in library.media():
            library.remove(medium)


def _same(both: Both, query: str, medium: str | None = None, limit: int = 100) -> list[str]:
    """What both answer."""
    one, other = (
        [(h.medium_id, h.start, h.text, h.snippet) for h in library.search(query, among=medium, limit=limit)]
        for library in both
    )
    assert one == other, query
    return [text for _, _, text, _ in one]


TALK = (
    "Good morning everyone, did you use the printer yesterday?",
    "the quick brown fox jumps over the lazy dog, and the fox sleeps",
    "Fox! The FOX, the fox — the fox.",
    "no foxes here; co-operation is x^2 (w) {y} -z 100% sure_thing col:umn",
    "Où est le café de Zoë? Straße nach Köln, naïve Ångström",
    "我喜欢你们 and the fox",
    "Привет мир, как дела",
    "मैं ठीक हूँ",
    "it's the people's printer, o'clock 3.14 user@host.org http://a.b/c",
    "the the the the quick the quick brown quick",
    "a\\b 'quoted' \"words\" & | ! <-> :* (x)",
    "very " * 40 + "long fox indeed",
    "ﬁne İstanbul ﬀ Ⅷ ½ x² H₂O",
    "今天天气很好，我们去公园。今天！",
    "Mienで動画を分析する",
    "ฉันกินข้าวที่บ้าน",
)
QUERIES = (
    "fox", "FOX", "the fox", "fox the", "qui", "the qui", '"quick brown"', '"the fox"', '"the fox', "fo",
    "o'clock", "co-operation", '"co operation"', "x^2", "{y}", "-z", "(w)", "col:umn", "100%", "cafe", "koln",
    "zoe", "喜欢", "ПРИВЕТ", "ठीक", "3.14", "3", "user@host", "http://a.b", "a\\b", "'quoted'", "& | !", "<->",
    ":*", "x", '"quick" the', 'the "quick', "indeed", "very fox", "ﬁne", "fine", "istanbul", "İstanbul", "½",
    "x²", "h2o", "zebra", "", '"', "*", "strasse", "straße", "angstrom", '"the the" quick', "the the",
    "天气", "我们", "今天", "天 我", "動画", "mien", "mienで", "กินข้าว", "กิ", "กัน", "บ้าน ฉัน", '"今天天气"',
)  # fmt: skip


def test_what_is_asked_of_a_talk(both: Both) -> None:
    _clear(both)
    _say(both, TALK)
    _say(both, TALK[::-1], medium="other")
    found = {query: _same(both, query) for query in QUERIES}
    assert sum(map(bool, found.values())) > 30
    assert found["fox"][0] == "Fox! The FOX, the fox — the fox."
    for query in QUERIES[::6]:
        _same(both, query, medium="other")
        _same(both, query, limit=2)


def test_what_is_current(both: Both) -> None:
    _clear(both)
    _say(both, ("an old reading", "the same"), key="old")
    _say(both, ("a new reading", "the same"), key="new")
    assert _same(both, "reading") == ["a new reading"]
    for library in both:
        run = library.find_run("m", "old")
        assert run is not None
        library.reuse(run)
    assert _same(both, "reading") == ["an old reading"]
    assert len(_same(both, "same")) == 1


_WORD = st.sampled_from(
    (
        "fox",
        "the",
        "a",
        "qui",
        "quick",
        "brown",
        "é",
        "E",
        "foxes",
        "ﬁ",
        "我",
        "我们天",
        "กิน",
        "x-y",
        "o'n",
        "ß",
        "\\",
        "it",
    )
)
_SENTENCE = st.lists(_WORD, min_size=1, max_size=12).map(" ".join)
_ASKED = st.lists(
    st.one_of(_WORD, st.lists(_WORD, min_size=1, max_size=3).map(lambda w: f'"{" ".join(w)}"')), max_size=4
)


_STRANGE = st.text(max_size=12) | st.text("ab \"*^:(){}-+'\0%_\\<>&|!", max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(_SENTENCE, min_size=1, max_size=12), asked=st.lists(_ASKED.map(" ".join), min_size=1, max_size=8))
def test_any_words(both: Both, texts: list[str], asked: list[str]) -> None:
    _clear(both)
    _say(both, texts)
    for query in asked:
        _same(both, query)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(st.text(max_size=40), min_size=1, max_size=8), asked=st.lists(_STRANGE, max_size=6))
def test_any_text(both: Both, texts: list[str], asked: list[str]) -> None:
    _clear(both)
    _say(both, texts)
    for query in [*asked, *(word for text in texts for word in text.split()[:1])]:
        _same(both, query)


def test_very_long_utterances(both: Both) -> None:
    """Bounded in the index, whole in the text."""
    _clear(both)
    _say(both, ["x" * 5000 + " tail", "word " * 40_000 + "end", "short tail"])
    assert [len(text) for text in _same(both, "tail")] == [5005, 10]
    assert [len(text) for text in _same(both, "end")] == [200_003]
    assert [len(text) for text in _same(both, "word")] == [200_003]  # at once: a best part is not looked for
    assert both[0].search("word")[0].snippet.startswith("[word] word word")


def test_a_vector_is_plain_text() -> None:
    assert _vector(["a", "o'b", "c\\"]) == "'a':1 'o''b':2 'c\\\\':3"
    assert _quoted("a' & 'b") == "'a'' & ''b'"
    assert [len(word.encode()) for word in _bounded(["é" * 400, "a"])] == [500, 1]
    assert len(_bounded(["word" * 100] * 5000)) == 1000
    assert _vector(["a"] * 16_000 + ["b", "b"]).endswith("'a':15999 'a':16000 'b'")


class _Facts:
    """The least that the library asks of a medium."""

    def __init__(self, path: Path) -> None:
        self.path, self.duration, self.size_bytes = path, None, 0


def test_the_current_medium_is_named(both: Both) -> None:
    _clear(both)
    _say(both, ["hello"])
    media: list[Medium] = [m for library in both for m in library.media()]
    assert [h.path for library in both for h in library.search("hello")] == [str(m.path) for m in media]


def test_of_very_many_the_newest_that_are_current_are_found(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few of them are fetched at first: those of an earlier run are passed over."""
    from mien.library import fts5, tsearch

    monkeypatch.setattr(fts5, "RANKED", 30)
    monkeypatch.setattr(tsearch, "RANKED", 30)
    monkeypatch.setattr(tsearch, "_FIRST", 4)
    _clear(both)
    _say(both, [f"fox {n}" for n in range(12)], "other")
    _say(both, [f"fox {n}" for n in range(20)], "m", "current")
    _say(both, [f"fox old {n}" for n in range(10)], "m", "old")
    for library in both:
        run = library.find_run("m", "current")
        assert run is not None
        library.reuse(run)
    assert _same(both, "fox", limit=100) == [f"fox {n}" for n in reversed(range(20))]
    assert _same(both, "fox", limit=3) == ["fox 19", "fox 18", "fox 17"]
    _clear(both)
