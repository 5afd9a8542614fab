"""Measure ConflictNET on conversations of speakers it has never heard; what it gives is the card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mien.evaluation.groups import GENDERS, LANGUAGES
from mien.evaluation.metrics import bootstrap_ci, ece, ece_by_chance, pearson, rmse
from mien.training.card import Card, DataSource, Metric
from mien.training.job import command
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.conflict.calibrate import HIGH, probability, scores
from mien_plugins.conflict.features import Samples, fit_length, normalise
from mien_plugins.conflict.model import load_config, load_net
from mien_plugins.conflict.net import NAMES, SAMPLES, SECONDS, ConflictNet, running_statistics, trainable
from mien_plugins.conflict.recipe import RECIPE, TEST, TEST_STREAM, held_out, one_voice
from mien_plugins.conflict.takes import Voice, load_voices, read_audio

Floats = NDArray[np.float64]
CLIPS = 256  # simulated conversations a corpus
SINGLE = 60  # clips of one speaker alone, a corpus

RAVDESS = DataSource(
    "RAVDESS",
    "CC BY-NC-SA 4.0",
    "actors 01-14 to train on, 15-16 to validate on, 17-20 to test on",
    "Livingstone and Russo 2018",
)
EMODB = DataSource(
    "EmoDB",
    "free for use, cite",
    "a corpus and a language never trained on: speakers 03, 08-10 to calibrate on, 11-16 to test on",
    "Burkhardt et al. 2005",
)


def measure(
    model: Path,
    data: Path,
    device: str = "cpu",
    clips: int = CLIPS,
    single: int = SINGLE,
    recordings: int | None = None,
) -> Card:
    """Read simulated conversations of the test speakers.

    Args:
        model: folder with weights and config.
        data: folder with `speech/manifest.csv`.
        device: as torch spells it.
        clips, single: how many conversations, and simulated recordings of one speaker, for each corpus.
        recordings: how many real ones of one speaker at most; None: all.
    """
    net, config = load_net(model, device), load_config(model)
    metrics: list[Metric] = []

    def add(name: str, metric: Callable[..., float], *arrays: Floats, subset: str, note: str = "") -> None:
        metrics.append(Metric.of(name, bootstrap_ci(metric, *arrays), len(arrays[0]), subset, note))

    voices = {name: load_voices(data, speakers) for name, speakers in TEST.items()}
    heard = {name: _listen(net, own, clips, TEST_STREAM + offset) for offset, (name, own) in enumerate(voices.items())}
    truth, given, several, padded = (np.concatenate(part) for part in zip(*map(_arrays, heard.values()), strict=True))
    add("Pearson", pearson, truth, given, subset="test")
    for name, talk in heard.items():
        add("Pearson", pearson, talk.truth, talk.given, subset=f"test, {_corpus(name, voices[name])}")
    add("Pearson", pearson, truth[several], given[several], subset="test, two speakers or more")
    if padded.sum() > 1:
        add("Pearson", pearson, truth[padded], given[padded], subset="test, shorter than 30 s, padded")
    genders, parts = _by_gender(voices), {"test": (truth, given)}
    parts |= {f"test, {_corpus(name, voices[name])}": (talk.truth, talk.given) for name, talk in heard.items()}
    for offset, (gender, groups) in enumerate(genders.items()):
        among = [
            _listen(net, own, max(2, clips // 2), TEST_STREAM + 20 + 2 * offset + i) for i, own in enumerate(groups)
        ]
        y, p = (np.concatenate(part) for part in zip(*((talk.truth, talk.given) for talk in among), strict=True))
        add("Pearson", pearson, y, p, subset=f"test, conversations among {gender}")
        parts[f"test, conversations among {gender}"] = (y, p)
    add("RMSE", rmse, truth, given, subset="test", note="intensity runs from -1 to 1")
    add("MSE", _mse, truth, given, subset="test")
    add("balanced accuracy at 0", _balanced, truth, given, subset="test")
    for offset, (name, own) in enumerate(voices.items()):
        read = scores(net, one_voice(own, single, TEST_STREAM + 10 + offset))[0]
        add("share below 0", _below, read, subset=f"one speaker alone, {_corpus(name, own)}")
    for offset, (gender, groups) in enumerate(genders.items()):
        alone = [
            scores(net, one_voice(own, single, TEST_STREAM + 30 + 2 * offset + i))[0] for i, own in enumerate(groups)
        ]
        add("share below 0", _below, np.concatenate(alone), subset=f"one speaker alone, {gender}")
    for name, own in voices.items():
        corpus = _corpus(name, own)
        for sounds, subset, note in (
            (_as_they_are(own), f"recordings of one speaker as they are, {corpus}", "padded to 30 s"),
            (_end_to_end(own), f"recordings of one speaker end to end, {corpus}", "30 s of one emotion, cut together"),
        ):
            read = _plain(net, islice(sounds, recordings))
            add("share below 0", _below, read, subset=subset, note=f"{note}; at most {read.max():.2f}")
    diagrams = []
    for curve, level in (("conflict", 0.0), ("hostility", HIGH)):
        for subset, (y, p) in parts.items():
            chance, happened = probability(p, config[curve]), (y > level).astype(float)
            note = f"15 bins; {ece_by_chance(chance):.3f} by chance alone"
            add(f"ECE of P(intensity > {level:g})", ece, happened, chance, subset=subset, note=note)
            if subset == "test":
                diagrams.append(reliability(happened, chance, f"P(intensity > {level:g}), test"))
    card = _card(config, tuple(metrics), trainable(net), running_statistics(net))
    return replace(card, plots=(reliability_plot(*diagrams),))


@dataclass(frozen=True)
class _Heard:
    """N conversations: (N,) label and reading, whether two speak or more, whether silence was added at the end."""

    truth: Floats
    given: Floats
    several: NDArray[np.bool_]
    padded: NDArray[np.bool_]


def _listen(net: ConflictNet, voices: Sequence[Voice], clips: int, stream: int) -> _Heard:
    batches = held_out(voices, clips, stream)
    read, label = scores(net, batches)
    speakers = np.concatenate([batch.speakers.numpy() for batch in batches])
    seconds = np.concatenate([batch.seconds.numpy() for batch in batches])
    return _Heard(label, np.clip(read, -1, 1), speakers > 1, seconds < SECONDS - 0.01)


def _as_they_are(voices: Sequence[Voice]) -> Iterator[Samples]:
    """Every recording, silence and all, as the analyzer reads a file: nothing of it is simulated."""
    for voice in voices:
        for take in voice.takes:
            assert take.path is not None
            yield read_audio(take.path)


def _end_to_end(voices: Sequence[Voice]) -> Iterator[Samples]:
    """30 s of each speaker and emotion: the recordings one behind the other, from the first again where they are too few."""
    for voice in voices:
        for emotion in sorted({take.emotion for take in voice.takes}):
            paths = sorted(take.path for take in voice.takes if take.emotion == emotion and take.path is not None)
            whole = np.concatenate([read_audio(path) for path in paths])
            yield np.resize(whole, SAMPLES)


def _plain(net: ConflictNet, sounds: Iterable[Samples], batch: int = 16) -> Floats:
    """(N,) readings of N sounds, padded or cut to 30 s."""
    device, windows = next(net.parameters()).device, iter(sounds)
    read = []
    with torch.inference_mode():
        while some := [fit_length(sound, SAMPLES) for sound in islice(windows, batch)]:
            read.append(net(torch.from_numpy(normalise(np.stack(some))).to(device)).double().cpu().numpy())
    return np.concatenate(read)


def _arrays(heard: _Heard) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    return heard.truth, heard.given, heard.several, heard.padded


def _corpus(name: str, voices: Sequence[Voice]) -> str:
    """The corpus and its language, where it says which."""
    language = voices[0].language
    return f"{name} ({LANGUAGES.get(language, language)})" if language else name


def _by_gender(voices: Mapping[str, Sequence[Voice]]) -> dict[str, list[list[Voice]]]:
    """The voices of women and of men, corpus by corpus; nothing where corpora do not say who is which."""
    found: dict[str, list[list[Voice]]] = {}
    for code, gender in GENDERS.items():
        groups = [[voice for voice in own if voice.gender == code] for own in voices.values()]
        if all(groups):
            found[gender] = groups
    return found


def _mse(truth: Floats, read: Floats) -> float:
    return float(np.square(truth - read).mean())


def _balanced(truth: Floats, read: Floats) -> float:
    high = truth >= 0
    if high.all() or not high.any():
        raise ValueError("one class only")
    return float(0.5 * ((read[high] >= 0).mean() + (read[~high] < 0).mean()))


def _below(read: Floats) -> float:
    return float((read < 0).mean())


def _card(config: dict[str, object], metrics: tuple[Metric, ...], weights: int, statistics: int) -> Card:
    notes = config.get("notes")  # what else is to be said of this training
    asked = {"schedule": config.get("schedule", "one-cycle"), "variant": config.get("variant", "conflictnet")}
    name = NAMES[asked["variant"]]  # type: ignore[index]
    return Card(
        id=RECIPE,
        title=f"{name}: intensity of conflict in speech",
        task="Trained on simulated conversations, not on people in conflict. Reads the intensity of "
        "conflict, -1 (none) to 1 (high), from 30 s of raw speech at 8 kHz.",
        architecture=f"{name} (Rajan 2022, ch. 3): {weights:,} trainable, {statistics} statistics",
        parameters=weights + statistics,
        licence="CC BY-NC-SA 4.0",
        data=(RAVDESS, EMODB),
        split="By speaker: RAVDESS actors 01-14 train, 15-16 validation and calibration, 17-20 test; EmoDB 03, 08-10 "
        "calibration, 11-16 test. "
        "Every clip is simulated from takes of the speakers of its part. Conversations of one part share "
        "speakers, so the intervals tell of conversations, not of speakers.",
        seeds=(int(str(config["seed"])),),
        metrics=metrics,
        calibration={
            "P(intensity > 0), P(intensity > 0.5)": "logistic functions of the reading, fitted on the "
            "calibration speakers (Platt 1999), in config.json; fusions take the second for hostility",
            "scale": "the output unit was rescaled by least squares on the calibration speakers; offset and scale were moved "
            "where less than 95 % of either corpus' recordings of one voice would have read below 0",
        },
        limits=(
            "The label is a formula of overlapping speech, interruptions and vocal effort (simulate.py), "
            "nobody's judgement: no listener rated these conversations, and quiet hostility is not heard.",
            "Voices are acted, in English for training: two sentences in RAVDESS, the first 2 s of each take "
            "in EmoDB. Rooms, lines, laughter and music are synthetic.",
            "Lively, friendly talk with much overlap reads as conflict. Real conversations were not measured: "
            "what is simulated is easier than what people do, and a lively phone call can read too high.",
            "Shorter recordings are padded with silence to 30 s and read less reliably.",
        ),
        notes=tuple(str(note) for note in notes) if isinstance(notes, list) else (),
        command=command(
            RECIPE,
            quick=bool(config.get("quick")),
            seed=int(str(config["seed"])),
            options={k: v for k, v in asked.items() if v not in ("one-cycle", "conflictnet")},
        ),
    )
