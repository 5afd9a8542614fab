"""Trains and measures the emotion model (`mien train emotion-mtl`, `mien evaluate`).

Sounds are made and what is heard of them is kept in a work folder; the nets and a baseline are cross-validated by
speaker and tried across corpora, the best net is trained on all development speakers, anger is calibrated on the
cross-validated readings, and the speakers set aside are measured. The paper's own nets (`net=f1`, `net=f2`) learn from a
manifest instead where --data has one (`rated`).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mien.errors import CorpusError, ParameterError, shown
from mien.training.card import Card, Metric, write_card
from mien.training.checks import require_splits
from mien.training.watch import unfollowed
from mien_plugins.emotion import baseline, hostility, report
from mien_plugins.emotion.corpus import RATE, TEST_SPEAKERS, Clip, read_clips
from mien_plugins.emotion.features import Recipe
from mien_plugins.emotion.joint import JointConfig
from mien_plugins.emotion.logmel import LogMel
from mien_plugins.emotion.material import (
    CALIBRATION,
    CLIP,
    NOISY_CALIBRATION,
    NOISY_CLIP,
    NOISY_WINDOW,
    WINDOW,
    Listener,
    Made,
    Material,
    as_recorded,
    in_other_rooms,
    merge,
    strung,
)
from mien_plugins.emotion.measure import Measure
from mien_plugins.emotion.mixing import Blend
from mien_plugins.emotion.plan import QUICK, Plan, paper_plan
from mien_plugins.emotion.protocol import (
    EGEMAPS,
    HEARD,
    Contender,
    Fitted,
    across,
    anger,
    blend_of,
    cross_validate,
    of_baseline,
    of_net,
    settle,
)
from mien_plugins.emotion.rawdata import has_manifest
from mien_plugins.emotion.reader import Ears, load, save
from mien_plugins.emotion.spectral import SpectralConfig
from mien_plugins.emotion.training import Floats, fit, predict
from mien_plugins.emotion.windows import VERSION, groups

log = logging.getLogger(__name__)


def train(
    data: Path,
    out: Path,
    *,
    quick: bool = False,
    device: str = "cpu",
    seed: int = 0,
    resume: bool = True,
    threads: int | None = None,
    progress: bool = True,
    work: Path | None = None,
    net: Literal["best", "f1", "f2"] = "best",
    alpha: float | None = None,
    beta: float | None = None,
    gamma: float | None = None,
    rate: float | None = None,
    batch: int | None = None,
    l2: float | None = None,
    plan: Plan | None = None,
    note: str = "",
) -> Card:
    """Train into `out` (model.safetensors, config.json, card.json, CARD.md) from the corpora in `data`/speech, or a manifest.

    quick: fewer windows, folds and epochs, no comparison across corpora; under an hour on two cores. work: sounds and
    checkpoints, by default `out`/work; a training that was stopped goes on where it was, unless `resume` is False. net:
    "best" compares several and keeps the best; "f1" and "f2" are the paper's own, trained as the paper did, with the weights
    alpha, beta and gamma of the errors in valence, arousal and dominance (its own by default). plan: other sizes still. note:
    what the card shall say besides.

    Raises:
        FileNotFoundError: no manifest of the corpora.
        mien.errors.CorpusError: it lacks speakers to train on or to test on, or anger or all else; a manifest of one's own does
            not serve.
        mien.errors.TrainingError: a loss that is not finite.
    """
    weights = (alpha, beta, gamma)
    others: dict[str, Any] = {
        name: value for name, value in (("rate", rate), ("batch", batch), ("decay", l2)) if value is not None
    }
    if net == "best" and weights != (None, None, None):
        raise ParameterError("alpha, beta and gamma weigh the errors of the paper's nets: add --set net=f1 or net=f2.")
    if net == "best" and others:
        raise ParameterError("rate, batch and l2 are of the paper's nets: add --set net=f1 or net=f2.")
    if plan is None:
        plan = (QUICK if quick else Plan()) if net == "best" else paper_plan(net, quick, weights, **others)
    asked = {"net": None if net == "best" else net, "alpha": alpha, "beta": beta, "gamma": gamma}
    asked |= {"rate": rate, "batch": batch, "l2": l2}
    work = work or out / "work"
    options: dict[str, Any] = {
        "seed": seed, "device": device, "threads": threads, "resume": resume, "progress": progress
    }  # fmt: skip
    if has_manifest(data) and net != "best":
        from mien_plugins.emotion import rated

        run = {name: value for name, value in options.items() if name != "seed"}
        return rated.train(data, out, plan=plan, asked=asked, quick=quick, seed=seed, work=work, run=run)
    if has_manifest(data) and not (data / "speech" / "manifest.csv").is_file():
        raise ParameterError(
            "From a manifest of rated speech the paper's nets learn, and the best of several only from speech/manifest.csv: add "
            "--set net=f1 or net=f2."
        )
    everybody = read_clips(data)
    clips = [clip for clip in _chosen(everybody, plan.speakers, plan.takes) if clip.speaker not in TEST_SPEAKERS]
    _require(data, clips, _chosen(everybody, plan.tested, plan.takes), plan.folds)
    material = _material(clips, plan, work, seed)
    compared = _compare(material, clips, plan, work, options)

    best = max(plan.contenders, key=lambda c: compared.score[c.name])
    log.info("training %s on all %d speakers", best.name, len(set(material.speaker)))
    heard = material.of(*HEARD)
    folder = _folder(best, clips, plan, work, seed) / "final"
    with unfollowed():  # it hears all speakers: what it says of them tells a search nothing
        model = fit(heard, material.of(CLIP), best.net, best.fit, folder, **options)
    shipped = best.net
    if isinstance(best.net, JointConfig):
        blend = compared.blend[best.name]
        shipped = replace(best.net, mix=blend.mix, naming=blend.naming)

    windows = np.isin(material.kind, (CALIBRATION, NOISY_CALIBRATION))
    unheard, values = material.take(windows), compared.unheard[best.name][windows]
    angry = hostility.fit(values, unheard.emotion, unheard.corpus)
    measured = compared.metrics + Measure(plan.repeats).anger(
        unheard, anger(unheard, values, plan.folds), f"cross-validation, {best.name}, windows"
    )
    config = {
        "id": report.ID,
        "net": shipped.to_dict(),
        "features": asdict(_features(best)),
        "window": plan.window,
        "lengths": plan.lengths,
        "folds": plan.folds,
        "measured": plan.measured,
        "judged": plan.judged,
        "repeats": plan.repeats,
        "speakers": sorted(set(material.speaker.tolist())),
        "tested": plan.tested,
        "takes": plan.takes,
        "quick": quick,
        "options": {name: value for name, value in asked.items() if value is not None},
        "seed": seed,
        "fit": asdict(best.fit),
        "hostility": angry,
        "cross_validation": [asdict(m) for m in measured],
        "notes": [note] if note else [],
    }
    save(out, model.cpu(), config)
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def _require(data: Path, clips: Sequence[Clip], tested: Sequence[Clip], folds: int) -> None:
    """Refuse corpora that leave a part empty; raises CorpusError."""
    require_splits("speech/manifest.csv", {"train": clips, "test": tested})
    where, speakers = shown(data / "speech" / "manifest.csv"), {clip.speaker for clip in clips}
    if len(speakers) < folds:
        raise CorpusError(
            f"Cross-validation in {folds} parts needs as many speakers to train on, and there are {len(speakers)}: {where}"
        )
    angry = hostility.is_angry(np.array([clip.emotion for clip in clips]))
    if angry.min() == angry.max():
        raise CorpusError(f"P(angry) is fitted on anger and on other emotions, and there is but one of them: {where}")


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure a model's folder on the speakers set aside; figures of the cross-validation are kept. A model that was trained on
    a manifest is measured on the test rows of one.

    Raises:
        mien.errors.ModelError: the model cannot be loaded.
        FileNotFoundError: no manifest of the corpora.
    """
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    if config.get("own"):
        from mien_plugins.emotion.rated import evaluate as evaluate_rated

        return evaluate_rated(model, data, device=device)
    reader = load(model)
    net = reader.net.to(device)
    ears = reader.features
    listener = (
        Listener(ears.f1, ears.logmel)
        if isinstance(ears, Ears)
        else Listener(ears if isinstance(ears, Recipe) else None, ears if isinstance(ears, LogMel) else None)
    )
    clips = _chosen(read_clips(data), config["tested"], config["takes"])
    length, count, ask = float(config["window"]), int(config["measured"]), Measure(int(config["repeats"]))
    judged = int(config.get("judged", count))

    def heard(sounds: Iterator[Made]) -> tuple[Material, Floats]:
        made = listener.collect(sounds)
        return made, predict(net, made)

    def windows(seconds: float, seed: int, disturbed: bool = False, many: int = count) -> tuple[Material, Floats]:
        return heard(strung(clips, (seconds, seconds), many, [seed, int(seconds)], disturbed=disturbed))

    recorded = heard(as_recorded(clips))
    metrics = ask.agreement(*recorded, "held-out speakers, clips", errors=True)
    metrics += ask.by_group(*recorded, "held-out speakers, clips")
    clean, noisy = windows(length, 1000), windows(length, 1001, disturbed=True)
    metrics += ask.agreement(*clean, f"held-out speakers, windows of {length:g} s")
    metrics += ask.by_group(*clean, f"held-out speakers, windows of {length:g} s", gender=False)
    metrics += ask.agreement(*noisy, "held-out speakers, windows in other rooms and noise")
    for other in sorted({4.0, 10.0} - {length}):
        metrics += ask.agreement(*windows(other, 1002), f"held-out speakers, windows of {other:g} s")
    if judged != count:  # of few windows the calibration error is too high by chance alone
        clean, noisy = windows(length, 1000, many=judged), windows(length, 1001, disturbed=True, many=judged)
    for name, (made, values) in (("windows", clean), ("windows in other rooms and noise", noisy)):
        score = hostility.probability(values, config["hostility"])
        metrics += ask.anger(made, score, f"held-out speakers, {name}")
        metrics += ask.anger_by_group(made, score, f"held-out speakers, {name}")
    sample = small_sample(clips)
    metrics += ask.agreement(*heard(as_recorded(sample)), report.SAMPLE)
    plots = report.reliability_of({"6 s windows": clean, "other rooms and noise": noisy}, config["hostility"])
    return report.make_card(config, metrics, sum(p.numel() for p in net.parameters()), plots)


