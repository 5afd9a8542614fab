"""The face net learns from a user's own pictures: a manifest of faces cut from the demo clip; what cannot be is one sentence."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from mien.engine.registry import Registry
from mien.errors import CorpusError, ModelError, TrainingError, UsageError
from mien.media.crops import crop_face
from mien.models import store
from mien.sdk import Block, CropBatch, FrameBatch
from mien.tracks import Boxes, Curve, Features
from mien.tracks.quantity import EXPRESSIONS
from mien.training import job
from mien.training.card import load_model
from mien.training.manifest import Manifest, Row
from mien.training.manifest_file import read_manifest
from mien.training.stretch import pictures
from mien_plugins.face import own, own_card, recipe
from mien_plugins.face.analyzer import FaceAffect, FaceDetector
from mien_plugins.face.data import plain
from mien_plugins.face.hrnet import HRNetConfig
from mien_plugins.face.info import CROP, MARGIN, AffectParams, DetectParams
from mien_plugins.face.learn import FaceBrain
from mien_plugins.face.net import FaceNetConfig
from mien_plugins.face.own_data import expressions_of, load
from mien_plugins.face.own_faces import FaceFinder
from mien_plugins.face.plan import FULL, QUICK, Plan, own_plan
from mien_plugins.face.reader import ExpressionReader, RatingReader, as_nets_read

DEMO = Path(__file__).resolve().parents[3] / "resources" / "demo" / "demo.mp4"
TINY_NET = FaceNetConfig(
    HRNetConfig(width=4, planes=4, bottlenecks=1, blocks=1, modules=(1, 1), stem=(4, 8), strides=(1, 2), inputs=1), 8
)
TINY = Plan(phases=((1, 32), (1, 48)), fall=1, batch=4, warm_up=2, views=((0, 1.0),), precision="fp32")
HEADING = ["path", "start", "end", "speaker", "split", "emotion", "valence", "arousal"]
SPEAKERS = {"anna": "train", "ben": "train", "cleo": "valid", "dora": "test"}

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_card, "REPEATS", 10)


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people with two sharp faces, which stand for happy ones, and two blurred ones, for sad ones; a clip, a wall."""
    folder = tmp_path_factory.mktemp("album")
    shutil.copy(DEMO, folder / "talk.mp4")
    seen = pictures(Manifest(folder, (), ()), Row("talk.mp4", 0.0, 10.0), 2.0, 200)
    for number, (_, picture) in zip(range(16), seen, strict=False):
        name = f"{list(SPEAKERS)[number // 4]}{number % 4}"
        blurred = cv2.GaussianBlur(picture, (0, 0), 2.5) if number % 2 else picture
        cv2.imwrite(str(folder / f"{name}.{'jpg' if number % 3 else 'png'}"), blurred[:, :, ::-1])
    cv2.imwrite(str(folder / "wall.png"), np.full((120, 160, 3), 90, np.uint8))
    return folder


def rows_of(album: Path) -> list[list[Any]]:
    found = []
    for path in sorted(album.glob("*[0-3].*")):
        sad = int(path.stem[-1]) % 2
        affect = (-0.6, -0.4) if sad else (0.7, 0.5)
        found.append([path.name, "", "", path.stem[:-1], SPEAKERS[path.stem[:-1]], "sad" if sad else "happy", *affect])
    return found


@pytest.fixture
def write(album: Path, tmp_path: Path) -> Write:
    """Writes a manifest of these rows, all of the album's by default, beside its pictures."""

    def manifest(rows: list[list[Any]] | None = None, heading: list[str] | None = None, name: str = "own") -> Path:
        folder = tmp_path / name
        shutil.copytree(album, folder, copy_function=shutil.copy2, dirs_exist_ok=True)
        with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([heading or HEADING, *(rows_of(album) if rows is None else rows)])
        return folder

    return manifest


def train(data: Path, out: Path, **options: Any) -> Any:
    """In miniature, on one small net."""
    options = {
        "start": "scratch",
        "frames": 3,
        "plan": TINY,
        "net": TINY_NET,
        "threads": 1,
        "progress": False,
    } | options
    return recipe.train(data, out, **options)


