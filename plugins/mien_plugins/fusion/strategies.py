"""Fusion strategies of one moment (Tzirakis et al. 2021, eq. 3–9; SEEDS §11.5), each mapping (B, T, M, D) to (B, T, width).

Where the paper's equations do not fit each other, the readings of SEEDS §11.5 hold; `literal` and `rows` switch back. An absent
modality has no part in any softmax, and adds zeros where vectors stand side by side.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn

from mien_plugins.fusion.timed import masked_softmax

Strategy = Literal["concat", "self", "residual", "hierarchical", "crossmodal"]
Rows = Literal["each", "pooled"]

_AT_ONCE = 2**24
"""Numbers of D×D attentions held at a time: 64 MB. A stretch of 2,400 steps at the default width of 256 has ten times as many."""


def _draw(query: nn.Parameter) -> None:
    """Give it numbers of a variance of one over its last size: filled once registered, as torch's own layers are."""
    with torch.no_grad():
        query.normal_().div_(math.sqrt(query.shape[-1] or 1))


class Attention(nn.Module):
    """Eq. 4: a scalar score for each of n vectors by a query of its own, softmax over the n, weighted sum."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(count, width))
        _draw(self.query)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """x (…, n, D), mask (…, n) → the sum (…, D) and the weights (…, n)."""
        alpha = masked_softmax((x * self.query).sum(-1) / math.sqrt(x.shape[-1]), mask)
        return (alpha.unsqueeze(-1) * x).sum(-2), alpha


class Concat(nn.Module):
    """The modalities' vectors side by side: M·D."""

    def __init__(self, modalities: int, width: int) -> None:
        super().__init__()
        self.width = modalities * width

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, None]:
        """(B, T, M, D) → (B, T, M·D); it has no weights."""
        return (x * mask.unsqueeze(-1)).flatten(-2), None


class Hierarchical(nn.Module):
    """Eq. 5: attention over each pair of modalities, then over the pairs."""

    def __init__(self, modalities: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.pairs = tuple(combinations(range(modalities), 2))
        self.lower = nn.ModuleList(Attention(2, width) for _ in self.pairs)
        self.top = Attention(len(self.pairs), width)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, M, D) → (B, T, D), and each modality's share over both levels."""
        vectors, shares, there = [], [], []
        for (a, b), attention in zip(self.pairs, self.lower, strict=True):
            v, alpha = attention(x[..., (a, b), :], mask[..., (a, b)])
            vectors.append(v)
            shares.append(
                torch.zeros_like(mask, dtype=x.dtype).index_copy(-1, torch.tensor((a, b), device=x.device), alpha)
            )
            there.append(mask[..., a] | mask[..., b])
        fused, beta = self.top(torch.stack(vectors, -2), torch.stack(there, -1))
        return fused, (beta.unsqueeze(-1) * torch.stack(shares, -2)).sum(-2)


class SelfHead(nn.Module):
    """One head of eq. 6 up to A: softmax(Z¹ Z²ᵀ / √D_s) Z³ with Z^j = X^c W^j, row by row."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(width, inner, bias=False) for _ in range(3))
        self.scale = math.sqrt(inner)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """x (…, M, D) → A (…, M, D_s) and the rows' attention (…, M, M)."""
        z1, z2, z3 = (linear(x) for linear in self.maps)
        shares = masked_softmax(z1 @ z2.mT / self.scale, mask.unsqueeze(-2).expand(*mask.shape, mask.shape[-1]))
        return shares @ z3, shares


class SelfAttention(nn.Module):
    """Eq. 6: p heads; α = softmax(A q / √D_s) over the rows, v = Σ α_k A_k, the heads' v side by side: p·D_s.

    Args:
        literal: α = A q / √D_s as printed, which does not sum to 1; the modalities' shares come from the softmax still.
    """

    def __init__(self, modalities: int, width: int, inner: int, heads: int, literal: bool = False) -> None:
        super().__init__()
        del modalities
        self.width, self.literal = heads * inner, literal
        self.heads = nn.ModuleList(SelfHead(width, inner) for _ in range(heads))
        self.query = nn.Parameter(torch.empty(heads, inner))
        _draw(self.query)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, M, D) → (B, T, p·D_s), and each modality's share: Σ_k α_k S_kj, the mean over heads."""
        pooled, shares = [], []
        for head, query in zip(self.heads, self.query, strict=True):
            rows, attention = head(x, mask)
            scores = (rows * query).sum(-1) / math.sqrt(rows.shape[-1])
            alpha = masked_softmax(scores, mask)
            weight = scores * mask if self.literal else alpha
            pooled.append((weight.unsqueeze(-1) * rows).sum(-2))
            shares.append((alpha.unsqueeze(-1) * attention).sum(-2))
        return torch.cat(pooled, -1), torch.stack(shares).mean(0)


