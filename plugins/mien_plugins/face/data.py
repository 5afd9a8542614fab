"""FER2013 for the face recipe: reading, splitting without leaks, augmenting in batches.

Source: Goodfellow et al., "Challenges in Representation Learning" (ICONIP 2013). 48x48 grey faces, seven
expressions in the order angry, disgust, fear, happy, sad, surprise, neutral. About one picture in twenty is
a copy of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mien.errors import CorpusError, shown
from mien.training.arrays import read_arrays
from mien.training.checks import require_equal_lengths, require_known_labels, require_splits

SIDE = 48
_THUMB = 12
# Correlation of 12x12 thumbnails, then of the pictures themselves, above which two pictures are one: JPEG
# noise and brightness apart. Neighbouring film frames fall under it too, which is wanted: they must not
# straddle a split either.
_THUMB_ALIKE = 0.975
_ALIKE = 0.95
_MOST = 1024 * 2**20
"""Bytes that one array of the file may have; the corpus' pictures are 54 MB."""


@dataclass(frozen=True)
class Faces:
    """Grey faces (N, H, W) uint8, those of FER2013 48x48, and their classes (N,) int64, or ratings (N, K) float32."""

    images: NDArray[np.uint8]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: NDArray[np.int64]) -> Faces:
        """The faces at these positions."""
        return Faces(self.images[index], self.labels[index])


@dataclass(frozen=True)
class Fer2013:
    """train, valid (cut from Training) and test (PublicTest); `dropped` Training pictures were copies of test
    pictures."""

    train: Faces
    valid: Faces
    test: Faces
    classes: tuple[str, ...]
    dropped: int
    duplicates: int


def load_fer2013(path: Path, valid_share: float = 0.1, seed: int = 0) -> Fer2013:
    """Read `fer2013.npz` (or a folder that holds it) and split it.

    Copies (up to mirroring and JPEG noise) stay on one side of train | valid; a Training picture that is a
    copy of a PublicTest picture is left out. Raises FileNotFoundError if there is no such file, CorpusError
    if it is damaged, empty or has a label that is no class.
    """
    file = path / "fer2013.npz" if path.is_dir() else path
    names = ("jpeg", "offset", "y", "usage", "classes")
    try:
        arrays = read_arrays(file, names, _MOST)
        jpeg, offset, labels, usage, named = (arrays[name] for name in names)
        if any(part.ndim != 1 or part.dtype.kind not in "iu" for part in (jpeg, offset, labels, usage)):
            raise ValueError("jpeg, offset, y and usage must be rows of whole numbers")
    except (KeyError, ValueError) as error:
        raise CorpusError(
            f"This is no fer2013.npz with the arrays jpeg, offset, y, usage and classes ({error}): {shown(file)}"
        ) from error
    labels, classes = labels.astype(np.int64), tuple(map(str, named.ravel().tolist()))
    lengths = {"y": len(labels), "usage": len(usage), "offset (less one)": len(offset) - 1}
    require_equal_lengths("fer2013.npz", lengths)
    require_known_labels("fer2013.npz", "whole", labels, range(len(classes)))
    require_splits("fer2013.npz", {"Training": int((usage != 1).sum()), "PublicTest": int((usage == 1).sum())})
    images = np.empty((len(labels), SIDE, SIDE), np.uint8)
    for i in range(len(labels)):
        data = jpeg[offset[i] : offset[i + 1]]
        try:
            picture = cv2.imdecode(data.astype(np.uint8), cv2.IMREAD_GRAYSCALE) if len(data) else None
        except cv2.error:  # it claims to be larger than any picture that OpenCV decodes
            picture = None
        if picture is None or picture.shape != (SIDE, SIDE):
            raise CorpusError(f"Picture {i} is no JPEG of {SIDE}×{SIDE}: {shown(file)}")
        images[i] = picture

    group = group_copies(images)
    is_test = usage == 1
    tainted = np.isin(group, group[is_test]) & ~is_test
    pool = np.flatnonzero(~is_test & ~tainted)
    # Whole groups go to one side; drawing groups at random keeps the classes' shares within a per cent.
    groups, sizes = np.unique(group[pool], return_counts=True)
    order = np.random.default_rng(seed).permutation(len(groups))
    held = groups[order][np.cumsum(sizes[order]) <= valid_share * len(pool)]
    in_valid = np.isin(group[pool], held)
    left = int(in_valid.sum())
    require_splits("fer2013.npz", {"training": len(pool) - left, **({"validation": left} if valid_share > 0 else {})})
    faces = Faces(images, labels)
    return Fer2013(
        train=faces.take(pool[~in_valid]),
        valid=faces.take(pool[in_valid]),
        test=faces.take(np.flatnonzero(is_test)),
        classes=classes,
        dropped=int(tainted.sum()),
        duplicates=len(images) - len(np.unique(group)),
    )