def small_sample(clips: Sequence[Clip]) -> list[Clip]:
    """A few clips of the speakers set aside: the first of each speaker, emotion and intensity, for a quick check."""
    return [group[0] for group in groups([clip for clip in clips if clip.speaker in TEST_SPEAKERS])]


@dataclass(frozen=True)
class Compared:
    """score: by which the best net is picked; unheard: (N, 3) cross-validated readings by net; metrics: for the card; blend:
    of those that are several nets."""

    score: dict[str, float]
    unheard: dict[str, Floats]
    metrics: list[Metric]
    blend: dict[str, Blend]


def _compare(material: Material, clips: Sequence[Clip], plan: Plan, work: Path, options: dict[str, Any]) -> Compared:
    ask = Measure(plan.repeats)
    compared = Compared({}, {}, [], {})
    corpora = sorted(set(material.corpus)) if plan.across else []
    for name, fitted, folder in _entries(material, clips, plan, work, options):
        read = values = cross_validate(material, fitted, plan.folds, folder)
        if read.ndim == 3:
            values, compared.blend[name] = settle(material, read, plan.folds)
        compared.unheard[name] = values
        scores = []
        for kind in (CLIP, NOISY_CLIP, WINDOW, NOISY_WINDOW):
            rows = (material.kind == kind) & np.isfinite(values).all(axis=1)
            if rows.any():
                part = material.take(rows), values[rows]
                found = ask.agreement(*part, f"cross-validation, {name}, {_PLURAL[kind]}")
                scores += [m.value for m in found]
                compared.metrics.extend(found)
                if kind == CLIP:
                    compared.metrics.extend(ask.by_group(*part, f"cross-validation, {name}, clips"))
        compared.score[name] = float(np.mean(scores))
        log.info("%s: mean CCC %.3f in cross-validation", name, compared.score[name])
        for corpus in corpora:
            values = across(material, fitted, corpus, folder)
            if values.ndim == 3:
                values = blend_of(material, read, material.corpus == corpus).of(values)
            rows = np.asarray(np.isfinite(values).all(axis=1))
            part = material.take(rows), values[rows]
            compared.metrics.extend(
                ask.by_group(*part, f"never seen: {name} trained on {corpus} alone, clips", gender=False)
            )
    return compared


