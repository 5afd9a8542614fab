"""Draws readings on a picture: face boxes, the spoken words, small bars. Knows nothing of files."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from mien.exchange.lettering import Colour, Letters, Picture, right_to_left
from mien.exchange.lines import lines
from mien.exchange.params import SrtParams, VideoParams
from mien.exchange.readings_at import Faces, Gauge, gauges
from mien.exchange.subtitles import Cue, cues
from mien.exchange.text import clean
from mien.sdk.protocols import Analysis

# RGB. Persons have the colours of the report's dark theme, which stand out from most pictures.
_PERSONS: tuple[Colour, ...] = (
    (142, 166, 255), (240, 147, 92), (95, 199, 156), (195, 139, 224),
    (224, 182, 74), (92, 195, 224), (240, 127, 181), (181, 194, 90),
)  # fmt: skip
_INK: Colour = (244, 246, 250)
_SOFT: Colour = (176, 184, 196)
_NOW: Colour = (255, 214, 92)
_HOT: Colour = (255, 112, 118)
_TRACK: Colour = (84, 92, 106)
_BAR: Colour = (126, 196, 255)

SMALLEST = 120
"""Pictures with a side of fewer pixels have no room for captions and bars."""


class Overlay:
    """What is drawn on the pictures of one medium.

    Args:
        analysis: the readings.
        size: (width, height) of the pictures.
        params: what to draw.
        threshold: score at which a verdict begins, marked on the fused score's bar.
    """

    def __init__(
        self, analysis: Analysis, size: tuple[int, int], params: VideoParams, threshold: float | None = None
    ) -> None:
        self._size = size
        self._letters = Letters(round(np.clip(size[1] * 0.036, 11, 44)))
        self._small = Letters(round(np.clip(size[1] * 0.028, 10, 34)))
        media = analysis.media
        self._scale = (
            size[0] / media.width if media.width else 1.0,
            size[1] / media.height if media.height else 1.0,
        )
        roomy = min(size) >= SMALLEST
        names = [name.strip() for name in params.bars.split(",") if name.strip()]
        self._faces = Faces(analysis) if params.boxes else None
        self._gauges = gauges(analysis, names) if roomy else []
        self._threshold = threshold
        fit = max(int(size[0] * 0.86 / (self._letters.size * 0.56)), 12)
        found = cues(lines(analysis), SrtParams(line_length=min(fit, 64), max_lines=2))
        self._cues = list(found) if params.caption and roomy else []
        self._words = {id(cue): _timed(cue, n) for cue, n in _numbered(self._cues)}
        self._patch = lru_cache(maxsize=8)(self._caption)

    def draw(self, image: Picture, time: float) -> None:
        """Draw on an RGB picture, in place.

        Args:
            image: (H, W, 3) uint8, of the size given at construction, writable.
            time: s.
        """
        if self._faces is not None:
            self._draw_faces(image, time)
        if self._gauges:
            self._draw_bars(image, time)
        self._draw_caption(image, time)

    def _draw_faces(self, image: Picture, time: float) -> None:
        assert self._faces is not None
        thick = max(round(self._size[1] / 360), 1)
        for face in self._faces.at(time):
            colour = _PERSONS[face.person % len(_PERSONS)]
            x, y = round(face.box[0] * self._scale[0]), round(face.box[1] * self._scale[1])
            right = round((face.box[0] + face.box[2]) * self._scale[0])
            bottom = round((face.box[1] + face.box[3]) * self._scale[1])
            cv2.rectangle(image, (x, y), (right, bottom), colour, thick, cv2.LINE_AA)
            told = f"person {face.person}" + (f" · {face.shows}" if face.shows else "")
            height, width = self._small.line + 2, self._small.width(told) + 10
            top = y - height if y >= height else min(bottom, self._size[1] - height)
            left = int(np.clip(x, 0, max(self._size[0] - width, 0)))
            _darken(image, left, top, width, height)
            self._small.draw(image, told, left + 5, top + height - round(height * 0.3), colour)

    def _draw_bars(self, image: Picture, time: float) -> None:
        pad, row = round(self._small.size * 0.7), round(self._small.size * 1.65)
        names = [clean(gauge.title) for gauge in self._gauges]
        name_width = max(self._small.width(name) for name in names) + pad
        value_width = self._small.width("+0.00") + pad // 2
        length = max(round(self._size[0] * 0.13), 40)
        width, height = 2 * pad + name_width + length + value_width, 2 * pad + row * len(names) - pad // 2
        _darken(image, pad, pad, width, height)
        for n, gauge in enumerate(self._gauges):
            middle = 2 * pad + n * row + self._small.size // 2
            x = 2 * pad + name_width
            self._draw_bar(image, gauge, gauge.at(time), x, middle, length)
            self._small.draw(image, names[n], 2 * pad, middle + round(self._small.size * 0.36), _INK)

    def _draw_bar(self, image: Picture, gauge: Gauge, value: float | None, x: int, middle: int, length: int) -> None:
        half = max(self._small.size // 5, 2)
        cv2.rectangle(image, (x, middle - half), (x + length, middle + half), _TRACK, -1)

        def place(at: float) -> int:
            share = (at - gauge.low) / (gauge.high - gauge.low)
            return x + round(min(max(share, 0.0), 1.0) * length)

        fused = gauge.source == "fusion"
        hot = fused and value is not None and self._threshold is not None and value >= self._threshold
        if value is not None:
            zero = place(0.0 if gauge.low < 0 < gauge.high else gauge.low)
            ends = sorted((zero, place(value)))
            cv2.rectangle(image, (ends[0], middle - half), (ends[1], middle + half), _HOT if hot else _BAR, -1)
        if gauge.low < 0 < gauge.high:
            cv2.line(image, (place(0.0), middle - half - 1), (place(0.0), middle + half + 1), _SOFT, 1)
        if fused and self._threshold is not None:
            limit = place(self._threshold)
            cv2.line(image, (limit, middle - half - 3), (limit, middle + half + 3), _NOW, max(half // 2, 1))
        signed = "+" if gauge.low < 0 else ""
        told = "–" if value is None else f"{value:{signed}.2f}".replace("-", "−")
        baseline = middle + round(self._small.size * 0.36)
        self._small.draw(image, told, x + length + self._small.size // 2, baseline, _HOT if hot else _INK)

    def _draw_caption(self, image: Picture, time: float) -> None:
        spoken = [n for n, cue in enumerate(self._cues) if cue.start <= time < cue.end]
        bottom = self._size[1] - round(self._size[1] * 0.04)
        for n in reversed(spoken[-2:]):  # two speak at once: the one who began first stands above
            timed = self._words[id(self._cues[n])]
            now = next((i for i, (start, end) in enumerate(timed) if start <= time < end), -1)
            patch = self._patch(n, now)
            height, width = patch.shape[:2]
            top, left = bottom - height, (self._size[0] - width) // 2
            if top < 0:
                return
            _darken(image, left, top, width, height)
            region = image[top : top + height, left : left + width]
            np.maximum(region, patch, out=region)
            bottom = top - max(self._letters.size // 4, 2)

    def _caption(self, number: int, now: int) -> Picture:
        """The words of a cue on black, the one being spoken set off; widths are the picture's at most."""
        cue, letters = self._cues[number], self._letters
        pad = round(letters.size * 0.55)
        ink = _HOT if cue.line.flagged else _INK
        rows = [clean("".join(piece for piece, _ in row).strip()) for row in cue.rows]
        name = f"{cue.line.speaker}: " if cue.line.speaker else ""
        rows[0] = name + rows[0]
        width = min(max(letters.width(row) for row in rows) + 2 * pad, self._size[0])
        patch = np.zeros((letters.line * len(rows) + pad, width, 3), np.uint8)
        index = 0
        for n, row in enumerate(rows):
            baseline = pad // 2 + n * letters.line + round(letters.line * 0.76)
            x = max((width - letters.width(row)) // 2, 0)
            letters.draw(patch, row, x, baseline, ink)
            head = name if n == 0 else ""
            words = row[len(head) :].split()
            if index <= now < index + len(words) and not right_to_left(row):
                before = head + "".join(word + " " for word in words[: now - index])
                at = x + letters.width(before + "|") - letters.width("|")
                word = words[now - index]
                cv2.rectangle(
                    patch,
                    (at, baseline - letters.size),
                    (at + letters.width(word), patch.shape[0]),
                    (0, 0, 0),
                    -1,
                )
                letters.draw(patch, word, at, baseline, _NOW)
            index += len(words)
        return patch


def _numbered(found: list[Cue]) -> list[tuple[Cue, int]]:
    """Each cue with how many words of its utterance came in cues before it."""
    counted, last, words = [], None, 0
    for cue in found:
        words = words if cue.line is last else 0
        counted.append((cue, words))
        last, words = cue.line, words + len(cue.text.split())
    return counted


def _timed(cue: Cue, first: int) -> list[tuple[float, float]]:
    """Start and end of each word of a cue; empty where the words have no times of their own."""
    words = cue.line.words
    if len(words) != len(cue.line.text.split()):
        return []
    return [(word.start, word.end) for word in words[first : first + len(cue.text.split())]]


def _darken(image: Picture, left: int, top: int, width: int, height: int) -> None:
    """Make a part of the picture dark enough to read on."""
    top, left = max(top, 0), max(left, 0)
    region = image[top : top + height, left : left + width]
    if region.size:
        region[...] = (region >> 2) + 4
