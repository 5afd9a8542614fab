"""The recipe from clips to card, in miniature."""

import json

import numpy as np
import pytest

from mien_plugins.emotion import hostility
from mien_plugins.emotion.analyzer import load
from mien_plugins.emotion.corpus import RATE, read_clips
from mien_plugins.emotion.features import Recipe
from mien_plugins.emotion.recipe import main
from mien_plugins.emotion.windows import WindowSet, collect, disturb, merge, trim


def test_quick_training_gives_a_model_with_a_card(shared, tmp_path):
    main(["--data", str(shared / "data"), "--out", str(tmp_path), "--quick", "--work", str(tmp_path / "w")])
    net, features = load(tmp_path)
    assert features.rate == 16000
    assert not net.training
    config = json.loads((tmp_path / "config.json").read_text())
    card = json.loads((tmp_path / "card.json").read_text())
    assert len(config["hostility"]["coef"]) == 3
    assert card["sha256"] == config["sha256"]
    assert {"CCC valence", "CCC arousal", "CCC dominance", "ECE anger"} <= {m["name"] for m in card["metrics"]}
    assert "CC BY-NC-SA" in (tmp_path / "CARD.md").read_text()
    main(
        ["--data", str(shared / "data"), "--out", str(tmp_path), "--quick", "--work", str(tmp_path / "w")]
    )  # goes on where it was: at the end
    assert json.loads((tmp_path / "config.json").read_text())["sha256"] == config["sha256"]


def test_windows_are_as_asked_and_repeatable(shared):
    clips = [c for c in read_clips(shared / "data") if c.speaker == "emodb-03"][:8]
    made = [collect(clips, Recipe(RATE), (3.0, 3.0), 1, seed=[5], disturbed=True) for _ in range(2)]
    np.testing.assert_array_equal(made[0].mid, made[1].mid)
    assert made[0].mid.shape[1:] == (10, 136)
    assert set(made[0].speaker) == {"emodb-03"}
    assert len(merge(*made).rows) == 2 * len(made[0].rows)


def test_window_sets_survive_the_disk(tmp_path):
    rng = np.random.default_rng(0)
    kept = WindowSet(
        rng.random((4, 2, 136), np.float32), np.full(4, 2), rng.random((4, 3), np.float32),
        np.array(["a", "b", "c", "d"]), np.array(["sad"] * 4),
    )  # fmt: skip
    kept.save(tmp_path / "w.npz")
    back = WindowSet.load(tmp_path / "w.npz")
    np.testing.assert_array_equal(back.mid, kept.mid)
    assert back.emotion.tolist() == kept.emotion.tolist()


def test_trim_and_disturb_keep_the_speech():
    rng = np.random.default_rng(0)
    speech = rng.standard_normal(16000).astype(np.float32)
    silent = np.zeros(16000, np.float32)
    assert len(trim(np.concatenate([silent, speech, silent]))) == pytest.approx(16000 * 1.2, abs=900)
    for _ in range(20):
        out = disturb(speech, rng)
        assert out.shape == speech.shape
        assert np.isfinite(out).all()
        assert np.abs(out).max() > 0


def test_hostility_learns_the_corner_of_anger():
    rng = np.random.default_rng(0)
    centres = {"angry": (-0.5, 0.6, 0.3), "sad": (-0.6, -0.3, -0.3), "happy": (0.8, 0.5, 0.5)}
    emotion = np.array([name for name in centres for _ in range(100)])
    values = np.array([centres[e] for e in emotion]) + rng.normal(0, 0.1, (300, 3))
    coef, intercept = hostility.fit(values, emotion)
    p = hostility.probability(np.array(list(centres.values())), coef, intercept)
    assert p[0] > 0.9 > 0.1 > max(p[1:])
