"""Tracks put together to a transcript: who says what, what it scores and which words made it so."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from mien.tracks import Spans
from mien.tracks.track import AnyTrack
from mien_desktop.transcript.layout import lay_out
from mien_desktop.transcript.script import Script, script

from .conftest import LINES

Tracks = dict[str, AnyTrack]


@pytest.fixture
def shown(talk: Tracks) -> Script:
    return script(talk)


def test_utterances_words_and_speakers(shown: Script) -> None:
    assert [shown.text(row) for row in range(len(shown))] == [text for _, _, text in LINES]
    assert [shown.initial(row) for row in range(len(shown))] == [who for _, who, _ in LINES]
    assert shown.backend == "pocketsphinx"
    assert shown.language == "en"
    assert 0.6 < shown.sure < 0.8


def test_words_that_drove_the_score_are_marked(shown: Script) -> None:
    drove = {shown.words[word] for word in np.flatnonzero(shown.driver)}
    # Those of flagged utterances with a quarter of the strongest one's evidence or more.
    assert drove == {"you", "yourself", "never", "finish", "exactly", "problem"}
    finish = shown.words.index("finish")
    assert shown.share[finish] == pytest.approx(0.28 / 0.81, abs=0.01)
    assert shown.share[shown.words.index("numbers")] == 0


def test_without_a_judgement_nothing_is_coloured(talk: Tracks) -> None:
    bare = script({name: track for name, track in talk.items() if name.startswith("speech.")})
    assert not bare.share.any()
    assert not bare.driver.any()
    assert bare.words == script(talk).words


def test_a_turn_names_who_the_transcript_does_not(talk: Tracks) -> None:
    said = talk["speech.transcript"]
    assert isinstance(said, Spans)
    nameless = Spans.of(said.name, [(*row[:5], "") for row in said.rows()])
    turns = Spans.of("speech.speakers", [(0.0, 21.0, "", "", 1.0, "Ada"), (21.0, 40.0, "", "", 1.0, "Bo")])
    told = script({"speech.transcript": nameless, "speech.speakers": turns})
    assert [told.initial(row) for row in range(len(told))] == ["A", "A", "A", "B", "B", "B"]


def test_where_the_playhead_is(shown: Script) -> None:
    assert shown.row_at(0.0) == -1
    assert shown.word_at(5.0) == -1
    assert shown.words[shown.word_at(22.35)] == "never"
    assert shown.row_at(24.5) == 3  # in the pause the last utterance still holds
    assert shown.word_at(24.5) == -1


def test_words_of_two_who_speak_at_once_are_not_mixed() -> None:
    lines = (
        (16.35, 18.07, "Because you break everything you touch!", 0.1),
        (17.17, 18.80, "That is not true, and you know it!", 0.2),
        (17.90, 19.60, "You are an idiot! You never listen!", 0.9),
        (18.40, 20.81, "Oh shut up! Fix the stupid thing yourself!", 0.8),
        (30.00, 31.00, "Sorry", 0.05),
    )
    words = []
    for start, end, text, _ in lines:
        cut = text.split()
        edges = np.linspace(start, end, len(cut) + 1)
        words += [(a, b, "", w, 1.0) for a, b, w in zip(edges[:-1], edges[1:], cut, strict=True)]
    told = script(
        {
            "speech.transcript": Spans.of("speech.transcript", [(s, e, "subtitles", t, 1.0) for s, e, t, _ in lines]),
            "speech.words": Spans.of("speech.words", words),
            "text.offence": Spans.of("text.offence", [(s, e, "offensive", t, p) for s, e, t, p in lines]),
        }
    )
    assert [told.text(row) for row in range(len(told))] == [text for _, _, text, _ in lines]
    assert told.offence.tolist() == pytest.approx([p for *_, p in lines])


def test_utterances_that_all_overlap_are_sorted_out_at_once() -> None:
    said, words = [], []
    for n in range(1500):
        text = " ".join(f"w{(7 * n + i) % 50}" for i in range(10))
        said.append((n * 1.0, n + 1.2, "subtitles", text, 1.0))
        edges = np.linspace(n, n + 1.2, 11)
        words += [(a, b, "", w, 1.0) for a, b, w in zip(edges[:-1], edges[1:], text.split(), strict=True)]
    began = time.perf_counter()
    told = script(
        {"speech.transcript": Spans.of("speech.transcript", said), "speech.words": Spans.of("speech.words", words)}
    )
    assert time.perf_counter() - began < 2.0
    assert [told.text(row) for row in range(len(told))] == [text for _, _, _, text, _ in said]


def test_phrases_are_found_but_not_across_utterances(shown: Script) -> None:
    assert [shown.text(shown.row_of(a)) for a, _ in shown.find("LET me")] == [LINES[2][2], LINES[3][2]]
    assert shown.find("week no") == []
    assert shown.find("") == []
    assert shown.find("a+(") == []
    (hit,) = shown.find("every single time")
    assert shown.words[hit[0] : hit[1] + 1] == ("every", "single", "time")


def test_words_are_copied_with_times(shown: Script) -> None:
    first = shown.words.index("problem")
    assert shown.copied(first, first + 2) == "[00:23.9] A: problem\n[00:25.0] B: I am"


def test_a_missing_word_track_leaves_the_utterances(talk: Tracks) -> None:
    told = script({"speech.transcript": talk["speech.transcript"]})
    assert [told.text(row) for row in range(len(told))] == [text for _, _, text in LINES]
    assert (np.diff(told.word_start) >= 0).all()


def test_nothing_heard_is_an_empty_script() -> None:
    told = script({})
    assert len(told) == 0
    assert told.row_at(3.0) == -1
    assert told.find("word") == []


def test_twenty_thousand_words_are_put_together_at_once(long: Callable[[int], Tracks]) -> None:
    talk = long(2000)
    told = script(talk)
    assert len(told.words) > 19_000
    assert len(told) == 2000
    widths = np.full(len(told.words), 40.0)
    laid = lay_out(told.first, widths, column=400.0, space=6.0, line=20.0, pad=4.0)
    assert (laid.x + widths <= 400.0).all()
    # Every word is in one line, in order, and lines belong to one utterance each.
    assert laid.line_start[0] == 0
    assert laid.line_start[-1] == len(told.words)
    assert set(told.first.tolist()) <= set(laid.line_start.tolist())
