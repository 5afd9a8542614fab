"""What the attention fusions learn from: faces, voices and texts of different people, embedded by the models that come with
Mien, each with the emotion it shows.

No public corpus here has all three of one person, so they are paired by label (`draw`): a face, a voice and a text that show
the same emotion stand for one moment. Faces are labelled as FER2013 is; voices by the acted emotion (calm counts as neutral,
boredom is left out); a text by the emotion whose norm (`emotion/norms.py`) is nearest to its rated valence, arousal and
dominance, after the ratings of EmoBank, which cluster around the middle, were put on the norms' spread.

Nothing is in two parts: faces are split by groups of copies, voices by speaker, texts as published. The validation and test
parts are of faces, speakers and texts that the embedding models were not trained on either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mien.errors import CorpusError, shown
from mien.evaluation.groups import GENDERS, LANGUAGES
from mien.models import store
from mien.tracks.quantity import EXPRESSIONS
from mien.training.arrays import Form, keep_arrays, kept_arrays
from mien.training.checks import require_splits
from mien_plugins.emotion.corpus import TEST_SPEAKERS, Clip, read_clips
from mien_plugins.emotion.norms import PAD, family

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

MODALITIES: Final = ("text", "voice", "face")
PARTS: Final = ("train", "valid", "test")
PUBLIC: Final = ("face/fer2013.npz", "speech/manifest.csv", "text/emobank/emobank.csv")
MODELS: Final = {"text": "text-offence", "voice": "emotion-mtl", "face": "face-affect"}
VALID_SPEAKERS: Final = ("ravdess-17", "ravdess-18", "emodb-15")
"""Of the speakers that the voice model was not trained on; the others test."""

NORMS: Final = np.array([PAD[name] for name in EXPRESSIONS])
_SHOWN: Final = {
    "anger": "angry",
    "calm": "neutral",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprise",
}
"""The family of a voice's emotion → the shared class."""


@dataclass(frozen=True)
class Budget:
    """How many faces and texts of one class are read, in training, validation and test."""

    faces: tuple[int, int, int] = (400, 120, 150)
    texts: tuple[int, int, int] = (700, 120, 150)
    clips: int | None = None
    """Of each speaker and emotion; all if None."""


_FORMS: Final[dict[str, Form]] = {
    "vectors": ("<f4", ("N", "D")), "label": ("<i8", ("N",)), "affect": ("<f4", ("N", 2)), "part": ("<i8", ("N",)),
    "group": ("U", ("N",)),
}  # fmt: skip


def within(places: Ints, names: Sequence[object]) -> bool:
    """Whether all are indices into that."""
    return bool(np.all((places >= 0) & (places < len(names))))


@dataclass(frozen=True)
class Items:
    """What one modality shows: row i of every field belongs together.

    vectors (N, D); label (N,) index into EXPRESSIONS; affect (N, 2) valence and arousal in [-1, 1]; part (N,) index into PARTS;
    group (N,): the speaker of a voice, empty for the others.
    """

    vectors: Floats
    label: Ints
    affect: Floats
    part: Ints
    group: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, which: npt.NDArray[np.bool_]) -> Items:
        """Some of them."""
        return Items(*(getattr(self, f.name)[which] for f in fields(self)))

    def of(self, part: str) -> Items:
        """Those of one part."""
        return self.rows(self.part == PARTS.index(part))

    def save(self, path: Path) -> None:
        """Write to an .npz file, whole or not at all."""
        keep_arrays(path, {f.name: getattr(self, f.name) for f in fields(self)}, _FORMS)

    @classmethod
    def load(cls, path: Path) -> Items | None:
        """The inverse of `save`; None where there is none, or it is damaged."""
        found = kept_arrays(path, _FORMS)
        self = None if found is None else cls(**found)
        return self if self is not None and within(self.label, EXPRESSIONS) and within(self.part, PARTS) else None


def read_items(data: Path, kept: Path, budget: Budget, device: str = "cpu") -> dict[str, Items]:
    """All three modalities' items, embedded once and kept in the folder `kept`.

    Raises:
        CorpusError: a corpus is missing.
        ModelError: a model that embeds is missing or damaged.
    """
    for name in PUBLIC:
        if not (data / name).exists():
            raise CorpusError(
                f"fusion-attention learns from a manifest.csv of one's own, or from {', '.join(PUBLIC)}; neither that nor {name} "
                f"is in the folder: {shown(data)}"
            )
    kept.mkdir(parents=True, exist_ok=True)
    found = {}
    makers: dict[str, Callable[[Path, Budget, str], Items]] = {"text": texts, "voice": voices, "face": faces}
    for name, make in makers.items():
        made_of = [name, store.fingerprint(MODELS[name]), budget.texts, budget.clips, budget.faces]
        path = kept / f"{name}-{hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]}.npz"
        items = Items.load(path)
        if items is None:
            items = make(data, budget, device)
            items.save(path)
        found[name] = items
    return found


