"""Which parts of a face spoke for the expression that was read: the attentional pooling taken apart, cell by cell.

Each branch of a net pools its map by a saliency times K top-down maps (Girdhar & Ramanan, NeurIPS 2017): its vector is a
sum over cells. From there to a class' logit the net is linear but for two things that all cells share, the deviation by
which the vector is normalised and the weights of the branches. Taken as they are for this face, the logit is a sum of what
each cell brought for or against the class, and nothing is left over. The heat is what spoke for it, added up over the nets
and views that the reading is averaged over; the saliency alone would say where a net looked, but not for which class.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mien.sdk import CropBatch, FaceExplanation
from mien_plugins.face.found import Floats, Images
from mien_plugins.face.net import FaceNet
from mien_plugins.face.reader import ExpressionReader
from mien_plugins.face.views import zoomed


def explain_face(reader: ExpressionReader, faces: CropBatch) -> FaceExplanation:
    """Explain the first of the faces."""
    image = faces.images[:1]
    return FaceExplanation(
        time=float(faces.times[0]),
        person=int(faces.person[0]),
        box=faces.boxes[0],
        crop=image[0],
        heat=heat(reader, image)[0],
        labels=reader.classes,
        posterior=reader.read(image).probability[0],
    )


@torch.inference_mode()
def heat(reader: ExpressionReader, images: Images) -> Floats:
    """Square faces (B, s, s, 3) uint8 RGB -> (B, s, s): each pixel's share of what spoke for the expression that was read.

    Each map sums to 1; where nothing spoke for it, all pixels have the same share.
    """
    given = reader.prepared(torch.from_numpy(np.ascontiguousarray(images)).to(reader.device))
    read = torch.from_numpy(reader.read(images).probability.argmax(1)).to(reader.device)
    size = images.shape[1:3]
    total = torch.zeros((len(images), *size), device=reader.device)
    for index, zoom in reader.ensemble.views:
        view, net = zoomed(given, zoom), reader.ensemble.nets[index]
        assert isinstance(net, FaceNet)
        for mirrored in (False, True):
            cells, _ = evidence(net, view.flip(3) if mirrored else view, read)
            seen = spread(cells)
            total += _onto_face(seen.flip(2) if mirrored else seen, zoom, size)
    spoke = total.clamp_min(0.0)
    sums = spoke.sum(dim=(1, 2), keepdim=True)
    even = torch.full_like(spoke, 1.0 / (size[0] * size[1]))
    return np.asarray(torch.where(sums > 0, spoke / sums.clamp_min(1e-12), even).cpu().numpy(), np.float32)


def evidence(net: FaceNet, images: Tensor, classes: Tensor) -> tuple[list[Tensor], Tensor]:
    """What each cell brought for or against a class, over the mean of all classes.

    Args:
        images: (B, 1, H, W), as the net gets them; classes: (B,) int64, one for each.

    Returns:
        three maps (B, h_i, w_i), finest first, and (B,) what no cell brought (the biases). The sum of it all is the class'
        logit less the mean of all logits.
    """
    parts, deviations, vectors = [], [], []
    maps = net.backbone(images.expand(-1, net.config.hrnet.inputs, -1, -1))
    for x, pool, norm in zip(maps, net.pooling, net.normalise, strict=True):
        part = (pool.bottom_up(x) * pool.top_down(x) / (x.shape[2] * x.shape[3])).float()  # type: ignore[operator]
        vector = part.sum(dim=(2, 3))
        parts.append(part - part.mean(dim=1, keepdim=True))
        deviations.append((vector.var(dim=1, unbiased=False, keepdim=True) + norm.eps).sqrt())
        vectors.append(norm(vector.to(x.dtype)))
    _, weights = net.attention(vectors)
    head, bias = net.head.weight.float(), net.head.bias.float()
    towards = head[classes] - head.mean(0)  # (B, D)
    rest = bias[classes] - bias.mean()
    brought = []
    for branch, (part, deviation, norm) in enumerate(zip(parts, deviations, net.normalise, strict=True)):
        project = net.attention.project[branch]
        pull = weights[:, branch, None].float() * (towards @ project.weight.float())  # type: ignore[operator]
        brought.append(torch.einsum("bkhw,bk->bhw", part, pull * norm.weight.float() / deviation))
        rest = rest + (pull * norm.bias.float()).sum(1)
        rest = rest + weights[:, branch].float() * (towards @ project.bias.float())  # type: ignore[operator]
    return brought, rest


def spread(cells: list[Tensor]) -> Tensor:
    """Maps (B, h_i, w_i) added up at the finest one's size; a coarse cell's value is spread over the cells it covers."""
    size = cells[0].shape[-2:]
    total = torch.zeros_like(cells[0])
    for part in cells:
        share = (part.shape[-2] * part.shape[-1]) / (size[0] * size[1])
        total += share * functional.interpolate(part[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    return total


def _onto_face(seen: Tensor, zoom: float, size: tuple[int, ...]) -> Tensor:
    """The part of maps (B, h, w) of views with `zoom` times the face's side that lies over the face, as large as it."""
    shrink = torch.tensor([[1.0 / zoom, 0.0, 0.0], [0.0, 1.0 / zoom, 0.0]], device=seen.device)
    grid = functional.affine_grid(shrink.expand(len(seen), 2, 3), [len(seen), 1, *size], align_corners=False)
    return functional.grid_sample(seen[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
