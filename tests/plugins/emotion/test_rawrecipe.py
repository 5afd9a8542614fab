"""The nets on raw samples from corpus to reading: tiny corpora, training that resumes, measuring, use in the analyzer."""

from __future__ import annotations

import csv
import json
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.engine.check import check_piece
from mien.errors import CorpusError, ModelError, UsageError
from mien.sdk import Block, MediaInfo, Windows
from mien_plugins.emotion import lflbrecipe, rawrecipe
from mien_plugins.emotion.analyzer import EmotionAnalyzer
from mien_plugins.emotion.explain import explain_window
from mien_plugins.emotion.info import EMOTION, LFLB, RAW, EmotionParams
from mien_plugins.emotion.rawdata import dimensions, names
from mien_plugins.emotion.rawnet import RawConfig
from mien_plugins.emotion.rawreader import load_lflb, load_raw, segments
from mien_plugins.emotion.rawrecipe import Sequences

TINY = RawConfig(filters=(3, 4, 5), units=4, dropout=0.0, memory_dropout=0.0)
OPTIONS = {"threads": 1, "progress": False}


def _tone(path: Path, loud: np.ndarray, pitch: float, rate: int = 16_000) -> None:
    """A buzz that is as loud in each tenth of a second as it is told."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(len(loud) * rate // 10) / rate
    x = np.sign(np.sin(2 * np.pi * pitch * t)) * np.repeat(loud, rate // 10)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((0.5 * x * 32_767).astype("<i2").tobytes())


@pytest.fixture
def traced(tmp_path: Path) -> Path:
    """Five people of 1.2 s, traced ten times a second: loud is aroused; who has no words listens."""
    root = tmp_path / "traced"
    rows = []
    for speaker in range(5):
        loud = np.tile([0.1, 0.1, 1.0, 1.0], 3)
        _tone(root / f"{speaker}.wav", loud, 100 + 20 * speaker)
        split = ("train", "train", "train", "valid", "test")[speaker]
        for frame, level in enumerate(loud):
            said = "so it is" if level == 1 else ""
            span = [f"{frame / 10:.1f}", f"{(frame + 1) / 10:.1f}"]
            rows.append([f"{speaker}.wav", *span, f"s{speaker}", split, said, round(level - 0.5, 3), 0.1 * speaker])
    _table(root / "manifest.csv", ["path", "start", "end", "speaker", "split", "text", "arousal", "valence"], rows)
    return root


@pytest.fixture
def acted(tmp_path: Path) -> Path:
    """The layout of the acted corpora: two emotions by five speakers of EmoDB, half a second each."""
    root = tmp_path / "acted"
    rows = []
    for speaker in ("03", "08", "13", "15", "16"):
        for take, emotion in enumerate(("anger", "sadness")):
            path = f"emodb/{speaker}{take}.wav"
            _tone(root / "speech" / path, np.full(5, 1.0 if take == 0 else 0.2), 200 if take == 0 else 70)
            rows.append(["emodb", path, emotion, speaker, "m", "de", "", ""])
    heading = ["corpus", "path", "emotion", "speaker", "gender", "lang", "transcript", "intensity"]
    _table(root / "speech" / "manifest.csv", heading, rows)
    return root


def _table(path: Path, heading: list[str], rows: list[list]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heading, *rows])


def test_a_traced_recording_becomes_sequences(traced: Path) -> None:
    corpus = dimensions(traced, 8)
    assert corpus.outputs == ("arousal", "valence")
    first, rest = corpus.parts["train"][:2]
    assert (len(first.target), len(rest.target)) == (8, 4)
    np.testing.assert_allclose(first.target[:4, 0], [-0.4, -0.4, 0.5, 0.5], atol=1e-6)
    assert first.own is not None
    assert first.own.tolist() == [False, False, True, True] * 2  # whoever has no words listens
    frames, target = Sequences(corpus, "train", TINY, 2, 8).of([first, rest])
    assert frames.shape == (2, 8, 4410)
    assert target[1, 4:].isnan().all()
    assert not frames[0, 0, :2205].any()
    assert not frames[0, 2, 2205:].any()
    reshaped = RawConfig(steps="reshape")
    assert Sequences(corpus, "train", reshaped, 2, 8).of([first])[0].shape == (1, 25, 4410)


def test_acted_clips_have_the_place_of_their_word(acted: Path) -> None:
    corpus = dimensions(acted, 100)
    assert corpus.outputs == ("arousal", "valence", "dominance")
    assert [len(corpus.parts[part]) for part in ("train", "valid", "test")] == [4, 2, 4]
    anger = corpus.parts["train"][0]
    np.testing.assert_allclose(anger.target, [0.59, -0.51, 0.25], atol=1e-6)
    _, target = Sequences(corpus, "train", TINY, 2, 100).of([anger])
    assert target.shape == (1, 5, 3)
    named = names(acted)
    assert named.classes == ("anger", "sadness")
    assert {stretch.group for stretch in named.parts["test"]} == {"emodb-15", "emodb-16"}


def test_voice_004_trains_resumes_and_is_used(traced: Path, acted: Path, tmp_path: Path) -> None:
    options = {**OPTIONS, "net": TINY, "lr": 0.01, "batch": 2, "sequence": 6}
    card = rawrecipe.train(traced, tmp_path / "whole", epochs=2, **options)
    rawrecipe.train(traced, tmp_path / "parts", epochs=1, **options)
    again = rawrecipe.train(traced, tmp_path / "parts", epochs=2, **options)
    assert len((tmp_path / "parts" / "work" / "log.jsonl").read_text().splitlines()) == 2
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]
    assert _digest(tmp_path / "parts") == _digest(tmp_path / "whole")
    assert rawrecipe.evaluate(tmp_path / "whole", traced).metrics == card.metrics
    assert {m.name for m in card.metrics} == {
        f"{n} {o}" for n in ("CCC", "Pearson", "RMSE") for o in ("arousal", "valence")
    }
    assert card.command.startswith("mien train voice-004 --data CORPUS --out OUT --set batch=2 --set epochs=2")
    with pytest.raises(
        CorpusError, match="has learnt arousal, valence, and this corpus has arousal, valence, dominance"
    ):
        rawrecipe.evaluate(tmp_path / "whole", acted)
    tracks = _read(tmp_path / "whole", RAW, 22_050)
    assert set(tracks) == {"emotion.raw", "emotion.embedding"}
    reader = load_raw(tmp_path / "whole")
    sound = _sound(22_050)
    values, vectors = reader.read([reader.hear(sound)])
    np.testing.assert_allclose(tracks["emotion.raw"].values[0], values[0], atol=1e-5)
    assert vectors.shape == (1, 4)
    window = Windows(np.zeros(1), 22_050, sound[None], np.array([len(sound)]))
    found = explain_window(reader, window, "arousal", -60.0, None, _Context(None))
    assert found.reading == pytest.approx(float(values[0, 1]), abs=1e-4)
    with pytest.raises(UsageError, match="does not read dominance"):
        explain_window(reader, window, "dominance", -60.0, None, _Context(None))


def test_1d_ser_trains_resumes_and_is_used(acted: Path, tmp_path: Path) -> None:
    options = {**OPTIONS, "lr": 0.01, "batch": 4, "segment": 0.2}
    card = lflbrecipe.train(acted, tmp_path / "whole", epochs=2, **options)
    lflbrecipe.train(acted, tmp_path / "parts", epochs=1, **options)
    again = lflbrecipe.train(acted, tmp_path / "parts", epochs=2, **options)
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]
    assert _digest(tmp_path / "parts") == _digest(tmp_path / "whole")
    assert lflbrecipe.evaluate(tmp_path / "whole", acted).metrics == card.metrics
    assert {m.subset for m in card.metrics} == {"test, segments", "test, recordings"}
    assert "never heard" in card.limits[0]
    assert card.plots[0].data[0]["ece"] == next(m.value for m in card.metrics if m.name == "ECE")
    path = acted / "speech" / "manifest.csv"
    known = path.read_text()
    path.write_text(known.replace(",anger,", ",fear,"))
    with pytest.raises(CorpusError, match=r"labels that training does not know: fear"):
        lflbrecipe.evaluate(tmp_path / "whole", acted)
    path.write_text(known)
    tracks = _read(tmp_path / "whole", LFLB, 16_000)
    assert set(tracks) == {"emotion.named", "emotion.embedding"}
    named = tracks["emotion.named"]
    assert set(named.label) <= {"anger", "sadness"}
    assert (named.score >= 0.5).all()
    assert (named.start.tolist()[0], named.end.tolist()[0]) == (0.5, 1.5)
    reader = load_lflb(tmp_path / "whole")
    chances, _ = reader.read([reader.hear(_sound(16_000)), reader.hear(_sound(16_000)[:5_000])])
    np.testing.assert_allclose(chances.sum(1), 1.0, atol=1e-5)
    config = json.loads((tmp_path / "whole" / "config.json").read_text())
    assert reader.temperature == config["temperature"] != 1.0
    assert f"temperature: {reader.temperature:.4f}" in (tmp_path / "whole" / "CARD.md").read_text()
    (tmp_path / "whole" / "config.json").write_text(json.dumps({**config, "temperature": 1.0}))
    plain, _ = load_lflb(tmp_path / "whole").read([reader.hear(_sound(16_000))])
    assert not np.allclose(plain, chances[:1], atol=1e-6)
    (tmp_path / "whole" / "config.json").write_text(json.dumps({**config, "temperature": 0.0}))
    with pytest.raises(ModelError, match="cannot be read"):
        load_lflb(tmp_path / "whole")
    assert len(reader.hear(np.zeros(100, np.float32))) == 0
    other = lflbrecipe.train(acted, tmp_path / "other", epochs=1, variant="attention", **options)
    assert other.parameters > card.parameters


def test_a_temperature_undoes_overconfidence_of_whole_recordings() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (4000, 4))
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    label = np.array([rng.choice(4, p=row) for row in chance])
    # Two segments of each recording that say the same, three times too surely.
    told = torch.from_numpy(np.repeat(3 * logits, 2, axis=0))
    found = lflbrecipe.fit_temperature(told, np.repeat(np.arange(4000), 2), np.repeat(label, 2))
    assert found == pytest.approx(3.0, rel=0.1)


def test_segments_overlap_by_half_and_have_one_level() -> None:
    found = segments(np.arange(1, 26, dtype=np.float32), 10)
    assert found.shape == (4, 10)
    np.testing.assert_allclose(np.sqrt((found**2).mean(1)), 1, rtol=1e-5)
    np.testing.assert_allclose(found[1] / found[1][0] * 6, np.arange(6, 16), rtol=1e-5)
    assert segments(np.ones(3, np.float32), 10)[0, 3:].any() == False  # noqa: E712


def _digest(folder: Path) -> str:
    return str(json.loads((folder / "config.json").read_text())["sha256"])


def _sound(rate: int) -> np.ndarray:
    return (0.3 * np.random.default_rng(0).standard_normal(2 * rate)).astype(np.float32)


class _Context:
    """As the host's, with one trained model."""

    device = "cpu"

    def __init__(self, folder: Path | None) -> None:
        self._folder, self.rng, self.notes = folder, np.random.default_rng(0), []

    def optional_model(self, name: str) -> Path | None:
        return self._folder

    def note(self, text: str) -> None:
        self.notes.append(text)

    def check_cancelled(self) -> None: ...

    def progress(self, done: float) -> None: ...


