"""Speed of the face room: the detector beside facenet-pytorch's own caller on one core, reading faces on one and on two."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

pytestmark = pytest.mark.benchmark(group="face")
MODEL = Path(__file__).resolve().parents[2] / "resources" / "models" / "face-affect"


@pytest.fixture(scope="module", autouse=True)
def _one_core():
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.fixture(scope="module")
def pictures(shared):
    """Four seconds at 5 Hz of a talking head, 512 x 512: times (20,), images (20, 512, 512, 3)."""
    times, images = [], []
    with av.open(str(shared / "media" / "real" / "one_face_speech_loud.mp4")) as container:
        for frame in container.decode(container.streams.video[0]):
            if not times or frame.time - times[-1] >= 0.199:
                times.append(frame.time)
                images.append(frame.to_ndarray(format="rgb24"))
            if len(times) == 20:
                break
    return np.array(times), np.stack(images)


def test_facenet_pytorch_one_picture(benchmark, pictures):
    from facenet_pytorch import MTCNN

    net = MTCNN(device="cpu", keep_all=True)
    benchmark(net.detect, pictures[1][0])
    benchmark.extra_info["pictures"] = 1


def test_mtcnn_one_picture(benchmark, pictures):
    from mien_plugins.face.mtcnn import Mtcnn

    net = Mtcnn()
    benchmark(net.detect, pictures[1][:1], 26.0)
    benchmark.extra_info["pictures"] = 1


def test_mtcnn_eight_pictures(benchmark, pictures):
    from mien_plugins.face.mtcnn import Mtcnn

    net = Mtcnn()
    benchmark(net.detect, pictures[1][:8], 26.0)
    benchmark.extra_info["pictures"] = 8


def test_watching_four_seconds(benchmark, pictures):
    """Search, follow and number 20 pictures: what four seconds of video cost `face.detect`."""
    from mien_plugins.face.mtcnn import Mtcnn
    from mien_plugins.face.watch import Watcher

    net = Mtcnn()
    benchmark(lambda: Watcher(net).watch(*pictures, (1.0, 1.0)))
    benchmark.extra_info["pictures"] = 20


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_reading_64_faces(benchmark, batch):
    from mien_plugins.face.reader import ExpressionReader

    reader = ExpressionReader.load(MODEL)
    faces = np.random.default_rng(0).integers(0, 256, (64, 96, 96, 3), dtype=np.uint8)
    benchmark(reader.read, faces, batch)
    benchmark.extra_info["faces"] = 64


def test_reading_faces_on_two_cores(benchmark):
    """128 crops by two threads in the batches of `face.affect`: crops per second, and how much faster than one by one."""
    from mien_plugins.face.info import CROP, AffectParams
    from mien_plugins.face.reader import ExpressionReader

    reader, batch = ExpressionReader.load(MODEL), AffectParams().batch
    faces = np.random.default_rng(0).integers(0, 256, (128, CROP, CROP, 3), dtype=np.uint8)
    torch.set_num_threads(2)
    try:
        benchmark.pedantic(reader.read, (faces, batch), rounds=3, warmup_rounds=1)
        alone = []
        for _ in range(3):
            begun = time.perf_counter()
            for face in faces[:32]:
                reader.read(face[None])
            alone.append((time.perf_counter() - begun) / 32)
    finally:
        torch.set_num_threads(1)
    each = benchmark.stats.stats.median / len(faces)
    benchmark.extra_info |= {
        "faces": len(faces),
        "crops a second": round(1 / each, 1),
        "times one at a time": round(statistics.median(alone) / each, 2),
    }
    assert 1 / each >= 150
