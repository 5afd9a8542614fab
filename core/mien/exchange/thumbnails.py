"""Small pictures from the medium for the report, as data URIs.

No picture is no error: the report goes without.
"""

from __future__ import annotations

import base64
import logging

import av.error
import cv2
import numpy as np

from mien.errors import MienError
from mien.exchange.cut import begin_and_end
from mien.media.decode import Decoder
from mien.media.medium import Medium
from mien.media.picture import to_rgb
from mien.media.pieces import FramePiece
from mien.media.probe import probe
from mien.sdk.protocols import Analysis
from mien.tracks.track import Curve, Spans

log = logging.getLogger(__name__)

SIDE = 240
QUALITY = 72


def moments(analysis: Analysis, count: int) -> list[tuple[float, str]]:
    """Times worth a picture with what to say of them: the peaks of the highest verdicts, else evenly over the
    medium.
    """
    begin, end = begin_and_end(analysis)
    verdicts, score = analysis.tracks.get("fusion.verdicts"), analysis.tracks.get("fusion.score")
    found: list[tuple[float, str]] = []
    if isinstance(verdicts, Spans) and len(verdicts):
        best = np.argsort(-np.nan_to_num(verdicts.score), kind="stable")[:count]
        for row in sorted(int(b) for b in best):
            first, last = float(verdicts.start[row]), float(verdicts.end[row])
            time = (first + last) / 2
            if isinstance(score, Curve) and len(inside := score.slice(first, last)):
                time = float(inside.times[int(np.argmax(np.nan_to_num(inside.values[:, 0])))])
            found.append((time, f"{verdicts.label[row]} {verdicts.score[row]:.2f}"))
        return found
    return [(begin + (end - begin) * (n + 0.5) / count, "") for n in range(count)] if end > begin else []


def thumbnails(analysis: Analysis, count: int) -> list[tuple[float, str, str]]:
    """Time, caption and data URI of up to `count` pictures."""
    if not count or not analysis.media.has_video:
        return []
    wanted = moments(analysis, count)
    try:
        medium = probe(analysis.media.path)
        found = []
        for time, caption in wanted:
            picture = _picture(medium, time)
            if picture is not None:
                found.append((time, caption, picture))
        return found
    except (MienError, OSError, ValueError, av.error.FFmpegError) as error:
        log.info("the report goes without pictures: %s", error)
        return []


def _picture(medium: Medium, time: float) -> str | None:
    with Decoder(medium, audio=False, video=True, begin=max(time - 1.0, 0.0), threads=1) as decoder:
        shown: FramePiece | None = None
        for piece in decoder:
            if not isinstance(piece, FramePiece):
                continue
            if shown is not None and piece.time > time + 1e-6:
                break
            shown = piece
    if shown is None:
        return None
    aspect = decoder.video.aspect if decoder.video is not None else 1.0
    image, _ = to_rgb(shown.frame, SIDE, shown.rotation, aspect)
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(bytes(data)).decode()}" if done else None
