"""A user's own manifest as the attention fusions and the MML read it: vectors of text, voice and face of each row.

A row that names a medium is embedded by the models that come with Mien, as analyses embed media: on a grid of `draw.STEP`
seconds the voice around the moment, the largest face nearest to it and what is said in the whole row. A row that names an
`.npz` file has the user's own features in it, arrays `text`, `audio` and `video` (steps × numbers) of any lengths, as
`khare_data` describes; any of the three may be left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mien.errors import CorpusError, shown
from mien.models import store
from mien.training.manifest import Manifest, Row
from mien.training.stretch import sound
from mien_plugins.fusion.draw import STEP, Dropping
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.khare_data import FACE, TEXT, Corpus, Extractor
from mien_plugins.fusion.moddrop import moddrop
from mien_plugins.fusion.scaling import subsets

VOICE: Final = "emotion-mtl"
STREAMS: Final = {"text": "text", "voice": "audio", "face": "video"}
"""Modality → the array that holds it."""
AROUND, EVERY = 6.0, 1.0
"""s of sound that a reading of the voice is made from, and between two readings: as the analyzer has them."""
LONGEST = 120
"""Steps of a medium's row that are read at most: a minute."""
LIMITS: Final = {"text": 128, "voice": 1000, "face": 32}
"""Steps of own features that are read at most (Rajan 2022, ch. 4)."""
NAMES: Final = ("manifest.csv", "manifest.parquet")

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def has_manifest(data: Path) -> bool:
    """Whether a folder holds a manifest of the user's own."""
    return any((data / name).is_file() for name in NAMES)


class Embeddings(Extractor):
    """Embeds media on the grid; arrays are named as in `STREAMS`."""

    models: ClassVar[tuple[str, ...]] = (FACE, TEXT, VOICE)

    def _made(self, manifest: Manifest, row: Row) -> dict[str, Floats]:
        rate = self._voice_reader.rate
        samples = sound(manifest, row, rate) if self._hears(manifest, row) else np.zeros(0, np.float32)
        times, faces = self._faces(manifest, row)
        seconds = max(len(samples) / rate, float(times[-1]) if len(times) else 0.0)
        grid = STEP * (np.arange(min(LONGEST, max(1, round(seconds / STEP)))) + 0.5)
        return {
            "audio": nearest(*self._voiced(samples, rate), grid),
            "video": nearest(times, faces, grid),
            "text": np.repeat(self._said(row.text), len(grid), axis=0),
        }

    def _voiced(self, samples: Floats, rate: int) -> tuple[Floats, Floats]:
        times, heard = [], []
        for at in np.arange(EVERY / 2, max(EVERY, len(samples) / rate), EVERY)[:LONGEST]:
            begin, end = (round(max(0.0, at + side * AROUND / 2) * rate) for side in (-1, 1))
            rows = self._voice_reader.hear(samples[begin:end])
            if len(rows):
                times.append(at)
                heard.append(rows)
        return np.array(times, np.float32), self._embedded(heard)

    def _embedded(self, heard: Sequence[Any]) -> Floats:
        if not heard:
            return np.zeros((0, 0), np.float32)
        return np.asarray(self._voice_reader.read(heard, self._device)[1], np.float32)

    @cached_property
    def _voice_reader(self) -> Any:
        from mien_plugins.emotion.reader import load

        reader = load(store.resolve(VOICE))
        reader.net.to(self._device)
        return reader


class Clips(Embeddings):
    """Embeds a row's sound and its text as one vector each, as the MML reads clips."""

    models: ClassVar[tuple[str, ...]] = (TEXT, VOICE)

    def _made(self, manifest: Manifest, row: Row) -> dict[str, Floats]:
        heard = self._voice_reader.hear(sound(manifest, row, self._voice_reader.rate))
        return {"audio": self._embedded([heard] if len(heard) else []), "text": self._said(row.text)}


def nearest(times: Floats, vectors: Floats, grid: npt.NDArray[np.float64]) -> Floats:
    """(len(grid), D): of vectors (N, D) at times (N,) the nearest to each moment; (0, D) where there is none."""
    if not len(times):
        return vectors[:0]
    found: Floats = vectors[np.abs(times[None] - grid[:, None]).argmin(1)]
    return found


@dataclass(frozen=True)
class Shape:
    """What a net is given of each row.

    Args:
        widths: numbers in each modality's vectors, 1 where no row has the modality.
        steps: of each modality's sequence where it is read as a whole; empty where modalities go step by step.
        context: steps that the net looks back on.
    """

    widths: tuple[int, ...]
    steps: tuple[int, ...] = ()
    context: int = 0


@dataclass(frozen=True)
class Looked:
    """What a corpus' rows have: widths (M,), lengths (N, M) in steps, 0 where a modality is absent."""

    widths: tuple[int, ...]
    lengths: npt.NDArray[np.int64]

    @property
    def present(self) -> Bools:
        """(N, M)."""
        return self.lengths > 0


