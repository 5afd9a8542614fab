"""CMU-MOSI's utterance features and RECOLA's feature tables: read in the right order, refused when they are not right."""

from __future__ import annotations

import csv
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.errors import CorpusError
from mien_plugins.colearning import mosi, recola
from mien_plugins.colearning.sequences import Batch, Scale, add_noise, batches

TEN = (
    "7JsX8y1ysxY", "8OtFthrtaJM", "Oz06ZWiO20M", "Qr1Ca94K55A", "VbQk4H8hgr0",
    "_dI--eQ6qVU", "bOL9jKpeJRs", "cXypl4FnoZo", "d3_k5Xpfmik", "wMbj6ajWbic",
)  # fmt: skip


def test_the_parts_are_those_of_the_thesis(shared: Path) -> None:
    splits = mosi.read(shared / "data")
    parts = (splits.train, splits.valid, splits.test)
    assert [(len(part), part.steps()) for part in parts] == [(52, 1151), (10, 296), (31, 752)]
    assert splits.valid.names == TEN
    assert [splits.train.size(m) for m in ("text", "acoustic", "visual")] == [100, 73, 100]
    assert int(splits.test.truth().sum()) == 467


def test_features_and_floor_are_those_of_the_literature(shared: Path) -> None:
    """SEEDS §14: what a logistic regression reads off them, and what a constant answer scores."""
    from mien_plugins.colearning.table_unimodal import floor

    found = floor(shared / "data")
    for modality, low, high, f1_low, f1_high in (
        ("text", 75.4, 76.1, 75.5, 76.1), ("acoustic", 54.3, 56.0, 54.9, 56.6), ("visual", 51.9, 52.9, 52.5, 53.3),
    ):  # fmt: skip
        assert low - 1 <= found[f"{modality} accuracy"] <= high + 1
        assert f1_low - 1 <= found[f"{modality} weighted_f1"] <= f1_high + 1
    assert found["always positive accuracy"] == pytest.approx(62.1, abs=0.05)
    assert found["always positive weighted_f1"] == pytest.approx(47.6, abs=0.05)


def test_utterances_stand_in_the_order_they_were_spoken_in(mosi_folder: Path) -> None:
    splits = mosi.read(mosi_folder)
    assert [(len(p), p.steps()) for p in (splits.train, splits.valid, splits.test)] == [(2, 59), (10, 296), (3, 24)]
    for part in (splits.train, splits.valid, splits.test):
        for arrays in part.features.values():
            for video in arrays:
                assert list(video[:, 0]) == [2 * k + 1 for k in range(len(video))]
    assert mosi.read(mosi_folder).valid.names == splits.valid.names
    assert not set(splits.train.names) & set(splits.valid.names)


def test_standardised_by_the_training_part(mosi_folder: Path) -> None:
    splits = mosi.read(mosi_folder)
    scale = Scale.of(splits.train)
    rows = np.concatenate(scale(splits.train).features["acoustic"])
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std(0), 1, atol=1e-5)
    again = Scale.from_dict("acoustic", scale.to_dict("acoustic"))
    np.testing.assert_array_equal(again.mean["acoustic"], scale.mean["acoustic"])


def test_noise_leaves_the_variance_and_the_padding(mosi_folder: Path) -> None:
    splits = mosi.read(mosi_folder)
    batch = batches(Scale.of(splits.train)(splits.valid), ["text", "visual"], 32)[0]
    assert not batch.mask.all()
    noisy = add_noise(batch, {"text": 5.0}, torch.Generator().manual_seed(1))
    assert torch.equal(noisy.x["visual"], batch.x["visual"])
    assert not noisy.x["text"][~batch.mask].any()
    assert float(noisy.x["text"][batch.mask].std()) == pytest.approx(1.0, abs=0.1)
    assert isinstance(noisy.to("cpu"), Batch)


