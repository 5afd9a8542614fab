"""Word pieces: a text becomes token ids in windows the encoder can read, and each token knows its word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from tokenizers import Tokenizer

LongTexts = Literal["windows", "truncate"]


@dataclass(frozen=True)
class Window:
    """A piece of one text as the encoder reads it.

    Attributes:
        text: index of the text it comes from.
        ids: token ids, [CLS] first and [SEP] last.
        words: for each id, the index of its word in the text split at white space; −1 for special tokens.
        whole: whether it holds all of the text.
    """

    text: int
    ids: tuple[int, ...]
    words: tuple[int, ...]
    whole: bool = True


@dataclass(frozen=True)
class Batch:
    """Windows padded to one length: ``ids`` and ``mask`` (B, T) int64, in the order of ``windows``."""

    windows: tuple[Window, ...]
    ids: np.ndarray
    mask: np.ndarray


class WordPieces:
    """The model's own tokenizer, read from its folder's ``tokenizer.json``; opens no network.

    Raises:
        OSError: the file cannot be read.
        ValueError: it describes no tokenizer.
    """

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder) / "tokenizer.json"
        described = self.path.read_text(encoding="utf-8")
        try:
            self._tokenizer = Tokenizer.from_str(described)
        except Exception as error:  # the library raises nothing more particular
            raise ValueError(f"{self.path.name} describes no tokenizer: {error}") from error
        # The file may carry someone's truncation and padding; windows and batches are made here instead.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.pad = self._id("[PAD]")
        self.cls = self._id("[CLS]")
        self.sep = self._id("[SEP]")
        self.mask = self._id("[MASK]")

    def _id(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise ValueError(f"{self.path} has no {token} token: it is not a BERT tokenizer")
        return int(number)

    @property
    def size(self) -> int:
        """Number of word pieces."""
        return int(self._tokenizer.get_vocab_size())

    def windows(self, texts: Sequence[str], limit: int = 128, long: LongTexts = "windows") -> list[Window]:
        """Each text as one window, or as several if it has more than ``limit`` tokens, special ones counted.

        Args:
            texts: cleaned texts; words are what white space separates.
            limit: longest window, special tokens included (at least 3).
            long: ``truncate`` keeps the first window (Rana & Jha); ``windows`` covers all of the text, each
                window beginning half a window after the one before it.

        Returns:
            Windows in the order of the texts, at least one per text.
        """
        room = limit - 2
        if room < 1:
            raise ValueError(f"a window of {limit} tokens has no room for a word; give at least 3")
        found: list[Window] = []
        encoded = self._tokenizer.encode_batch(
            [text.split() for text in texts], is_pretokenized=True, add_special_tokens=False
        )
        for i, encoding in enumerate(encoded):
            ids, words = encoding.ids, encoding.word_ids
            start = 0
            while True:
                part = slice(start, start + room)
                own = (-1, *(-1 if word is None else word for word in words[part]), -1)
                found.append(Window(i, (self.cls, *ids[part], self.sep), own, whole=len(ids) <= room))
                if long == "truncate" or start + room >= len(ids):
                    break
                start += max(1, room // 2)
        return found

    def batches(self, windows: Sequence[Window], max_tokens: int = 4096) -> list[Batch]:
        """Windows padded into batches of at most ``max_tokens`` (padding counted), like lengths together.

        The order is deterministic: by length, then by position.
        """
        order = sorted(range(len(windows)), key=lambda i: (len(windows[i].ids), i))
        batches: list[Batch] = []
        group: list[Window] = []
        for i in order:
            if group and (len(group) + 1) * len(windows[i].ids) > max_tokens:
                batches.append(self.pad_batch(group))
                group = []
            group.append(windows[i])
        if group:
            batches.append(self.pad_batch(group))
        return batches

    def pad_batch(self, windows: Sequence[Window]) -> Batch:
        """``windows`` as one batch, padded at the end to the longest of them."""
        longest = max(len(window.ids) for window in windows)
        ids = np.full((len(windows), longest), self.pad, dtype=np.int64)
        mask = np.zeros((len(windows), longest), dtype=np.int64)
        for row, window in enumerate(windows):
            ids[row, : len(window.ids)] = window.ids
            mask[row, : len(window.ids)] = 1
        return Batch(tuple(windows), ids, mask)
