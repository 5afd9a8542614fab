"""The classical pipeline on a tiny folder of clips: trained, saved plainly, measured, resumed, used in the application."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from mien.errors import CorpusError, ModelError
from mien.sdk import AudioChunk, Block, FrameBatch, MediaInfo, Windows
from mien.tracks import Spans
from mien.training.card import load_model
from mien.training.manifest_file import read_manifest
from mien.training.manifest_write import write_manifest
from mien_plugins.classical import models, recipe
from mien_plugins.classical.analyzer import VoteAnalyzer
from mien_plugins.classical.info import VoteParams
from mien_plugins.classical.material import extract
from mien_plugins.classical.model import load
from mien_plugins.corpora import hate

OPTIONS: dict[str, Any] = {"progress": False, "image": 8, "audio": 4, "text": 4, "folds": 2}


def clip(path: Path, hateful: bool, seed: int) -> None:
    """Half a second: dark and low, or bright and high, with noise."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        voice = container.add_stream("aac", rate=22_050, layout="mono")
        for _ in range(5):
            image = rng.integers(0, 60, (64, 64, 3), np.uint8)
            image[:32] += np.uint8(150 if hateful else 0)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(picture.encode())
        t = np.arange(11_025) / 22_050
        wave = 0.3 * np.sin(2 * np.pi * (2500 if hateful else 300) * t) + 0.02 * rng.standard_normal(t.size)
        for start in range(0, t.size, 1024):
            frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024].astype(np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 22_050, start
            container.mux(voice.encode(frame))
        container.mux(voice.encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty clips of ten videos, half of them with the placeholder of a slur in their words; parted by the adapter."""
    root = tmp_path_factory.mktemp("clips")
    lines = ["file,text"]
    for n in range(10):
        for part in (1, 2):
            hateful = bool(n % 2)
            name = f"{'hate' if hateful else 'no_hate'}/talk{n}_{part}.mp4"
            clip(root / name, hateful, 10 * n + part)
            lines.append(f"{name},{'slur-word everywhere' if hateful else 'lovely garden'} number {n}")
    (root / "transcripts.csv").write_text("\n".join(lines) + "\n")
    write_manifest(hate.read(root), root / "manifest.csv")
    return root


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "_REPEATS", 10)


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Any]]:
    out = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "_REPEATS", 10)
        yield out, recipe.train(folder, out, **OPTIONS)


def test_it_learns_reports_and_is_read_again(folder: Path, trained: tuple[Path, Any]) -> None:
    out, card = trained
    values = {(m.subset, m.name): m.value for m in card.metrics}
    for subset in ("test", "cross-validation"):
        for name in models.NAMES:
            for modality in ("image", "audio", "text", "vote"):
                assert {f"{what}, {name}, {modality}" for what in ("precision", "recall", "F1")} <= {
                    n for s, n in values if s == subset
                }
    assert values["test", "F1, lr, vote"] == 1.0
    assert values["cross-validation", "F1, nb, vote"] == 1.0
    again = recipe.evaluate(out, folder)
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]
    (folder / "other").mkdir()
    lines = ["text,split,hate{yes|no}", "slur-word everywhere,test,yes", "lovely garden,test,no"]
    (folder / "other" / "manifest.csv").write_text("\n".join(lines) + "\n")  # the classes in another order
    other = {m.name: m.value for m in recipe.evaluate(out, folder / "other").metrics if m.subset == "test"}
    assert other["F1, lr, text"] == other["F1, lr, vote"] == 1.0
    assert "F1, lr, image" not in other
    facts = json.loads((out / "card.json").read_text())
    assert facts["command"] == (
        "mien train classical-vote --data DIR --out OUT --set image=8 --set audio=4 --set text=4 --set folds=2"
    )
    assert not [path.name for path in out.rglob("*") if path.suffix in (".pkl", ".joblib", ".pickle")]
    tensors, config = load_model(out)
    assert "image/svm/vectors" in tensors
    assert config["modalities"] == ["image", "audio", "text"]


def test_the_same_seed_gives_the_same_model_and_resumes(
    folder: Path, trained: tuple[Path, Any], tmp_path: Path
) -> None:
    out, _ = trained
    kept = sorted((out / "work").glob("features-*.npz"))
    assert len(kept) == 1
    other = tmp_path / "again"
    before = kept[0].stat().st_mtime_ns
    recipe.train(folder, other, work=out / "work", **OPTIONS)
    assert kept[0].stat().st_mtime_ns == before  # features were taken from there
    assert json.loads((other / "config.json").read_text()) == json.loads((out / "config.json").read_text())
    kept[0].write_bytes(b"cut short")
    again = extract(read_manifest(folder), 2.0, out / "work")
    assert len(again.frames) == 20
    assert kept[0].stat().st_size > 1000


def test_modalities_may_be_missing(folder: Path, tmp_path: Path) -> None:
    manifest = read_manifest(folder)
    lines = ["text,split,group,hate{no|yes}"]
    lines += [f"{row.text},{row.split},{row.group},{row.labels[0]}" for row in manifest.rows]
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    recipe.train(tmp_path, tmp_path / "m", **OPTIONS)
    model, config = load(tmp_path / "m")
    assert config["modalities"] == ["text"]
    material = extract(read_manifest(tmp_path), 2.0)
    votes = model.votes("lr", material)
    assert (votes[:, :2] == -1).all()
    assert (model.read("lr", material) == votes[:, 2]).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("text,split,hate{no|yes}\na,train,no\nb,test,no\nc,valid,no\n", "all of one class"),
        ("text,split,hate{no|yes}\na,train,no\nb,test,yes\nc,valid,no\n", "in test but never in train"),
        ("text,split,hate{no|yes}\na,train,no\nb,test,no\n", "part “valid” has no row with hate"),
        ("text,split,mood{a|b|c}\na,train,a\n", "no label “hate”"),
        ("text,split,hate{a|b|c}\na,train,a\n", "tells two classes apart"),
        (
            "text,split,speaker,hate{no|yes}\na,train,s,no\nb,test,s,no\nc,valid,t,no\n",
            "must not share a speaker, and s",
        ),
        ("path,split,hate{no|yes}\nno.mp4,train,no\nno2.mp4,test,no\nno3.mp4,valid,no\n", "Row 2: "),
    ],
)
def test_what_cannot_be_learnt_from_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    for name in ("no.mp4", "no2.mp4", "no3.mp4"):
        (tmp_path / name).write_text("no medium")
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(CorpusError, match=said):
        recipe.train(tmp_path, tmp_path / "m", **OPTIONS)


class Context:
    def __init__(self, folder: Path) -> None:
        self.folder, self.notes = folder, []

    def model(self, name: str) -> Path:
        assert name == "classical-vote"
        return self.folder

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_the_application_votes_on_stretches(folder: Path, trained: tuple[Path, Any]) -> None:
    out, _ = trained
    analyzer, context = VoteAnalyzer(), Context(out)
    media = MediaInfo(folder / "x.mp4", has_audio=True, has_video=True)
    analyzer.prepare(media, VoteParams(window=2.0), context)  # type: ignore[arg-type]
    t = np.arange(2 * 22_050) / 22_050
    sounds = np.stack([0.3 * np.sin(2 * np.pi * f * t) for f in (2500, 300)]).astype(np.float32)
    images = np.zeros((4, 64, 64, 3), np.uint8) + 30
    images[:2, :32] = 180
    said = Spans(
        "speech.transcript", np.array([0.2, 2.2]), np.array([1.5, 3.0]), ("", ""), ("slur-word everywhere", "lovely garden"),
        np.array([1, 1], np.float32), ("", ""),
    )  # fmt: skip
    block = Block(
        0.0,
        3.5,
        audio=AudioChunk(0.0, 22_050, sounds[0]),
        windows=Windows(np.array([0.0, 2.0]), 22_050, sounds, np.array([44_100, 30_000])),
        frames=FrameBatch(np.array([0.0, 1.0, 2.0, 3.0]), images),
        tracks={"speech.transcript": (said,)},
    )
    assert list(analyzer.process(block)) == []
    (spans,) = analyzer.finish()
    analyzer.close()
    assert isinstance(spans, Spans)
    assert spans.label == ("hate", "no hate")
    assert spans.text == ("image: hate, audio: hate, text: hate", "image: no hate, audio: no hate, text: no hate")
    assert spans.start.tolist() == [0.0, 2.0]
    assert spans.end.tolist() == [2.0, 3.5]
    assert spans.score.tolist() == [1.0, 0.0]
    assert "Voted by" in context.notes[0]
    empty = VoteAnalyzer()
    empty.prepare(media, VoteParams(), context)  # type: ignore[arg-type]
    assert list(empty.finish()) == []


def test_the_vote_keeps_no_pictures_and_no_words_are_lost(trained: tuple[Path, Any], folder: Path) -> None:
    out, _ = trained
    analyzer, context = VoteAnalyzer(), Context(out)
    media = MediaInfo(folder / "x.mp4", has_audio=True, has_video=True)
    analyzer.prepare(media, VoteParams(window=2.0), context)  # type: ignore[arg-type]
    images = np.zeros((400, 64, 64, 3), np.uint8)
    images[:, :32] = 180
    for n in range(3):
        tracemalloc.start()
        times = 200.0 * n + np.arange(400) / 2
        list(analyzer.process(Block(200.0 * n, 200.0 * (n + 1), frames=FrameBatch(times, images))))
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert n == 0 or kept < 200_000  # 400 pictures of 2,500 bytes are a million
    # Its middle lies in a stretch of which nothing else was heard or seen.
    late = Spans(
        "speech.transcript", np.array([599.0]), np.array([602.0]), ("",), ("slur-word",), np.ones(1, np.float32), ("",)
    )
    list(analyzer.process(Block(600.0, 602.0, tracks={"speech.transcript": (late,)})))
    (spans,) = analyzer.finish()
    assert isinstance(spans, Spans)
    assert spans.start.tolist() == [2.0 * n for n in range(301)]
    assert spans.text[-2:] == ("image: hate", "text: hate")


@pytest.mark.parametrize(
    "change",
    [
        lambda config, arrays: config.pop("chosen"),
        lambda config, arrays: config.update(chosen="guess"),
        lambda config, arrays: config.update(classes=["no"]),
        lambda config, arrays: config.update(terms=config["terms"][1:]),
        lambda config, arrays: config.update(modalities=["image", "smell"]),
        lambda config, arrays: arrays["image/places"].__setitem__(0, 2500),
        lambda config, arrays: arrays["audio/places"].__setitem__(0, -1),
        lambda config, arrays: arrays.update({"text/scale": arrays["text/scale"][1:]}),
        lambda config, arrays: arrays["image/dt/left"].__setitem__(slice(None), 0),
    ],
)
def test_a_model_of_numbers_that_cannot_be_is_one_sentence(
    trained: tuple[Path, Any], tmp_path: Path, change: Any
) -> None:
    tensors, config = load_model(trained[0])
    arrays = {name: value.numpy().copy() for name, value in tensors.items()}
    config.pop("sha256")
    change(config, arrays)
    recipe.save_model(tmp_path, {name: torch.from_numpy(value) for name, value in arrays.items()}, config)
    with pytest.raises(ModelError, match="train it anew") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_damaged_part_of_the_features_is_made_anew(folder: Path, tmp_path: Path) -> None:
    manifest = read_manifest(folder)
    whole = extract(manifest, 2.0, tmp_path)
    (part,) = tmp_path.glob("features-*.npz")
    part.write_bytes(part.read_bytes()[:-200])
    again = extract(manifest, 2.0, tmp_path)
    np.testing.assert_array_equal(again.frames, whole.frames)


def test_a_damaged_model_is_one_sentence(trained: tuple[Path, Any], tmp_path: Path) -> None:
    out, _ = trained
    (tmp_path / "config.json").write_text((out / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="damaged"):
        load(tmp_path)


def test_it_is_listed_with_the_command_until_it_is_trained(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    from mien.cli.app import run

    assert run(["plugins", "classical.vote"]) == 0
    assert "needs training: mien train classical-vote --data DIR --out" in capsys.readouterr().out
    assert run(["analyze", str(folder / "hate/talk1_1.mp4"), "--plugins", "classical.vote", "--fusion", "none"]) != 0
    told = capsys.readouterr()
    assert "train it first with: mien train classical-vote" in told.err + told.out
