"""What labels can be compared with: the readings of a library, and which one a column's name means."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mien.exchange.tiers import is_distribution
from mien.library.rows import TrackInfo
from mien.tracks import Quantity
from mien.truth.labels import SAID, LabelColumn

Task = Literal["scale", "binary", "class", "words"]
"""How truth and reading are compared: as numbers, as yes or no, as one of several classes, word by word."""

TRANSCRIPT, WORDS, SCORE, VERDICTS = "speech.transcript", "speech.words", "fusion.score", "fusion.verdicts"
_LEFT_OUT = frozenset(("fusion.weights", "text.words", "text.attention", "speech.voice", "speech.speakers", WORDS))
_FIRST = ("fusion.score", "fusion.verdicts", "conflict.", "emotion.attributes", "emotion.", "face.", "text.")
"""Whose reading a plain name means when several tracks have one of that name."""

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "valence": ("val", "v", "pleasure", "pleasantness"),
    "arousal": ("aro", "a", "activation", "excitement"),
    "dominance": ("dom", "d", "control"),
    "conflict": ("conflict_intensity", "conflict_level", "intensity", "escalation"),
    "offence": ("offense", "offensive", "offensiveness", "toxic", "toxicity", "abusive", "abuse", "insult"),
    "hate": ("hateful", "hate_speech", "hatespeech"),
    "hostility": ("hostile", "fused", "fusion", "score", "aggression", "aggressive"),
    "verdicts": ("verdict", "flag", "flagged", "event", "events", "incident"),
    "expression": ("expressions", "emotion", "emotions", "facial_expression", "affect"),
    "transcript": SAID,
    "angry": ("anger", "ang", "annoyed"),
    "disgust": ("disgusted", "dis"),
    "fear": ("fearful", "afraid", "fea", "scared"),
    "happy": ("happiness", "joy", "hap", "joyful"),
    "sad": ("sadness",),
    "surprise": ("surprised", "sur"),
    "neutral": ("neu", "neutrality"),
}
_MEANT = {word: name for name, words in _SYNONYMS.items() for word in (name, *words)}
_SOURCES = {
    **dict.fromkeys(("voice", "audio", "vocal"), "emotion."),
    **dict.fromkeys(("face", "facial", "video"), "face."),
    **dict.fromkeys(("fusion", "fused"), "fusion."),
    "text": "text.",
}
_FILLERS = frozenset(
    ("truth", "true", "gold", "gt", "label", "labels", "mean", "avg", "rating", "rated", "annotated", "y")
)


@dataclass(frozen=True)
class Reading:
    """One reading that labels can be compared with.

    Args:
        track: its name; channel: of a curve, empty for the whole track.
        task: how it is compared when the labels fit it.
        low, high: its extent, NaN where it has none; low_means, high_means: the ends in words.
        classes: those it tells apart, where it does.
        threshold: from which it counts as high, in its own unit.
    """

    track: str
    channel: str
    task: Task
    low: float = 0.0
    high: float = 1.0
    low_means: str = ""
    high_means: str = ""
    classes: tuple[str, ...] = ()
    threshold: float = 0.5

    @property
    def name(self) -> str:
        """`emotion.attributes.valence`, `text.offence`."""
        return f"{self.track}.{self.channel}" if self.channel else self.track

    @property
    def quantity(self) -> str:
        """What it measures: `valence`, `offence`, `expression`."""
        return self.channel or self.track.rsplit(".", 1)[-1]


def readings_of(infos: Iterable[TrackInfo]) -> tuple[Reading, ...]:
    """The readings that tracks hold, each once, the preferred ones of a quantity first."""
    found: dict[str, Reading] = {}
    for info in infos:
        for reading in _readings(info):
            found.setdefault(reading.name, reading)
    return tuple(sorted(found.values(), key=lambda r: (_rank(r.track), r.track, bool(r.channel), r.name)))


def _rank(track: str) -> int:
    return next((n for n, start in enumerate(_FIRST) if track.startswith(start)), len(_FIRST))


def _readings(info: TrackInfo) -> Iterable[Reading]:
    name, quantities = info.name, info.quantities
    if name in _LEFT_OUT or info.kind not in ("curve", "spans"):
        return
    if info.kind == "curve":
        if is_distribution(quantities):
            yield Reading(name, "", "class", classes=tuple(q.name for q in quantities))
        for quantity in quantities:
            yield _of_quantity(name, quantity.name, quantity, info)
    elif name == TRANSCRIPT:
        yield Reading(name, "", "words")
    elif name == VERDICTS:
        yield Reading(name, "", "binary", low_means="not flagged", high_means="flagged")
    elif quantities:
        yield _of_quantity(name, "", quantities[0], info)
    elif name.rsplit(".", 1)[-1] in ("offence", "hate"):
        yield Reading(name, "", "binary", threshold=_threshold(info, 0.5))
    else:
        yield Reading(name, "", "class")


def _of_quantity(track: str, channel: str, quantity: Quantity, info: TrackInfo) -> Reading:
    low = math.nan if quantity.low is None else quantity.low
    high = math.nan if quantity.high is None else quantity.high
    task: Task = "binary" if (low, high) == (0.0, 1.0) else "scale"
    middle = (low + high) / 2
    threshold = _threshold(info, middle) if task == "binary" else middle
    return Reading(track, channel, task, low, high, quantity.low_means, quantity.high_means, (), threshold)


def _threshold(info: TrackInfo, usual: float) -> float:
    """The threshold that the run itself was made with, where it says one."""
    given = info.provenance.params.get("threshold") if info.name in (SCORE, "text.offence") else None
    return float(given) if isinstance(given, int | float) else usual


def find_reading(readings: Sequence[Reading], name: str) -> Reading | None:
    """By its whole name, its track's, or what people call it (`arousal`, `face.arousal`)."""
    plain = name.strip().casefold()
    dotted = re.sub(r"\s+", ".", plain)
    for reading in readings:
        if reading.name.casefold() in (plain, dotted):
            return reading
    of_track = [r for r in readings if r.track.casefold() == plain]
    if of_track:
        return of_track[0]
    wanted, source = _meaning(plain)
    if not wanted:
        return None
    fit = [r for r in readings if r.quantity.casefold() == wanted and r.track.startswith(source)]
    return fit[0] if fit else None


