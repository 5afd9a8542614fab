"""How the MML learns from a user's own clips (`mien train fusion-mml` where --data has a manifest.csv), as Rana & Jha 2022 do.

Each row is a clip with what is said in it and a label of two classes, of which the second is looked for; both encoders are those
that come with Mien and stay as they are. A row may name an `.npz` file of own embeddings instead (arrays `text`, `audio`; of
several steps the mean is taken). Here a clip says what it says in its own voice, and nothing is assumed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset

from mien.errors import CorpusError, UsageError, shown
from mien.evaluation.metrics import accuracy, bootstrap_ci, class_scores, ece, f1_of_macro_pr, macro_f1
from mien.models import files
from mien.training.card import Card, DataSource, Metric, write_card
from mien.training.job import command
from mien.training.kit import save_model, seed_everything
from mien.training.manifest import Manifest
from mien.training.manifest_file import read_manifest
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.fusion.khare_data import Corpus
from mien_plugins.fusion.mml_calibration import calibrate
from mien_plugins.fusion.mml_data import THRESHOLD
from mien_plugins.fusion.mml_info import MODEL
from mien_plugins.fusion.mml_net import MEMORY, MODALITIES, Mml, MmlConfig, MmlNet
from mien_plugins.fusion.moddrop import moddrop as with_copies
from mien_plugins.fusion.own_data import Clips, look, streams
from mien_plugins.fusion.sigmoids import described

SUBSETS: Final = {"text and voice": (True, True), "voice missing": (True, False), "text missing": (False, True)}
REMEMBERED, REPEATS = 1000, 1000

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Clipped:
    """Embedded clips: text (N, D), voice (N, D), present (N, 2), target (N,) of zeros and ones, speaker (N,)."""

    text: Floats
    voice: Floats
    present: Bools
    target: Floats
    speaker: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.target)

    @classmethod
    def of(cls, corpus: Corpus, label: str, widths: tuple[int, int] | None = None) -> Clipped:
        """Read all rows of a corpus; of several steps the mean.

        Raises:
            CorpusError: a row has neither, or vectors of another width than the others or than `widths`.
        """
        found = look(corpus, widths or ())
        text, voice = (np.zeros((len(corpus), width), np.float32) for width in found.widths[:2])
        for number in range(len(corpus)):
            for name, block in streams(corpus, number).items():
                if name != "face":
                    (text if name == "text" else voice)[number] = block.mean(0)
        rows = corpus.manifest.rows
        who = np.array([row.speaker or row.group or row.path for row in rows])
        present = found.present[:, :2]
        for row, there in zip(rows, present, strict=True):
            if not there.any():
                raise CorpusError(
                    f"{corpus.manifest.where(row)} has neither text nor a voice: {shown(corpus.manifest.source)}"
                )
        return cls(text, voice, present, corpus.manifest.codes(label).astype(np.float32), who)


class ClipBatches(Dataset[tuple[torch.Tensor, ...]]):
    """Clips in batches, Moddrop's copies included; `draw` makes the next epoch's order."""

    def __init__(self, clips: Clipped, drop: bool, batch: int) -> None:
        self._clips, self._batch = clips, batch
        self._rows, self._present = np.arange(len(clips)), clips.present
        if drop:
            copies = with_copies(clips.present)
            self._rows, self._present = copies.rows, copies.present
        self._order = np.arange(len(self._rows))

    def draw(self, *seed: int, shuffled: bool) -> None:
        """Shuffle."""
        if shuffled:
            self._order = np.random.default_rng(seed).permutation(len(self._rows))

    @property
    def size(self) -> int:
        """Samples of an epoch, the copies included."""
        return len(self._rows)

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
        if index >= len(self):
            raise IndexError(index)
        at = self._order[index * self._batch : (index + 1) * self._batch]
        rows, clips = self._rows[at], self._clips
        parts = (clips.text[rows], clips.voice[rows], self._present[at], clips.target[rows])
        return tuple(map(torch.from_numpy, parts))


def train(
    data: Path, out: Path, *, quick: bool, seed: int, work: Path, moddrop: bool, neighbours: int, label: str,
    plan: Any, given: Mapping[str, Any], run: Mapping[str, Any],
) -> Card:  # fmt: skip
    """Embed, train, measure, and write weights (float16), config and card into `out`.

    Args:
        plan: `mml_recipe.Plan`; given: what of it the user gave.

    Raises:
        CorpusError: the manifest or what it names does not serve; the sentence says which row.
        TrainingError: a loss that is not finite.
    """
    from mien_plugins.fusion.mml_recipe import MmlBrain, versions

    manifest = read_manifest(data)
    manifest.check(labels=(label,))
    _check_classes(manifest, label)
    extractor = Clips(work / "clips", str(run["device"]), bool(run["progress"]))
    learnt = _clips(manifest, "train", label, extractor)
    for name, there in zip(MODALITIES, learnt.present.T, strict=True):
        if not there.any():
            raise CorpusError(
                f"No training row has a {name}; the MML needs text and voices to learn from: {shown(manifest.source)}"
            )
    watched = _clips(manifest, "valid", label, extractor, (learnt.text.shape[1], learnt.voice.shape[1]))
    seed_everything(seed)
    net = MmlNet(MmlConfig(learnt.text.shape[1], learnt.voice.shape[1], plan.widths, plan.dropout))
    text, voice = (torch.from_numpy(x[learnt.present[:, m]]) for m, x in enumerate((learnt.text, learnt.voice)))
    net.fit_scale(text, voice)
    batches, held = ClipBatches(learnt, moddrop, plan.batch), ClipBatches(watched, False, 512)
    per_epoch = len(batches)
    brain = MmlBrain(
        {"net": net},
        partial(torch.optim.Adam, lr=plan.rate),
        work / "training",
        seed=seed,
        patience=plan.patience,
        schedule=lambda update: plan.decay ** (update // per_epoch),
        **run,
    )
    brain.train_pairs, brain.l2 = batches, plan.l2
    result = brain.fit_best(plan.epochs, DataLoader(batches, batch_size=None), DataLoader(held, batch_size=None))
    weights = {name: value.half() for name, value in brain.best_state("net").items()}
    if neighbours:
        weights |= _remembered(learnt, seed, manifest)
    config = {
        "id": MODEL,
        "own": True,
        "net": net.config.to_dict(),
        "label": label,
        "classes": list(manifest.label(label).classes),
        "moddrop": moddrop,
        "neighbours": neighbours,
        "encoders": versions(),
        "seed": seed,
        "quick": quick,
        "options": dict(given),
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "rows": [len(learnt), len(watched)],
        "samples": batches.size,
        "plan": {name: value for name, value in asdict(plan).items() if name not in ("budget", "widths")},
    }
    save_model(out, weights, config)
    calibrated(out, watched, str(run["device"]))
    card = measure(out, manifest, extractor, str(run["device"]))
    write_card(out, card)
    return card


def calibrated(model: Path, held: Clipped, device: str) -> None:
    """Fit the calibration of the model in a folder to clips that it has not learnt from."""
    calibrate(model, held.text, held.voice, held.present, held.target > 0.5, len(held), device)


def recalibrate(model: Path, data: Path, work: Path, device: str) -> Card:
    """Fit the calibration to the validation rows of a manifest anew, and measure it; the weights stay as they are."""
    manifest, extractor = read_manifest(data), _kept(model, work / "clips", device)
    label, net = str(files.read_json(model / "config.json")["label"]), Mml.load(model, device).net.config
    manifest.check(labels=(label,), splits=("valid", "test"))
    _check_classes(manifest, label)
    calibrated(model, _clips(manifest, "valid", label, extractor, (net.text, net.speech)), device)
    card = measure(model, manifest, extractor, device)
    write_card(model, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure a model on the test rows of a manifest."""
    with tempfile.TemporaryDirectory() as aside:
        return measure(model, read_manifest(data), _kept(model, Path(aside), device), device)