def test_expressions_are_learnt_from_pictures_and_videos(write: Write, album: Path, tmp_path: Path, host: Any) -> None:
    clip = ["talk.mp4", "11", "0:12.5", "anna", "train", "happy", "", ""]
    wall = ["wall.png", "", "", "ben", "train", "sad", "", ""]
    data, out = write([*rows_of(album), clip, wall]), tmp_path / "out"
    card = train(data, out)
    config = json.loads((out / "config.json").read_text())
    assert (config["id"], config["own"], config["task"]) == ("face-affect", True, "expressions")
    assert config["learnt"]["rows"] == {"train": 9, "valid": 4}
    assert config["learnt"]["faces"] == {"train": 11, "valid": 4}  # three of the clip
    assert config["learnt"]["classes"] == {"happy": 5, "sad": 4}
    assert config["learnt"]["faceless"] == {"train": 1, "valid": 0}
    assert config["learnt"]["people"] == 2
    assert {(m.name, m.subset): m.n for m in card.metrics}["accuracy", "test, rows"] == 4
    written = (out / "CARD.md").read_text()
    assert "no face was found in 1 of 18 rows (row 19 of the manifest)" in written
    assert "11 faces of 9 rows to train on, 4 of 4 to validate, 4 of 4 to test on" in written
    assert "no face that is angry, disgust, fear, surprise, neutral" in written
    assert "mien train face-affect --data DIR --out DIR --set frames=3 --set start=scratch" in written
    assert "The test rows show one person only" in written
    assert "mien models import face-own" in written
    before = sorted(tmp_path.rglob("*"))
    again = job.evaluate(Registry.load().recipe("face-affect"), out, data, device="cpu", write=False)
    assert again.metrics == card.metrics
    assert sorted(tmp_path.rglob("*")) == before  # measuring writes nothing
    # The analyzer reads with it, and embeds with the nets that come with Mien.
    shipped = store.resolve("face-affect")
    rng = np.random.default_rng(0)
    batch = CropBatch(
        np.array([0.2, 0.0]), np.array([1, 1], np.int32), rng.integers(0, 256, (2, CROP, CROP, 3), np.uint8),
        np.zeros((2, 4), np.float32),
    )  # fmt: skip
    analyzer, context = FaceAffect(), host({"face-affect": shipped, "face-own": out})
    analyzer.prepare(None, AffectParams(model="face-own"), context)  # type: ignore[arg-type]
    expression, affect, embedding = analyzer.process(Block(0, 1, crops=batch))
    analyzer.close()
    assert isinstance(expression, Curve)
    assert isinstance(affect, Curve)
    assert isinstance(embedding, Features)
    ours, theirs = (ExpressionReader.load(folder).read(batch.images[::-1]) for folder in (out, shipped))
    np.testing.assert_allclose(expression.values, ours.probability, atol=1e-5)
    np.testing.assert_allclose(affect.values, ours.affect, atol=1e-5)
    np.testing.assert_allclose(embedding.vectors, theirs.embedding, atol=1e-4)
    assert context.notes == ["Expressions are read by face-own, which was trained on own data."]


def test_it_begins_from_the_weights_that_ship(write: Write, tmp_path: Path) -> None:
    data, out = write(), tmp_path / "out"
    options = {"frames": 2, "epochs": 12, "batch": 4}
    wanted = job.Job(data, out, device="cpu", threads=1, progress=False, options=options)
    card = job.train(Registry.load().recipe("face-affect"), wanted)
    assert card.command == "mien train face-affect --data DIR --out DIR --set batch=4 --set epochs=12 --set frames=2"
    assert [source.name for source in card.data] == ["manifest.csv", "FER2013"]
    weights, shipped = (
        load_file(out / "model.safetensors"),
        load_file(store.resolve("face-affect") / "model.safetensors"),
    )
    assert weights.keys() == shipped.keys()
    name = "nets.1.head.weight"
    moved = np.abs(weights[name].astype("f4") - shipped[name].astype("f4"))
    assert 0 < moved.mean() < 0.2 * np.abs(shipped[name].astype("f4")).mean()  # it went on, and did not begin anew
    # Blurred faces are told from sharp ones, which FER2013 teaches nobody.
    assert {(m.name, m.subset): m.value for m in card.metrics}["accuracy", "test, rows"] > 0.5


