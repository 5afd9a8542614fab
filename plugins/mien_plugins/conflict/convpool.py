"""Convolution, ReLU, batch statistics and max pooling in one pass over cache-sized chunks (CPU).

ConflictNET's first layer widens 240,000 samples to 64 channels: 61 MB a clip, read and written again by every
ReLU, batch norm and pooling layer behind it. Max pooling commutes with batch norm's affine map (as a minimum
where the scale is negative), so nothing before the pooling has to be kept: a chunk is convolved, rectified,
counted into the statistics and pooled while it lies in the cache, and computed again for the gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

# Output values (rows x channels) worked on at a time: 1 MB of float32 beside a level-2 cache of 1 to 2 MB.
CHUNK_VALUES = 1 << 18


def _chunks(length: int, pool: int, channels: int) -> Iterator[tuple[int, int]]:
    """Row ranges of the convolution's output, each a whole number of pools long but the last."""
    step = max(1, CHUNK_VALUES // (pool * channels)) * pool
    whole = length // pool * pool
    for start in range(0, whole, step):
        yield start, min(start + step, whole)
    if whole < length:  # rows that no pool reaches still count in the batch statistics
        yield whole, length


def _columns(x: Tensor, start: int, stop: int, size: int) -> Tensor:
    """Rows `start:stop` of the convolution's input as overlapping windows, (rows, size * channels)."""
    channels = x.shape[1]
    return x[start:].as_strided((stop - start, size * channels), (channels, 1), (x.storage_offset() + start * channels))


def _forward(
    x: Tensor, weight: Tensor, bias: Tensor, sign: Tensor, pool: int, statistics: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Pooled values, and per channel the sum and sum of squares before pooling (0 without `statistics`)."""
    size = weight.shape[0] // x.shape[2]
    length, width = x.shape[1] - size + 1, weight.shape[1]
    flipped = bool((sign < 0).any())
    pooled = x.new_empty(x.shape[0], length // pool, width)
    total = torch.zeros(width, dtype=torch.float64)
    square = torch.zeros(width, dtype=torch.float64)
    for sample, out in zip(x, pooled, strict=True):
        for start, stop in _chunks(length, pool, width):
            reaches = stop % pool == 0
            if not (reaches or statistics):
                continue
            r = torch.addmm(bias, _columns(sample, start, stop, size), weight).relu_()
            if reaches:
                rows = r.view(-1, pool, width)
                torch.amax(rows * sign if flipped else rows, 1, out=out[start // pool : stop // pool])
            if statistics:
                total += r.sum(0)
                square += r.square_().sum(0)
    if flipped:
        pooled *= sign
    return pooled, total, square


class ConvReluPool(torch.autograd.Function):
    """(x, weight, bias, sign, pool) -> (pooled, mean, variance); see `conv_relu_pool`."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, sign: Tensor, pool: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        pooled, total, square = _forward(x, weight, bias, sign, pool, True)
        count = x.shape[0] * (x.shape[1] - weight.shape[0] // x.shape[2] + 1)
        mean = total / count
        variance = (square / count - mean * mean).clamp_min_(0)
        mean, variance = mean.to(x.dtype), variance.to(x.dtype)
        ctx.save_for_backward(x, weight, bias, pooled, mean)
        ctx.pool = pool
        return pooled, mean, variance

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, pooled, mean = ctx.saved_tensors
        d_pooled, d_mean, d_variance = grads
        pool, channels, width = ctx.pool, x.shape[2], weight.shape[1]
        size = weight.shape[0] // channels
        length = x.shape[1] - size + 1
        count = x.shape[0] * length
        # d(mean)/dr = 1/count and d(variance)/dr = 2 (r - mean)/count: one affine map of r per channel.
        slope = d_variance * (2 / count)
        offset = d_mean / count - mean * slope
        d_weight, d_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        d_x = torch.zeros_like(x) if ctx.needs_input_grad[0] else None
        # Comparisons write floats at once: a boolean mask costs five times as much to make and to apply.
        for b in range(x.shape[0]):
            for start, stop in _chunks(length, pool, width):
                columns = _columns(x[b], start, stop, size).contiguous()
                r = torch.addmm(bias, columns, weight).relu_()
                dz = torch.addcmul(offset, r, slope)
                if stop % pool == 0:
                    first, last = start // pool, stop // pool
                    rows = r.view(-1, pool, width)
                    won = torch.eq(rows, pooled[b, first:last, None], out=torch.empty_like(rows))
                    # Zero padding makes whole pools equal: the gradient is shared among the winners.
                    share = d_pooled[b, first:last] / won.sum(1).clamp_min_(1)
                    dz.view(-1, pool, width).addcmul_(won, share[:, None])
                dz.mul_(torch.gt(r, 0, out=r))
                d_weight.addmm_(columns.t(), dz)
                d_bias += dz.sum(0)
                if d_x is not None:
                    d_columns = dz @ weight.t()
                    for j in range(size):
                        d_x[b, start + j : stop + j] += d_columns[:, j * channels : (j + 1) * channels]
        return d_x, d_weight, d_bias, None, None


def conv_relu_pool(x: Tensor, weight: Tensor, bias: Tensor, sign: Tensor, pool: int) -> tuple[Tensor, Tensor, Tensor]:
    """A convolution (stride 1, valid), ReLU and max pooling, with the statistics that batch norm needs.

    Args:
        x: (B, T, C_in) contiguous float32 on the CPU.
        weight: (size * C_in, C_out).
        bias: (C_out,).
        sign: (C_out,) of +1 or -1, the sign of the scale that will follow.
        pool: size and stride of the pooling.

    Returns:
        pooled: (B, (T - size + 1) // pool, C_out), the maximum of the rectified convolution over each pool,
            the minimum where `sign` is -1.
        mean, variance: (C_out,) population statistics of the rectified convolution before pooling.
    """
    pooled, mean, variance = ConvReluPool.apply(x, weight, bias, sign, pool)  # type: ignore[no-untyped-call]
    return pooled, mean, variance


def conv_relu_pool_only(x: Tensor, weight: Tensor, bias: Tensor, sign: Tensor, pool: int) -> Tensor:
    """`conv_relu_pool` without statistics and without gradients, for inference."""
    with torch.no_grad():
        return _forward(x, weight, bias, sign, pool, False)[0]