class ResidualSelfAttention(nn.Module):
    """Eq. 7: the rows come back with what they attended to, z_k = W_z A_k + x̃^k, flattened, the heads side by side: p·M·D.

    Args:
        rows: `each`, as above (the non-local form); `pooled`: W_z v + x̃^k with eq. 6's pooled v for all rows, as printed but
            for v's width.
    """

    def __init__(self, modalities: int, width: int, inner: int, heads: int, rows: Rows = "each") -> None:
        super().__init__()
        self.width, self.rows = heads * modalities * width, rows
        self.heads = nn.ModuleList(SelfHead(width, inner) for _ in range(heads))
        self.back = nn.ModuleList(nn.Linear(inner, width, bias=False) for _ in range(heads))
        self.query = nn.Parameter(torch.empty(heads, inner)) if rows == "pooled" else None
        if self.query is not None:
            _draw(self.query)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, M, D) → (B, T, p·M·D), and each modality's share: the mean of the present rows' attention and of themselves."""
        out, shares = [], []
        there = mask.to(x.dtype)
        own = there / there.sum(-1, keepdim=True).clamp_min(1.0)
        for n, (head, back) in enumerate(zip(self.heads, self.back, strict=True)):
            rows, attention = head(x, mask)
            weight = own
            if self.query is not None:
                weight = masked_softmax((rows * self.query[n]).sum(-1) / math.sqrt(rows.shape[-1]), mask)
                rows = (weight.unsqueeze(-1) * rows).sum(-2, keepdim=True).expand_as(rows)
            out.append(((back(rows) + x) * mask.unsqueeze(-1)).flatten(-2))
            shares.append((weight.unsqueeze(-1) * attention).sum(-2))
        return torch.cat(out, -1), (torch.stack(shares).mean(0) + own) / 2


class CrossModal(nn.Module):
    """Eq. 8 and 9: each modality's features reweighed by each other modality, then hierarchical attention.

    a^{m,c} = (x̃^m)ᵀ S with S = softmax(x̃^m (x̃^c)ᵀ / √D) row by row, D×D (printed: √D_s, but nothing here is D_s wide);
    v^m = Attention(a^{m,c} over c); x = Attention(v^m over m). Where m is alone, v^m is x̃^m itself.
    """

    def __init__(self, modalities: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.others = tuple(tuple(c for c in range(modalities) if c != m) for m in range(modalities))
        self.lower = nn.ModuleList(Attention(len(others), width) for others in self.others)
        self.top = Attention(modalities, width)

    @staticmethod
    def features(x: Tensor, by: Tensor) -> Tensor:
        """S (…, D, D): the attention of each feature of `x` over those of `by`; rows sum to 1."""
        return (x.unsqueeze(-1) * by.unsqueeze(-2) / math.sqrt(x.shape[-1])).softmax(-1)

    def crossed(self, own: Tensor, by: Tensor) -> Tensor:
        """a (…, D) of `own` reweighed by `by`, both (…, D); some moments at a time where nothing is learnt."""
        step = max(1, _AT_ONCE // own.shape[-1] ** 2)
        if torch.is_grad_enabled() or own[..., 0].numel() <= step:
            return (own.unsqueeze(-2) @ self.features(own, by)).squeeze(-2)
        parts = zip(torch.split(own.flatten(0, -2), step), torch.split(by.flatten(0, -2), step), strict=True)
        return torch.cat([(a.unsqueeze(-2) @ self.features(a, b)).squeeze(-2) for a, b in parts]).view(own.shape)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, M, D) → (B, T, D), and each modality's share of the top attention."""
        vectors = []
        for m, (others, attention) in enumerate(zip(self.others, self.lower, strict=True)):
            own = x[..., m, :]
            crossed = [self.crossed(own, x[..., c, :]) for c in others]
            v, alpha = attention(torch.stack(crossed, -2), mask[..., others])
            vectors.append(torch.where(alpha.sum(-1, keepdim=True) > 0, v, own))
        return self.top(torch.stack(vectors, -2), mask)  # type: ignore[no-any-return]


def make(
    strategy: Strategy, modalities: int, width: int, inner: int, heads: int, literal: bool = False, rows: Rows = "each"
) -> nn.Module:
    """The strategy for M modalities; its `width` is that of its output."""
    if strategy == "concat":
        return Concat(modalities, width)
    if strategy == "hierarchical":
        return Hierarchical(modalities, width)
    if strategy == "crossmodal":
        return CrossModal(modalities, width)
    if strategy == "self":
        return SelfAttention(modalities, width, inner, heads, literal)
    if strategy == "residual":
        return ResidualSelfAttention(modalities, width, inner, heads, rows)
    raise ValueError(f"there is no strategy {strategy!r}")