def suggest(column: LabelColumn, readings: Sequence[Reading]) -> Reading | None:
    """The reading that a column is about, by its name, else by the classes or words in it; None when in doubt."""
    named = find_reading(readings, column.name)
    if named is not None and fits(column, named):
        return named
    for reading in readings:
        if column.kind == "words" and reading.task == "words":
            return reading
        if column.kind == "class" and reading.task == "class" and reading.classes:
            known = sum(canonical(name) in reading.classes for name in column.classes)
            if known >= 2 and known * 2 >= len(column.classes):
                return reading
    return None


def fits(column: LabelColumn, reading: Reading) -> bool:
    """Whether labels of this kind can be compared with that reading at all."""
    if column.kind == "number":
        return reading.task in ("scale", "binary")
    if reading.task in ("scale", "binary"):
        return yes_or_no(column.classes, reading) is not None
    return True


def _meaning(name: str) -> tuple[str, str]:
    """Canonical quantity and the beginning of the track's name, from a column's name."""
    tokens = [t for t in re.split(r"[\s._\-/:]+", name) if t and t not in _FILLERS]
    if not tokens:
        return "", ""
    whole = _MEANT.get("_".join(tokens))
    if whole:
        return whole, ""
    source = ""
    if tokens[0] in _SOURCES:
        source, tokens = _SOURCES[tokens[0]], tokens[1:]
    return _MEANT.get("_".join(tokens), "_".join(tokens)), source


def canonical(label: str) -> str:
    """A class by the name that readings use: `anger` is `angry`; others stay as they are, in lower case."""
    plain = label.strip().casefold()
    return _MEANT.get(re.sub(r"[\s_-]+", "_", plain), plain)


_YES = frozenset(
    ("yes", "y", "true", "1", "positive", "present", "high", "toxic", "abusive", "hateful", "hostile", "flagged")
)
_NO = frozenset(
    ("no", "n", "false", "0", "negative", "absent", "none", "not", "neutral", "normal", "neither", "clean", "low")
)


def yes_or_no(classes: Iterable[str], reading: Reading) -> dict[str, bool] | None:
    """What each class says of a reading with two sides; None unless every class says one of them.

    `offensive` is a yes to offence, `not offensive` and `inoffensive` a no.
    """
    meant: dict[str, bool] = {}
    names = {c: re.sub(r"[\s_-]+", " ", c.strip().casefold()) for c in classes}
    for label, plain in names.items():
        same = canonical(plain) == reading.quantity or plain == reading.high_means.casefold()
        if plain in _YES or same or (plain == "off" and "not" in names.values() and reading.quantity == "offence"):
            meant[label] = True
        elif plain in _NO or plain == reading.low_means.casefold() or _negated(plain, reading):
            meant[label] = False
        else:
            return None
    return meant or None


def _negated(plain: str, reading: Reading) -> bool:
    for start in ("not ", "no ", "non ", "in", "un", "non"):
        if plain.startswith(start) and canonical(plain.removeprefix(start)) == reading.quantity:
            return True
    return False
