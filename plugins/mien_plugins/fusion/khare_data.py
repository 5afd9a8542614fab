"""A manifest's rows as streams: sound, faces and words of media, or the user's own features in `.npz` files.

A row whose path is an `.npz` file has arrays `audio`, `video` and `text` in it, each steps × numbers (the paper's: stacked
filterbanks, VGG-16, GloVe); video and text may be left out, start and end are not used. A row that names a medium is heard
(filterbanks), looked at (the embedding of the largest face, five times a second) and its text embedded, by the models that
come with Mien, once; what was found is kept.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from mien.errors import CorpusError, MediaError, shown
from mien.models import store
from mien.training.arrays import Form, keep_arrays, kept_arrays, read_arrays
from mien.training.checks import require_finite
from mien.training.manifest import Manifest, Row
from mien.training.stretch import pictures, sound
from mien_plugins.fusion.khare_audio import EACH, filterbank
from mien_plugins.fusion.khare_info import RATE
from mien_plugins.fusion.khare_streams import MODALITIES, Sequences

FACE, TEXT = "face-affect", "text-offence"
FACES_A_SECOND = 5.0
STEPS_A_SECOND = {"audio": RATE / EACH, "video": FACES_A_SECOND, "text": 10.0}
"""Longest sequences a second that are kept of each modality, as a bound on memory."""
SAMPLED = 400
"""Training stretches that the scaling of the inputs is fitted on."""
_MOST = 64 * 2**20
"""Bytes of a file of features; unfolded, one of its arrays may have four times as many."""

_FORMS: dict[str, Form] = {name: ("<f4", (f"{name} steps", f"{name} width")) for name in MODALITIES}
Floats = npt.NDArray[np.float32]
T = TypeVar("T")


@contextmanager
def kept_streams(model: Path) -> Iterator[Path]:
    """The folder with what was extracted when a model was trained, or one that goes again."""
    kept = model / "work" / "streams"
    with tempfile.TemporaryDirectory() as aside:
        yield kept if kept.is_dir() else Path(aside)


class Extractor:
    """Makes a row's streams; models are loaded when the first row needs them."""

    models: ClassVar[tuple[str, ...]] = (FACE, TEXT)
    """By whose versions what was made is kept."""

    def __init__(self, cache: Path, device: str = "cpu", progress: bool = False) -> None:
        self._cache, self._device, self._progress = cache, device, progress

    def all(self, manifest: Manifest) -> tuple[Path, ...]:
        """The files of all rows; a bar on standard error says how far it is. Raises CorpusError as `streams` does."""
        return tuple(self.streams(manifest, row) for row in self._each(manifest.rows))

    def _each(self, found: Sequence[T]) -> Iterable[T]:
        """The same one by one, with the bar."""
        from rich.console import Console
        from rich.progress import track

        console, quiet = Console(stderr=True), not self._progress
        return track(found, "Listening and looking", console=console, transient=True, disable=quiet)

    def streams(self, manifest: Manifest, row: Row) -> Path:
        """The `.npz` file with a row's streams: the user's own, or one that is made now and kept.

        Raises:
            CorpusError: the row's recording cannot be read, or is none; it names the row.
        """
        path = manifest.file(row)
        if not row.path:
            raise CorpusError(f"{manifest.where(row)} is only a text; a recording is needed: {shown(manifest.source)}")
        if path.suffix.lower() == ".npz":
            return path
        kept = self._cache / f"{self._key(path, row)}.npz"
        if kept_arrays(kept, _FORMS, MODALITIES) is None:
            keep_arrays(kept, self._made(manifest, row), _FORMS, MODALITIES)
        return kept

    def _made(self, manifest: Manifest, row: Row) -> dict[str, Floats]:
        """A medium's streams; what has no step is absent."""
        samples = sound(manifest, row, RATE) if self._hears(manifest, row) else np.zeros(0, np.float32)
        return {"audio": filterbank(samples), "video": self._faces(manifest, row)[1], "text": self._said(row.text)}

    def _hears(self, manifest: Manifest, row: Row) -> bool:
        """Whether a row's recording has sound; raises CorpusError where it cannot be read."""
        from mien.media.probe import probe

        try:
            return probe(manifest.file(row)).audio is not None
        except MediaError as error:
            raise CorpusError(f"{manifest.where(row)}: {error}") from error

    def _key(self, path: Path, row: Row) -> str:
        about = path.stat()
        made_by = [store.fingerprint(name) for name in self.models]
        told = [str(path), about.st_size, about.st_mtime_ns, row.start, str(row.end), row.text, made_by]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]

    def _faces(self, manifest: Manifest, row: Row) -> tuple[Floats, Floats]:
        """Times (N,) in s from the row's start, and the embeddings (N, 256) of the largest face of each picture."""
        from mien.media.crops import crop_face
        from mien.media.probe import probe
        from mien_plugins.face.info import CROP, MARGIN

        times, crops = [], []
        if probe(manifest.file(row)).video is not None:
            for time, picture in pictures(manifest, row, FACES_A_SECOND, 640):
                found = self._detector.detect(picture[None], max(20.0, 0.04 * max(picture.shape[:2])))[0]
                if len(found):
                    largest = int(np.argmax(found.boxes[:, 2] * found.boxes[:, 3]))
                    crops.append(crop_face(picture, found.boxes[largest], CROP, MARGIN, found.landmarks[largest]))
                    times.append(time - row.start)
        if not crops:
            return np.zeros(0, np.float32), np.zeros((0, 256), np.float32)
        return np.array(times, np.float32), np.asarray(self._face_reader.read(np.stack(crops)).embedding, np.float32)

    def _said(self, text: str) -> Floats:
        from mien_plugins.text.clean import clean

        words = clean(text, "transcript")
        width = self._text_model.settings.net.width
        found = self._text_model.read([words]).vectors if words else np.zeros((0, width))
        return np.asarray(found, np.float32)

    @cached_property
    def _detector(self) -> Any:
        from mien_plugins.face.mtcnn import Mtcnn

        return Mtcnn(self._device)

    @cached_property
    def _face_reader(self) -> Any:
        from mien_plugins.face.reader import ExpressionReader

        return ExpressionReader.load(store.resolve(FACE), self._device)

    @cached_property
    def _text_model(self) -> Any:
        from mien_plugins.text.model import TextModel

        return TextModel.load(store.resolve(TEXT), self._device)


