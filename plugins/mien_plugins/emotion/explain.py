"""Which half seconds of a window made valence, arousal, dominance or anger what they are: LIME (`mien_plugins.lime`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.sdk import Context, Explanation, Windows
from mien_plugins.emotion.gate import loud_share
from mien_plugins.fusion.calibration import Logistic
from mien_plugins.lime import Floats, Masks, fit, parts, sample_masks

if TYPE_CHECKING:
    from mien_plugins.emotion.rawreader import LflbReader, RawReader
    from mien_plugins.emotion.reader import Reader
    from mien_plugins.emotion.wav2vec2 import Wav2Vec2Reader

READINGS = ("arousal", "valence", "dominance", "anger")
"""What can be explained: a dimension from −1 to 1, or the probability of anger that fusions make of all three."""
COLUMNS = ("valence", "arousal", "dominance")
PART = 0.5
"""s; a word or two."""
PERTURBATIONS = 200
AT_ONCE = 16


def explain_window(
    reader: Reader | Wav2Vec2Reader | RawReader | LflbReader,
    window: Windows,
    of: str,
    silence: float,
    anger: Path | None,
    ctx: Context,
) -> Explanation:
    """Explain one reading of the first window.

    Args:
        of: one of `READINGS`.
        silence: dBFS; where nothing louder is left the analyzer reads nothing, and so does the explanation.
        anger: folder of the model whose calibration gives the probability of anger, None if it has none.

    Raises:
        UsageError: the window is silent, or the reader has no such reading or no calibration of it.
        Cancelled: the user stopped it.
    """
    sound = window.samples[0, : int(window.valid[0])]
    count = max(2, round(len(sound) / window.rate / PART))
    part = np.arange(len(sound)) * count // max(1, len(sound))
    value = _scale(of, anger, getattr(reader, "columns", COLUMNS))

    def predict(masks: Masks) -> Floats:
        out = np.full(len(masks), np.nan)
        for first in range(0, len(masks), AT_ONCE):
            ctx.check_cancelled()
            ctx.progress(first / len(masks))
            versions = [(sound * row[part]).astype(np.float32) for row in masks[first : first + AT_ONCE]]
            heard = {
                first + n: rows
                for n, version in enumerate(versions)
                if loud_share(version, window.rate, silence) > 0.0 and len(rows := reader.hear(version))
            }
            if heard:
                values, _ = reader.read(list(heard.values()), ctx.device)
                out[list(heard)] = value(values)
        return out

    masks = sample_masks(np.random.default_rng(int(ctx.rng.integers(2**31))), PERTURBATIONS, count)
    if np.isnan(predict(masks[:1])[0]):
        raise UsageError("There is nothing to explain: it is silent around that moment.")
    found = fit(predict, masks, count)
    start, seconds = float(window.starts[0]), len(sound) / window.rate
    return Explanation(
        parts("emotion.explanation", found, start, seconds, seconds),
        reading=found.reading,
        intercept=found.intercept,
        fit=found.score,
        unit="probability of anger" if of == "anger" else of,
        of=of,
    )


def _scale(of: str, folder: Path | None, columns: tuple[str, ...]) -> Callable[[NDArray[np.float32]], Floats]:
    """Attributes (B, K), as `columns` names them -> the reading (B,)."""
    if of != "anger":
        if of not in columns:
            raise UsageError(f"The model that reads the voice does not read {of}; it reads {', '.join(columns)}.")
        column = columns.index(of)
        return lambda values: np.asarray(values[:, column], np.float64)
    if folder is None:
        raise UsageError("Anger is calibrated for the net that comes with Mien only; explain arousal instead.")
    logistic = Logistic.read(folder)
    return lambda values: np.asarray(logistic(values, COLUMNS), np.float64)
