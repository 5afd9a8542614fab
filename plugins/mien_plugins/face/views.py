"""A face as several nets see it: each net reads some views of it, plain and mirrored, and their readings are averaged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models.size import bounded
from mien_plugins.face.data import standardise
from mien_plugins.face.net import FaceNet, FaceNetConfig, FaceReading

View = tuple[int, float]
"""A net's place among the nets, and the view's side as a share of the face's."""


def zoomed(images: Tensor, zoom: float) -> Tensor:
    """Standardised pictures (B, 1, H, W), seen with `zoom` times their side; what lies beyond continues their edge."""
    if zoom == 1.0:
        return images
    shrink = torch.tensor([[zoom, 0.0, 0.0], [0.0, zoom, 0.0]], device=images.device, dtype=images.dtype)
    grid = functional.affine_grid(shrink.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    seen = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return standardise(seen * 100.0)  # a picture of deviation 1 is not to be taken for a flat one


class FaceEnsemble(nn.Module):
    """Nets trained alike from different seeds, each reading its views (Lakshminarayanan et al., NeurIPS 2017).

    Faces (B, 1, H, W) -> `FaceReading`: logits averaged over all views and their mirror images. Embedding, attention and
    branch weights are the first view's (the embedding with its mirror image's): nets share no space to average these in.
    """

    def __init__(self, nets: Iterable[FaceNet], views: Sequence[View]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)
        self.views = tuple((int(net), float(zoom)) for net, zoom in views)
        if not self.views or not all(0 <= net < len(self.nets) and zoom > 0 for net, zoom in self.views):
            raise ValueError(f"the views {list(views)} do not name {len(self.nets)} nets and positive zooms")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FaceEnsemble:
        """Nets with fresh weights, as a model's config.json describes them."""
        net = FaceNetConfig.from_dict(config["net"])
        return bounded(lambda: cls((FaceNet(net) for _ in range(int(config["nets"]))), config["views"]))

    def forward(self, images: Tensor) -> FaceReading:
        first: FaceReading | None = None
        total: Tensor | None = None
        for index, zoom in self.views:
            view, net = zoomed(images, zoom), self.nets[index]
            plain, mirrored = net(view), net(view.flip(3))
            logits = plain.logits + mirrored.logits
            total = logits if total is None else total + logits
            if first is None:
                embedding = (plain.embedding + mirrored.embedding) / 2
                first = FaceReading(plain.logits, embedding, plain.branch_weights, plain.saliency)
        assert first is not None
        assert total is not None
        return FaceReading(total / (2 * len(self.views)), first.embedding, first.branch_weights, first.saliency)