def test_valence_and_arousal_are_learnt_where_there_are_no_expressions(
    write: Write, album: Path, tmp_path: Path, host: Any
) -> None:
    rows = [[*row[:5], *row[6:]] for row in rows_of(album)]
    data, out = write(rows, [*HEADING[:5], *HEADING[6:]]), tmp_path / "out"
    card = train(data, out)
    config = json.loads((out / "config.json").read_text())
    assert (config["task"], config["outputs"]) == ("affect", ["valence", "arousal"])
    assert {m.name for m in card.metrics} == {f"{n} {o}" for n in ("CCC", "Pearson", "RMSE") for o in config["outputs"]}
    assert "mien models import face-rated" in (out / "CARD.md").read_text()
    assert json.loads((out / "work" / "0" / "log.jsonl").read_text().splitlines()[-1])["valid"].keys() >= {
        "ccc",
        "ccc_arousal",
    }
    assert recipe.evaluate(out, data).metrics == card.metrics
    images = np.random.default_rng(0).integers(0, 256, (2, CROP, CROP, 3), np.uint8)
    batch = CropBatch(np.array([0.0, 0.2]), np.array([1, 1], np.int32), images, np.zeros((2, 4), np.float32))
    shipped = store.resolve("face-affect")
    analyzer = FaceAffect()
    analyzer.prepare(None, AffectParams(model="face-rated"), host({"face-affect": shipped, "face-rated": out}))  # type: ignore[arg-type]
    expression, affect, _ = analyzer.process(Block(0, 1, crops=batch))
    np.testing.assert_allclose(affect.values, RatingReader.load(out).read(images), atol=1e-5)
    assert np.abs(affect.values).max() <= 1
    np.testing.assert_allclose(expression.values, ExpressionReader.load(shipped).read(images).probability, atol=1e-4)
    with pytest.raises(ModelError, match="face-own cannot be read"):  # it knows no expressions
        FaceAffect().prepare(None, AffectParams(model="face-own"), host({"face-affect": shipped, "face-own": out}))  # type: ignore[arg-type]


def test_nothing_is_calibrated_by_faces_that_are_all_read_rightly(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "logits_of", lambda _, faces, *__: 4.0 * np.eye(7)[faces.labels])
    card = train(write(), tmp_path / "out")
    assert load_model(tmp_path / "out")[1]["temperature"] == 1.0
    assert card.calibration["method"].startswith("none: all 4 faces of the validation part are read rightly")


def test_ratings_can_be_asked_for(write: Write, tmp_path: Path) -> None:
    train(write(), tmp_path / "out", task="affect")
    assert load_model(tmp_path / "out")[1]["outputs"] == ["valence", "arousal"]


def test_faces_are_cut_out_as_analyses_do_it(host: Any) -> None:
    manifest = Manifest(DEMO.parent, (), ())
    row = Row(DEMO.name, 1.0, 2.0)
    times, seen = zip(*pictures(manifest, row, DetectParams().rate), strict=True)
    detector = FaceDetector()
    detector.prepare(None, DetectParams(), host())  # type: ignore[arg-type]
    boxes = Boxes.concat([*detector.process(Block(1.0, 2.0, frames=FrameBatch(np.array(times), np.stack(seen))))])
    at = {time: picture for time, picture in zip(times, seen, strict=True)}
    crops = np.stack([
        crop_face(at[time], xywh, CROP, MARGIN, marks)
        for time, xywh, marks in zip(boxes.times.tolist(), boxes.xywh, boxes.landmarks, strict=True)
    ])  # fmt: skip
    found = FaceFinder(100).row(manifest, row)
    assert found.shape == (len(crops), CROP, CROP)
    # The net gets the same of them, but for grey levels rounded to whole numbers.
    torch.testing.assert_close(plain(found, 48), as_nets_read(torch.from_numpy(crops), 48), atol=0.02, rtol=0)


