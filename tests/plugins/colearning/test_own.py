"""SeqSEW and SEW learn from a user's own manifest: features with a step for each row, and media."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.engine.registry import Registry
from mien.errors import CorpusError, UsageError
from mien.training import job
from mien.training.card import load_model
from mien_plugins.colearning import own

SPLITS = {"train": 4, "valid": 2, "test": 2}
STEPS = 20


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """The voice follows arousal closely, the face loosely; nobody's words are known."""
    rng, folder, rows = np.random.default_rng(0), tmp_path / "own", []
    folder.mkdir()
    mixing = {"audio": rng.normal(size=(1, 6)), "video": rng.normal(size=(1, 9))}
    for split, count in SPLITS.items():
        for number in range(count):
            name = f"{split}{number}"
            arousal = np.sin(np.arange(STEPS) / 3 + rng.uniform(0, 6))
            noise = {"audio": 0.1, "video": 0.7}
            np.savez(
                folder / f"{name}.npz",
                **{m: (arousal[:, None] @ mix + noise[m] * rng.normal(size=(STEPS, mix.shape[1]))).astype("f4")
                   for m, mix in mixing.items()},
            )  # fmt: skip
            rows += [
                [f"{name}.npz", f"{n / 10:.1f}", f"{(n + 1) / 10:.1f}", name, split, f"{a:.4f}" if n else "",
                 "yes" if a > 0 else "no"]
                for n, a in enumerate(arousal)
            ]  # fmt: skip
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        heading = ["path", "start", "end", "speaker", "split", "arousal", "calm{no|yes}"]
        csv.writer(file).writerows([heading, *rows])
    return folder


def train(recipe: str, data: Path, out: Path, **options: Any) -> Any:
    wanted = job.Job(data, out, device="cpu", threads=1, progress=False, options=options)
    return job.train(Registry.load().recipe(recipe), wanted)


@pytest.mark.parametrize("recipe", ["seqsew", "sew"])
def test_a_modality_of_ones_own_teaches_another(features: Path, tmp_path: Path, recipe: str) -> None:
    out = tmp_path / "out"
    card = train(recipe, features, out, weak="face", strong="voice", rounds=3)
    assert [m.name for m in card.metrics] == ["CCC", "Pearson", "RMSE"]
    assert {(m.subset, m.n) for m in card.metrics} == {("test", SPLITS["test"] * (STEPS - 1))}  # the first is not rated
    assert card.data[0].name == "the user's own manifest"
    _, config = load_model(out)
    assert config["training"]["corpus"] == "manifest"
    again = job.evaluate(Registry.load().recipe(recipe), out, features, device="cpu", write=False)
    assert [m.value for m in again.metrics] == [m.value for m in card.metrics]


def test_two_classes_are_learnt_without_a_teacher(features: Path, tmp_path: Path) -> None:
    card = train(
        "seqsew", features, tmp_path / "out", weak="audio", strong="none", target="calm", rounds=12, kind="gru"
    )
    found = {m.name: m.value for m in card.metrics}
    assert set(found) == {"accuracy", "weighted F1"}
    assert found["accuracy"] > 0.8


def test_what_is_absent_is_what_it_is_on_average(features: Path, tmp_path: Path) -> None:
    with np.load(features / "train1.npz") as kept:
        np.savez(features / "train1.npz", audio=kept["audio"])
    found = own.read(features, "arousal", ("voice", "face"), tmp_path, "cpu", test=False)["train"]
    faces = found.features["face"]
    where = found.names.index("train1")
    others = np.concatenate([np.load(features / f"train{n}.npz")["video"] for n in (0, 2, 3)])
    np.testing.assert_allclose(faces[where], np.tile(others.mean(0), (STEPS - 1, 1)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("recipe", "options", "kind", "said"),
    [
        ("seqsew", {"weak": "smell"}, UsageError, "A manifest has no modality 'smell'; it has text, voice, face"),
        ("seqsew", {"weak": "text", "strong": "voice"}, CorpusError, "No recording has a text to read"),
        ("seqsew", {"weak": "face", "strong": "visual"}, UsageError, "face cannot teach itself"),
        ("seqsew", {"weak": "face", "strong": "voice", "target": "joy"}, CorpusError, "no label “joy”"),
        ("sew", {"weak": "face", "strong": "voice", "target": "calm"}, UsageError, "calm holds classes"),
        ("sew", {"weak": "geometric"}, UsageError, "A manifest has no modality 'geometric'"),
    ],
)
def test_what_a_manifest_cannot_give_is_one_sentence(
    features: Path, tmp_path: Path, recipe: str, options: dict[str, str], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        train(recipe, features, tmp_path / "no", **options)
    assert "\n" not in str(caught.value)
