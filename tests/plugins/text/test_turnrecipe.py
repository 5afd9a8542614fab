"""The network of turns from corpus to reading: sequences, training that resumes, measuring, and its use in the analyzer."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.errors import CorpusError, ModelError, TrainingError
from mien.sdk import Block, MediaInfo
from mien.tracks import Spans
from mien.training.card import load_model, save_model
from mien.training.manifest_file import read_manifest
from mien_plugins.text.analyzer import TextAnalyzer
from mien_plugins.text.info import TURNS, TextParams
from mien_plugins.text.model import TextModel
from mien_plugins.text.sequences import NOBODY, of_manifest, public
from mien_plugins.text.turnmodel import TurnModel
from mien_plugins.text.turnnet import TurnConfig
from mien_plugins.text.turnrecipe import evaluate, train
from mien_plugins.text.vectors import word_vectors
from mien_plugins.text.wordtable import WordTable

TINY = TurnConfig(words=6, filters=4, units=8, memory=6, depth=1)
OPTIONS = {"threads": 1, "progress": False, "net": TINY}


@pytest.fixture
def traced(tmp_path: Path) -> Path:
    """Six recordings, one speaker each: a row each 0.1 s with the words of the turn, loud turns arouse."""
    root = tmp_path / "traced"
    root.mkdir()
    rows = []
    for speaker in range(6):
        (root / f"{speaker}.wav").write_bytes(b"only its name is needed")
        for frame in range(24):
            said = ("the dog is loud", "", "calm rain")[frame // 8]
            arousal = (0.8, 0.0, -0.8)[frame // 8] + 0.01 * speaker
            split = ("train", "train", "train", "train", "valid", "test")[speaker]
            time = 1 + frame / 10
            rows.append(
                [f"{speaker}.wav", f"{time:.1f}", f"{time + 0.1:.1f}", str(speaker), split, said, arousal, -0.5]
            )
    with (root / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        heading = ["path", "start", "end", "speaker", "split", "text", "arousal", "valence"]
        csv.writer(file).writerows([heading, *rows])
    return root


def test_a_traced_recording_becomes_frames_half_a_second_late(traced: Path) -> None:
    corpus = of_manifest(read_manifest(traced), "attributes", 3, 20)
    assert corpus.timed
    assert corpus.outputs == ("arousal", "valence")
    assert corpus.texts == ("the dog is", "calm rain")  # three words at most
    first, rest = corpus.parts["train"][:2]
    assert (len(first), len(rest)) == (20, 4)
    assert first.turn.tolist() == [NOBODY] * 5 + [0] * 8 + [NOBODY] * 7
    assert rest.turn.tolist() == [NOBODY, 1, 1, 1]
    np.testing.assert_allclose(first.target[[0, 8, 16], 0], [0.8, 0.0, -0.8], atol=1e-6)
    assert {row.group for row in corpus.parts["test"]} == {"5"}


def test_public_corpora_are_texts_of_one_frame(tiny_corpora: Path) -> None:
    bank, olid = public(tiny_corpora, "attributes", 30, 0), public(tiny_corpora, "offence", 30, 0)
    assert bank.outputs == ("valence", "arousal", "dominance")
    assert {len(row) for row in bank.parts["train"]} == {1}
    assert olid.outputs == ("offence",)
    assert set(np.concatenate([row.target for row in olid.parts["test"]]).ravel()) == {0.0, 1.0}


def test_texts_in_a_manifest_stand_for_themselves(tmp_path: Path) -> None:
    rows = [["", split, f"day {n}", "yes" if n % 2 else "no"] for split in ("train", "valid", "test") for n in range(4)]
    with (tmp_path / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["path", "split", "text", "offence{no|yes}"], *rows])
    corpus = of_manifest(read_manifest(tmp_path), "offence", 30, 100)
    assert not corpus.timed
    assert [len(part) for part in corpus.parts.values()] == [4, 4, 4]
    assert len({row.group for part in corpus.parts.values() for row in part}) == 12
    assert [float(row.target[0, 0]) for row in corpus.parts["test"]] == [0.0, 1.0, 0.0, 1.0]


def test_a_word_has_the_mean_of_its_pieces(tiny_folder: Path) -> None:
    model = TextModel.load(tiny_folder)
    alone, both = word_vectors(model, ["zzz dog"]), word_vectors(model, ["zzz dog", "the sun ! is nice"])
    assert [len(own) for own in both] == [2, 5]
    np.testing.assert_allclose(alone[0], both[0], atol=1e-5)
    window = model.pieces.windows(["zzz dog"])[0]
    batch = model.pieces.pad_batch([window])
    ids, mask = model.tensors(batch)
    with torch.inference_mode():
        tokens = model.net.encode(mask, ids=ids).tokens[0].numpy()
    pieces = [i for i, word in enumerate(window.words) if word == 0]
    assert len(pieces) == 3
    np.testing.assert_allclose(alone[0][0], tokens[pieces].mean(0), atol=1e-5)
    assert not word_vectors(model, [" ".join(["dog"] * 40)])[0][30:].any()  # beyond the longest window
    assert word_vectors(model, []) == []


def test_same_seed_same_net_and_a_stopped_training_goes_on(traced: Path, tiny_folder: Path, tmp_path: Path) -> None:
    options = {**OPTIONS, "encoder": tiny_folder, "lr": 0.02, "batch": 3}
    card = train(traced, tmp_path / "whole", epochs=4, **options)
    train(traced, tmp_path / "parts", epochs=2, **options)
    again = train(traced, tmp_path / "parts", epochs=4, **options)
    log = [json.loads(line) for line in (tmp_path / "parts" / "work" / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == [1, 2, 3, 4]
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]
    digests = {json.loads((tmp_path / name / "config.json").read_text())["sha256"] for name in ("whole", "parts")}
    assert len(digests) == 1
    assert [m.name for m in card.metrics] == [
        f"{m} {o}" for o in ("arousal", "valence") for m in ("CCC", "Pearson", "RMSE")
    ]
    files = set((tmp_path / "whole").iterdir())
    assert evaluate(tmp_path / "whole", traced).metrics == card.metrics
    assert set((tmp_path / "whole").iterdir()) == files
    assert card.command == "mien train text-004 --data CORPUS --out OUT --set batch=3 --set epochs=4 --set lr=0.02"


def test_it_learns_what_words_say(traced: Path, tiny_folder: Path, tmp_path: Path) -> None:
    card = train(traced, tmp_path / "m", encoder=tiny_folder, epochs=30, patience=30, lr=0.02, dropout=0.0, **OPTIONS)
    assert next(m.value for m in card.metrics if m.name == "CCC arousal") > 0.3


class _Context:
    """A context over the tiny text model and, if it is there, a trained network of turns."""

    device = precision = "cpu"

    def __init__(self, text: Path, turns: Path | None) -> None:
        self.precision, self.notes = "float32", []
        self._text, self._turns = text, turns

    def model(self, name: str) -> Path:
        return self._text

    def optional_model(self, name: str) -> Path | None:
        return self._turns if name == TURNS else None

    def note(self, text: str) -> None:
        self.notes.append(text)

    def check_cancelled(self) -> None: ...


def read(context: _Context, **params) -> dict:
    said = [(0.5, 2.0, "x", "The dog is loud!", 1.0, "a"), (2.5, 6.0, "x", "a nice day it was, the sun", 1.0, "b")]
    analyzer = TextAnalyzer()
    analyzer.prepare(MediaInfo(Path("a.wav"), duration=9.0, has_audio=True), TextParams(**params), context)
    block = Block(0.0, 9.0, tracks={"speech.transcript": (Spans.of("speech.transcript", said),)})
    found = {track.name: track for track in analyzer.process(block)}
    analyzer.close()
    return found


def test_offence_by_turns_tells_the_words_it_looked_at(tiny_corpora: Path, tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    card = train(tiny_corpora, out, task="offence", encoder=tiny_folder, epochs=2, quick=True, **OPTIONS)
    assert {m.name for m in card.metrics} == {"macro-F1", "accuracy", "ECE of P(offence)"}
    assert (out / "reliability.svg").is_file()
    assert "--set task=offence" in card.command
    context = _Context(tiny_folder, out)
    tracks = read(context, offence_by=TURNS, attribute_above=0.0)
    turns = TurnModel.load(out, tiny_folder)
    model = TextModel.load(tiny_folder)
    texts = ["The dog is loud!", "a nice day it was, the sun"]
    said = turns.read(word_vectors(model, texts), [(0.5, 2.0), (2.5, 6.0)])
    np.testing.assert_allclose(tracks["text.offence"].score, turns.probability(said.values), atol=1e-5)
    words = tracks["text.attention"]
    assert words.text == ("The", "dog", "is", "loud!", "a", "nice", "day", "it", "was,", "the", "sun")
    assert set(words.label) == {"attention"}
    assert (words.score >= 0).all()
    assert words.score[:4].sum() == words.score[4:].sum() == pytest.approx(1.0, abs=1e-5)
    assert "text.words" not in tracks  # nothing says which words spoke for offence
    assert any("attention" in note for note in context.notes)
    with pytest.raises(ModelError, match="reads offence and nothing else"):
        read(_Context(tiny_folder, out), attributes_by=TURNS)


def test_attributes_by_turns(traced: Path, tiny_folder: Path, tiny_corpora: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    train(traced, out, encoder=tiny_folder, epochs=1, **OPTIONS)
    with pytest.raises(
        CorpusError, match="has learnt arousal, valence, and this corpus has valence, arousal, dominance"
    ):
        evaluate(out, tiny_corpora)
    context = _Context(tiny_folder, out)
    tracks, own = read(context, attributes_by=TURNS), read(_Context(tiny_folder, None))
    given, before = tracks["text.attributes"].values, own["text.attributes"].values
    assert not np.allclose(given[:, :2], before[:, :2])
    np.testing.assert_array_equal(given[:, 2], before[:, 2])  # it never learnt dominance
    assert any("dominance" in note for note in context.notes)
    attention = tracks["text.attention"]
    assert set(attention.label) == {"attention"}
    assert attention.score.sum() == pytest.approx(2.0, abs=1e-5)
    np.testing.assert_array_equal(tracks["text.offence"].score, own["text.offence"].score)


def test_a_medium_is_read_in_pieces_as_in_one(traced: Path, tiny_folder: Path, tmp_path: Path) -> None:
    """A net that learnt from frames over time remembers what was said, and forgets it behind a long silence."""
    train(traced, tmp_path / "m", encoder=tiny_folder, epochs=1, **OPTIONS)
    words = word_vectors(TextModel.load(tiny_folder), ["the dog is loud", "calm rain", "a nice day"])
    spans = [(0.0, 1.0), (1.5, 2.0), (40.0, 41.0)]

    def model() -> TurnModel:
        return TurnModel.load(tmp_path / "m", tiny_folder)

    whole = model().read(words, spans)
    parts = model()
    values = [parts.read(words[i : i + 1], spans[i : i + 1]).values[0] for i in range(3)]
    np.testing.assert_allclose(np.stack(values), whole.values, atol=1e-6)
    alone = model().read(words[1:2], spans[1:2]).values[0]
    assert not np.allclose(alone, values[1], atol=1e-6)
    parts.restart()
    np.testing.assert_allclose(parts.read(words[2:], spans[2:]).values[0], values[2], atol=1e-6)
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"sha256": "0"}')
    with pytest.raises(ModelError, match="another text-offence"):
        TurnModel.load(tmp_path / "m", other)


def test_it_needs_training_first(tiny_folder: Path) -> None:
    for params in ({"offence_by": TURNS}, {"attributes_by": TURNS}):
        with pytest.raises(ModelError, match="needs training: make the model with 'mien train text-004"):
            read(_Context(tiny_folder, None), **params)
    assert "attributes_by" not in TextParams().model_dump()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(",valid,", ",train,"), "valid"),
        (lambda text: text.replace("\n5.wav,", "\n5.wav,", 1).replace(",5,test", ",0,test"), "speaker"),
        (lambda text: text.replace("arousal,valence", "anger[-1..1],joy[-1..1]"), "no label “arousal”"),
        (lambda text: re.sub("the dog is loud|calm rain", "", text), "column text"),
        # Valence is there, but of nobody who is tested on: an output that could not be measured.
        (lambda text: re.sub(r"(,test,.*),-0\.5", r"\1,", text), "valence"),
        (lambda text: re.sub(r"\n5\.wav,1\.0,1\.1,", "\n5.wav,1.0,9000000,", text), "hours"),
    ],
)
def test_what_cannot_be_learnt_from_is_one_sentence(traced, tiny_folder, tmp_path, change, said) -> None:
    path = traced / "manifest.csv"
    path.write_text(change(path.read_text()))
    with pytest.raises(CorpusError, match=said) as failure:
        train(traced, tmp_path / "m", encoder=tiny_folder, epochs=1, **OPTIONS)
    assert "\n" not in str(failure.value)


def test_a_loss_that_is_no_number_is_refused(traced, tiny_folder, tmp_path) -> None:
    weights, config = load_model(tiny_folder)
    weights["encoder.embeddings.word_embeddings.weight"][10:] = torch.nan
    save_model(tiny_folder, weights, config)
    with pytest.raises(TrainingError, match="loss became nan"):
        train(traced, tmp_path / "m", encoder=tiny_folder, epochs=3, **OPTIONS)
    with pytest.raises(CorpusError, match="text/emobank"):
        train(tmp_path, tmp_path / "n", encoder=tiny_folder, **OPTIONS)


def test_word_vectors_of_one_s_own_travel_with_the_model(traced, tiny_folder, tmp_path) -> None:
    path = tmp_path / "own.vec"
    path.write_text("5 3\nThe 0.1 0 0\ndog 1 0 0.5\nloud 0 1 0\ncalm 0 -1 0\nunheard 9 9 9\n")
    options = {**OPTIONS, "epochs": 1}
    card = train(traced, tmp_path / "m", vectors=path, **options)
    assert evaluate(tmp_path / "m", traced).metrics == card.metrics
    table = WordTable.read(path, ["the dog", "Loud, calm!"])
    assert table.words == ("calm", "dog", "loud", "the")
    np.testing.assert_allclose(table.of(["Dog? xyz"])[0], [[1, 0, 0.5], [0, 0, 0]])
    model = TurnModel.load(tmp_path / "m", tmp_path / "no encoder is needed")
    assert model.table is not None
    assert model.table.words == table.words
    assert model.net.config.inputs == 3
    tracks = read(_Context(tiny_folder, tmp_path / "m"), attributes_by=TURNS)
    said = model.read(model.table.of(["The dog is loud!", "a nice day it was, the sun"]), [(0.5, 2.0), (2.5, 6.0)])
    np.testing.assert_allclose(tracks["text.attributes"].values[:, 1], said.values[:, 0], atol=1e-5)
    for text, why in (
        ("dog 1 2\ncat 1\n", "Line 2"),
        ("dog 1 x\n", "no number"),
        ("zebra 1 2\n", "None of the corpus"),
    ):
        path.write_text(text)
        with pytest.raises(CorpusError, match=why):
            train(traced, tmp_path / "n", vectors=path, **options)
    with pytest.raises(CorpusError, match="cannot be read"):
        train(traced, tmp_path / "n", vectors=tmp_path / "nothing.vec", **options)