_PLURAL = {
    CLIP: "clips",
    NOISY_CLIP: "clips in other rooms and noise",
    WINDOW: "windows",
    NOISY_WINDOW: "windows in other rooms and noise",
}


def _entries(
    material: Material, clips: Sequence[Clip], plan: Plan, work: Path, options: dict[str, Any]
) -> Iterator[tuple[str, Fitted, Path]]:
    if plan.baseline:
        if find_spec("opensmile"):
            cache = work / f"egemaps-{_key(_names(clips))}.npz"
            yield EGEMAPS, of_baseline(material, baseline.functionals(clips, cache)), work
        else:
            log.warning("no comparison with %s: install the extra 'train' (package opensmile)", EGEMAPS)
    for contender in plan.contenders:
        folder = _folder(contender, clips, plan, work, options["seed"])
        yield contender.name, of_net(material, contender, options), folder


def _folder(contender: Contender, clips: Sequence[Clip], plan: Plan, work: Path, seed: int) -> Path:
    """Where its checkpoints lie: those of another net, of other sounds or folds are not gone on with."""
    sounds = (VERSION, plan.copies, plan.disturbed, plan.clean, plan.lengths, plan.window, _names(clips))
    return work / f"{contender.name}-{_key(asdict(contender), sounds, plan.folds, seed)}"