def voices_of(data: Path) -> dict[str, tuple[str, ...]]:
    """Each speaker's groups, as cards call them: the corpus with its language, and women or men."""
    found = {}
    for clip in read_clips(data):
        corpus = f"voices of {clip.corpus} ({LANGUAGES.get(clip.language, clip.language)})"
        gender = (f"voices of {GENDERS.get(clip.gender, clip.gender)}",) if clip.gender else ()
        found[clip.speaker] = (corpus, *gender)
    return found


def texts(data: Path, budget: Budget, device: str) -> Items:
    """EmoBank's sentences, embedded as analyses embed utterances."""
    from mien_plugins.text.clean import clean
    from mien_plugins.text.data import read_emobank
    from mien_plugins.text.model import TextModel

    splits = read_emobank(data)
    require_splits("EmoBank", splits)
    middle, spread = splits["train"].target.mean(0), splits["train"].target.std(0)
    rows, label, part = [], [], []
    for number, name in enumerate(PARTS):
        on_norms = (splits[name].target - middle) / spread * NORMS.std(0)
        nearest = ((on_norms[:, None] - NORMS) ** 2).sum(2).argmin(1)
        for row in _of_each(nearest, budget.texts[number], number):
            rows.append(clean(splits[name].text[row], "transcript"))
            label.append(int(nearest[row]))
            part.append(number)
    vectors = TextModel.load(store.resolve(MODELS["text"]), device).read(rows).vectors
    return _items(vectors, label, part)


def voices(data: Path, budget: Budget, device: str) -> Items:
    """RAVDESS' and EmoDB's clips without the silence at both ends."""
    from mien_plugins.emotion.reader import load
    from mien_plugins.emotion.windows import trim

    clips = _chosen([clip for clip in read_clips(data) if family(clip.emotion) in _SHOWN], budget.clips)
    reader = load(store.resolve(MODELS["voice"]))
    reader.net.to(device)
    heard = [(clip, reader.hear(trim(clip.samples))) for clip in clips]
    heard = [(clip, rows) for clip, rows in heard if len(rows)]
    _, vectors = reader.read([rows for _, rows in heard], device)
    clips = [clip for clip, _ in heard]
    label = [EXPRESSIONS.index(_SHOWN[family(clip.emotion)]) for clip in clips]
    items = _items(vectors, label, [_part_of(clip.speaker) for clip in clips])
    affect = np.array([clip.label[:2] for clip in clips], np.float32)
    return Items(items.vectors, items.label, affect, items.part, np.array([clip.speaker for clip in clips]))


def faces(data: Path, budget: Budget, device: str) -> Items:
    """FER2013's pictures, as the face reader embeds them."""
    from mien_plugins.face.measure import corpus
    from mien_plugins.face.reader import ExpressionReader

    fer = corpus(data)
    order = [fer.classes.index(name) for name in EXPRESSIONS]
    reader = ExpressionReader.load(store.resolve(MODELS["face"]), device)
    # The embedding is the first view's: the others need not be read.
    reader.ensemble.views = reader.ensemble.views[:1]
    images, label, part = [], [], []
    for number, split in enumerate((fer.train, fer.valid, fer.test)):
        shown = np.array([order.index(int(c)) for c in split.labels])
        rows = _of_each(shown, budget.faces[number], number)
        images.append(np.repeat(split.images[rows][..., None], 3, axis=3))
        label += shown[rows].tolist()
        part += [number] * len(rows)
    return _items(reader.read(np.concatenate(images)).embedding, label, part)


def _items(vectors: Floats, label: Sequence[int], part: Sequence[int]) -> Items:
    labels = np.array(label, np.int64)
    affect = NORMS[labels][:, :2].astype(np.float32)
    return Items(np.asarray(vectors, np.float32), labels, affect, np.array(part, np.int64), np.full(len(labels), ""))


def _of_each(label: npt.NDArray[Any], count: int, seed: int) -> Ints:
    """Rows, at most `count` of each class, drawn by the seed and in order."""
    draw = np.random.default_rng(seed).permutation(len(label))
    kept = [draw[label[draw] == c][:count] for c in range(len(EXPRESSIONS))]
    return np.sort(np.concatenate(kept))


def _part_of(speaker: str) -> int:
    if speaker in VALID_SPEAKERS:
        return PARTS.index("valid")
    return PARTS.index("test" if speaker in TEST_SPEAKERS else "train")


def _chosen(clips: Sequence[Clip], count: int | None) -> list[Clip]:
    if count is None:
        return list(clips)
    taken: dict[tuple[str, str], int] = {}
    kept = []
    for clip in clips:
        key = clip.speaker, clip.emotion
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= count:
            kept.append(clip)
    return kept
