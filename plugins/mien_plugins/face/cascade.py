"""The three nets of MTCNN, with the weights from the facenet-pytorch wheel.

Built here from the paper's table (Zhang et al. 2016, fig. 2) because importing facenet-pytorch imports all of
torchvision, two seconds of every analysis, for three small nets. Its weights are read from its folder; a
test holds these nets against the library's own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mien.errors import ModelError


class CascadeNet(nn.Module):
    """Convolutions with PReLU and pooling, then heads.

    convolutions: (inputs, outputs, kernel, pooling kernel or 0). hidden: (inputs, outputs) of a layer over
    the flattened map, or None for a fully convolutional net. heads: outputs, of which those of two are
    probabilities. Layers are numbered as the weights' names are.
    """

    def __init__(
        self,
        convolutions: Sequence[tuple[int, int, int, int]],
        hidden: tuple[int, int] | None,
        heads: Sequence[int],
    ) -> None:
        super().__init__()
        self.steps = len(convolutions)
        for i, (inputs, outputs, kernel, pool) in enumerate(convolutions, 1):
            self.add_module(f"conv{i}", nn.Conv2d(inputs, outputs, kernel))
            self.add_module(f"prelu{i}", nn.PReLU(outputs))
            self.add_module(f"pool{i}", nn.MaxPool2d(pool, 2, ceil_mode=True) if pool else nn.Identity())
        self.flat = hidden is not None
        last = self.steps + 1
        if hidden is not None:
            self.add_module(f"dense{last}", nn.Linear(*hidden))
            self.add_module(f"prelu{last}", nn.PReLU(hidden[1]))
        self.heads = tuple(heads)
        for i, outputs in enumerate(heads, 1):
            if hidden is None:
                self.add_module(f"conv{last}_{i}", nn.Conv2d(convolutions[-1][1], outputs, 1))
            else:
                self.add_module(f"dense{last + 1}_{i}", nn.Linear(hidden[1], outputs))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Outputs of the heads in order; (B, n) each, (B, n, h, w) of a fully convolutional net."""
        layers = dict(self.named_children())
        for i in range(1, self.steps + 1):
            x = layers[f"pool{i}"](layers[f"prelu{i}"](layers[f"conv{i}"](x)))
        last, kind = self.steps + 1, "conv"
        if self.flat:
            # The weights were learnt on maps that run column by column.
            x = x.permute(0, 3, 2, 1).flatten(1)
            x = layers[f"prelu{last}"](layers[f"dense{last}"](x))
            last, kind = last + 1, "dense"
        out = []
        for i, outputs in enumerate(self.heads, 1):
            y = layers[f"{kind}{last}_{i}"](x)
            out.append(y.softmax(dim=1) if outputs == 2 else y)
        return tuple(out)


def p_net() -> CascadeNet:
    """Proposals: 12 x 12 cells -> (probability, shifts of the corners) in the order (2, 4)."""
    return CascadeNet(((3, 10, 3, 2), (10, 16, 3, 0), (16, 32, 3, 0)), None, (2, 4))


def r_net() -> CascadeNet:
    """Refinement of 24 x 24 candidates -> (2, 4)."""
    return CascadeNet(((3, 28, 3, 3), (28, 48, 3, 3), (48, 64, 2, 0)), (576, 128), (2, 4))


def o_net() -> CascadeNet:
    """Output from 48 x 48 candidates -> (2, 4, 10 coordinates of landmarks)."""
    return CascadeNet(((3, 32, 3, 3), (32, 64, 3, 3), (64, 64, 3, 2), (64, 128, 2, 0)), (1152, 256), (2, 4, 10))


def load_cascade(device: str = "cpu") -> tuple[CascadeNet, CascadeNet, CascadeNet]:
    """P-, R- and O-Net with their weights, in evaluation mode, laid out channels last.

    Raises:
        ModelError: facenet-pytorch, which holds the weights, is not installed whole.
    """
    spec = importlib.util.find_spec("facenet_pytorch")
    folder = Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None
    nets = []
    for name, build in (("pnet", p_net), ("rnet", r_net), ("onet", o_net)):
        net = build()
        try:
            if folder is None:
                raise FileNotFoundError("facenet-pytorch is not installed")
            # weights_only: tensors and nothing that could run.
            net.load_state_dict(torch.load(folder / "data" / f"{name}.pt", weights_only=True))
        except (OSError, RuntimeError) as error:
            raise ModelError(
                f"the face detector's weights cannot be read ({error}): install facenet-pytorch 2.5.3 again"
            ) from error
        net.eval().requires_grad_(False)
        nets.append(net.to(device, memory_format=torch.channels_last))  # type: ignore[call-overload]
    return nets[0], nets[1], nets[2]
