"""RECOLA (Ringeval et al. 2013) as the feature tables of the AVEC 2016 challenge (Valstar et al. 2016); on request only.

    recola/features_audio/train_1.arff … train_9, dev_1 … dev_9           88 numbers a frame
    recola/features_video_appearance/train_1.arff …                       168
    recola/features_video_geometric/train_1.arff …                        632
    recola/ratings_gold_standard/{arousal,valence}/train_1.arff …         the rating

Rows read `name,time,number,…`: below `@data` in an .arff, from the first line (or behind a heading) in a .csv. A modality whose
features differ by target lies in folders `arousal` and `valence` of its own. The features already are means and deviations over
8 s; nothing is computed anew. This layout is the one that public readers of the challenge use; it was not checked against a copy.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mien.errors import CorpusError, shown
from mien.training import checks
from mien_plugins.colearning.sequences import PIECE, Sequences

CORPUS = "RECOLA"
FOLDERS = {
    "audio": "features_audio",
    "appearance": "features_video_appearance",
    "geometric": "features_video_geometric",
}
RATINGS = "ratings_gold_standard"
PARTS = {"train": "train", "dev": "valid", "test": "test"}
STEPS, TRAIN_HOP = 75, 25
"""SeqSEW reads 3 s at a time, each second anew in training."""


def read(data: Path, target: str, modalities: tuple[str, ...], delay: float = 0.0) -> dict[str, Sequences]:
    """`train`, `valid` (the challenge's dev) and, where it has ratings, `test`: whole recordings.

    Args:
        target: arousal or valence.
        modalities: of `FOLDERS`.
        delay: s by which the raters are taken to lag; their ratings are moved to so much earlier.

    Raises:
        CorpusError: what is expected where, and is not.
    """
    folder = data / "recola"
    ratings = _files(folder / RATINGS / target, "the ratings")
    splits: dict[str, Sequences] = {}
    for prefix, part in PARTS.items():
        names = [name for name in ratings if re.fullmatch(rf"{prefix}_\d+", name)]
        if names:
            splits[part] = _recordings(folder, target, modalities, {n: ratings[n] for n in names}, delay)
    checks.require_splits(CORPUS, {part: splits.get(part, ()) for part in ("train", "valid")})
    return splits


def cut(recordings: Sequences, steps: int = STEPS, hop: int = STEPS) -> Sequences:
    """Pieces of `steps` frames, each `hop` behind the one before; what is left at the end of a recording is dropped."""
    starts = [(i, s) for i, y in enumerate(recordings.labels) for s in range(0, len(y) - steps + 1, hop)]
    checks.require_splits(CORPUS, {f"{steps} frames long": starts})
    return Sequences(
        recordings.corpus,
        tuple(f"{recordings.names[i]}{PIECE}{s}" for i, s in starts),
        {m: tuple(a[i][s : s + steps] for i, s in starts) for m, a in recordings.features.items()},
        tuple(recordings.labels[i][s : s + steps] for i, s in starts),
    )


def _recordings(
    folder: Path, target: str, modalities: tuple[str, ...], ratings: dict[str, Path], delay: float
) -> Sequences:
    features: dict[str, list[np.ndarray]] = {m: [] for m in modalities}
    labels: list[np.ndarray] = []
    for name, path in ratings.items():
        times, rating = _table(path)
        checks.require_shape(f"The rating in {path.name}", rating, (None, 1))
        rating = checks.as_float32(f"The rating in {path.name}", rating)
        labels.append(np.interp(times + delay, times, rating[:, 0]).astype(np.float32))
        for modality in modalities:
            place = folder / FOLDERS[modality]
            found = _files(place / target if (place / target).is_dir() else place, f"the features of {modality}")
            if name not in found:
                raise CorpusError(f"{CORPUS} has ratings but no {modality} features of {name}: {shown(place)}")
            own, values = _table(found[name])
            where = np.searchsorted(own, times - 1e-3).clip(0, len(own) - 1)
            if np.abs(own[where] - times).max() > 0.02:
                raise CorpusError(
                    f"The {modality} features and the ratings of {name} are of other times: {shown(found[name])}"
                )
            values = checks.as_float32(f"{modality} of {name}", values)
            if features[modality]:
                checks.require_shape(f"{modality} of {name}", values, (None, features[modality][0].shape[1]))
            features[modality].append(values[where])
    return Sequences(CORPUS, tuple(ratings), {m: tuple(a) for m, a in features.items()}, tuple(labels))


def _files(folder: Path, what: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise CorpusError(f"{CORPUS} keeps {what} in a folder of their own, which is not there: {shown(folder)}")
    found = {p.stem: p for suffix in ("csv", "arff") for p in folder.glob(f"*.{suffix}")}
    if not found:
        raise CorpusError(f"{CORPUS} keeps {what} as train_1.arff, dev_1.arff …, and there are none: {shown(folder)}")
    return dict(sorted(found.items(), key=lambda item: (item[0].rpartition("_")[0], len(item[0]), item[0])))


def _table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) in s and the numbers behind them (T, D)."""
    rows: list[list[float]] = []
    data = path.suffix == ".csv"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"The file cannot be read as text ({error}): {shown(path)}") from error
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not data or not text or text.startswith("%"):
            data = data or text.lower() == "@data"
            continue
        cells = re.split("[,;]", text)[1:]
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError as error:
            if not rows and path.suffix == ".csv":
                continue  # its heading
            raise CorpusError(f"Line {number} should read name,time,number,… ({error}): {shown(path)}") from error
    if not rows or len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        raise CorpusError(f"The file should have rows name,time,number,…, all of one length: {shown(path)}")
    table = np.asarray(rows)
    checks.require_finite(f"The column of times in {path.name}", table[:, 0])
    if (np.diff(table[:, 0]) <= 0).any():
        raise CorpusError(f"The times in the second column must rise from row to row: {shown(path)}")
    return table[:, 0], table[:, 1:]
