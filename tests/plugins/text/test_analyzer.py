"""The analyzer as the host drives it: pieces in, checked pieces out."""

import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from mien.engine.check import check_piece
from mien.errors import Cancelled, ModelError
from mien.sdk import Block, MediaInfo
from mien.tracks import Spans, to_table
from mien_plugins.text.analyzer import TextAnalyzer
from mien_plugins.text.info import INFO, TextParams
from mien_plugins.text.model import TextModel

MEDIA = MediaInfo(path="clip.mp4", duration=20.0, has_audio=True)


def said(*rows):
    return Spans.of("speech.transcript", [(a, b, "sphinx", text, 0.9, who) for a, b, text, who in rows])


def drive(context, *blocks, **params):
    """track name → joined pieces, each checked as the engine does."""
    analyzer = TextAnalyzer()
    found = {}
    try:
        analyzer.prepare(MEDIA, TextParams(**params), context)
        for block in blocks:
            for piece in analyzer.process(block):
                found.setdefault(piece.name, []).append(check_piece(INFO, piece, MEDIA.duration))
        for piece in analyzer.finish():
            found.setdefault(piece.name, []).append(check_piece(INFO, piece, MEDIA.duration))
    finally:
        analyzer.close()
    return {name: type(pieces[0]).concat(pieces) for name, pieces in found.items()}


FIRST = Block(
    0.0,
    5.0,
    tracks={"speech.transcript": (said((0.5, 2.0, "The dog is loud!", "a"), (2.5, 4.0, "a day", "b")),)},
)
SECOND = Block(5.0, 10.0, tracks={"speech.transcript": (said((6.0, 8.0, "it was silly", "a")),)})


def test_writes_one_reading_per_utterance(told, tiny):
    tracks = drive(told.context, FIRST, SECOND, attribute_above=0.0)
    assert set(tracks) == {w.name for w in INFO.outputs_for(TextParams())}
    offence, hate = tracks["text.offence"], tracks["text.hate"]
    assert offence.text == ("The dog is loud!", "a day", "it was silly")
    assert offence.speaker == ("a", "b", "a")
    expected = tiny.read(["The dog is loud!", "a day", "it was silly"])
    np.testing.assert_allclose(offence.score, expected.offence, atol=1e-5)
    np.testing.assert_allclose(hate.score, expected.hate[:, 0], atol=1e-5)
    assert offence.label == tuple("offensive" if p >= 0.4 else "not" for p in expected.offence)
    assert set(hate.label) <= {"hate", "offensive", "normal"}
    np.testing.assert_allclose(tracks["text.embedding"].vectors, expected.vectors, atol=1e-5)
    np.testing.assert_allclose(tracks["text.attributes"].times, [1.25, 3.25, 7.0])
    assert tracks["text.words"].text == ("The", "dog", "is", "loud!", "a", "day", "it", "was", "silly")


def test_is_deterministic(told):
    one, other = drive(told.context, FIRST, SECOND), drive(told.context, FIRST, SECOND)
    for name, track in one.items():
        assert to_table(track).equals(to_table(other[name]))


def test_words_take_their_times_from_the_recogniser(told):
    words = Spans.of("speech.words", [(0.6, 0.8, "word", "the"), (0.8, 1.2, "word", "dog"), (1.5, 1.9, "word", "loud")])
    block = Block(0.0, 5.0, tracks={**FIRST.tracks, "speech.words": (words,)})
    track = drive(told.context, block, attribute_above=0.0)["text.words"]
    np.testing.assert_allclose(track.start[:4], [0.6, 0.8, 1.2, 1.5])
    np.testing.assert_allclose(track.end[:4], [0.8, 1.2, 1.5, 1.9])