@dataclass(frozen=True)
class Corpus:
    """Rows with the files of their streams.

    Args:
        manifest: the rows.
        files: one a row.
        longest: s, what is longer is cut off; None cuts nothing.
        sound: whether a row must have sound.
    """

    manifest: Manifest
    files: tuple[Path, ...]
    longest: float | None
    sound: bool = True

    def __len__(self) -> int:
        return len(self.files)

    @classmethod
    def make(cls, manifest: Manifest, extractor: Extractor, longest: float | None, sound: bool = True) -> Corpus:
        """Extract what has not been extracted yet."""
        return cls(manifest, extractor.all(manifest), longest, sound)

    def take(self, rows: Sequence[int]) -> Corpus:
        """Some of the rows."""
        return replace(self, manifest=self.manifest.take(rows), files=tuple(self.files[i] for i in rows))

    def part(self, split: str) -> Corpus:
        """The rows of one split."""
        return self.take([i for i, row in enumerate(self.manifest.rows) if row.split == split])

    def streams(self, row: int) -> dict[str, Floats]:
        """One row's sequences, those that have a step.

        Raises:
            CorpusError: the file holds no such arrays, or values that are not finite; it names the row.
        """
        where = self.manifest.where(self.manifest.rows[row])
        found = _load(self.files[row], where)
        if self.sound and "audio" not in found:
            raise CorpusError(f"{where} has no sound, onto which all else is laid: {shown(self.files[row])}")
        if self.longest is None:
            return found
        return {name: block[: max(1, round(self.longest * STEPS_A_SECOND[name]))] for name, block in found.items()}

    def widths(self) -> dict[str, int]:
        """Modality → numbers a step, 1 for a modality that no row has.

        Raises:
            CorpusError: two rows differ, it names the second; or one has nothing at all.
        """
        seen: dict[str, int] = {}
        for number, row in enumerate(self.manifest.rows):
            found = self.streams(number)
            if not found:
                raise CorpusError(
                    f"{self.manifest.where(row)} has no sound, picture or text to read: {shown(self.files[number])}"
                )
            for name, block in found.items():
                if seen.setdefault(name, block.shape[1]) != block.shape[1]:
                    raise CorpusError(
                        f"{self.manifest.where(row)}: {name} has {block.shape[1]} numbers a step where the rows before it have "
                        f"{seen[name]}: {shown(self.files[number])}"
                    )
        return {name: seen.get(name, 1) for name in MODALITIES}

    def scale(self, seed: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Mean and deviation of each modality's numbers over a sample of the rows, modalities that none has left out."""
        rows = np.random.default_rng(seed).permutation(len(self))[:SAMPLED]
        blocks: dict[str, list[Floats]] = {name: [] for name in MODALITIES}
        for row in rows.tolist():
            for name, block in self.streams(row).items():
                blocks[name].append(block)
        joined = {name: np.concatenate(parts).astype(np.float64) for name, parts in blocks.items() if parts}
        means = {name: block.mean(0).astype(np.float32) for name, block in joined.items()}
        return means, {name: block.std(0).astype(np.float32) for name, block in joined.items()}


def targets(manifest: Manifest, names: Sequence[str]) -> tuple[Floats, tuple[str, ...]]:
    """(N, K) zeros and ones, and what the K are called.

    One column of classes gives a number per class; columns of numbers give one each, 1 where the label lies above the lowest
    value of its scale (the paper: an intensity above 0).

    Raises:
        CorpusError: a column is missing, or classes and numbers are mixed.
    """
    labels = [manifest.label(name) for name in names]
    if len(labels) == 1 and labels[0].classes:
        codes = manifest.codes(names[0])
        return np.eye(len(labels[0].classes), dtype=np.float32)[codes], labels[0].classes
    if any(label.classes for label in labels):
        raise CorpusError(
            f"Labels must be one column of classes or columns of numbers, and {', '.join(names)} are neither: "
            f"{shown(manifest.source or manifest.folder)}"
        )
    columns = [manifest.numbers(name, 0.0, 1.0) > 0 for name in names]
    return np.stack(columns, 1).astype(np.float32), tuple(names)


def _load(path: Path, where: str) -> dict[str, Floats]:
    try:
        if path.stat().st_size > _MOST:
            raise CorpusError(f"{where}: a file of features may have {_MOST // 2**20} MB at most: {shown(path)}")
        found = {
            name: np.asarray(array, np.float32) for name, array in read_arrays(path, MODALITIES, 4 * _MOST).items()
        }
    except (OSError, ValueError) as error:
        raise CorpusError(
            f"{where}: the file of features cannot be read ({error}); it must be an .npz with arrays audio, video, text: "
            f"{shown(path)}"
        ) from error
    for name, block in found.items():
        if block.ndim != 2:
            raise CorpusError(f"{where}: {name} must be steps × numbers, not of shape {block.shape}: {shown(path)}")
        require_finite(f"{where}: {name}", block)
    return {name: block for name, block in found.items() if len(block)}


def sequences(corpus: Corpus, rows: Sequence[int]) -> list[Sequences]:
    """Streams of some rows."""
    return [corpus.streams(row) for row in rows]


def as_tensors(blocks: Mapping[str, Floats]) -> dict[str, Any]:
    """The same as tensors."""
    import torch

    return {name: torch.from_numpy(block) for name, block in blocks.items()}