def look(corpus: Corpus, widths: Sequence[int] = ()) -> Looked:
    """Look through all rows.

    Args:
        widths: those that a net has; else those of the rows, which must agree.

    Raises:
        CorpusError: a row has nothing to read, or vectors of another width; it names the row.
    """
    seen = {name: width for name, width in zip(MODALITIES, widths, strict=False) if width > 1}
    lengths = np.zeros((len(corpus), len(MODALITIES)), np.int64)
    for number, row in enumerate(corpus.manifest.rows):
        found = streams(corpus, number)
        if not found:
            raise CorpusError(
                f"{corpus.manifest.where(row)} has no text, voice or face to read: {shown(corpus.files[number])}"
            )
        for name, block in found.items():
            lengths[number, MODALITIES.index(name)] = len(block)
            if seen.setdefault(name, block.shape[1]) != block.shape[1]:
                raise CorpusError(
                    f"{corpus.manifest.where(row)}: {name} has {block.shape[1]} numbers a step where {seen[name]} belong: "
                    f"{shown(corpus.files[number])}"
                )
    return Looked(tuple(seen.get(name, 1) for name in MODALITIES), lengths)


def require_steps(corpus: Corpus, looked: Looked, strategy: str) -> None:
    """Refuse rows whose modalities do not have the same steps; raises CorpusError."""
    for row, lengths in zip(corpus.manifest.rows, looked.lengths, strict=True):
        if len(set(lengths[lengths > 0].tolist())) > 1:
            told = ", ".join(f"{name} {n}" for name, n in zip(MODALITIES, lengths, strict=True) if n)
            raise CorpusError(
                f"{corpus.manifest.where(row)} has {told} steps, but {strategy} reads all modalities step by step; give them "
                f"alike, or choose intra, cross or intra-cross: {shown(corpus.manifest.source)}"
            )


def streams(corpus: Corpus, row: int) -> dict[str, Floats]:
    """One row's vectors by modality."""
    found = corpus.streams(row)
    return {name: found[array] for name, array in STREAMS.items() if array in found}


Batch = tuple[tuple[Tensor, ...], Tensor, Tensor]
"""Vectors of each modality, mask, label (B,): (B, steps_m, D_m) and (B, 1, M) of whole sequences, else (B, context + T, D_m) and
(B, context + T, M)."""


def collate(corpus: Corpus, rows: Sequence[int], present: Bools, labels: npt.NDArray[np.int64], shape: Shape) -> Batch:
    """Those rows as a batch, zeros behind their ends.

    Args:
        present: (len(rows), M), what of them is there.
        labels: (len(rows),).
    """
    found = [streams(corpus, row) for row in rows]
    longest = max(max((len(block) for block in sample.values()), default=1) for sample in found)
    x, masks = [], []
    for m, (name, width) in enumerate(zip(MODALITIES, shape.widths, strict=True)):
        steps = shape.steps[m] if shape.steps else shape.context + longest
        block, mask = np.zeros((len(rows), steps, width), np.float32), np.zeros((len(rows), steps), np.bool_)
        for n, sample in enumerate(found):
            if present[n, m]:
                part = sample[name][: steps - shape.context]
                block[n, shape.context : shape.context + len(part)] = part
                mask[n, shape.context : shape.context + len(part)] = True
        x.append(torch.from_numpy(block))
        masks.append(torch.from_numpy(mask))
    whole = torch.from_numpy(present.copy())[:, None] if shape.steps else torch.stack(masks, -1)
    return tuple(x), whole, torch.from_numpy(labels)


class Shuffled(Dataset[Batch]):
    """Rows in batches of `size`; `draw` gives the next epoch's order.

    Args:
        rows: (K,) numbers of what there is to read; present (K, M): which modalities of it count.
    """

    def __init__(self, rows: npt.NDArray[np.int64], present: Bools, size: int) -> None:
        self.rows, self.present, self.size = rows, present, size
        self.order = np.arange(len(rows))

    def draw(self, *seed: int) -> None:
        """Shuffle."""
        self.order = np.random.default_rng(seed).permutation(len(self.rows))

    def __len__(self) -> int:
        return -(-len(self.rows) // self.size)

    def __getitem__(self, index: int) -> Batch:
        if index >= len(self):
            raise IndexError(index)
        at = self.order[index * self.size : (index + 1) * self.size]
        return self.batch(self.rows[at], self.present[at])

    def batch(self, rows: npt.NDArray[np.int64], present: Bools) -> Batch:
        """Those rows, (B,), with what counts of each, (B, M)."""
        raise NotImplementedError


class Batches(Shuffled):
    """A corpus in batches; with `dropping` its copies too."""

    def __init__(
        self, corpus: Corpus, looked: Looked, labels: npt.NDArray[np.int64], shape: Shape, size: int, dropping: Dropping
    ) -> None:
        super().__init__(*dropped(looked.present, dropping), size)
        self.corpus, self.labels, self.shape = corpus, labels, shape

    def batch(self, rows: npt.NDArray[np.int64], present: Bools) -> Batch:
        return collate(self.corpus, rows.tolist(), present, self.labels[rows], self.shape)


def dropped(present: Bools, dropping: Dropping) -> tuple[npt.NDArray[np.int64], Bools]:
    """Rows and what of them is there, (K,) and (K, M): as they are, with Moddrop's copies, or with every subset of what is."""
    if dropping == "off":
        return np.arange(len(present)), present
    if dropping == "single":
        copies = moddrop(present)
        return copies.rows, copies.present
    rows, kept = [], []
    for n, there in enumerate(present):
        for kind in {tuple(subset & there) for subset in subsets(present.shape[1])}:
            if any(kind):
                rows.append(n)
                kept.append(kind)
    order = np.lexsort([np.array(kept)[:, m] for m in range(present.shape[1])] + [np.array(rows)])
    return np.array(rows)[order], np.array(kept, np.bool_)[order]