@pytest.mark.parametrize(
    "block",
    [
        Block(0.0, 5.0),
        Block(0.0, 5.0, tracks={"speech.transcript": ()}),
        Block(0.0, 5.0, tracks={"speech.transcript": (said(),)}),
        Block(0.0, 5.0, tracks={"speech.transcript": (said((0.0, 1.0, "", ""), (1.0, 2.0, " ... @you ", "")),)}),
    ],
)
def test_nothing_said_writes_nothing(told, block):
    tracks = drive(told.context, block, cleaning="tweet")
    assert tracks == {}


def test_parameters_are_honoured(told):
    assert "text.words" not in drive(told.context, FIRST, attribution="off", attribute_above=0.0)
    assert "text.words" not in drive(told.context, FIRST, attribute_above=1.0)
    assert set(drive(told.context, FIRST, threshold=0.0)["text.offence"].label) == {"offensive"}
    assert set(drive(told.context, FIRST, threshold=1.0)["text.offence"].label) == {"not"}
    mean, cls = drive(told.context, FIRST), drive(told.context, FIRST, pooling="cls")
    assert not np.allclose(mean["text.embedding"].vectors, cls["text.embedding"].vectors, atol=1e-2)
    for method in ("gradient", "occlusion"):
        words = drive(told.context, FIRST, attribution=method, attribute_above=0.0)["text.words"]
        assert np.abs(words.score[:4]).sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("bad", [{"pooling": "max"}, {"max_tokens": 512}, {"threshold": 1.5}, {"unknown": 1}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        TextParams(**bad)


@pytest.mark.parametrize(("long", "says"), [("windows", "overlapping windows"), ("truncate", "cut off")])
def test_long_utterances_are_told(told, long, says):
    block = Block(0.0, 20.0, tracks={"speech.transcript": (said((0.0, 20.0, "a nice day " * 20, "")),)})
    tracks = drive(told.context, block, long_utterances=long, max_tokens=16, attribute_above=0.0)
    assert len(tracks["text.offence"]) == 1
    assert len(tracks["text.words"]) == 60
    assert len(told.context.notes) == 1
    assert says in told.context.notes[0]


def test_cancel_stops_before_the_next_batch(told):
    told.cancel.set()
    with pytest.raises(Cancelled):
        drive(told.context, FIRST)


def test_a_broken_model_is_one_sentence(told, tiny_folder):
    (tiny_folder / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="text-offence"):
        drive(told.context, FIRST)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.safetensors", lambda data: data[:1000]),
        ("config.json", lambda data: data.replace(b'"layers": 2', b'"layers": 3')),  # torch says so over many lines
        ("config.json", lambda data: data.replace(b'"attention_heads": 2', b'"attention_heads": 0')),
        ("config.json", lambda data: b"[]"),
        ("tokenizer.json", lambda data: b"{}"),
    ],
)
def test_a_model_that_does_not_fit_is_one_sentence(told, tiny_folder, name, damage):
    file = tiny_folder / name
    before = file.read_bytes()
    try:
        file.write_bytes(damage(before))
        assert file.read_bytes() != before
        with pytest.raises(ModelError, match="cannot be read") as caught:
            drive(told.context, FIRST)
    finally:
        file.write_bytes(before)
    assert "\n" not in str(caught.value)


def test_out_of_memory_halves_the_batches_and_says_so(told, monkeypatch):
    import torch

    read, tried = TextModel.read, []

    def cramped(self, texts, **options):
        tried.append(options["max_batch_tokens"])
        if options["max_batch_tokens"] > 128:
            raise torch.OutOfMemoryError("no room")
        return read(self, texts, **options)

    monkeypatch.setattr(TextModel, "read", cramped)
    assert len(drive(told.context, FIRST)["text.offence"]) == 2
    assert tried == [512, 256, 128]
    assert any("256 tokens" in note for note in told.context.notes)


def test_descriptor_imports_no_torch():
    heavy = "{'torch', 'transformers', 'numpy'}"
    code = f"import sys, mien_plugins.text.info as i; i.INFO; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
