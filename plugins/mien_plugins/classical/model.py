"""The fitted pipeline: what each modality selects and scales, seven classifiers for each, and their votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, ModelError, shown
from mien.models.damage import UNREADABLE
from mien_plugins.classical import models, select
from mien_plugins.classical.features import SIDE, SOUND, Counting, Vocabulary
from mien_plugins.classical.material import Material
from mien_plugins.classical.models import Arrays, Labels
from mien_plugins.classical.vote import MODALITIES, majority

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Settings:
    """How the pipeline is fitted. image, audio, text: how many features are selected of each."""

    selection: select.Selection = "rfe"
    image: int = 100
    audio: int = 29
    text: int = 300
    counting: Counting = "both"
    seed: int = 0


@dataclass(frozen=True)
class Reader:
    """One modality: the features at `places`, z-scored by training's mean and deviation, and the classifiers that read them."""

    places: NDArray[np.int64]
    mean: Floats
    scale: Floats
    classifiers: Mapping[str, Arrays]

    @classmethod
    def fit(cls, x: Floats, y: Labels, count: int, settings: Settings, names: Sequence[str]) -> Reader:
        """Select, scale and fit on x (N, D) and labels 0, 1 of which both occur."""
        places = select.select(x, y, count, settings.selection)
        kept = x[:, places].astype(np.float64)
        mean, scale = kept.mean(axis=0), kept.std(axis=0)
        ready = ((kept - mean) / scale).astype(np.float32)
        return cls(places, mean, scale, {name: models.fit(name, ready, y, settings.seed) for name in names})

    def read(self, name: str, x: Floats) -> Labels:
        """(N,) what one classifier says of x (N, D)."""
        ready = ((x[:, self.places].astype(np.float64) - self.mean) / self.scale).astype(np.float32)
        return models.predict(name, self.classifiers[name], ready)


