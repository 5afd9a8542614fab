"""Search over transcripts: finds words, obeys no operator, follows what is current."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.library import Library, search


@pytest.fixture
def say(library: Library, medium, transcript):
    """Stores a transcript of the medium in a complete run."""

    def store(*texts: str, key: str = "k", of=medium) -> str:
        run = library.begin_run(of, key=key, analyzer="speech.transcript", version="1")
        run.write(transcript(*texts))
        run.complete()
        return run.run_id

    return store


def _texts(library: Library, query: str, **options) -> list[str]:
    return [hit.text for hit in library.search(query, **options)]


def test_a_hit_tells_where(library: Library, medium, say) -> None:
    run = say("good morning everyone", "the quick brown fox jumps")
    (hit,) = library.search("brown")
    assert (hit.medium_id, hit.path, hit.run_id) == (medium.id, str(medium.path), run)
    assert (hit.start, hit.end) == (2.0, 3.5)
    assert hit.text == "the quick brown fox jumps"
    assert hit.snippet == "the quick [brown] fox jumps"


@pytest.mark.parametrize(
    "query",
    ["fox quick", "QUICK", "jum", '"quick brown"', "brown fox jumps", "  the  ", "fox"],
)
def test_finds(library: Library, say, query: str) -> None:
    say("good morning", "the quick brown fox jumps")
    assert _texts(library, query) == ["the quick brown fox jumps"]


@pytest.mark.parametrize("query", ["", "   ", '"', "*", "fox AND cat", "NOT fox", '"brown quick"', "text:fox"])
def test_finds_nothing(library: Library, say, query: str) -> None:
    say("good morning", "the quick brown fox jumps")
    assert _texts(library, query) == []


def test_operators_are_words(library: Library, say) -> None:
    say("salt AND pepper OR not", "salt pepper", "a near b", "col:umn x^2 {y} -z (w)")
    assert _texts(library, "salt AND pepper") == ["salt AND pepper OR not"]
    assert _texts(library, "NEAR") == ["a near b"]
    for part in ("col:umn", "x^2", "{y}", "-z", "(w)"):
        assert _texts(library, part) == ["col:umn x^2 {y} -z (w)"]


def test_accents_and_scripts(library: Library, say) -> None:
    say("Où est le café", "Straße nach Köln", "我喜欢你们", "मैं ठीक हूँ", "Привет мир")
    assert _texts(library, "cafe") == ["Où est le café"]
    assert _texts(library, "koln") == ["Straße nach Köln"]
    assert _texts(library, "喜欢") == ["我喜欢你们"]  # no spaces between words: found as a part
    assert _texts(library, "ठीक") == ["मैं ठीक हूँ"]
    assert _texts(library, "ПРИВЕТ") == ["Привет мир"]


def test_only_the_current_transcript_is_searched(library: Library, say) -> None:
    say("an old reading", key="old")
    say("a new reading", key="new")
    assert _texts(library, "reading") == ["a new reading"]
    library.reuse(library.find_run("hash-of-clip", "old"))
    assert _texts(library, "reading") == ["an old reading"]


def test_unfinished_runs_are_not_searched(library: Library, medium, transcript) -> None:
    run = library.begin_run(medium, key="k", analyzer="speech.transcript", version="1")
    run.write(transcript("not yet"))
    assert _texts(library, "yet") == []
    run.complete()
    assert _texts(library, "yet") == ["not yet"]


def test_one_medium_and_a_limit(library: Library, tmp_path: Path, probed, say) -> None:
    for name in ("a", "b"):
        say("hello from " + name, "hello again", of=library.add_medium(probed(tmp_path / name), name))
    assert len(library.search("hello")) == 4
    assert len(library.search("hello", limit=3)) == 3
    assert _texts(library, "hello from", among="b") == ["hello from b"]
    assert sorted(_texts(library, "hello", among=["a", "b"])) == sorted(_texts(library, "hello"))
    assert _texts(library, "hello", among=[]) == []


def test_without_an_index_words_are_found_as_parts(library: Library, medium, say) -> None:
    """What databases other than SQLite do."""
    say("100% sure_thing", "the Quick brown fox", "something else " + "very " * 40 + "long fox indeed")
    with library._database.read() as connection:

        def find(text: str):
            return search.find_parts(connection, text, media=[medium.id], limit=10)

        assert [row.text for row in find("quick FOX")] == ["the Quick brown fox"]
        assert [row.snippet for row in find("quick")] == ["the [Quick] brown fox"]
        assert [row.text for row in find("100%")] == ["100% sure_thing"]
        assert find("1%0") == find("e_x") == find('""') == []
        (long,) = find("indeed")
        assert long.snippet.startswith("…")
        assert long.snippet.endswith("[indeed]")


@pytest.mark.parametrize("text", ["Müller", "don't", "привет", "ελπίδα", "l’été…", "tiếng"])
def test_what_the_index_holds_in_full_is_not_read_through(
    library: Library, say, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read all utterances takes long in a large library."""
    read_through: list[str] = []
    find_parts = search.find_parts
    monkeypatch.setattr(
        search, "find_parts", lambda *args, **options: (read_through.append(args[1]), find_parts(*args, **options))[1]
    )
    assert _texts(library, text) == []
    assert not read_through
    say(f"heard {text.upper()} today", "你好世界")
    assert _texts(library, text) == [f"heard {text.upper()} today"]
    assert not read_through
    assert _texts(library, "好世") == ["你好世界"]
    assert read_through == ["好世"]


@pytest.fixture(scope="module")
def shared_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """One library for all examples of the property tests."""
    with Library(tmp_path_factory.mktemp("search") / "library.db") as library:
        yield library


_TEXT = st.text(st.characters(), max_size=60) | st.text("ab \"*^:(){}-+'\0%_\\", max_size=20)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(query=_TEXT)
def test_no_text_is_a_syntax_error(shared_library: Library, query: str) -> None:
    assert isinstance(shared_library.search(query), list)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60), data=st.data())
def test_what_was_said_is_found(shared_library: Library, text: str, data: st.DataObject) -> None:
    """Any word of an utterance, in any script, finds that utterance."""
    from mien.tracks import Spans

    words = [word for word in text.replace('"', " ").replace("\0", " ").split() if word]
    shared_library.add_medium(_Facts(Path("x.mp4")), "m")
    run = shared_library.begin_run("m", key=text[:8].encode().hex(), analyzer="speech.transcript", version="1")
    run.write(Spans.of("speech.transcript", [(0.0, 1.0, "x", text)]))
    run.complete()
    if words:
        word = data.draw(st.sampled_from(words))
        assert [hit.start for hit in shared_library.search(word)] == [0.0], word
    shared_library.remove("m")


class _Facts:
    """The least that the library asks of a medium."""

    def __init__(self, path: Path) -> None:
        self.path, self.duration, self.size_bytes = path, None, 0