def _material(clips: Sequence[Clip], plan: Plan, work: Path, seed: int) -> Material:
    """All sounds that are trained on and read in cross-validation, from the cache where they were made before."""
    listener = Listener(Recipe(RATE), LogMel())
    kinds: dict[str, Callable[[], Iterator[Made]]] = {
        "clips": partial(as_recorded, clips),
        f"noisy-{plan.copies}": partial(in_other_rooms, clips, plan.copies, [seed, 1]),
        f"disturbed-{plan.disturbed}": partial(strung, clips, plan.lengths, plan.disturbed, [seed, 2], disturbed=True),
        f"clean-{plan.clean}": partial(
            strung, clips, (plan.window, plan.window), plan.clean, [seed, 3], disturbed=False
        ),
    }
    for number, (name, disturbed) in enumerate((("noisy", True), ("clean", False)), 4):
        kinds[f"calibration-{name}-{plan.calibrated}"] = partial(
            strung,
            clips,
            (plan.window, plan.window),
            plan.calibrated,
            [seed, number],
            disturbed=disturbed,
            kinds=(CALIBRATION, NOISY_CALIBRATION),
        )
    parts = []
    for name, sounds in kinds.items():
        key = _key(VERSION, asdict(listener), name, plan.lengths, plan.window, seed, _names(clips))
        path = work / f"sounds-{name}-{key}.npz"
        part = Material.load(path)
        if part is None:
            log.info("making sounds: %s", name)
            part = listener.collect(sounds())
            part.save(path)
        parts.append(part)
    return merge(*parts)


def _features(contender: Contender) -> Recipe | LogMel | Ears:
    if isinstance(contender.net, JointConfig):
        return Ears(LogMel(), Recipe(RATE))
    return LogMel() if isinstance(contender.net, SpectralConfig) else Recipe(RATE)


def _chosen(clips: Sequence[Clip], speakers: Sequence[str] | None, takes: int | None) -> list[Clip]:
    kept = [clip for clip in clips if speakers is None or clip.speaker in speakers]
    return kept if takes is None else [clip for group in groups(kept) for clip in group[:takes]]


def _names(clips: Sequence[Clip]) -> list[str]:
    return [f"{clip.speaker}/{clip.path.name}" for clip in clips]


def _key(*what: Any) -> str:
    """A short name for what something was made from."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
