"""The teacher teaches: losses are those of the thesis, a stopped training goes on, the student needs its own modality alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mien.errors import TrainingError
from mien.training.dcca import canonical_correlation
from mien.training.kit import Stage
from mien.training.log import LOG, logged
from mien_plugins.colearning import sew_learn
from mien_plugins.colearning.learn import Plan, StepBrain, StudentBrain, fit, predict, primary_loss
from mien_plugins.colearning.seqsew import Unimodal, UnimodalConfig
from mien_plugins.colearning.sequences import Sequences, batches
from mien_plugins.colearning.sew import Sew, SewConfig
from mien_plugins.colearning.sew_learn import Frames, SewBrain, SewPlan

OPTIONS = {"device": "cpu", "threads": 1, "progress": False}
PLAN = Plan(rounds=3, passes=2, batch=4, rate=3e-3, decoder=6)


def videos(count: int, seed: int, names: str = "v") -> Sequences:
    """The strong modality tells the label; the weak one tells it only together with its neighbours."""
    rng = np.random.default_rng(seed)
    labels = tuple(np.repeat(rng.integers(0, 2, 4), 3)[: 8 + seed % 3].astype(np.float32) for _ in range(count))
    strong = tuple((rng.normal(size=(len(y), 3)) + 3 * (2 * y[:, None] - 1)).astype(np.float32) for y in labels)
    weak = tuple((rng.normal(size=(len(y), 4)) + 0.5 * (2 * y[:, None] - 1)).astype(np.float32) for y in labels)
    return Sequences("tiny", tuple(f"{names}{i}" for i in range(count)), {"strong": strong, "weak": weak}, labels)


TRAIN, VALID = videos(8, 0), videos(3, 1, "w")
TEACHER, STUDENT = UnimodalConfig(3, 1, kind="gru"), UnimodalConfig(4, 1, kind="gru")


def student(folder: Path, plan: Plan, **more: object) -> Unimodal:
    torch.manual_seed(5)
    return fit(
        TRAIN, VALID, "weak", STUDENT, plan, folder, teacher=Unimodal(TEACHER), strong="strong", **OPTIONS, **more
    )  # type: ignore[arg-type]


def test_a_teacher_learns_and_reads(tmp_path: Path) -> None:
    net = fit(TRAIN, VALID, "strong", TEACHER, replace(PLAN, rounds=6, rate=0.02), tmp_path, **OPTIONS)
    said = predict(net, VALID, "strong")
    assert said.shape == VALID.truth().shape
    assert ((said > 0.5) == VALID.truth()).mean() > 0.9


def test_the_last_round_is_kept_where_nothing_is_to_be_chosen(tmp_path: Path) -> None:
    plan = replace(PLAN, rounds=5, rate=0.1)  # so fast that it gets worse
    best = fit(TRAIN, VALID, "weak", STUDENT, plan, tmp_path / "best", **OPTIONS)
    last = fit(TRAIN, VALID, "weak", STUDENT, plan, tmp_path / "last", last=True, **OPTIONS)
    losses = [told["valid"]["bce"] for told in logged(tmp_path / "last" / LOG)]
    assert len(losses) == 5
    assert min(losses) < losses[-1] - 0.1
    for net, loss in ((best, min(losses)), (last, losses[-1])):
        said = torch.from_numpy(predict(net, VALID, "weak"))
        assert float(F.binary_cross_entropy(said, torch.from_numpy(VALID.truth()))) == pytest.approx(loss, abs=0.01)


def test_a_student_goes_on_where_it_was_stopped_and_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    plan = replace(PLAN, alpha=0.1, beta=0.5, noise={"weak": 0.5})
    whole = student(tmp_path / "whole", plan, seed=3)
    student(tmp_path / "parts", replace(plan, rounds=1), seed=3)
    parts = student(tmp_path / "parts", plan, seed=3)
    other = student(tmp_path / "other", plan, seed=4)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value)
    assert not torch.equal(other.classifier.first.weight, whole.classifier.first.weight)
    # It reads without the stronger modality.
    alone = replace(VALID, features={"weak": VALID.features["weak"]})
    np.testing.assert_allclose(predict(parts, alone, "weak"), predict(whole, VALID, "weak"), atol=1e-6)


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.7), (0.0, 0.7), (0.3, 0.0)])
def test_the_students_loss_is_the_sum_of_the_thesis_three(tmp_path: Path, alpha: float, beta: float) -> None:
    plan = replace(PLAN, alpha=alpha, beta=beta)
    torch.manual_seed(1)
    brain = StudentBrain(Unimodal(STUDENT), Unimodal(TEACHER), "weak", "strong", plan, tmp_path, **OPTIONS)
    assert ("decoder" in brain.modules) == (beta > 0)
    brain.modules.eval()
    batch = batches(TRAIN, ["weak", "strong"], 4)[0]
    out = brain.compute_forward(batch, Stage.TRAIN)
    with torch.no_grad():
        loss = float(brain.compute_objectives(out, batch, Stage.TRAIN))
        mask = batch.mask
        expected = float(F.binary_cross_entropy_with_logits(out["out"][mask], batch.y[mask]))
        _, taught = brain.teacher(batch.x["strong"], mask)
        expected -= alpha * float(canonical_correlation(out["m"][mask], taught[mask]))
        if beta:
            guess = brain.modules.decoder(out["m"], mask)[mask]
            expected += beta * float((guess - batch.x["strong"][mask]).abs().mean())
    assert loss == pytest.approx(expected, rel=1e-5)
    # What validation chooses by is the primary loss alone.
    with torch.no_grad():
        assert float(brain.compute_objectives(out, batch, Stage.VALID)) == pytest.approx(
            float(primary_loss(out["out"][mask], batch.y[mask], False)), rel=1e-6
        )
    brain.compute_objectives(brain.compute_forward(batch, Stage.TRAIN), batch, Stage.TRAIN).backward()
    assert all(p.grad is None for p in brain.teacher.parameters())


def test_binary_cross_entropy_has_its_minus_sign() -> None:
    assert float(primary_loss(torch.tensor([3.0, -3.0]), torch.tensor([1.0, 0.0]), False)) == pytest.approx(
        0.0486, abs=1e-3
    )
    assert float(primary_loss(torch.tensor([0.5]), torch.tensor([0.0]), True)) == pytest.approx(0.25)


def test_a_loss_that_is_no_number_is_one_sentence(tmp_path: Path) -> None:
    broken = replace(TRAIN, features=TRAIN.features | {"weak": tuple(x * np.nan for x in TRAIN.features["weak"])})
    with pytest.raises(TrainingError, match="loss became nan at update 0"):
        fit(broken, VALID, "weak", STUDENT, PLAN, tmp_path, **OPTIONS)


def test_a_bounded_net_is_chosen_by_concordance(tmp_path: Path) -> None:
    net = replace(TEACHER, bounded=True)
    brain = StepBrain(Unimodal(net), "strong", PLAN, tmp_path, **OPTIONS)
    assert (brain.metric, brain.mode) == ("ccc", "max")


@pytest.mark.parametrize("off", ["alpha", "beta", "gamma", ""])
def test_sews_loss_is_the_sum_of_its_four(tmp_path: Path, off: str) -> None:
    plan = replace(SewPlan(cca_batch=48, alpha=0.5, beta=0.25, gamma=0.125), **({off: 0.0} if off else {}))
    brain = SewBrain(Sew(SewConfig("a", "b", (5, 4), (6, 3, 4))), plan, tmp_path, **OPTIONS)
    torch.manual_seed(2)
    batch = Frames(torch.randn(48, 5), torch.randn(48, 6), torch.randn(48), 32)
    with torch.no_grad():
        out = brain.compute_forward(batch, Stage.TRAIN)
        loss = float(brain.compute_objectives(out, batch, Stage.TRAIN))
        near = slice(32)
        expected = float(((out.label - batch.y)[near] ** 2).mean())
        expected += plan.alpha * float(((out.from_weak - batch.strong)[near] ** 2).mean())
        expected += plan.beta * float(((out.from_strong - batch.strong)[near] ** 2).mean())
        expected -= plan.gamma * float(canonical_correlation(out.m_strong, out.m_weak))
    assert loss == pytest.approx(expected, rel=1e-5)


def test_sew_learns_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def recordings(count: int) -> Sequences:
        hidden = [np.sin(np.linspace(0, 6, 60))[:, None] * rng.uniform(0.5, 1) for _ in range(count)]
        strong = tuple((h @ np.ones((1, 6)) + 0.1 * rng.normal(size=(60, 6))).astype(np.float32) for h in hidden)
        weak = tuple((h @ np.ones((1, 5)) + 0.3 * rng.normal(size=(60, 5))).astype(np.float32) for h in hidden)
        labels = tuple(h[:, 0].astype(np.float32) for h in hidden)
        return Sequences("tiny", tuple(f"r{i}" for i in range(count)), {"a": weak, "b": strong}, labels)

    train, valid = recordings(4), recordings(2)
    config, plan = SewConfig("a", "b", (5, 4), (6, 4)), SewPlan(rounds=4, updates=25, rate=0.1)
    whole = sew_learn.fit(train, valid, config, plan, tmp_path / "whole", seed=1, **OPTIONS)
    sew_learn.fit(train, valid, config, replace(plan, rounds=2), tmp_path / "parts", seed=1, **OPTIONS)
    parts = sew_learn.fit(train, valid, config, plan, tmp_path / "parts", seed=1, **OPTIONS)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value)
    said = sew_learn.predict(parts, valid, "a")
    assert np.corrcoef(said, valid.truth())[0, 1] > 0.5