def group_copies(images: NDArray[np.uint8], chunk: int = 2048) -> NDArray[np.int64]:
    """Group number of each picture (N,); pictures that are copies, mirrored or not, share it."""
    thumbs = _unit(np.stack([cv2.resize(i, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA) for i in images]))
    mirrored = np.ascontiguousarray(thumbs.reshape(-1, _THUMB, _THUMB)[:, :, ::-1]).reshape(thumbs.shape)
    full = _unit(images)
    parent = np.arange(len(images))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    for other, flip in ((thumbs, False), (mirrored, True)):
        for start in range(0, len(images), chunk):
            alike = thumbs[start : start + chunk] @ other[start:].T > _THUMB_ALIKE
            for row, column in zip(*np.nonzero(alike), strict=True):
                a, b = start + int(row), start + int(column)
                if a >= b:
                    continue
                second = full[b].reshape(SIDE, SIDE)[:, ::-1].ravel() if flip else full[b]
                if float(full[a] @ second) > _ALIKE:
                    parent[root(b)] = root(a)
    return np.array([root(i) for i in range(len(images))], np.int64)


def _unit(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures as rows of zero mean and length 1 (N, H*W); a flat picture stays zero and is like nothing."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat


def standardise(grey: Tensor) -> Tensor:
    """Grey (B, 1, H, W) of any scale -> the same with zero mean and unit deviation per picture.

    Takes brightness and contrast out of the picture, so that a dark video reads like a bright one. A flat
    picture becomes zeros.
    """
    centred = grey - grey.mean(dim=(2, 3), keepdim=True)
    return centred / centred.pow(2).mean(dim=(2, 3), keepdim=True).sqrt().clamp_min(1.0)


def plain(images: NDArray[np.uint8], size: int) -> Tensor:
    """Grey uint8 (B, H, W) -> standardised (B, 1, size, size), without augmentation."""
    return standardise(resized(torch.from_numpy(np.ascontiguousarray(images)).float().unsqueeze(1), size))


def resized(x: Tensor, size: int) -> Tensor:
    """Pictures (B, C, H, W) float at (B, C, size, size)."""
    if x.shape[-2:] == (size, size):
        return x
    return functional.interpolate(x, size=(size, size), mode="bilinear", antialias=True)


def augmented(images: NDArray[np.uint8], size: int, generator: torch.Generator) -> Tensor:
    """As `plain`, with a random mirror, turn (15 deg), shift (8 %), zoom (0.85-1.15), erased rectangle."""
    x = torch.from_numpy(np.ascontiguousarray(images)).float().unsqueeze(1)
    n = len(x)

    def draw(low: float, high: float) -> Tensor:
        return torch.rand(n, generator=generator) * (high - low) + low

    angle, zoom = torch.deg2rad(draw(-15, 15)), draw(0.85, 1.15)
    mirror = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    affine = torch.stack(
        [
            torch.stack([cos * mirror, -sin, draw(-0.16, 0.16)], dim=1),
            torch.stack([sin * mirror, cos, draw(-0.16, 0.16)], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(affine, list(x.shape), align_corners=False)
    x = functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    x = standardise(resized(x, size))

    # One picture in four loses a rectangle: hands, hair and microphones cover faces in video.
    height, width = draw(0.1, 0.35) * size, draw(0.1, 0.35) * size
    top, left = draw(0, 1) * (size - height), draw(0, 1) * (size - width)
    pixel = torch.arange(size)
    rows = (pixel >= top[:, None]) & (pixel < (top + height)[:, None])
    columns = (pixel >= left[:, None]) & (pixel < (left + width)[:, None])
    erased = rows[:, :, None] & columns[:, None, :] & (draw(0, 1) < 0.25)[:, None, None]
    return x.masked_fill(erased.unsqueeze(1), 0.0)


def batches(
    faces: Faces, size: int, batch: int, generator: torch.Generator | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """(images, labels) batches; shuffled and augmented if a generator is given, else plain and in order."""
    count = len(faces)
    order = np.arange(count) if generator is None else torch.randperm(count, generator=generator).numpy()
    for start in range(0, count, batch):
        index = order[start : start + batch]
        images = faces.images[index]
        x = plain(images, size) if generator is None else augmented(images, size, generator)
        yield x, torch.from_numpy(faces.labels[index])