@dataclass(frozen=True)
class Model:
    """All modalities that training had, by name."""

    vocabulary: Vocabulary
    readers: Mapping[str, Reader]
    names: tuple[str, ...]

    @classmethod
    def fit(
        cls, material: Material, y: Labels, settings: Settings, names: Sequence[str] = tuple(models.NAMES)
    ) -> Model:
        """Fit on clips and their labels 0, 1; every picture has the label of its clip.

        Raises:
            CorpusError: one of the classes is missing.
        """
        if len(set(y.tolist())) < 2:
            raise CorpusError("The clips to learn from are all of one class; clips of both are needed.")
        readers: dict[str, Reader] = {}
        heard = ~np.isnan(material.sound[:, 0])
        said = np.array([bool(text.strip()) for text in material.texts], np.bool_)
        spoken = [text for text in material.texts if text.strip()]
        vocabulary = Vocabulary.fit(spoken or [""], settings.counting)
        for modality, x, of, count in (
            ("image", _as_numbers(material.frames), y[material.owner], settings.image),
            ("audio", material.sound[heard], y[heard], settings.audio),
            ("text", vocabulary.read(spoken), y[said], settings.text),
        ):
            if len(set(of.tolist())) == 2 and select.varying(x).any():
                readers[modality] = Reader.fit(x, of, count, settings, names)
        if not readers:
            raise CorpusError(
                "The clips have neither pictures, sound nor words in both classes, so nothing can be learnt."
            )
        return cls(vocabulary, readers, tuple(names))

    def votes(self, name: str, material: Material) -> NDArray[np.int64]:
        """(N, 3) what one classifier says of each clip by picture, sound and words: 1, 0, or -1 where that is absent."""
        votes = np.full((len(material), len(MODALITIES)), -1, np.int64)
        if len(material.frames) and (seen := self.pictures(name, material.frames)) is not None:
            votes[:, 0] = of_clips(seen, material.owner, len(material))
        heard = np.flatnonzero(~np.isnan(material.sound[:, 0]))
        if len(heard) and (sounds := self.sounds(name, material.sound[heard])) is not None:
            votes[heard, 1] = sounds
        spoken = np.flatnonzero([bool(text.strip()) for text in material.texts])
        if len(spoken) and (words := self.words(name, [material.texts[i] for i in spoken])) is not None:
            votes[spoken, 2] = words
        return votes

    def pictures(self, name: str, frames: NDArray[np.uint8]) -> Labels | None:
        """(F,) what one classifier says of each picture (F, 2500); None where training had none."""
        return self.readers["image"].read(name, _as_numbers(frames)) if "image" in self.readers else None

    def sounds(self, name: str, sound: Floats) -> Labels | None:
        """(N,) what one classifier says of each sound (N, 33), as `pictures`."""
        return self.readers["audio"].read(name, sound) if "audio" in self.readers else None

    def words(self, name: str, texts: Sequence[str]) -> Labels | None:
        """(N,) what one classifier says of each of N texts that are not empty, as `pictures`."""
        return self.readers["text"].read(name, self.vocabulary.read(texts)) if "text" in self.readers else None

    def read(self, name: str, material: Material) -> NDArray[np.int64]:
        """(N,) the hard majority of the modalities, -1 where all are absent."""
        return majority(self.votes(name, material))

    def tensors(self) -> Arrays:
        """All numbers, by `modality/part` and `modality/classifier/part`."""
        arrays: Arrays = {"text/idf": self.vocabulary.idf}
        for modality, reader in self.readers.items():
            arrays |= {
                f"{modality}/places": reader.places,
                f"{modality}/mean": reader.mean,
                f"{modality}/scale": reader.scale,
            }
            for name, parts in reader.classifiers.items():
                arrays |= {f"{modality}/{name}/{part}": value for part, value in parts.items()}
        return arrays

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], config: Mapping[str, Any]) -> Model:
        """What `tensors` and the configuration hold.

        Raises:
            KeyError: a part is missing.
            ValueError: parts do not fit each other, so that something could not be read.
        """
        vocabulary = Vocabulary(tuple(config["terms"]), arrays["text/idf"], config["counting"])
        names = tuple(config["classifiers"])
        readers = {}
        for modality in config["modalities"]:
            fitted = {
                name: {
                    key.rsplit("/", 1)[1]: value
                    for key, value in arrays.items()
                    if key.startswith(f"{modality}/{name}/")
                }
                for name in names
            }
            mean, scale = arrays[f"{modality}/mean"], arrays[f"{modality}/scale"]
            readers[modality] = Reader(arrays[f"{modality}/places"], mean, scale, fitted)
        model = cls(vocabulary, readers, names)
        model._check()
        return model

    def _check(self) -> None:
        terms = len(self.vocabulary.terms)
        if self.vocabulary.idf.shape != (terms,):
            raise ValueError(f"{len(self.vocabulary.idf)} frequencies for {terms} words")
        widths = {"image": SIDE**2, "audio": len(SOUND)}
        widths["text"] = terms * (2 if self.vocabulary.counting == "both" else 1)
        for modality, reader in self.readers.items():
            places, width = reader.places, widths[modality]
            if not reader.mean.shape == reader.scale.shape == places.shape == (places.size,):
                raise ValueError(f"the scaling of {modality} does not fit its features")
            if not places.size or places.min() < 0 or places.max() >= width:
                raise ValueError(f"{modality} has {width} features, and others are named")
            for name in self.names:
                models.check(name, reader.classifiers[name], places.size)


def _as_numbers(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels (F, 2500) in [0, 1]."""
    return frames.astype(np.float32) / np.float32(255.0)


def of_clips(said: Labels, owner: NDArray[np.int64], clips: int) -> NDArray[np.int64]:
    """(clips,) what more than half of a clip's pictures say, -1 for a clip without pictures."""
    pictures = np.bincount(owner, minlength=clips)
    yes = np.bincount(owner, said, minlength=clips)
    return np.where(pictures > 0, (2 * yes > pictures).astype(np.int64), -1)


def load(folder: Path) -> tuple[Model, dict[str, Any]]:
    """The model in a folder, and its configuration.

    Raises:
        ModelError: it is damaged, or another model.
    """
    from mien.training.card import load_model

    try:
        tensors, config = load_model(folder)
        model = Model.of({name: value.numpy() for name, value in tensors.items()}, config)
        if config["chosen"] not in model.names or len(config["classes"]) != 2 or not config["label"]:
            raise ValueError("the configuration names no classifier, label or classes")
    except UNREADABLE as error:
        raise ModelError(
            f"This is no classical-vote model, or it is damaged ({error}); train it anew: {shown(folder)}"
        ) from error
    return model, config
