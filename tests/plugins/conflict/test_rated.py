"""Corpora of rated conversations, on tiny copies of their layouts: read, split, trained on, measured, used."""

from __future__ import annotations

import csv
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mien.errors import CorpusError, ModelError
from mien.sdk import Aligned, Block, MediaInfo
from mien.sdk import Windows as SoundWindows
from mien.tracks import Spans
from mien.training.kit import RecipeBrain
from mien_plugins.conflict.analyzer import ConflictAnalyzer
from mien_plugins.conflict.calibrate import probability
from mien_plugins.conflict.corpora import read_rated
from mien_plugins.conflict.info import HOSTILE, INFO, RATED, ConflictParams
from mien_plugins.conflict.net import SAMPLES
from mien_plugins.conflict.rated import Plan, Windows, evaluate, train
from mien_plugins.fusion.calibration import Calibration, Logistic
from mien_plugins.fusion.info import READS

RATE = 8_000


def _sound(path: Path, level: float, seconds: float, seed: int) -> None:
    """Two voices' worth of buzz: the higher the level, the more they overlap."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    t = np.arange(int(RATE * seconds)) / RATE
    one = np.sign(np.sin(2 * np.pi * 110 * t)) * (np.sin(2 * np.pi * 0.4 * t) > -0.2)
    other = np.sign(np.sin(2 * np.pi * 190 * t)) * (np.sin(2 * np.pi * 0.4 * t + np.pi * (1 - level)) > 0)
    sound = 0.3 * one + 0.3 * level * other + 0.01 * rng.standard_normal(len(t))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((sound * 20_000).astype("<i2").tobytes())


@pytest.fixture
def glasgow(tmp_path: Path) -> Path:
    """Nine clips in three folds, rated in per cent."""
    root = tmp_path / "glasgow"
    rows = []
    for number in range(9):
        level = (number % 3) / 2
        _sound(root / "Audio" / f"talk {number}.wav", level, 4.0, number)
        rows.append([f"talk {number}.wav", f"{100 * level:g}", str(number // 3 + 1)])
    with (root / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["File name", "Rating", "Fold"], *rows])
    return root


@pytest.fixture
def sspnet(tmp_path: Path) -> Path:
    """Two clips of each of eight debates, the recordings in a folder of their own."""
    root = tmp_path / "sspnet"
    rows = []
    for debate in range(8):
        for clip in range(2):
            name, level = f"06-04-{debate + 10}_{300 + 30 * clip}_{330 + 30 * clip}", debate / 3.5 - 1
            _sound(root / "audiodata" / f"{name}.wav", (level + 1) / 2, 1.0, debate)
            rows.append([name, f"{10 * level:.2f}"])
    with (root / "conflictlevel.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return root


def test_sspnet_is_split_by_debate(sspnet: Path) -> None:
    corpus = read_rated(sspnet)
    assert corpus.name == "SSPNet Conflict"
    assert sum(map(len, corpus.parts.values())) == 16
    groups = [{clip.group for clip in clips} for clips in corpus.parts.values()]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    by_name = {clip.path.stem: clip.rating for clips in corpus.parts.values() for clip in clips}
    assert by_name["06-04-10_300_330"] == -1.0
    assert by_name["06-04-17_330_360"] == 1.0
    assert read_rated(sspnet) == corpus


def test_a_heading_and_the_names_endings_do_not_matter(sspnet: Path) -> None:
    path = sspnet / "conflictlevel.csv"
    plain = read_rated(sspnet)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("clip;level\n" + "".join(f"{name}.wav;{level}\n" for name, level in lines))
    assert read_rated(sspnet) == plain


def test_glasgow_is_split_by_its_folds(glasgow: Path) -> None:
    corpus = read_rated(glasgow)
    assert {part: {clip.group for clip in clips} for part, clips in corpus.parts.items()} == {
        "train": {"1"}, "valid": {"2"}, "test": {"3"},
    }  # fmt: skip
    assert [clip.rating for clip in corpus.parts["train"]] == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "metadata.csv").write_text("File name,Rating\na,1\n"), "column 'Fold' is missing"),
        (lambda root: (root / "metadata.csv").write_text(""), "no rows"),
        (lambda root: (root / "Audio" / "talk 4.wav").unlink(), r"not there; expected at: .*talk 4\.wav"),
        (lambda root: (root / "metadata.csv").unlink(), "no rated corpus here"),
        (lambda root: (root / "metadata.csv").write_text("File name,Rating,Fold\ntalk 0.wav,many,1\n"), "no rating"),
        (lambda root: (root / "metadata.csv").write_text("File name,Rating,Fold\ntalk 0.wav,50,1\n"), "1 folds cannot"),
        (lambda root: (root / "metadata.csv").write_bytes(b"File name,Rating,Fold\n\xff\xfe"), "has 1 cells"),
    ],
)
def test_what_is_wrong_with_a_corpus_is_one_sentence(glasgow: Path, change, said: str) -> None:
    change(glasgow)
    with pytest.raises(CorpusError, match=said) as failure:
        read_rated(glasgow)
    assert "\n" not in str(failure.value)


def test_a_manifest_of_ones_own_is_read(glasgow: Path) -> None:
    rows = "".join(
        f"Audio/talk {n}.wav,0.5,2.5,{('train', 'valid', 'test')[n % 3]},s{n},{1 + n % 5}\n" for n in range(9)
    )
    (glasgow / "manifest.csv").write_text("path,start,end,split,speaker,conflict[1..5]\n" + rows)
    corpus = read_rated(glasgow)
    assert {part: len(clips) for part, clips in corpus.parts.items()} == {"train": 3, "valid": 3, "test": 3}
    assert [clip.rating for clip in corpus.parts["train"]] == [-1.0, 0.5, -0.5]
    assert len(corpus.parts["train"][0].samples()) == 2 * RATE
    (glasgow / "manifest.csv").write_text("path,conflict\nAudio/talk 0.wav,0\n")
    with pytest.raises(CorpusError, match="part “train” has no row with conflict"):
        read_rated(glasgow)


def test_windows_are_whole_padded_and_in_a_new_order(glasgow: Path, tmp_path: Path) -> None:
    _sound(glasgow / "Audio" / "talk 0.wav", 0.5, 70.0, 0)
    clips = read_rated(glasgow).parts["train"]
    windows = Windows(clips, 2, training=True)
    assert windows.clip == [0, 0, 1, 2]  # 70 s are two windows; ten seconds more are less than half of one
    first = [batch.intensity.tolist() for batch in (windows[i] for i in range(len(windows)))]
    assert windows[0].x.shape == (2, 240_000)
    orders = set()
    for epoch in range(4):
        windows.epoch = epoch
        orders.add(str([windows[i].intensity.tolist() for i in range(len(windows))]))
    assert len(orders) > 1
    assert str(first) in orders


def test_trains_measures_and_is_used(glasgow: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    options = {"threads": 1, "progress": False}
    card = train(glasgow, out, plan=Plan(epochs=1, batch=3), **options)
    assert card.id == RATED
    assert "Glasgow" in card.task
    assert {m.name for m in card.metrics} >= {
        *("Pearson", "RMSE", "ECE of P(intensity > 0)", "ECE of P(intensity > 0.5)")
    }
    assert len(card.plots[0].data) == 2
    again = train(glasgow, out, plan=Plan(epochs=1, batch=3), **options)  # goes on: nothing is left to do
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]
    assert evaluate(out, glasgow).metrics == card.metrics
    facts = json.loads((out / "card.json").read_text())
    assert facts["command"] == "mien train conflictnet-rated --data CORPUS --out OUT"

    class Context:
        device = "cpu"

        def check_cancelled(self) -> None:
            """Nobody cancels."""

        def model(self, name: str) -> Path:
            raise AssertionError(name)

        def optional_model(self, name: str) -> Path | None:
            return folder if name == RATED else None

    promised = {
        model: {w.name for w in INFO.outputs_for(ConflictParams(model=model))} for model in ("simulated", "rated")
    }
    assert promised["rated"] - promised["simulated"] == {HOSTILE}
    assert HOSTILE in READS
    folder: Path | None = out
    analyzer = ConflictAnalyzer()
    analyzer.prepare(MediaInfo(Path("a.wav"), has_audio=True), ConflictParams(model="rated"), Context())  # type: ignore[arg-type]
    assert analyzer._net is not None
    sound = np.sign(np.sin(np.arange(2 * SAMPLES) * 0.1)).astype(np.float32).reshape(2, SAMPLES) * 0.1
    sound[1, ::7] = 0.3
    windows_ = SoundWindows(np.array([0.0, 3.0]), RATE, sound, np.full(2, SAMPLES, np.int32))
    spoken = {"speech.voice": (Spans.of("speech.voice", [(0.0, 33.0, "speech")]),)}
    pieces = [*analyzer.process(Block(0.0, 40.0, windows=windows_, tracks=spoken)), *analyzer.finish()]
    read = {
        name: np.concatenate([p.values[:, 0] for p in pieces if p.name == name])
        for name in ("conflict.intensity", HOSTILE)
    }
    config = json.loads((out / "config.json").read_text())
    np.testing.assert_allclose(
        read[HOSTILE], probability(read["conflict.intensity"].astype(float), config["hostility"]), atol=1e-6
    )
    # The late fusion takes that probability, and not what the net that ships would make of another net's reading.
    times = np.array([15.0, 18.0])
    grid = Aligned(
        times, 3.0, {name: values[:, None] for name, values in read.items()},
        {"conflict.intensity": ("conflict",), HOSTILE: ("hostility",)}, dict.fromkeys(read, np.ones(2, bool)),
        dict.fromkeys(read, "conflict"),
    )  # fmt: skip
    calibration = Calibration.__new__(Calibration)
    calibration._logistic = {"conflict": Logistic(("conflict",), (9.0,), -9.0)}
    modalities, said = calibration.probabilities(grid)
    assert modalities == ("conflict",)
    np.testing.assert_allclose(said[:, 0], read[HOSTILE])
    folder = None
    with pytest.raises(ModelError, match="mien train conflictnet-rated"):
        analyzer.prepare(MediaInfo(Path("a.wav"), has_audio=True), ConflictParams(model="rated"), Context())  # type: ignore[arg-type]


def test_a_stopped_training_goes_on_to_the_same_end(
    glasgow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, options = Plan(epochs=2, batch=3), {"threads": 1, "progress": False}
    train(glasgow, tmp_path / "whole", plan=plan, seed=3, **options)
    close, done = RecipeBrain._close_epoch, []

    def stop(self: RecipeBrain, epoch: int) -> None:
        close(self, epoch)
        done.append(epoch)
        raise KeyboardInterrupt

    monkeypatch.setattr(RecipeBrain, "_close_epoch", stop)
    with pytest.raises(KeyboardInterrupt):
        train(glasgow, tmp_path / "cut", plan=plan, seed=3, **options)
    monkeypatch.setattr(RecipeBrain, "_close_epoch", close)
    train(glasgow, tmp_path / "cut", plan=plan, seed=3, **options)
    assert done == [1]
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "cut"))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_from_scratch_is_the_thesis_net(glasgow: Path, tmp_path: Path) -> None:
    card = train(glasgow, tmp_path / "m", plan=Plan(epochs=1, batch=3), start="scratch", threads=1, progress=False)
    assert card.command.endswith("--set start=scratch")
    assert "RAVDESS" not in card.licence
    assert json.loads((tmp_path / "m" / "config.json").read_text())["start"] == "scratch"
