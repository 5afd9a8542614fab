"""`mien evaluate emotion-mtl` on a tiny corpus: what the card has by group, and the device that it is computed on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.engine.registry import Registry
from mien.training import job
from mien.training.card import save_model
from mien_plugins.emotion import hostility
from mien_plugins.emotion.corpus import RATE
from mien_plugins.emotion.features import Recipe
from mien_plugins.emotion.measure import Measure
from mien_plugins.emotion.net import EmotionNet, NetConfig

INFO = Registry.load().recipe("emotion-mtl")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An f1 net of random weights with the settings of a model that was trained."""
    torch.manual_seed(0)
    net = EmotionNet(NetConfig("f1", shared=(8,), branch=170))
    values = np.random.default_rng(0).uniform(-1, 1, (60, 3))
    config = {
        "id": "emotion-mtl", "net": net.config.to_dict(), "features": asdict(Recipe(RATE)), "window": 6.0,
        "lengths": [3.0, 10.0], "folds": 2, "measured": 1, "judged": 2, "repeats": 10, "takes": None, "seed": 0,
        "speakers": ["ravdess-01"], "tested": ["ravdess-17", "ravdess-18", "emodb-15", "emodb-16"], "quick": True,
        "hostility": hostility.fit(values, np.where(values[:, 1] > 0, "angry", "calm")),
        "cross_validation": [], "notes": [],
    }  # fmt: skip
    save_model(tmp_path / "model", net.state_dict(), config)
    return tmp_path / "model"


def test_anger_is_measured_by_corpus_and_by_gender(takes: Path, model: Path) -> None:
    card = job.evaluate(INFO, model, takes, device="cpu", threads=1)
    counted = {(m.name, m.subset): m.n for m in card.metrics}
    for heard in ("windows", "windows in other rooms and noise"):
        for name in ("AUC anger", "ECE anger"):
            whole = counted[name, f"held-out speakers, {heard}"]
            for groups in (("ravdess (English)", "emodb (German)"), ("women", "men")):
                parts = [counted[name, f"held-out speakers, {heard}, {group}"] for group in groups]
                assert sum(parts) == whole > min(parts) > 0
    chance = {m.note.rpartition("; ")[2] for m in card.metrics if m.name == "ECE anger"}
    assert all(note.endswith("by chance alone") for note in chance)
    assert "held-out speakers, windows, emodb (German) | ECE anger" in (model / "CARD.md").read_text()


def test_a_group_in_which_nobody_is_angry_is_left_out(takes: Path) -> None:
    from mien_plugins.emotion.corpus import read_clips
    from mien_plugins.emotion.material import Listener, as_recorded

    clips = [
        c for c in read_clips(takes) if c.speaker == "ravdess-17" or (c.speaker, c.emotion) == ("emodb-15", "boredom")
    ]
    made = Listener(Recipe(RATE), None).collect(as_recorded(clips))
    found = Measure(10).anger_by_group(made, np.linspace(0.2, 0.8, len(made)), "clips")
    assert {m.subset for m in found} == {
        "clips, ravdess (English)",
        f"clips, {'women' if made.gender[0] == 'f' else 'men'}",
    }


def test_it_computes_where_it_is_told_to(takes: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device that keeps shapes and no numbers there is nothing to measure: figures would come from another one."""
    monkeypatch.setattr(job, "_device", lambda name, threads: name)
    with pytest.raises(NotImplementedError, match="meta tensor"):
        job.evaluate(INFO, model, takes, device="meta", write=False)
