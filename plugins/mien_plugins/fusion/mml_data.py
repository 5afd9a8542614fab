"""What the MML fusion learns from: texts and voices of different corpora, paired by an assumption.

No public corpus has hate speech with its sound, so each text is paired with voices that never said it. What the pair counts
for is assumed: the text's class gives a base, heated delivery raises it, calm delivery lowers it (`target`). By that rule
hate is hostile however it is delivered, offensive words are only when they come heatedly, and all else never is.

Texts keep their corpora's splits (OLID's validation part as the text model's recipe cuts it), voices are split by speaker;
those that test were never trained on by the text and voice models either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mien.errors import CorpusError
from mien.training.arrays import Form, keep_arrays, kept_arrays
from mien.training.checks import require_splits
from mien_plugins.emotion.corpus import TEST_SPEAKERS, Clip, read_clips
from mien_plugins.emotion.material import as_recorded, strung
from mien_plugins.emotion.norms import PAD
from mien_plugins.emotion.reader import Reader
from mien_plugins.fusion.items import within
from mien_plugins.text.clean import clean
from mien_plugins.text.data import Texts, read_hatexplain, read_olid
from mien_plugins.text.model import TextModel

CLASSES: Final = ("hate", "offensive", "normal")
DELIVERIES: Final = ("calm", "between", "heated")
BASE: Final = (0.95, 0.6, 0.05)
"""Of the classes: what a text counts for in a voice between calm and heated."""
SHIFT: Final = 0.2
"""What heated delivery adds and calm delivery takes away."""
THRESHOLD: Final = 0.7
"""From which a pair counts as hostile (the paper's)."""
HEATED: Final = ("angry", "anger")
CALM: Final = ("calm", "neutral", "boredom")
VALID_SPEAKERS: Final = ("ravdess-13", "ravdess-14", "ravdess-15", "ravdess-16", "emodb-13", "emodb-14")
SPLITS: Final = ("train", "valid", "test")
SMALL: Final = 60
"""Texts of each corpus in the small part of the test split."""

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Budget:
    """How much of the corpora is read. texts: of each corpus in training, validation, test; windows: of several seconds
    that are strung together from each speaker's clips of one emotion, besides the clips themselves."""

    texts: tuple[int, int, int] = (1600, 750, 1000)
    windows: int = 2


@dataclass(frozen=True)
class Said:
    """Embedded texts of one split: vectors (N, D), kind (N,) index into CLASSES, corpus (N,), offence (N,) P(offensive)."""

    vectors: Floats
    kind: Ints
    corpus: npt.NDArray[np.str_]
    offence: Floats

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class Voiced:
    """Embedded voices of one split: vectors (N, D), kind (N,) index into DELIVERIES, speaker (N,), attributes (N, 3), gender and
    language (N,) as the corpora code them."""

    vectors: Floats
    kind: Ints
    speaker: npt.NDArray[np.str_]
    attributes: Floats
    gender: npt.NDArray[np.str_]
    language: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class Pairs:
    """Which text goes with which voice, and what the pair counts for: text, voice (N,) rows; target (N,) in [0, 1]."""

    text: Ints
    voice: Ints
    target: Floats

    def __len__(self) -> int:
        return len(self.text)

    def take(self, rows: npt.NDArray[np.bool_]) -> Pairs:
        """Those where the mask is true."""
        return Pairs(self.text[rows], self.voice[rows], self.target[rows])


def target(kind: npt.ArrayLike, delivery: npt.ArrayLike) -> Floats:
    """What pairs count for, by the rule of this module; indices into CLASSES and DELIVERIES."""
    shift = SHIFT * (np.asarray(delivery) - 1)
    counts: Floats = np.clip(np.asarray(BASE)[np.asarray(kind)] + shift, 0.0, 1.0).astype(np.float32)
    return counts


def hostile(counts: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether a pair is hostile by the rule, from what it counts for."""
    # Targets stand on the threshold's side by construction; float32 must not move them.
    return np.asarray(counts >= THRESHOLD - 1e-6, np.bool_)


def delivery(emotion: str) -> int:
    """Index into DELIVERIES of an acted emotion; raises CorpusError for a word that no corpus of the recipe has."""
    if emotion not in PAD:
        raise CorpusError(
            f"speech/manifest.csv has the emotion “{emotion}”, of which it is not known how heated it is."
        )
    return 2 if emotion in HEATED else 0 if emotion in CALM else 1


def pair(said: Said, voiced: Voiced, rng: np.random.Generator) -> Pairs:
    """Each text once in each delivery, with a voice drawn among those of that delivery, speakers alike often."""
    chosen = []
    for kind in range(len(DELIVERIES)):
        rows = np.flatnonzero(voiced.kind == kind)
        _, which, count = np.unique(voiced.speaker[rows], return_inverse=True, return_counts=True)
        share = 1.0 / count[which]
        chosen.append(rng.choice(rows, len(said), p=share / share.sum()))
    text = np.tile(np.arange(len(said)), len(DELIVERIES))
    voice = np.concatenate(chosen)
    return Pairs(text, voice, target(said.kind[text], voiced.kind[voice]))


def require_deliveries(split: str, kinds: Sequence[int]) -> None:
    """Refuse a split in which some delivery has no voice; raises CorpusError."""
    for kind, name in enumerate(DELIVERIES):
        if kind not in kinds:
            raise CorpusError(
                f"The {split} split of speech/manifest.csv has no voice that is {name}; each text is paired with one."
            )


def read_texts(data: Path, split: str, size: int, seed: int) -> tuple[Texts, npt.NDArray[np.str_]]:
    """At most `size` texts of each corpus in a split, drawn by `seed`, their target an index into CLASSES; and their corpora."""
    parts, corpora = [], []
    for name, whole in (("olid", read_olid(data)[split]), ("hatexplain", read_hatexplain(data)[split])):
        rows = np.arange(len(whole))
        if len(rows) > size:
            rows = np.sort(np.random.default_rng([seed, SPLITS.index(split)]).choice(rows, size, replace=False))
        part = whole.take(rows)
        kind = np.where(part.target == 1, 1, 2) if name == "olid" else part.target
        parts.append(Texts(part.text, kind.astype(np.int64)))
        corpora += [name] * len(part)
    return parts[0].join(parts[1]), np.array(corpora)


def split_of(speaker: str) -> str:
    """The split that a speaker belongs to."""
    return "test" if speaker in TEST_SPEAKERS else "valid" if speaker in VALID_SPEAKERS else "train"


def embed_texts(texts: Texts, corpora: npt.NDArray[np.str_], model: TextModel) -> Said:
    """The texts as the analyzer reads transcripts."""
    reading = model.read([clean(text, "transcript") for text in texts.text])
    return Said(reading.vectors, texts.target.astype(np.int64), corpora, reading.offence)


def embed_voices(clips: Sequence[Clip], reader: Reader, windows: int, seed: int) -> Voiced:
    """Clips as they were recorded, and windows strung together from them, as the analyzer hears them."""
    heard, kind, about = [], [], []
    sounds = [as_recorded(clips)]
    if windows:
        sounds.append(strung(clips, (3.0, 8.0), windows, (seed, 7), disturbed=False))
    for source in sounds:
        for sound, clip, _, _ in source:
            rows = reader.hear(sound)
            if len(rows):
                heard.append(rows)
                kind.append(delivery(clip.emotion))
                about.append((clip.speaker, clip.gender, clip.language))
    if not heard:
        raise CorpusError("No voice of a split could be heard; check speech/manifest.csv and the files that it names.")
    attributes, vectors = reader.read(heard)
    speaker, gender, language = (np.array(part) for part in zip(*about, strict=True))
    return Voiced(vectors, np.array(kind, np.int64), speaker, attributes, gender, language)


_FORMS: dict[str, Form] = {
    "said.vectors": ("<f4", ("N", "D")), "said.kind": ("<i8", ("N",)), "said.corpus": ("U", ("N",)),
    "said.offence": ("<f4", ("N",)),
    "voiced.vectors": ("<f4", ("M", "E")), "voiced.kind": ("<i8", ("M",)), "voiced.attributes": ("<f4", ("M", 3)),
    **{f"voiced.{name}": ("U", ("M",)) for name in ("speaker", "gender", "language")},
}  # fmt: skip


@dataclass(frozen=True)
class Material:
    """One split: embedded texts and voices."""

    said: Said
    voiced: Voiced

    @classmethod
    def make(
        cls,
        data: Path,
        split: str,
        models: Callable[[], tuple[TextModel, Reader]],
        budget: Budget,
        seed: int,
        cache: Path | None = None,
        progress: bool = False,
    ) -> Material:
        """Embed a split by what `models` gives, or take it from the folder `cache`, where it is kept.

        Raises:
            CorpusError: the split has no text or no voice, or a voice whose emotion says nothing of its delivery.
        """
        place = None if cache is None else cache / f"{split}.npz"
        if place is not None and (known := cls._kept(place)) is not None:
            return known
        texts, corpora = read_texts(data, split, budget.texts[SPLITS.index(split)], seed)
        clips = [clip for clip in read_clips(data) if split_of(clip.speaker) == split]
        require_splits("OLID and HateXplain", {split: texts})
        require_splits("speech/manifest.csv", {split: clips})
        require_deliveries(split, [delivery(clip.emotion) for clip in clips])
        if progress:
            from rich.console import Console

            told = f"Embedding {len(texts)} texts and {len(clips)} voices ({split}), some minutes at most"
            Console(stderr=True).print(told, highlight=False)
        text, voice = models()
        said = embed_texts(texts, corpora, text)
        made = cls(said, embed_voices(clips, voice, budget.windows, seed))
        if place is not None:
            parts = {f"{n}.{f.name}": getattr(p, f.name) for n, p in vars(made).items() for f in fields(p)}
            keep_arrays(place, parts, _FORMS)
        return made

    @classmethod
    def _kept(cls, place: Path) -> Material | None:
        """What `make` kept; None where there is nothing, or it is damaged."""
        found = kept_arrays(place, _FORMS)
        if found is None or not within(found["said.kind"], CLASSES) or not within(found["voiced.kind"], DELIVERIES):
            return None
        return cls(Said(**_part(found, "said")), Voiced(**_part(found, "voiced")))


def small(data: Path, models: Callable[[], tuple[TextModel, Reader]], seed: int) -> Material:
    """A fixed small part of the test split, quickly embedded: the card has figures of it besides, which a test compares."""
    texts, corpora = read_texts(data, "test", SMALL, seed)
    taken: dict[tuple[str, str, str], Clip] = {}
    for clip in read_clips(data):
        if split_of(clip.speaker) == "test":
            taken.setdefault((clip.speaker, clip.emotion, clip.intensity), clip)
    text, voice = models()
    return Material(embed_texts(texts, corpora, text), embed_voices(list(taken.values()), voice, 0, seed))


def _part(kept: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key.partition(".")[2]: value for key, value in kept.items() if key.startswith(f"{name}.")}
