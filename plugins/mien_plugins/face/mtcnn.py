"""MTCNN, called in batches: the three nets of facenet-pytorch in a cascade of our own.

Source: Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(IEEE SPL 2016). The nets and weights are those of the facenet-pytorch wheel (MIT). Its own caller takes
pictures at full size and searches every one of them; here the proposals of all pictures of a block go
through each net together, and between searches only the last two nets look, near where the faces were.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien_plugins.face.cascade import CascadeNet, load_cascade
from mien_plugins.face.found import Floats, Found, Images, square, suppress
from mien_plugins.face.halves import Halves

# Geometry of P-Net: one output cell sees 12 x 12 pixels and moves by 2.
_CELL, _STRIDE = 12, 2
_SHRINK = 0.709
_REFINE, _OUTPUT = 24, 48
_CHUNK = 256
# Where `follow` looks for a face that was at (0, 0, 1): shift in x and y and change of size, as shares of
# the box.
_NEAR = np.array(
    [[0, 0, 1]]
    + [[dx, dy, 1] for dx in (-0.25, 0, 0.25) for dy in (-0.25, 0, 0.25) if (dx, dy) != (0, 0)]
    + [[0, 0, 1.2], [0, 0, 0.84]],
    np.float32,
)


class Mtcnn:
    """The cascade on one device.

    thresholds: what a candidate must score in each of the three nets. keep: what a face that is followed
    must score in the last one. max_proposals: candidates of one picture that pass the first net.
    """

    sure = 0.97

    def __init__(
        self,
        device: str = "cpu",
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.9),
        keep: float = 0.6,
        max_proposals: int = 300,
    ) -> None:
        self.device, self.thresholds, self.keep = device, thresholds, keep
        self.max_proposals = max_proposals
        self.p_net, self.r_net, self.o_net = load_cascade(device)

    def move(self, device: str) -> None:
        """Go on on another device."""
        self.device = device
        for net in (self.p_net, self.r_net, self.o_net):
            net.to(device)

    def detect(self, images: Images, min_face: float = 24.0) -> list[Found]:
        """Faces of at least `min_face` pixels in pictures (B, h, w, 3) uint8 RGB of one size."""
        if min(images.shape[1:3]) < _CELL:
            return [Found.none() for _ in images]
        views = Halves(images)
        boxes, owner = self._propose(views, images.shape[1:3], min_face)
        if not len(boxes):
            return [Found.none() for _ in images]
        score, shift = self._refine(views, owner, boxes)
        alive = score > self.thresholds[1]
        boxes, owner, score, shift = boxes[alive], owner[alive], score[alive], shift[alive]
        keep = _per_owner(owner, boxes, score, 0.7)
        boxes, owner = square(_shifted(boxes[keep], shift[keep])), owner[keep]
        if not len(boxes):
            return [Found.none() for _ in images]
        score, boxes, landmarks = self._output(views, owner, boxes)
        found = []
        for i in range(len(images)):
            mine = np.flatnonzero((owner == i) & (score > self.thresholds[2]))
            mine = mine[suppress(boxes[mine], score[mine], 0.6, smaller=True)]
            found.append(Found(boxes[mine], score[mine], landmarks[mine]))
        return found

    def follow(self, image: Images, boxes: Floats) -> Found:
        """The faces that were at `boxes` (N, 4), found again near there; score 0 where one is lost."""
        if not len(boxes) or min(image.shape[:2]) < _CELL:
            return Found(boxes, np.zeros(len(boxes), np.float32), np.zeros((len(boxes), 5, 2), np.float32))
        views = Halves(image[None])
        side = square(boxes)
        tries = len(_NEAR)
        centre = side[:, None, :2] + side[:, None, 2:] * (0.5 + _NEAR[None, :, :2])
        size = side[:, None, 2:] * _NEAR[None, :, 2:]
        near = np.concatenate([centre - size / 2, size], axis=2).reshape(-1, 4).astype(np.float32)
        score, shift = self._refine(views, np.zeros(len(near), np.intp), near)
        # The three best places of each face go on to the net that decides.
        ranked = np.argsort(-score.reshape(-1, tries), axis=1)[:, :3]
        best = (ranked + tries * np.arange(len(boxes))[:, None]).ravel()
        places = square(_shifted(near[best], shift[best]))
        score, places, landmarks = self._output(views, np.zeros(len(places), np.intp), places)
        winner = score.reshape(len(boxes), -1).argmax(axis=1) + ranked.shape[1] * np.arange(len(boxes))
        score = np.where(score[winner] > self.keep, score[winner], 0.0).astype(np.float32)
        return Found(places[winner], score, landmarks[winner])

    @torch.inference_mode()
    def _propose(self, views: Halves, extent: tuple[int, ...], min_face: float) -> tuple[Floats, NDArray[np.intp]]:
        """P-Net over an image pyramid: square candidates (N, 4) and the picture each lies in (N,)."""
        height, width = extent
        scale = _CELL / max(min_face, _CELL)
        boxes, owners, scores = [], [], []
        while min(height, width) * scale >= _CELL:
            size = max(_CELL, round(width * scale)), max(_CELL, round(height * scale))
            probability, shift = self.p_net(self._tensor(views.whole(size)))
            hits = torch.where(probability[:, 1] > self.thresholds[0])
            owner, row, column = (part.cpu().numpy() for part in hits)
            score = probability[:, 1].cpu().numpy()[owner, row, column]
            offset = shift.permute(0, 2, 3, 1).cpu().numpy()[owner, row, column]
            # True factors, which rounding made differ a little between the axes.
            factor = np.array([width / size[0], height / size[1]], np.float32)
            corner = np.stack([column, row], axis=1).astype(np.float32) * _STRIDE * factor
            cell = np.concatenate([corner, np.broadcast_to(_CELL * factor, corner.shape)], axis=1)
            keep = _per_owner(owner, cell, score, 0.5)
            boxes.append(_shifted(cell[keep], offset[keep]))
            owners.append(owner[keep])
            scores.append(score[keep])
            scale *= _SHRINK
        if not boxes:
            return np.zeros((0, 4), np.float32), np.zeros(0, np.intp)
        box, owner, score = np.concatenate(boxes), np.concatenate(owners), np.concatenate(scores)
        keep = _per_owner(owner, box, score, 0.7, self.max_proposals)
        return square(box[keep]), owner[keep]

    def _refine(self, views: Halves, owner: NDArray[np.intp], boxes: Floats) -> tuple[Floats, Floats]:
        """R-Net: score (N,) and corner shifts (N, 4)."""
        probability, shift = self._run(self.r_net, views, owner, boxes, _REFINE)
        return probability[:, 1], shift

    def _output(self, views: Halves, owner: NDArray[np.intp], boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """O-Net: score (N,), boxes (N, 4) put right, landmarks (N, 5, 2)."""
        probability, shift, points = self._run(self.o_net, views, owner, boxes, _OUTPUT)
        relative = np.stack([points[:, :5], points[:, 5:]], axis=2)
        landmarks = boxes[:, None, :2] + relative * boxes[:, None, 2:]
        return probability[:, 1], _shifted(boxes, shift), landmarks.astype(np.float32)

    @torch.inference_mode()
    def _run(
        self, net: CascadeNet, views: Halves, owner: NDArray[np.intp], boxes: Floats, size: int
    ) -> tuple[Floats, ...]:
        outputs: list[tuple[Tensor, ...]] = []
        for start in range(0, max(1, len(boxes)), _CHUNK):
            part = slice(start, start + _CHUNK)
            crops = np.empty((len(boxes[part]), size, size, 3), np.uint8)
            for i, (which, box) in enumerate(zip(owner[part], boxes[part], strict=True)):
                crops[i] = views.cut(int(which), box, size)
            outputs.append(net(self._tensor(crops)))
        return tuple(torch.cat(column).float().cpu().numpy() for column in zip(*outputs, strict=True))

    def _tensor(self, images: Images) -> Tensor:
        """(B, h, w, 3) uint8 -> (B, 3, h, w) float in [-1, 1), laid out channels last."""
        x = torch.from_numpy(np.ascontiguousarray(images)).to(self.device).permute(0, 3, 1, 2).float()
        return (x - 127.5) / 128.0


def _shifted(boxes: Floats, shift: Floats) -> Floats:
    """Boxes whose corners (x0, y0, x1, y1) moved by shares of their sides."""
    side = boxes[:, 2:]
    low = boxes[:, :2] + shift[:, :2] * side
    high = boxes[:, :2] + side + shift[:, 2:] * side
    return np.concatenate([low, np.maximum(high - low, 1.0)], axis=1).astype(np.float32)


def _per_owner(
    owner: NDArray[np.intp], boxes: Floats, score: Floats, threshold: float, limit: int | None = None
) -> NDArray[np.intp]:
    """Suppression within each picture; positions that stay, at most `limit` of each picture."""
    kept = []
    for which in np.unique(owner):
        mine = np.flatnonzero(owner == which)
        kept.append(mine[suppress(boxes[mine], score[mine], threshold)][:limit])
    return np.concatenate(kept) if kept else np.zeros(0, np.intp)