def _read(folder: Path | None, model: str, rate: int) -> dict:
    media = MediaInfo(Path("a.wav"), duration=2.0, has_audio=True)
    params = EmotionParams(model=model, gate="energy", window=2.0)
    analyzer, context = EmotionAnalyzer(), _Context(folder)
    assert EMOTION.inputs_for(params)[0].rate == rate
    analyzer.prepare(media, params, context)
    sound = _sound(rate)
    windows = Windows(np.zeros(1), rate, sound[None], np.array([len(sound)]))
    found: dict = {}
    for piece in [*analyzer.process(Block(0.0, 2.0, windows=windows)), *analyzer.finish()]:
        found.setdefault(piece.name, []).append(check_piece(EMOTION, piece, media.duration))
    analyzer.close()
    assert any("fusions leave the voice out" in note for note in context.notes)
    tracks = {name: type(pieces[0]).concat(pieces) for name, pieces in found.items()}
    # The middle of the whole window comes first to be compared.
    curve = tracks.get("emotion.raw")
    if curve is not None:
        middle = int(np.argmin(np.abs(curve.times - 1.0)))
        tracks["emotion.raw"] = type(curve)(curve.name, curve.times[middle:], curve.values[middle:], curve.quantities)
    spans = tracks.get("emotion.named")
    if spans is not None:
        tracks["emotion.named"] = type(spans).of(spans.name, [r for r in spans.rows() if r[0] == 0.5])
    return tracks


