"""A vector for each word of a text, in its context: the mean of its pieces in the text model's last layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mien_plugins.text.model import TextModel

Vectors = NDArray[np.float32]


def word_vectors(
    model: TextModel, texts: Sequence[str], max_batch_tokens: int = 4096, check: Callable[[], None] | None = None
) -> list[Vectors]:
    """(words, width) of each text, words being what white space separates; zeros for words beyond the model's longest window.

    Args:
        model: whose encoder gives them.
        texts: cleaned.
        max_batch_tokens: of one call of the net, padding included.
        check: called before each batch; may raise to stop.
    """
    found = [np.zeros((len(text.split()), model.settings.net.width), np.float32) for text in texts]
    windows = model.pieces.windows(texts, model.settings.max_tokens, "truncate") if texts else []
    for batch in model.pieces.batches(windows, max_batch_tokens):
        if check is not None:
            check()
        ids, mask = model.tensors(batch)
        with torch.inference_mode():
            tokens = model.net.encode(mask, ids=ids).tokens.float().cpu().numpy()
        for row, window in enumerate(batch.windows):
            own, pieces = found[window.text], np.asarray(window.words)
            there = np.flatnonzero(pieces >= 0)
            count = np.bincount(pieces[there], minlength=len(own))
            np.add.at(own, pieces[there], tokens[row, there])
            own /= np.maximum(count, 1)[:, None]
    return found
