"""The fusions that come with Mien, measured again: what their cards say of the test part is so."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mien.models import store
from mien_plugins.emotion.corpus import read_clips
from mien_plugins.face import measure as face_measure
from mien_plugins.face.data import Faces
from mien_plugins.fusion import items as of_corpora
from mien_plugins.fusion import measure, mml_card, mml_data, mml_recipe
from mien_plugins.fusion.draw import Pools
from mien_plugins.fusion.items import MODALITIES, PARTS, Budget
from mien_plugins.fusion.mml_net import Mml
from mien_plugins.fusion.public_model import PublicModel
from mien_plugins.fusion.scaling import subsets

STRATEGIES = ("concat", "self", "residual", "hierarchical", "crossmodal", "intra", "cross", "intra-cross")
AGAIN = (0,)
"""Of the subsets on a card those that are measured again: all three modalities. Each of the others costs as much."""


def figures(folder: Path) -> dict[tuple[str, str, str], float]:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return {(m["subset"], m["name"], m["note"]): m["value"] for m in card["metrics"]}


@pytest.fixture(scope="module")
def tested(shared: Path) -> Pools:
    """The items of the test part alone, embedded anew: training's would take minutes."""
    data, none = shared / "data", (0, 0)
    with np.load(data / "face" / "fer2013.npz") as fer, pytest.MonkeyPatch.context() as patch:
        jpeg, offset, labels = fer["jpeg"], fer["offset"], fer["y"].astype(np.int64)
        rows = np.flatnonzero(fer["usage"] == 1)
        seen = [cv2.imdecode(jpeg[offset[i] : offset[i + 1]], cv2.IMREAD_GRAYSCALE) for i in rows]
        faces = Faces(np.stack(seen), labels[rows])
        nobody = Faces(faces.images[:0], faces.labels[:0])
        corpus = SimpleNamespace(train=nobody, valid=nobody, test=faces, classes=tuple(map(str, fer["classes"])))
        patch.setattr(face_measure, "corpus", lambda _: corpus)
        held = [clip for clip in read_clips(data) if PARTS[of_corpora._part_of(clip.speaker)] == "test"]
        patch.setattr(of_corpora, "read_clips", lambda _: held)
        full = Budget()
        budget = Budget((*none, full.faces[2]), (*none, full.texts[2]))
        makers = {"text": of_corpora.texts, "voice": of_corpora.voices, "face": of_corpora.faces}
        return Pools({name: makers[name](data, budget, "cpu") for name in MODALITIES})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_attention_fusion_reads_the_small_sample_as_its_card_says(
    strategy: str, tested: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store.resolve(f"fusion-{strategy}")
    told, shipped = figures(folder), PublicModel.load(folder)
    kinds = subsets(len(MODALITIES))[list(AGAIN)]
    monkeypatch.setattr(measure, "subsets", lambda _: kinds)
    found = measure.on_sample(shipped.net, tested, 2, shipped.config["moddrop"])
    assert all(metric.n > 200 for metric in found)
    assert len(found) == 5 * len(AGAIN)
    for metric in found:
        # Another processor may add in another order: a run or two may fall to the other side.
        said = told[metric.subset, metric.name, metric.note]
        assert metric.value == pytest.approx(said, abs=0.005), (metric.subset, metric.name)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_attention_fusions_card_has_results_by_corpus_language_and_gender_of_the_voices(strategy: str) -> None:
    card = json.loads((store.resolve(f"fusion-{strategy}") / "card.json").read_text(encoding="utf-8"))
    for name in ("balanced accuracy, emotion", "balanced accuracy, hostile", measure.ECE_HOSTILE):
        runs = {m["subset"]: m["n"] for m in card["metrics"] if m["name"] == name}
        where = measure.CROSS_FITTED if name == measure.ECE_HOSTILE else measure.TESTED
        for groups in (("emodb (German)", "ravdess (English)"), ("men", "women")):
            parts = [runs[f"{where}: text + voice + face, voices of {group}"] for group in groups]
            assert sum(parts) == runs[f"{where}: text + voice + face"] > min(parts) > 0


def test_the_mml_reads_the_small_sample_as_its_card_says(shared: Path) -> None:
    """120 texts and a clip of each test speaker's emotions, embedded anew."""
    folder = store.resolve("fusion-mml")
    told, seed = figures(folder), json.loads((folder / "config.json").read_text(encoding="utf-8"))["seed"]
    material = mml_data.small(shared / "data", mml_recipe.encoders, seed)
    pairs = mml_data.pair(material.said, material.voiced, np.random.default_rng([seed, mml_recipe.TEST_STREAM]))
    found = mml_card.on_sample(Mml.load(folder), material, pairs)
    assert len(pairs) == 360
    assert len(found) == 2 * len(mml_card.SUBSETS)
    for metric in found:
        assert metric.value == pytest.approx(told[metric.subset, metric.name, metric.note], abs=0.005), metric.subset