def test_they_need_training_first() -> None:
    for model, rate in ((RAW, 22_050), (LFLB, 16_000)):
        with pytest.raises(ModelError, match=f"needs training: make the model with 'mien train {model}"):
            _read(None, model, rate)
    assert "model" not in EmotionParams().model_dump()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(",s4,test", ",s0,test"), "speaker"),
        (lambda text: text.replace(",test,", ",valid,"), "test"),
        (lambda text: text.replace("arousal", "liking[-1..1]"), "no label “arousal”"),
        (lambda text: text.replace("4.wav", "5.wav"), "5.wav"),
    ],
)
def test_what_cannot_be_learnt_from_is_one_sentence(traced: Path, tmp_path: Path, change, said: str) -> None:
    path = traced / "manifest.csv"
    path.write_text(change(path.read_text()))
    with pytest.raises(CorpusError, match=said) as failure:
        rawrecipe.train(traced, tmp_path / "m", epochs=1, net=TINY, **OPTIONS)
    assert "\n" not in str(failure.value)


def test_without_a_corpus_both_say_what_is_missing(acted: Path, tmp_path: Path) -> None:
    for recipe in (rawrecipe, lflbrecipe):
        with pytest.raises(CorpusError, match=r"speech/manifest\.csv"):
            recipe.train(tmp_path / "nothing", tmp_path / "m", **OPTIONS)
    # A class that is tested and never trained on.
    path = acted / "speech" / "manifest.csv"
    path.write_text(path.read_text().replace("150.wav,anger", "150.wav,fear"))
    with pytest.raises(CorpusError, match=r"fear.*never in train"):
        lflbrecipe.train(acted, tmp_path / "m", **OPTIONS)