def _kept(model: Path, aside: Path, device: str) -> Clips:
    """What embeds, from where the training kept it if that is still there."""
    kept = model / "work" / "clips"
    return Clips(kept if kept.is_dir() else aside, device)


def measure(model: Path, manifest: Manifest, extractor: Clips, device: str) -> Card:
    """Read the test rows with a model and describe it.

    Raises:
        CorpusError: there are no test rows, they lack the label, or their embeddings do not fit.
    """
    read, config = Mml.load(model, device), files.read_json(model / "config.json")
    label = str(config["label"])
    manifest.check(labels=(label,), splits=("test",))
    _check_classes(manifest, label)
    test = _clips(manifest, "test", label, extractor, (read.net.config.text, read.net.config.speech))
    metrics: list[Metric] = []
    diagrams = []
    for subset, there in SUBSETS.items():
        present = test.present & np.array(there)
        rows = present.any(axis=1)
        if rows.any():
            score, truth = read.read(test.text[rows], test.voice[rows], present[rows]), test.target[rows]
            metrics += _figures(f"test, {subset}", truth, score, test.speaker[rows])
            diagrams.append(reliability(truth.astype(int), score, subset))
    options = {"label": label} | ({} if config["moddrop"] else {"moddrop": "false"})
    options |= {"neighbours": str(config["neighbours"])} if config["neighbours"] else {}
    options |= config["options"]
    no, yes = config["classes"]
    return Card(
        id=MODEL,
        title="MML: text and voice embeddings fused, from a user's own clips",
        task=f"Reads the probability that a clip is “{yes}” and not “{no}” from what is said and how it is said.",
        licence="as the data it was trained on allows",
        data=(DataSource("the user's own manifest", "the user's to know", f"{len(manifest)} rows, {len(test)} to test"),),
        split="as the manifest has it; no speaker, group or medium on two sides. The epoch was chosen on valid, and what is said "
        "calibrated on it.",
        seeds=(int(config["seed"]),),
        metrics=tuple(metrics),
        limits=("Made from one user's data: nothing is known of any other.",),
        command=command(MODEL, data="DIR", out="DIR", quick=config["quick"], seed=config["seed"], options=options),
        architecture=(
            f"text ({read.net.config.text}) and speech ({read.net.config.speech}) embeddings laid together, dense layers "
            f"{'-'.join(map(str, read.net.config.widths))} (ReLU, dropout {read.net.config.dropout:g}), sigmoid (Rana & Jha 2022)"
        ),
        parameters=sum(p.numel() for p in read.net.parameters()),
        calibration=described(config, MODALITIES),
        plots=(reliability_plot(*diagrams),),
        notes=(
            f"Decisions at {THRESHOLD:g}, the paper's threshold. f1_of_macro_pr is what the paper prints as macro F1: the "
            "harmonic mean of macro precision and macro recall. Intervals are drawn over speakers.",
            f"{config['rows'][0]} training clips, {config['samples']} samples an epoch; best of {config['epochs']} epochs: "
            f"{config['best_epoch']}.",
        ),
    )  # fmt: skip


