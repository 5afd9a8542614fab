"""ConflictNET: the intensity of a conflict from 30 s of raw speech (Rajan 2022, chapter 3).

Three blocks of convolution, ReLU, batch norm and max pooling turn 240,000 samples into 832 steps of 256
channels; an average pool leaves 208; an LSTM, additive self-attention over the whole sequence and a second
LSTM read them; a linear unit answers. 420,418 trainable parameters and 896 running statistics, as published.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from mien_plugins.conflict.convpool import conv_relu_pool, conv_relu_pool_only

RATE = 8_000
SECONDS = 30.0
SAMPLES = 240_000
STEPS = 208
STEP_SAMPLES = 8 * 6 * 6 * 4  # samples between two steps of the first LSTM: 0.144 s

RECEPTIVE_FIELD = 1325  # samples that such a step sees
LONG = 400  # steps from which attention is worked out clip by clip: its tensors grow with their square

Gates = Literal["hard_sigmoid", "sigmoid"]
Variant = Literal["conflictnet", "paranet", "ap", "attn", "gap"]
"""The thesis' net and its ablations (Table 3.1): ParaNET, +AP, +Attn, and +AP+Attn+GAP."""
NAMES: dict[Variant, str] = {
    "conflictnet": "ConflictNET",
    "paranet": "ParaNET",
    "ap": "ParaNET + average pooling",
    "attn": "ParaNET + attention",
    "gap": "ConflictNET + global average pooling",
}


class ConvBlock(nn.Module):
    """Conv1d (valid) -> ReLU -> batch norm -> max pool, on (B, T, C).

    Batch norm stands behind the ReLU, with Keras' epsilon 1e-3 and momentum .99 (0.01 in PyTorch's sense).
    On the CPU in float32 the chain runs fused (`convpool`), elsewhere layer by layer, to the same values.
    """

    def __init__(self, inputs: int, filters: int, size: int, pool: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, filters, size)
        self.norm = nn.BatchNorm1d(filters, eps=1e-3, momentum=0.01)
        self.pool = pool
        nn.init.xavier_uniform_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, (T - size + 1) // pool, filters)."""
        if x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu"):
            return self._fused(x)
        return self.layered(x)

    def layered(self, x: Tensor) -> Tensor:
        """The same, one layer after the other."""
        y = self.norm(F.relu(self.conv(x.transpose(1, 2))))
        return F.max_pool1d(y, self.pool).transpose(1, 2)

    def _fused(self, x: Tensor) -> Tensor:
        norm = self.norm
        weight = self.conv.weight.permute(2, 1, 0).reshape(-1, self.conv.out_channels)
        sign = torch.where(norm.weight < 0, -1.0, 1.0)
        assert self.conv.bias is not None
        given = (x.contiguous(), weight, self.conv.bias, sign, self.pool)
        if self.training:
            pooled, mean, variance = conv_relu_pool(*given)
            count = x.shape[0] * (x.shape[1] - self.conv.kernel_size[0] + 1)
            self._track(mean.detach(), variance.detach() * (count / max(1, count - 1)))
        else:
            pooled = conv_relu_pool(*given)[0] if torch.is_grad_enabled() else conv_relu_pool_only(*given)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            mean, variance = norm.running_mean, norm.running_var
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        return torch.addcmul(norm.bias - mean * scale, pooled, scale)

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        norm = self.norm
        assert norm.num_batches_tracked is not None
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.num_batches_tracked += 1
        share = norm.momentum if norm.momentum is not None else 1.0 / float(norm.num_batches_tracked)
        norm.running_mean.lerp_(mean, share)
        norm.running_var.lerp_(variance, share)