def test_of_two_the_one_whose_face_is_larger_counts(album: Path, tmp_path: Path) -> None:
    large, other = (cv2.imread(str(next(album.glob(f"{name}.*")))) for name in ("anna0", "dora2"))
    small = cv2.resize(other, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    both = np.full((large.shape[0], large.shape[1] + small.shape[1], 3), 90, np.uint8)
    both[: small.shape[0], : small.shape[1]] = small
    both[:, small.shape[1] :] = large
    for name, picture in (("both", both), ("alone", large)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    manifest = Manifest(tmp_path, (), ())
    found, alone = (FaceFinder(8).row(manifest, Row(f"{name}.png")) for name in ("both", "alone"))
    assert found.shape == alone.shape == (1, CROP, CROP)
    assert np.corrcoef(found.ravel(), alone.ravel())[0, 1] > 0.9


def test_a_long_stretch_gives_as_many_faces_as_were_asked_for_from_all_of_it() -> None:
    manifest = Manifest(DEMO.parent, (), ())
    few, many = (FaceFinder(n).row(manifest, Row(DEMO.name, 0.0, 5.0)) for n in (2, 500))
    assert (len(few), len(many) > 20) == (2, True)
    places = [int(np.abs(many.astype(int) - face).sum((1, 2)).argmin()) for face in few]
    assert places[0] == 0
    assert places[1] > len(many) / 2


def test_the_same_seed_gives_the_same_weights_and_a_stopped_training_goes_on(
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stopped_after_an_epoch: Callable[[], AbstractContextManager[None]],
) -> None:
    data = write()
    train(data, tmp_path / "whole")
    with stopped_after_an_epoch():
        train(data, tmp_path / "stopped")
    monkeypatch.setattr(FaceFinder, "_look", None)  # faces that were found are not looked for again
    train(data, tmp_path / "stopped")
    whole, gone_on = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "stopped"))
    assert whole.keys() == gone_on.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(value, gone_on[name], err_msg=name)


def test_words_stand_for_the_seven_expressions(write: Write, album: Path) -> None:
    words = ["Anger", "joy", "sadness", "contempt"]
    rows = [[*row[:5], words[n % 4], "", ""] for n, row in enumerate(rows_of(album))]
    manifest = read_manifest(write(rows, [*HEADING[:5], f"emotion{{{'|'.join(words)}}}", *HEADING[6:]]))
    assert [EXPRESSIONS[c] if c >= 0 else "" for c in expressions_of(manifest, "emotion")[:4]] == [
        "angry",
        "happy",
        "sad",
        "",
    ]
    corpus = load(manifest, "expressions", "emotion", FaceFinder(1))
    assert corpus.other == 4
    assert corpus.told == "Left out: 4 rows show an emotion that is none of the seven."
    assert sum(len(part.rows) for part in corpus.parts.values()) == 12