def rewrite(folder: Path, name: str, change: Callable[[list[list[str]]], list[list[str]]]) -> None:
    path = folder / "mosi" / f"{name}.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = change(list(csv.reader(file)))
    with gzip.open(path, "wt", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("audio_train", None, "misses audio_train.csv"),
        ("transcripts", lambda rows: rows[:20], "transcripts.csv ends at 19"),
        ("video_test", lambda rows: rows[:-1], "visual 23"),
        ("audio_test", lambda rows: [[*r[:-1], "1"] for r in rows], "labels of audio_test.csv are not those"),
        ("text_train", lambda rows: [["nan", *r[1:]] for r in rows], "355 values that are no numbers"),
        ("text_train", lambda rows: [[*rows[0][:-1], "word"]], "must hold numbers"),
        ("rows_test", lambda rows: [], "must have a row for each item"),
        ("rows_train", lambda rows: [[str(355 + i % 24), *r[1:]] for i, r in enumerate(rows)], "share videos: test-0"),
    ],
)
def test_what_is_not_the_corpus_is_refused(mosi_folder: Path, tmp_path: Path, name: str, change, said: str) -> None:
    shutil.copytree(mosi_folder, tmp_path / "corpora")
    if change is None:
        (tmp_path / "corpora" / "mosi" / f"{name}.csv.gz").unlink()
    else:
        rewrite(tmp_path / "corpora", name, change)
    with pytest.raises(CorpusError, match=said):
        mosi.read(tmp_path / "corpora")


def test_unseen_labels_are_refused(mosi_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(mosi_folder, tmp_path / "corpora")
    for name in ("text_test", "audio_test", "video_test"):
        rewrite(tmp_path / "corpora", name, lambda rows: [[*r[:-1], "2"] for r in rows])
    with pytest.raises(CorpusError, match="labels that training does not know: 2"):
        mosi.read(tmp_path / "corpora")


def test_other_videos_have_no_ten_of_that_size() -> None:
    with pytest.raises(CorpusError, match="No 2 training videos"):
        mosi.validation_videos({"a": 1, "b": 2, "c": 3}, videos=2, total=9)


def test_recola_is_read_and_cut(recola_folder: Path) -> None:
    splits = recola.read(recola_folder, "arousal", ("audio", "appearance"))
    assert splits["train"].names == ("train_1", "train_2", "train_10")
    assert splits["valid"].names == ("dev_1", "dev_2")
    assert [a.shape for a in splits["valid"].features["audio"]] == [(160, 88)] * 2
    pieces = recola.cut(splits["train"], hop=recola.TRAIN_HOP)
    assert len(pieces) == 3 * 4
    assert {len(y) for y in pieces.labels} == {75}
    # Pieces of one person are no independent evidence: intervals are drawn over recordings.
    assert pieces.groups().tolist() == np.repeat([0, 1, 2], 4 * 75).tolist()
    # 5 min at 25 a second: 298 pieces of 3 s each second (SEEDS §12), 100 side by side.
    whole = recola.cut(splits["train"].take(["train_1"]), 20, 20)
    np.testing.assert_array_equal(np.concatenate(whole.features["audio"]), splits["train"].features["audio"][0])


def test_a_delay_moves_the_ratings(recola_folder: Path) -> None:
    now, later = (recola.read(recola_folder, "arousal", ("audio",), delay)["valid"].labels[0] for delay in (0, 0.4))
    np.testing.assert_allclose(later[:-10], now[10:], atol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: shutil.rmtree(f / "features_audio"), "features of audio in a folder of their own"),
        (lambda f: (f / "features_audio" / "dev_2.arff").unlink(), "no audio features of dev_2"),
        (lambda f: (f / "ratings_gold_standard/arousal/dev_1.arff").write_text("@data\nx,0.0\n"), "all of one length"),
        (lambda f: [p.unlink() for p in (f / "ratings_gold_standard/arousal").glob("dev*")], "valid split of RECOLA"),
        (lambda f: (f / "features_audio" / "dev_1.arff").write_text("@data\nx,0.0,a\n"), "Line 2 should read"),
        (lambda f: (f / "features_audio" / "dev_1.arff").write_text("@data\nx,9.0,1\nx,9.04,1\n"), "of other times"),
        (lambda f: (f / "features_audio" / "dev_1.arff").write_text("@data\nx,nan,1\nx,0.04,1\n"), "are no numbers"),
        (lambda f: (f / "ratings_gold_standard/arousal/dev_1.arff").write_text("@data\nx,1,0\nx,0,0\n"), "must rise"),
    ],
)
def test_what_is_not_recola_is_refused(recola_folder: Path, tmp_path: Path, spoil, said: str) -> None:
    shutil.copytree(recola_folder, tmp_path / "corpora")
    spoil(tmp_path / "corpora" / "recola")
    with pytest.raises(CorpusError, match=said):
        recola.read(tmp_path / "corpora", "arousal", ("audio",))
