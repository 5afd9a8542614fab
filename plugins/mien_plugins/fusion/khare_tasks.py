"""What the cross-modal transformer is pre-trained by (SEEDS §9): writing down what is said, and telling who says it.

Characters come from a two-layer transformer decoder, as in the paper, or by CTC; the person from an affine layer on the mean
over time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien_plugins.fusion.khare_net import dense, mean_over_time, positions, xavier

BLANK, BEGIN, END, OTHER = 0, 1, 2, 3
"""Symbols that are no characters: CTC's blank and padding, begin and end of a text, any character that is not listed."""
CHARACTERS: Final = " abcdefghijklmnopqrstuvwxyz'"
VOCABULARY: Final = 4 + len(CHARACTERS)


def spelt(text: str) -> list[int]:
    """A text as symbols: lower case, accents taken off, runs of white space as one."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return [CHARACTERS.index(c) + 4 if c in CHARACTERS else OTHER for c in " ".join(plain.split())]


def padded_symbols(texts: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """(B, L) symbols with BLANK behind the ends, and (B,) their lengths."""
    lengths = torch.tensor([len(text) for text in texts])
    table = torch.full((len(texts), max(1, int(lengths.max()))), BLANK)
    for row, text in enumerate(texts):
        table[row, : len(text)] = torch.tensor(list(text), dtype=torch.long)
    return table.to(device), lengths.to(device)


class DecoderLayer(nn.Module):
    """Causal attention to what is written so far, attention to what is heard, dense layers; 2,309,832 at the paper's size."""

    def __init__(self, width: int = 512, heads: int = 4, feed_forward: int = 200, dropout: float = 0.1) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.own = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.heard = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.dense = dense(width, feed_forward, dropout)
        self.drop = nn.Dropout(dropout)

    def forward(self, written: Tensor, ahead: Tensor, heard: Tensor, padded: Tensor) -> Tensor:
        """written (B, L, width), ahead (L, L) True where not to look, heard (B, T, width), padded (B, T)."""
        own = self.norms[0](written)
        found, _ = self.own(own, own, own, attn_mask=ahead, need_weights=False)
        written = written + self.drop(found)
        found, _ = self.heard(self.norms[1](written), heard, heard, key_padding_mask=padded, need_weights=False)
        written = written + self.drop(found)
        done: Tensor = written + self.drop(self.dense(self.norms[2](written)))
        return done


class Decoder(nn.Module):
    """Characters by a transformer decoder, taught with the true text so far."""

    def __init__(
        self, width: int = 512, heads: int = 4, feed_forward: int = 200, layers: int = 2, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, width)
        self.layers = nn.ModuleList(DecoderLayer(width, heads, feed_forward, dropout) for _ in range(layers))
        self.out = nn.Linear(width, VOCABULARY)
        xavier(self)

    def forward(self, heard: Tensor, padded: Tensor, texts: Sequence[Sequence[int]]) -> Tensor:
        """The mean cross-entropy of the next character over B texts and their ends."""
        given, _ = padded_symbols([[BEGIN, *text] for text in texts], heard.device)
        wanted, _ = padded_symbols([[*text, END] for text in texts], heard.device)
        steps = given.shape[1]
        ahead = torch.ones(steps, steps, dtype=torch.bool, device=heard.device).triu(1)
        written = self.embed(given) + positions(steps, heard.shape[2], heard.device)
        for layer in self.layers:
            written = layer(written, ahead, heard, padded)
        return F.cross_entropy(self.out(written).transpose(1, 2), wanted, ignore_index=BLANK)


class Ctc(nn.Module):
    """Characters by connectionist temporal classification (Graves et al. 2006)."""

    def __init__(self, width: int = 512) -> None:
        super().__init__()
        self.out = nn.Linear(width, VOCABULARY)

    def forward(self, heard: Tensor, padded: Tensor, texts: Sequence[Sequence[int]]) -> Tensor:
        """The mean loss per character; texts too long for their sound count nothing."""
        wanted, lengths = padded_symbols(texts, heard.device)
        said = self.out(heard).log_softmax(2).transpose(0, 1)
        steps = (~padded).sum(1)
        loss: Tensor = F.ctc_loss(said, wanted, steps, lengths, blank=BLANK, zero_infinity=True)
        return loss


class Person(nn.Module):
    """Who speaks, from the mean over time."""

    def __init__(self, width: int, people: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, people)

    def forward(self, heard: Tensor, padded: Tensor) -> Tensor:
        """heard (B, T, width) → (B, people) logits."""
        said: Tensor = self.out(mean_over_time(heard[:, None], padded)[:, 0])
        return said
