"""Where emotion words lie on valence, arousal and dominance.

Means of the ratings of 151 emotion words on semantic-differential scales, each in [-1, 1]:
Russell, J. A., & Mehrabian, A. (1977). Evidence for a three-factor theory of emotions. Journal of Research in
Personality, 11(3), 273-294, (pleasure, arousal, dominance); taken from transcriptions of the
table that agree with each other. Numbers only; the words a corpus uses are mapped
onto the row of the same stem (anger -> angry).

Two rows are assumptions, not ratings of that study: `neutral` is the origin of the scales, and `calm`, which
the study did not rate, is read as its `relaxed`.
"""

from __future__ import annotations

Triple = tuple[float, float, float]

RATED: dict[str, Triple] = {
    "angry": (-0.51, 0.59, 0.25),
    "annoyed": (-0.28, 0.17, 0.04),
    "bored": (-0.65, -0.62, -0.33),
    "contemptuous": (-0.24, 0.31, 0.21),
    "depressed": (-0.72, -0.29, -0.41),
    "disgusted": (-0.60, 0.35, 0.11),
    "enraged": (-0.44, 0.72, 0.32),
    "excited": (0.62, 0.75, 0.38),
    "fearful": (-0.64, 0.60, -0.43),
    "frustrated": (-0.64, 0.52, -0.35),
    "happy": (0.81, 0.51, 0.46),
    "hostile": (-0.42, 0.53, 0.30),
    "joyful": (0.76, 0.48, 0.35),
    "relaxed": (0.68, -0.46, 0.06),
    "sad": (-0.63, -0.27, -0.33),
    "surprised": (0.40, 0.67, -0.13),
    "terrified": (-0.62, 0.82, -0.43),
}

NEUTRAL: Triple = (0.0, 0.0, 0.0)

PAD: dict[str, Triple] = {
    **RATED,
    "neutral": NEUTRAL,
    "calm": RATED["relaxed"],
    "anger": RATED["angry"],
    "boredom": RATED["bored"],
    "contempt": RATED["contemptuous"],
    "disgust": RATED["disgusted"],
    "fear": RATED["fearful"],
    "anxiety": RATED["fearful"],
    "happiness": RATED["happy"],
    "joy": RATED["joyful"],
    "sadness": RATED["sad"],
    "surprise": RATED["surprised"],
}
"""(valence, arousal, dominance) of an emotion's name as corpora spell it."""

FAMILIES = ("anger", "boredom", "calm", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""Emotions that corpora tell apart, whatever words they use."""

_SAME = {
    "angry": "anger",
    "bored": "boredom",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "anxiety": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "joyful": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}


def family(emotion: str) -> str:
    """The emotion behind a corpus' word: "angry" and "anger" are one. Raises KeyError for a word unknown to it."""
    return emotion if emotion in FAMILIES else _SAME[emotion]
