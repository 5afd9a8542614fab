"""Emotions acted or posed: RAVDESS, EmoDB, FER in folders.

* RAVDESS (Livingstone & Russo 2018): `Actor_01` … `Actor_24` (anywhere below the folder) with `03-01-06-01-02-01-12.wav`:
  modality (01 both, 02 video, 03 sound), channel (01 speech, 02 song), emotion, intensity, statement, repetition, actor.
  Songs are left out.
* EmoDB (Burkhardt et al. 2005): `wav/03a01Fa.wav`: speaker, text, emotion (W anger, L boredom, E disgust, A fear, F
  happiness, T sadness, N neutral), version.
* FER2013 (Goodfellow et al. 2013) as pictures: `train/<emotion>/*` and `test/<emotion>/*`.

People are parted by the seed; FER's `test` tests, a tenth of its `train` validates. Who is shown there is not told, but about
one picture in twenty is a copy of another: copies stay on one side, and training pictures that are tested, too, are left unused.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mien.errors import CorpusError, shown
from mien.training.manifest import KNOWN, Label, Manifest, Row
from mien.training.split import divide, resplit
from mien.training.stretch import STILLS
from mien_plugins.corpora.reading import SEVEN, beside, made, media_suffixes, need

RAVDESS, EMODB, FER = "RAVDESS", "EmoDB", "FER2013"
SHARES = (0.7, 0.15, 0.15)
_RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_SAID = ("Kids are talking by the door.", "Dogs are sitting by the door.")
_EMODB: Mapping[str, str] = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}


def read_ravdess(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """All spoken takes; raises CorpusError where there is none, or for a name that cannot be."""
    if not any(folder.rglob("Actor_*")):
        raise CorpusError(
            f"{RAVDESS} keeps its takes in folders Actor_01, Actor_02 …, and there is none of them; name the folder it was "
            f"unpacked to: {shown(folder)}"
        )
    acted = Label("acted", classes=_RAVDESS)
    rows: list[Row] = []
    for path in sorted(folder.rglob("Actor_*/*")):
        if path.suffix.lower() not in media_suffixes(media) or path.name.startswith("."):
            continue
        parts = path.stem.split("-")
        if len(parts) != 7 or not all(part.isdecimal() for part in parts):
            raise CorpusError(f"{RAVDESS} names a take 03-01-06-01-02-01-12, and not so: {shown(path)}")
        modality, channel, emotion, _, statement, _, actor = map(int, parts)
        if channel != 1 or (media == "video" and modality != 1):
            continue
        if not 1 <= emotion <= len(_RAVDESS) or not 1 <= statement <= len(_SAID):
            raise CorpusError(f"{RAVDESS} knows eight emotions and two statements, and no others: {shown(path)}")
        name = _RAVDESS[emotion - 1]
        values = (SEVEN.get(name), name)
        rows.append(Row(beside(folder, path), speaker=f"{actor:02d}", text=_SAID[statement - 1], labels=values))
    return resplit(made(folder, RAVDESS, (KNOWN["emotion"], acted), rows), seed, SHARES, "acted")


def read_emodb(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """All takes; raises CorpusError for a name that cannot be."""
    place = need(folder / "wav", EMODB, "its recordings")
    rows: list[Row] = []
    for path in sorted(place.glob("*.wav")):
        name = path.stem
        if len(name) != 7 or not name[:2].isdigit() or name[5] not in _EMODB:
            raise CorpusError(f"{EMODB} names a take 03a01Fa, and not so: {shown(path)}")
        acted = _EMODB[name[5]]
        rows.append(Row(beside(folder, path), speaker=name[:2], labels=(SEVEN.get(acted), acted)))
    labels = (KNOWN["emotion"], Label("acted", classes=tuple(_EMODB.values())))
    return resplit(made(folder, EMODB, labels, rows), seed, SHARES, "acted")


def read_fer(folder: Path, *, seed: int = 0, media: str = "video") -> Manifest:
    """All pictures; raises CorpusError for a folder that is no emotion."""
    rows: dict[str, list[Row]] = {}
    for part in ("train", "test"):
        place = need(folder / part, FER, f"its pictures for {part}, in a folder for each emotion")
        rows[part] = []
        for path in sorted(place.glob("*/*")):
            if path.suffix.lower() not in STILLS:
                continue
            emotion = SEVEN.get(path.parent.name.casefold())
            if emotion is None:
                raise CorpusError(
                    f"{FER} has a folder for each of seven emotions, and none called so: {shown(path.parent)}"
                )
            rows[part].append(Row(beside(folder, path), split=part, labels=(emotion,)))
    contents = {part: _contents(folder, rows[part]) for part in rows}
    often = Counter(contents["train"])
    tested = set(contents["test"])
    told = list(zip(rows["train"], contents["train"], strict=True))
    pool = [replace(row, group=what if often[what] > 1 else "") for row, what in told if what not in tested]
    again = [replace(row, split="") for row, what in told if what in tested]
    whole = made(folder, FER, (KNOWN["emotion"],), pool)
    _, valid = divide(whole, (0.9, 0.1), seed, "emotion")
    held = set(valid.tolist())
    train = [replace(row, split="valid") if at in held else row for at, row in enumerate(whole.rows)]
    plural = "picture is" if len(again) == 1 else "pictures are"
    note = f"{len(again)} training {plural} in the test part, too, and left unused." if again else ""
    return made(folder, FER, whole.labels, [*train, *again, *rows["test"]], note)


def _contents(folder: Path, rows: Sequence[Row]) -> list[str]:
    """What the rows' files hold, as short hashes; raises CorpusError where one cannot be read."""
    found = []
    for row in rows:
        try:
            found.append(hashlib.sha256((folder / row.path).read_bytes()).hexdigest()[:16])
        except OSError as error:
            raise CorpusError(
                f"A picture of {FER} cannot be read ({error.strerror}): {shown(folder / row.path)}"
            ) from error
    return found
