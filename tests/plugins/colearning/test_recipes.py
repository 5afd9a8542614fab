"""`mien train seqsew` and `mien train sew` as a user gives them, on tiny corpora."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mien.training.card import load_model


def train(recipe: str, data: Path, out: Path, *more: object) -> list[object]:
    return ["train", recipe, "--data", data, "--out", out, "--device", "cpu", "--threads", 1, "--quick", *more]


def metrics(folder: Path) -> dict[str, float]:
    return {m["name"]: m["value"] for m in json.loads((folder / "card.json").read_text())["metrics"]}


def test_seqsew_on_mosi(command, mosi_folder: Path, tmp_path: Path) -> None:
    code, out, err = command(*train("seqsew", mosi_folder, tmp_path / "a", "--set", "weak=visual"))
    assert code == 0, err
    assert "weighted F1" in out
    assert "epoch 2 of 2" in err
    _, config = load_model(tmp_path / "a")
    assert config["net"]["size"] == 4
    assert config["training"]["strong"] == "text"
    assert "--quick --set weak=visual" in json.loads((tmp_path / "a" / "card.json").read_text())["command"]
    # The same seed gives the same figures; the model reads on without text and without its teacher.
    assert command(*train("seqsew", mosi_folder, tmp_path / "b", "--set", "weak=visual", "--quiet"))[0] == 0
    assert metrics(tmp_path / "b") == metrics(tmp_path / "a")
    code, again, err = command(
        "evaluate", tmp_path / "a", "--data", mosi_folder, "--device", "cpu", "--json", "--no-card"
    )
    assert code == 0, err
    assert {m["name"]: m["value"] for m in json.loads(again)["metrics"]} == metrics(tmp_path / "a")


def test_seqsew_and_sew_on_recola(command, recola_folder: Path, tmp_path: Path) -> None:
    options = ["--set", "corpus=recola", "--set", "weak=audio", "--set", "strong=none", "--set", "kind=dense"]
    code, out, err = command(*train("seqsew", recola_folder, tmp_path / "a", *options))
    assert code == 0, err
    assert "CCC" in out
    options = ["--set", "weak=audio", "--set", "strong=appearance", "--set", "cca_batch=64"]
    code, out, err = command(*train("sew", recola_folder, tmp_path / "b", *options, "--quiet"))
    assert code == 0, err
    assert set(metrics(tmp_path / "b")) == {"CCC", "Pearson", "RMSE"}
    _, config = load_model(tmp_path / "b")
    assert config["net"] == [88, 108, 168]
    assert (
        command("evaluate", tmp_path / "b", "--data", recola_folder, "--device", "cpu", "--quiet", "--no-card")[0] == 0
    )


@pytest.mark.parametrize(
    ("recipe", "options", "code", "said"),
    [
        ("seqsew", ["weak=smell"], 2, "mosi has no modality 'smell'; it has text, acoustic, visual"),
        ("seqsew", ["weak=text"], 2, "text cannot teach itself"),
        ("seqsew", ["corpus=recola"], 2, "recola has no modality 'acoustic'"),
        ("seqsew", ["corpus=recola", "weak=audio", "strong=none"], 10, "RECOLA keeps the ratings in a folder"),
        ("sew", [], 10, "sew learns from recola or manifest.csv or manifest.parquet, which is not"),
        ("sew", ["weak=audio"], 10, "sew learns from recola"),
        ("seqsew", ["alpha=-1"], 2, "alpha"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    command, mosi_folder: Path, tmp_path: Path, recipe: str, options: list[str], code: int, said: str
) -> None:
    settings = [part for option in options for part in ("--set", option)]
    got, out, err = command(*train(recipe, mosi_folder, tmp_path / "m", *settings, "--quiet"))
    assert (got, out) == (code, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_sew_refuses_to_let_a_modality_teach_itself(command, recola_folder: Path, tmp_path: Path) -> None:
    code, _, err = command(*train("sew", recola_folder, tmp_path / "m", "--set", "weak=audio"))
    assert code == 2
    assert "audio cannot teach itself" in err


def test_features_of_another_width_are_refused(command, mosi_folder: Path, tmp_path: Path) -> None:
    assert command(*train("seqsew", mosi_folder, tmp_path / "m", "--set", "strong=none", "--quiet"))[0] == 0
    shutil.copytree(mosi_folder, tmp_path / "other")
    for part in ("train", "test"):  # sound as wide as text
        shutil.copy(mosi_folder / "mosi" / f"text_{part}.csv.gz", tmp_path / "other" / "mosi" / f"audio_{part}.csv.gz")
    code, _, err = command("evaluate", tmp_path / "m", "--data", tmp_path / "other", "--quiet")
    assert code == 10
    assert "acoustic features of CMU-MOSI has the shape 8 × 4, but any × 3 is needed" in err
