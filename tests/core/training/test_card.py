"""Cards: both files say the same, and hold what was measured."""

import json

import torch

from mien.evaluation.metrics import bootstrap_ci, ccc
from mien.training.card import Card, DataSource, Metric, save_model, sha256_of, write_card


def test_a_figure_that_is_not_to_be_had_leaves_the_card_whole(tmp_path):
    """After hours of training an interval that cannot be drawn is no reason to have no card."""
    save_model(tmp_path, {"w": torch.zeros(3)}, {})
    nothing = float("nan")
    card = Card(
        id="line", title="A line", task="Fits.", licence="MIT", data=(), split="", seeds=(0,), limits=(), command="x",
        metrics=(Metric("CCC", 0.5, nothing, nothing, 1), Metric("F1", nothing, nothing, nothing, 1)),
    )  # fmt: skip
    write_card(tmp_path, card)
    facts = json.loads((tmp_path / "card.json").read_text())
    assert [(m["value"], m["low"], m["high"]) for m in facts["metrics"]] == [(0.5, None, None), (None, None, None)]
    text = (tmp_path / "CARD.md").read_text()
    assert "| 0.500 | – … – |" in text
    assert "nan" not in text


def test_card_has_figures_licences_and_hash(tmp_path):
    save_model(tmp_path, {"w": torch.zeros(3)}, {})
    interval = bootstrap_ci(ccc, [0.0, 1.0, 2.0, 3.0], [0.0, 1.1, 2.2, 2.7], repeats=50)
    card = Card(
        id="line", title="A line", task="Fits a line.", licence="CC BY-NC-SA 4.0",
        data=(DataSource("RAVDESS", "CC BY-NC-SA 4.0", "training", "Livingstone & Russo 2018"),),
        split="by speaker", seeds=(0,), metrics=(Metric.of("CCC arousal", interval, n=4),),
        limits=("Acted speech only.",), command="python -m line", calibration={"ECE": 0.02}, parameters=3,
    )  # fmt: skip
    write_card(tmp_path, card)
    facts = json.loads((tmp_path / "card.json").read_text())
    text = (tmp_path / "CARD.md").read_text()
    assert facts["sha256"] == sha256_of(tmp_path / "model.safetensors")
    # `mien evaluate` writes it anew: the day is that of the measurement, whenever the model was trained.
    assert f"| measured | {facts['created']} |" in text
    assert "| trained |" not in text
    assert facts["metrics"][0]["value"] == interval.value
    for part in (
        "CC BY-NC-SA 4.0",
        f"{interval.value:.3f}",
        facts["sha256"],
        "Acted speech only.",
        "python -m line",
    ):
        assert part in text
