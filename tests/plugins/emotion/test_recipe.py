"""The recipe from clips to card, in miniature."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from mien.engine.registry import Registry
from mien.errors import ParameterError
from mien.models.store import problems
from mien.training import job
from mien.training.card import save_model, sha256_of
from mien_plugins.emotion import hostility, recipe
from mien_plugins.emotion import plan as plans
from mien_plugins.emotion.corpus import RATE, TEST_SPEAKERS, folds, read_clips
from mien_plugins.emotion.features import Recipe
from mien_plugins.emotion.joint import JointConfig
from mien_plugins.emotion.logmel import LogMel
from mien_plugins.emotion.material import (
    CLIP,
    NOISY_CLIP,
    Listener,
    Material,
    as_recorded,
    in_other_rooms,
    merge,
    strung,
)
from mien_plugins.emotion.net import EmotionNet, NetConfig
from mien_plugins.emotion.plan import END_TO_END, Plan, paper_plan
from mien_plugins.emotion.protocol import Contender, anger
from mien_plugins.emotion.reader import NAMES, load
from mien_plugins.emotion.recipe import train
from mien_plugins.emotion.spectral import SpectralConfig
from mien_plugins.emotion.training import Epoch, FitConfig, fit, predict
from mien_plugins.emotion.windows import disturb, groups, trim
from mien_plugins.fusion.calibration import Logistic

TINY = SpectralConfig(channels=(4, 4, 8, 8), width=8, shared=16)
JOINT = Contender(
    JointConfig(
        (replace(TINY, view="level", colour=0, branch=60), replace(TINY, branch=60), NetConfig(shared=(8,), branch=50)),
        (0.4, 0.3, 0.3),
    ),
    replace(END_TO_END, epochs=1),
)
TOY = Plan(
    contenders=(JOINT,),
    baseline=False,
    across=True,
    folds=2,
    copies=1,
    disturbed=1,
    clean=1,
    calibrated=1,
    measured=1,
    judged=2,
    repeats=20,
    speakers=("ravdess-01", "ravdess-02", "emodb-03", "emodb-08"),
    tested=("ravdess-17", "emodb-15"),
    takes=1,
)
LISTENER = Listener(Recipe(RATE), LogMel())


def test_training_gives_a_model_with_a_card_and_goes_on_where_it_was(shared, tmp_path):
    work = tmp_path / "w"
    options = {"plan": TOY, "work": work, "progress": False, "threads": 1}
    train(shared / "data", tmp_path / "a", **options)
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    card = json.loads((tmp_path / "a" / "card.json").read_text())
    assert len(config["hostility"]["coef"]) == len(hostility.TERMS) == 9
    assert Logistic.read(tmp_path / "a").channels == ("valence", "arousal", "dominance")  # as fusions read it
    counted = {m["subset"]: m["n"] for m in card["metrics"] if m["name"] == "ECE anger"}
    judged, calibrated = (
        sum(count * (1 if g[0].intensity and g[0].emotion != "neutral" else 2) for g in groups(own))
        for count, own in (
            (2, [c for c in read_clips(shared / "data") if c.speaker in TOY.tested]),
            (2 * 1, [c for c in read_clips(shared / "data") if c.speaker in TOY.speakers]),  # clean and disturbed
        )
    )
    groups_of = {s: {g: n for g, n in counted.items() if g.startswith(f"{s}, ")} for s in counted}
    within = {g for parts in groups_of.values() for g in parts}
    assert sorted(n for s, n in counted.items() if s not in within) == sorted([judged, judged, calibrated])
    for whole in (s for s, parts in groups_of.items() if parts and s not in within):
        own = {g.removeprefix(f"{whole}, "): n for g, n in groups_of[whole].items()}
        assert own["ravdess (English)"] + own["emodb (German)"] == own["men"] == counted[whole] == judged
    assert card["sha256"] == config["sha256"]
    assert {"CCC valence", "CCC arousal", "CCC dominance", "ECE anger"} <= {m["name"] for m in card["metrics"]}
    assert any(m["subset"].startswith("never seen") for m in card["metrics"])
    assert not set(config["speakers"]) & set(TEST_SPEAKERS)
    assert "CC BY-NC-SA" in (tmp_path / "a" / "CARD.md").read_text()
    assert (tmp_path / "a" / "reliability.svg").is_file()
    net = load(tmp_path / "a").net.config
    assert replace(net, mix=None, naming=None) == JOINT.net
    assert len(net.mix.shares) == 4  # three nets, and what they name
    assert len(net.naming.weights) == 3
    assert problems(tmp_path / "a") == []
    told = (tmp_path / "a" / "CARD.md").read_text()
    assert "10 emotions" in told
    assert sha256_of(tmp_path / "a" / NAMES) in told
    logs = sorted(work.rglob("log.jsonl"))
    before = [log.read_text() for log in logs]
    train(shared / "data", tmp_path / "b", **options)
    assert [log.read_text() for log in logs] == before
    assert json.loads((tmp_path / "b" / "config.json").read_text())["sha256"] == config["sha256"]


def test_the_quick_form(takes, tmp_path, monkeypatch):
    """What `mien train emotion-mtl --quick` does, with its own plan scaled down to two nets of one epoch each."""
    whole, short = Plan(), plans.QUICK
    assert max(c.fit.epochs for c in short.contenders) < max(c.fit.epochs for c in whole.contenders) / 4
    assert (short.folds, short.baseline, short.across) == (2, False, False)
    own, _ = short.contenders
    first = Contender(replace(own.net, shared=(8,), branch=50), replace(own.fit, epochs=1))
    fewer = dict.fromkeys(("copies", "disturbed", "calibrated", "measured"), 1)
    who = {"speakers": TOY.speakers, "tested": TOY.tested}
    small = replace(short, contenders=(first, JOINT), judged=2, repeats=20, **fewer, **who)
    monkeypatch.setattr(recipe, "QUICK", small)
    monkeypatch.setattr(recipe, "Plan", None)  # the full one is not there to be taken
    wanted = job.Job(takes, tmp_path / "model", quick=True, device="cpu", threads=1, progress=False)
    card = job.train(Registry.load().recipe("emotion-mtl"), wanted)
    assert card.command.endswith("--out resources/models/emotion-mtl --quick")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert (config["quick"], config["folds"]) == (True, 2)
    told = {m.subset for m in card.metrics}
    assert all(any(f"cross-validation, {c.name}" in subset for subset in told) for c in small.contenders)
    assert not any(subset.startswith("never seen") for subset in told)
    reader = load(tmp_path / "model")
    (clip, *_) = read_clips(takes)
    values, _ = reader.read([reader.hear(trim(clip.samples))])
    assert np.isfinite(values).all()


def test_the_nets_of_the_paper_can_be_trained_and_loaded(shared, tmp_path):
    clips = [c for c in read_clips(shared / "data") if c.speaker in ("emodb-03", "emodb-08")][::4]
    material = LISTENER.collect(as_recorded(clips))
    for representation in ("f1", "f2"):
        config = NetConfig(representation, shared=(32, 16))
        net = fit(material, material, config, FitConfig(epochs=1), tmp_path / representation, progress=False)
        save_model(tmp_path, net.state_dict(), {"net": config.to_dict(), "features": asdict(LISTENER.features)})
        reader = load(tmp_path)
        values, vectors = reader.read([reader.hear(trim(clip.samples)) for clip in clips])
        np.testing.assert_allclose(values, predict(net, material), atol=1e-4)
        assert vectors.shape == (len(clips), 510)


@pytest.mark.parametrize(("representation", "count"), [("f1", 333_055), ("f2", 959_743)])
def test_the_paper_s_settings(representation, count):
    """136 or 1,360 numbers, 512 and 256 shared units, three branches of 170; epochs, rates and weights as it tuned them."""
    plan = paper_plan(representation, weights=(None, 0.3, None))
    (own,) = plan.contenders
    assert sum(p.numel() for p in EmotionNet(own.net).parameters()) == count
    tuned = own.fit
    assert tuned.loss == "paper"
    alpha = {"f1": 0.2, "f2": 0.1}[representation]
    assert tuned.weights == (alpha, 0.3, 0.2)
    found = (tuned.epochs, tuned.batch, tuned.rate, tuned.falls, tuned.decay)
    assert found == {"f1": (30, 32, 1e-4, 0.99, 1e-7), "f2": (18, 128, 1e-3, 0.96, 1e-9)}[representation]
    assert not plan.across


def test_the_paper_s_nets_are_trained_by_their_own_loss(shared, tmp_path):
    clips = [c for c in read_clips(shared / "data") if c.speaker in ("emodb-03", "emodb-08")][::4]
    material = LISTENER.collect(as_recorded(clips))
    options = {"progress": False, "threads": 1}
    config = replace(paper_plan("f2").contenders[0].fit, epochs=2, batch=8)
    for name in ("a", "b"):
        fit(material, material, NetConfig("f2", shared=(8,)), config, tmp_path / name, **options)
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("a", "b")]
    rows = [[json.loads(line) for line in log] for log in logs]
    assert [row["train_loss"] for row in rows[0]] == [row["train_loss"] for row in rows[1]]
    np.testing.assert_allclose([row["lr"] for row in rows[0]], [1e-3, 0.96e-3])
    with pytest.raises(ParameterError, match="net=f1"):
        train(shared / "data", tmp_path / "m", alpha=0.1, progress=False)


def test_material_is_repeatable_and_says_whose_it_is(shared):
    clips = [c for c in read_clips(shared / "data") if c.speaker == "emodb-03"][:8]
    one, two = (
        merge(LISTENER.collect(as_recorded(clips)), LISTENER.collect(in_other_rooms(clips, 2, [5]))) for _ in range(2)
    )
    np.testing.assert_array_equal(one.frames, two.frames)
    np.testing.assert_array_equal(one.mid, two.mid)
    assert one.mid.shape[1:] == (10, 136)
    assert len(one.of(CLIP)) == 8
    assert len(one.of(NOISY_CLIP)) == 16
    assert set(one.corpus) == {"emodb"}
    assert set(one.gender) == {"m"}
    assert set(one.language) == {"de"}
    assert one.of(NOISY_CLIP).clip.tolist() == [n for n in range(8) for _ in range(2)]


def test_material_survives_the_disk(shared, tmp_path):
    clips = [c for c in read_clips(shared / "data") if c.speaker == "emodb-03"][:3]
    made = merge(LISTENER.collect(as_recorded(clips)), LISTENER.collect(as_recorded(clips[:1])))
    made.save(tmp_path / "m.npz")
    back = Material.load(tmp_path / "m.npz")
    assert back is not None
    np.testing.assert_array_equal(back.heard(3), made.heard(0))
    assert back.emotion.tolist() == made.emotion.tolist()


@pytest.mark.parametrize("count", [2, 16, 17, 18, 33])
def test_an_epoch_has_every_sound_once_and_no_batch_of_one(shared, count):
    clips = [c for c in read_clips(shared / "data") if c.speaker in ("emodb-03", "emodb-08")][:count]
    order = Epoch(LISTENER.collect(as_recorded(clips)), FitConfig(batch=16), shuffled=True)
    batches = list(order)
    assert len(batches) == len(order)
    assert min(len(b) for b in batches) > 1
    assert sorted(row for batch in batches for row in batch) == list(range(count))


def test_windows_have_the_lengths_asked_for(shared):
    clips = [c for c in read_clips(shared / "data") if c.speaker == "emodb-03"]
    for sound, *_ in strung(clips, (3.0, 3.0), 1, [0], disturbed=True):
        assert len(sound) == 3 * RATE


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
    p = hostility.probability(np.array(list(centres.values())), hostility.fit(values, emotion))
    assert p[0] > 0.9 > 0.1 > max(p[1:])


def test_anger_is_a_region_not_half_of_the_space():
    """Between two other emotions that lie on both sides of it no plane parts anger from them."""
    rng = np.random.default_rng(0)
    centres = {"angry": 0.0, "surprised": 0.6, "disgust": -0.6}
    emotion = np.array([name for name in centres for _ in range(200)])
    values = rng.normal(0, 0.1, (600, 3)) + np.array([[centres[e], 0.5, 0.2] for e in emotion])
    p = hostility.probability(np.array([[at, 0.5, 0.2] for at in centres.values()]), hostility.fit(values, emotion))
    assert p[0] > 0.9 > 0.1 > max(p[1:])


def test_the_calibration_of_an_older_model_is_that_of_before():
    """Its attributes were the only terms, and their names stood under "of"."""
    older = {"coef": [-2.679476, 5.057224, 6.420265], "intercept": -5.709587, "of": ["valence", "arousal", "dominance"]}
    values = np.random.default_rng(0).uniform(-1, 1, (50, 3)).astype(np.float32)
    score = values.astype(np.float64) @ np.array(older["coef"]) + older["intercept"]
    np.testing.assert_allclose(hostility.probability(values, older), 1 / (1 + np.exp(-score)), rtol=1e-12)


def test_corpora_weigh_the_same_in_what_is_angry():
    """In the large corpus every second one is angry, in the small one nobody is; the readings say nothing."""
    values = np.random.default_rng(0).normal(size=(1000, 3))
    emotion = np.where(np.arange(1000) % 2, "angry", "sad")
    emotion[900:] = "sad"
    corpus = np.array(["large"] * 900 + ["small"] * 100)
    means = []
    for weighed in (None, corpus):
        means.append(hostility.probability(values, hostility.fit(values, emotion, weighed)).mean())
    assert means == pytest.approx([0.45, 0.25], abs=0.03)


def test_anger_is_measured_by_what_was_fitted_on_other_speakers():
    speaker = np.repeat([f"{c}-{i:02d}" for c in "ab" for i in range(4)], 50)
    emotion = np.resize(np.array(["angry", "happy", "sad"]), 400)
    values = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32) + (emotion == "angry")[:, None]
    fields = {name: np.zeros(400) for name in Material.__dataclass_fields__}
    fields |= {"speaker": speaker, "gender": np.array(["f"] * 400), "emotion": emotion}
    score = anger(Material(**fields), values, 2)
    first, _ = folds(dict.fromkeys(np.unique(speaker).tolist(), "f"), 2)
    unheard = np.isin(speaker, first)
    renamed = emotion.copy()
    renamed[unheard] = np.roll(renamed[unheard], 1)
    again = anger(Material(**(fields | {"emotion": renamed})), values, 2)
    np.testing.assert_array_equal(again[unheard], score[unheard])
    assert not np.allclose(again[~unheard], score[~unheard])