def changed(part: str, /, **cells: Any) -> Callable[[list[list[Any]]], list[list[Any]]]:
    """Other cells in the rows of one part; an empty split is one that nothing uses."""

    def change(rows: list[list[Any]]) -> list[list[Any]]:
        return [
            [cells.get(name, old) for name, old in zip(HEADING, row, strict=True)] if row[4] == part else row
            for row in rows
        ]

    return change


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (changed("valid", split=""), {}, "The part “valid” has no row with emotion"),
        (changed("valid", emotion=""), {}, "The part “valid” has no row with emotion"),
        (changed("valid", speaker="anna"), {}, "must not share a speaker, and anna is on both sides"),
        (changed("test", emotion="fear"), {}, "the class “fear” of emotion is in test but never in train"),
        (changed("test", path="wall.png"), {}, "No face was found in any row of the part “test”"),
        (changed("train", path="", start="", end=""), {}, "names no recording and has no text"),
        (changed("train", valence="nan"), {"task": "affect"}, "nan"),
        (changed("valid", valence=""), {"task": "affect"}, "The part “valid” has no row with valence and arousal"),
        (lambda rows: rows, {"label": "mood"}, "There is no label “mood”"),
        (lambda rows: rows, {"label": "valence"}, "The column valence holds numbers"),
        (lambda rows: [["talk.mp4", 900, 901, "anna", "train", "sad", "", ""], *rows], {}, "Row 2"),
        (lambda rows: [["broken.png", "", "", "anna", "train", "sad", "", ""], *rows], {}, "Row 2: this is no picture"),
        (lambda rows: [["sound.wav", "", "", "anna", "train", "sad", "", ""], *rows], {}, "Row 2: "),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_from_is_one_sentence(
    write: Write, album: Path, tmp_path: Path, change: Any, options: dict[str, Any], said: str
) -> None:
    data = write(change(rows_of(album)))
    (data / "broken.png").write_bytes(b"no picture")
    (data / "sound.wav").write_bytes(b"no sound")
    with pytest.raises((CorpusError, UsageError)) as caught:
        train(data, tmp_path / "out", **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_a_word_that_nothing_is_known_of_is_named(write: Write, album: Path, tmp_path: Path) -> None:
    rows = [[*row[:5], "hapy" if row[5] == "happy" else "sad", "", ""] for row in rows_of(album)]
    data = write(rows, [*HEADING[:5], "emotion{hapy|sad}", *HEADING[6:]])
    with pytest.raises(CorpusError, match="Row 2: the class “hapy” of emotion is unknown here; known are angry, "):
        train(data, tmp_path / "out")


def test_a_class_whose_faces_were_not_found_in_training_is_named(write: Write, album: Path, tmp_path: Path) -> None:
    rows = [["wall.png", *row[1:]] if row[4] == "train" and row[5] == "sad" else row for row in rows_of(album)]
    with pytest.raises(CorpusError, match="the class “sad” of emotion is in valid but never in train"):
        train(write(rows), tmp_path / "out")


def test_a_loss_that_is_not_finite_is_one_sentence(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FaceBrain, "compute_objectives", lambda *_: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(TrainingError, match="the loss became nan"):
        train(write(), tmp_path / "out")


def test_other_rows_to_measure_on(write: Write, album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    train(write(), out)
    only_test = [row for row in rows_of(album) if row[4] == "test"]
    assert recipe.evaluate(out, write(only_test, name="later")).metrics
    with pytest.raises(
        CorpusError, match="shows fear, of which the model has seen no face in training; it knows happy, sad"
    ):
        recipe.evaluate(out, write(changed("test", emotion="fear")(only_test), name="fear"))
    with pytest.raises(CorpusError, match=r"There is no manifest\.csv"):
        recipe.evaluate(out, tmp_path)


def test_options_of_own_data_need_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"frames is an option of trainings on a manifest of one's own"):
        recipe.train(tmp_path, tmp_path / "out", frames=3)


def test_a_published_net_learns_own_faces_from_random_weights(write: Write, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"The weights that come with Mien are those of face-w16; w18 begins from random ones"
    ):
        train(write(), tmp_path / "no", start="shipped", hrnet="w18")
    small = replace(TINY, phases=((1, 64),))
    card = train(write(name="again"), tmp_path / "out", hrnet="w18", side=64, net=None, plan=small)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["net"]["hrnet"]["width"], config["size"]) == (18, 64)
    assert "--set hrnet=w18 --set side=64" in card.command


@pytest.mark.parametrize(("model", "task"), [("face-own", ""), ("face-rated", " --set task=affect")])
def test_a_model_that_was_not_trained_yet_says_how(host: Any, model: str, task: str) -> None:
    with pytest.raises(ModelError, match=f"face.affect.model={model} needs training: .*--out OUT{task}'"):
        FaceAffect().prepare(None, AffectParams(model=model), host({"face-affect": store.resolve("face-affect")}))  # type: ignore[arg-type]


def test_runs_of_before_keep_their_keys() -> None:
    assert AffectParams().model_dump() == {"batch": 64}
    assert AffectParams(model="face-own").model_dump() == {"batch": 64, "model": "face-own"}


@pytest.mark.parametrize("quick", [False, True])
def test_how_long_own_data_is_learnt(quick: bool) -> None:
    begun, scratch = own_plan(True, quick), own_plan(False, quick)
    assert begun.side == scratch.side == 48
    assert begun.epochs == (4 if quick else 20)
    assert begun.rate < scratch.rate
    assert scratch.phases == (QUICK if quick else FULL).phases
    for epochs in (1, 2, 7):
        assert own_plan(True, quick, epochs).epochs == own_plan(False, quick, epochs).epochs == epochs
