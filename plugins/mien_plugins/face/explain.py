"""Where on a face the net looked: the attentional pooling of its three branches as one heat map over the crop.

Each branch pools its map by a saliency (Girdhar & Ramanan, NeurIPS 2017), and the branches are weighed by attention. A
cell's heat is its share of the saliency's strength in each branch, times that branch's weight, averaged over the views that
the reading is averaged over.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from mien.sdk import CropBatch, FaceExplanation
from mien_plugins.face.found import Floats, Images
from mien_plugins.face.reader import ExpressionReader, looked_at
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
    """Square faces (B, s, s, 3) uint8 RGB -> (B, s, s): how much of the attention each pixel had; each map sums to 1."""
    given = reader.prepared(torch.from_numpy(np.ascontiguousarray(images)).to(reader.device))
    size = images.shape[1:3]
    total = torch.zeros((len(images), *size))
    for index, zoom in reader.ensemble.views:
        view, net = zoomed(given, zoom), reader.ensemble.nets[index]
        for mirrored in (False, True):
            reading = net(view.flip(3) if mirrored else view)
            seen = torch.from_numpy(looked_at(reading.saliency, reading.branch_weights))
            total += _onto_face(seen.flip(2) if mirrored else seen, zoom, size)
    return np.asarray((total / total.sum(dim=(1, 2), keepdim=True)).numpy(), np.float32)


def _onto_face(seen: torch.Tensor, zoom: float, size: tuple[int, ...]) -> torch.Tensor:
    """The part of maps (B, h, w) of views with `zoom` times the face's side that lies over the face, as large as it."""
    shrink = torch.tensor([[1.0 / zoom, 0.0, 0.0], [0.0, 1.0 / zoom, 0.0]])
    grid = functional.affine_grid(shrink.expand(len(seen), 2, 3), [len(seen), 1, *size], align_corners=False)
    sampled = functional.grid_sample(seen[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
    return sampled / sampled.sum(dim=(1, 2), keepdim=True).clamp_min(1e-9)
