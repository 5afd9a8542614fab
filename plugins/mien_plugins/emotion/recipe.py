"""Trains and measures the emotion model: `python -m mien_plugins.emotion.recipe --data DIR --out DIR`.

Windows are made and their features kept in a work folder; both representations are cross-validated by
speaker, the better one is trained on all development speakers, anger is calibrated on the cross-validated
predictions, and the speakers set aside are measured once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mien.training.card import Card, Metric, save_model, write_card
from mien_plugins.emotion import hostility, report
from mien_plugins.emotion.analyzer import load
from mien_plugins.emotion.corpus import RATE, TEST_SPEAKERS, Clip, folds, read_clips
from mien_plugins.emotion.features import Recipe
from mien_plugins.emotion.info import EmotionParams
from mien_plugins.emotion.net import EmotionNet, NetConfig
from mien_plugins.emotion.training import FitConfig, Floats, fit, predict
from mien_plugins.emotion.windows import ROWS, VERSION, WindowSet, collect, collect_clips, merge

RECIPE = "emotion-mtl"
REPRESENTATIONS: tuple[Literal["f1", "f2"], ...] = ("f1", "f2")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """Sizes of a training. disturbed, clean, measured: windows per group of clips.

    lengths: shortest and longest window in s; window: length that is measured and is the analyzer's default.
    """

    lengths: tuple[float, float] = (3.0, 10.0)
    window: float = EmotionParams().window
    disturbed: int = 14
    clean: int = 4
    measured: int = 6
    repeats: int = 1000
    folds: int = 5
    net: NetConfig = field(default_factory=NetConfig)
    fit: FitConfig = field(default_factory=FitConfig)


QUICK = Plan(
    disturbed=1,
    clean=1,
    measured=1,
    repeats=20,
    folds=2,
    net=NetConfig(shared=(32, 16)),
    fit=FitConfig(epochs=2),
)
"""To see that everything runs."""


def train(
    data: Path,
    out: Path,
    quick: bool = False,
    device: str = "cpu",
    seed: int = 0,
    resume: bool = True,
    *,
    threads: int = 1,
    progress: bool = True,
    work: Path | None = None,
    plan: Plan | None = None,
) -> Card:
    """Train into `out` (model.safetensors, config.json, card.json, CARD.md) from the corpora in
    `data`/speech.

    quick: a tiny net on few windows of six speakers, to see that everything runs; its figures mean nothing.
    work: windows and checkpoints, by default `out`/work. A training that was stopped goes on where it was,
    unless `resume` is False.
    """
    plan = plan or (QUICK if quick else Plan())
    clips = read_clips(data)
    if quick:
        keep = {
            *TEST_SPEAKERS[3:5],
            "ravdess-01",
            "ravdess-02",
            "ravdess-03",
            "emodb-03",
            "emodb-08",
            "emodb-09",
        }
        clips = [clip for clip in clips if clip.speaker in keep and clip.path.stem[-1] in "1ab3"]
    development = [clip for clip in clips if clip.speaker not in TEST_SPEAKERS]
    work = work or out / "work"
    features = Recipe(RATE)
    disturbed = _windows(development, features, plan, work, disturbed=True, seed=seed)
    clean = _windows(development, features, plan, work, disturbed=False, seed=seed)
    options: dict[str, Any] = {
        "seed": seed, "device": device, "threads": threads, "resume": resume, "progress": progress
    }  # fmt: skip

    ask = report.Measure(plan.repeats)
    scores, measured, unseen = {}, list[Metric](), {}
    both = merge(clean, disturbed)
    # Checkpoints of another plan, or of other windows, are not gone on with.
    work /= _key(VERSION, asdict(plan), asdict(features), seed, len(clips))
    for representation in REPRESENTATIONS:
        net = replace(plan.net, representation=representation, rows=ROWS)
        unseen[representation] = values = _cross_validate(both, net, plan, work / representation, options)
        count = len(clean.rows)
        measured += ask.agreement(clean, values[:count], f"cross-validation, {representation}")
        noisy = f"cross-validation, {representation}, other rooms and noise"
        measured += ask.agreement(disturbed, values[count:], noisy)
        scores[representation] = float(np.mean([m.value for m in measured[-6:]]))
        log.info("%s: mean CCC %.3f in cross-validation", representation, scores[representation])
    best = max(REPRESENTATIONS, key=lambda r: scores[r])

    net = replace(plan.net, representation=best, rows=ROWS)
    model = fit(both, clean, net, plan.fit, work / "final", **options)
    coef, intercept = hostility.fit(unseen[best], both.emotion)
    angry = {"coef": coef, "intercept": intercept, "of": ["valence", "arousal", "dominance"]}
    measured += ask.anger(both, unseen[best], angry, f"cross-validation, {best}")
    config = {
        "id": RECIPE,
        "net": net.to_dict(),
        "features": asdict(features),
        "window": plan.window,
        "lengths": plan.lengths,
        "seed": seed,
        "fit": asdict(plan.fit),
        "hostility": angry,
        "cross_validation": [asdict(m) for m in measured],
    }
    save_model(out, model.state_dict(), config)
    card = evaluate(out, data, clips=clips, count=plan.measured, repeats=plan.repeats)
    write_card(out, card)
    return card


def evaluate(
    model: Path, data: Path, *, clips: Sequence[Clip] | None = None, count: int = 6, repeats: int = 1000
) -> Card:
    """Measure a model's folder on the speakers set aside; figures of the cross-validation are kept.

    count: windows per group of clips. repeats: of the bootstrap.
    """
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    net, features = load(model)
    clips = [c for c in clips or read_clips(data) if c.speaker in TEST_SPEAKERS]
    window, ask = float(config["window"]), report.Measure(repeats)

    def sample(length: float, seed: Sequence[int], disturbed: bool = False) -> tuple[WindowSet, Floats]:
        made = collect(clips, features, (length, length), count, seed=seed, disturbed=disturbed)
        return made, predict(net, made)

    clean = sample(window, [1000])
    metrics = ask.agreement(*clean, "held-out speakers", errors=True)
    metrics += ask.by_corpus(*clean, "held-out speakers")
    metrics += ask.anger(*clean, config["hostility"], "held-out speakers")
    noisy = sample(window, [1001], disturbed=True)
    metrics += ask.agreement(*noisy, "held-out speakers, other rooms and noise")
    for other in sorted({4.0, 10.0} - {window}):
        made = sample(other, [1002, int(other)])
        metrics += ask.agreement(*made, f"held-out speakers, windows of {other:g} s")
    whole = collect_clips(clips, features)
    metrics += ask.agreement(whole, predict(net, whole), "held-out speakers, whole clips")
    return report.make_card(config, metrics, _size(net))


def _cross_validate(windows: WindowSet, net: NetConfig, plan: Plan, work: Path, options: dict[str, Any]) -> Floats:
    """Predictions (N, 3) for every window by a net that never heard its speaker."""
    values = np.zeros_like(windows.label)
    for number, speakers in enumerate(folds(windows.speaker.tolist(), plan.folds)):
        unseen = np.isin(windows.speaker, speakers)
        model = fit(
            windows.take(~unseen), windows.take(unseen), net, plan.fit, work / f"fold-{number}", **options
        )  # fmt: skip
        values[unseen] = predict(model, windows.take(unseen))
    return values


def _windows(
    clips: Sequence[Clip], features: Recipe, plan: Plan, work: Path, *, disturbed: bool, seed: int
) -> WindowSet:
    """Windows with their features, from the cache where this very set was made before."""
    count = plan.disturbed if disturbed else plan.clean
    # Trained on all lengths that the analyzer may be set to; undisturbed windows are for measuring as well.
    length = plan.lengths if disturbed else (plan.window, plan.window)
    names = [f"{clip.speaker}/{clip.path.name}" for clip in clips]
    path = work / f"windows-{_key(VERSION, asdict(features), length, count, disturbed, seed, names)}.npz"
    if path.is_file():
        return WindowSet.load(path)
    log.info("making windows from %d clips", len(clips))
    made = collect(clips, features, length, count, seed=[seed, int(disturbed)], disturbed=disturbed)
    made.save(path)
    return made


def _key(*what: Any) -> str:
    """A short name for what something was made from."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def _size(net: EmotionNet) -> int:
    return sum(p.numel() for p in net.parameters())


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m mien_plugins.emotion.recipe", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with speech/manifest.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--work", type=Path, default=Path("build/training") / RECIPE, help="for what is in between")
    parser.add_argument("--quick", action="store_true", help="a tiny training, to see that it runs")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="do not go on with a training that was stopped")
    parser.add_argument("--evaluate", action="store_true", help="only measure the model in --out and write its card")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if given.evaluate:
        card = evaluate(given.out, given.data)
        write_card(given.out, card)
    else:
        card = train(
            given.data,
            given.out,
            given.quick,
            given.device,
            given.seed,
            resume=not given.fresh,
            threads=given.threads,
            work=given.work,
        )
    for m in card.metrics:
        log.info("%-50s %-16s %6.3f  %6.3f … %.3f", m.subset, m.name, m.value, m.low, m.high)


if __name__ == "__main__":
    main()