def _check_classes(manifest: Manifest, label: str) -> None:
    classes = manifest.label(label).classes
    if len(classes) != 2:
        raise UsageError(
            f"The column {label} must have two classes, of which the second is looked for, and has {len(classes) or 'numbers'}; "
            "name another with --set label=COLUMN."
        )


def _clips(
    manifest: Manifest, part: str, label: str, extractor: Clips, widths: tuple[int, int] | None = None
) -> Clipped:
    corpus = Corpus.make(manifest.labelled(label).part(part), extractor, None, sound=False)
    return Clipped.of(corpus, label, widths)


def _remembered(clips: Clipped, seed: int, manifest: Manifest) -> dict[str, torch.Tensor]:
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(clips.present.all(1)))[:REMEMBERED]
    if not len(rows):
        raise CorpusError(
            f"Imputation needs training rows with text and voice; there are none: {shown(manifest.source)}"
        )
    return {
        MEMORY + m: torch.from_numpy(x[rows]).half() for m, x in zip(MODALITIES, (clips.text, clips.voice), strict=True)
    }


def _figures(subset: str, truth: Floats, score: Floats, speaker: npt.NDArray[np.str_]) -> list[Metric]:
    said, known = (score >= THRESHOLD).astype(int), truth.astype(int)

    def on(name: str, of: Any) -> Metric:
        return Metric.of(name, bootstrap_ci(of, known, said, groups=speaker, repeats=REPEATS), len(known), subset)

    return [
        on("macro precision", lambda x, y: float(class_scores(x, y)[1].mean())),
        on("macro recall", lambda x, y: float(class_scores(x, y)[2].mean())),
        on("f1_of_macro_pr", f1_of_macro_pr),
        on("f1_macro", macro_f1),
        on("accuracy", accuracy),
        Metric.of(
            "ECE", bootstrap_ci(ece, known, score, groups=speaker, repeats=REPEATS), len(known), subset, "15 bins"
        ),
    ]