class KerasLSTM(nn.Module):
    """An LSTM as Keras 2.2.4 counts and computes it: one bias vector, gates by a piecewise linear sigmoid.

    hard_sigmoid(x) = clip(0.2 x + 0.5, 0, 1). `gates="sigmoid"` takes the smooth gates of other frameworks
    with the same parameters. Gate order i, f, g, o; recurrent kernel orthogonal, forget bias 1. A loop over
    208 steps, with the input's products taken beforehand, costs about as much as PyTorch's own LSTM at
    these sizes.
    """

    def __init__(self, inputs: int, units: int, gates: Gates = "hard_sigmoid") -> None:
        super().__init__()
        self.units = units
        self.gates = gates
        self.kernel = nn.Parameter(torch.empty(inputs, 4 * units))
        self.recurrent = nn.Parameter(torch.empty(units, 4 * units))
        self.bias = nn.Parameter(torch.zeros(4 * units))
        nn.init.xavier_uniform_(self.kernel)
        nn.init.orthogonal_(self.recurrent)
        with torch.no_grad():
            self.bias[units : 2 * units] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, units), the output of every step."""
        u, hard = self.units, self.gates == "hard_sigmoid"
        steps = F.linear(x.transpose(0, 1), self.kernel.t(), self.bias).unbind(0)
        h = x.new_zeros(x.shape[0], u)
        c = h
        outputs = []
        for step in steps:
            z = torch.addmm(step, h, self.recurrent)
            i_f, g, o = z[:, : 2 * u], z[:, 2 * u : 3 * u], z[:, 3 * u :]
            if hard:  # hardtanh bounds the value where the slope is folded into one fused multiply-add
                i_f, o = F.hardtanh(i_f * 0.2 + 0.5, 0.0, 1.0), F.hardtanh(o * 0.2 + 0.5, 0.0, 1.0)
            else:
                i_f, o = torch.sigmoid(i_f), torch.sigmoid(o)
            c = torch.addcmul(i_f[:, u:] * c, i_f[:, :u], torch.tanh(g))
            h = o * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs, 1)


class AdditiveAttention(nn.Module):
    """Additive self-attention over a whole sequence, with a tanh on the energies (thesis eq. 3.2).

    g(t, t') = tanh(h_t W_t + h_t' W_x + b_h); e = tanh(g W_a + b_a); a = softmax of e over t';
    l_t = sum over t' of a(t, t') h_t'.
    """

    def __init__(self, features: int, width: int = 32) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(features, width))
        self.key = nn.Parameter(torch.empty(features, width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.energy = nn.Parameter(torch.empty(width, 1))
        self.energy_bias = nn.Parameter(torch.zeros(1))
        for kernel in (self.query, self.key, self.energy):
            nn.init.xavier_normal_(kernel)

    def weights(self, h: Tensor) -> Tensor:
        """(B, T, features) -> (B, T, T), rows sum to 1."""
        g = torch.tanh((h @ self.query)[:, :, None] + (h @ self.key + self.bias)[:, None])
        e = torch.tanh((g @ self.energy).squeeze(-1) + self.energy_bias)
        return torch.softmax(e, -1)

    def forward(self, h: Tensor) -> Tensor:
        """(B, T, features) -> (B, T, features)."""
        if h.shape[1] <= LONG:
            return self._attend(h)
        if not torch.is_grad_enabled():
            return torch.cat([self._attend(row) for row in torch.split(h, 1)])
        # 832 steps would keep a GB for every ten clips until the gradients are taken.
        return torch.cat([checkpoint(self._attend, row, use_reentrant=False) for row in torch.split(h, 1)])

    def _attend(self, h: Tensor) -> Tensor:
        return self.weights(h) @ h


class ConflictNet(nn.Module):
    """(B, T) samples at 8 kHz, RMS-normalised -> (B,) intensity, unbounded; meant for T = 240,000.

    `hidden` gives the first LSTM's outputs, one per 0.144 s, to which a recipe may attach auxiliary heads.

    Args:
        gates: of the LSTMs.
        variant: the net itself or an ablation of it: without the average pool there are 832 steps instead of 208, and
            without attention the second LSTM reads the first one's outputs (412,161 parameters); with global average
            pooling the mean of the second LSTM's outputs is read instead of the last of them.
    """

    def __init__(self, gates: Gates = "hard_sigmoid", variant: Variant = "conflictnet") -> None:
        super().__init__()
        if gates not in ("hard_sigmoid", "sigmoid"):
            raise ValueError(f"there are no gates {gates!r}")
        if variant not in NAMES:
            raise ValueError(f"{variant!r} is no variant of the net; there are {', '.join(NAMES)}")
        self.variant = variant
        self.averaged, self.mean = variant in ("conflictnet", "ap", "gap"), variant == "gap"
        self.conv1 = ConvBlock(1, 64, 6, 8)
        self.conv2 = ConvBlock(64, 128, 4, 6)
        self.conv3 = ConvBlock(128, 256, 4, 6)
        self.lstm1 = KerasLSTM(256, 128, gates)
        self.attention = AdditiveAttention(128, 32) if variant in ("conflictnet", "attn", "gap") else nn.Identity()
        self.lstm2 = KerasLSTM(128, 64, gates)
        self.out = nn.Linear(64, 1)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @property
    def step_samples(self) -> int:
        """Samples between two steps of the first LSTM."""
        return STEP_SAMPLES if self.averaged else STEP_SAMPLES // 4

    @property
    def receptive_field(self) -> int:
        """Samples that one step of it sees."""
        return RECEPTIVE_FIELD if self.averaged else RECEPTIVE_FIELD - 3 * self.step_samples

    def features(self, x: Tensor) -> Tensor:
        """(B, T) -> (B, steps, 256), the average-pooled output of the convolutions; 208 steps for 30 s (832 unpooled)."""
        y: Tensor = self.conv3(self.conv2(self.conv1(x.unsqueeze(-1))))
        if not self.averaged:
            return y
        return F.avg_pool1d(y.transpose(1, 2), 4).transpose(1, 2)

    def hidden(self, x: Tensor) -> Tensor:
        """(B, T) -> (B, steps, 128)."""
        hidden: Tensor = self.lstm1(self.features(x))
        return hidden

    def read(self, hidden: Tensor) -> Tensor:
        """(B, steps, 128) -> (B,)."""
        read = self.lstm2(self.attention(hidden))
        answer: Tensor = self.out(read.mean(1) if self.mean else read[:, -1])
        return answer.squeeze(-1)

    def forward(self, x: Tensor) -> Tensor:
        return self.read(self.hidden(x))


def trainable(net: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def running_statistics(net: nn.Module) -> int:
    """Number of running batch-norm statistics, the parameters Keras calls non-trainable."""
    return sum(b.numel() for b in net.buffers() if b.is_floating_point())
