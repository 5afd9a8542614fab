"""Tiny corpora in the layouts of CMU-MOSI's utterance features and of RECOLA's feature tables."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

WIDTHS = {"text": 4, "audio": 3, "video": 4}


def write_mosi(folder: Path, seed: int = 0) -> None:
    """Twelve training videos of 29 or 30 utterances, of which ten have 296 together, and three test videos of 8."""
    rng = np.random.default_rng(seed)
    counts = {f"train_{chr(97 + i)}": 30 if i < 7 else 29 for i in range(12)} | {f"test-{i}": 8 for i in range(3)}
    names, labels = [], []
    for video, count in counts.items():
        # The names stand in no order, and the numbers are neither gapless nor sorted as text.
        names += [f"{video}_{2 * int(k) + 1}" for k in rng.permutation(count)]
        labels += list(rng.integers(0, 2, count))
    folder.mkdir(parents=True)
    with gzip.open(folder / "transcripts.csv.gz", "wt", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [n, "WORDS", 0, y] for n, y in zip(names, labels, strict=True)
        )
    for part in ("train", "test"):
        rows = [i for i, name in enumerate(names) if name.startswith(part)]
        y = np.array([labels[i] for i in rows])
        for name, width in WIDTHS.items():
            x = rng.normal(size=(len(rows), width)) + (1.5 if name == "text" else 0.3) * (2 * y[:, None] - 1)
            # The first feature of each modality tells the number of the utterance, so that the order can be seen.
            x[:, 0] = [int(names[i].rpartition("_")[2]) for i in rows]
            with gzip.open(folder / f"{name}_{part}.csv.gz", "wt", newline="") as file:
                csv.writer(file, quoting=csv.QUOTE_ALL).writerows([*a, b] for a, b in zip(x, y, strict=True))
        with gzip.open(folder / f"rows_{part}.csv.gz", "wt", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([i, 0.5] for i in rows)


def write_recola(folder: Path, frames: int = 160, seed: int = 0) -> None:
    """Three training and two development recordings; sound and appearance tell the rating."""
    rng = np.random.default_rng(seed)
    places = {"audio": (folder / "features_audio", 88), "appearance": (folder / "features_video_appearance", 168)}
    maps = {name: rng.normal(size=(2, width)) for name, (_, width) in places.items()}
    for path in (*(p for p, _ in places.values()), folder / "ratings_gold_standard" / "arousal"):
        path.mkdir(parents=True)
    for name in ("train_1", "train_2", "train_10", "dev_1", "dev_2"):
        times = 0.04 * np.arange(frames)
        rating = 0.4 * np.sin(times / 2 + rng.uniform(0, 6))
        hidden = np.stack([rating, np.cos(times)], 1)
        for modality, (place, _) in places.items():
            x = hidden @ maps[modality] + 0.1 * rng.normal(size=(frames, maps[modality].shape[1]))
            _arff(place / f"{name}.arff", name, times, x)
        _arff(folder / "ratings_gold_standard" / "arousal" / f"{name}.arff", name, times, rating[:, None])


def _arff(path: Path, name: str, times: np.ndarray, x: np.ndarray) -> None:
    rows = [f"'{name}',{t:.2f}," + ",".join(f"{v:.4f}" for v in row) for t, row in zip(times, x, strict=True)]
    path.write_text("@relation x\n@attribute name string\n\n@data\n" + "\n".join(rows) + "\n")


@pytest.fixture(scope="session")
def mosi_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of corpora that holds a tiny `mosi`; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("corpora")
    write_mosi(folder / "mosi")
    return folder


@pytest.fixture(scope="session")
def recola_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of corpora that holds a tiny `recola`."""
    folder = tmp_path_factory.mktemp("corpora")
    write_recola(folder / "recola")
    return folder
