"""Pictures of real faces from the shared media, decoded once a session, and a context to run analyzers in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from mien.errors import Cancelled, ModelError
from mien_plugins.face.mtcnn import Mtcnn


@dataclass(frozen=True)
class Clip:
    """times (B,) s; images (B, h, w, 3) uint8 RGB."""

    times: np.ndarray
    images: np.ndarray


def read_clip(path: Path, rate: float = 5.0, size: int = 640, count: int = 10_000, start: float = 0.0) -> Clip:
    """Up to `count` pictures of a medium at a rate, at most `size` pixels long."""
    times, images = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.video[0]):
            if frame.time is None or frame.time < start or (times and frame.time - times[-1] < 1 / rate - 1e-3):
                continue
            image = frame.to_ndarray(format="rgb24")
            zoom = size / max(image.shape[:2])
            if zoom < 1:
                image = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
            times.append(frame.time)
            images.append(image)
            if len(times) >= count:
                break
    return Clip(np.array(times), np.stack(images))


@dataclass
class FakeHost:
    """A context as the engine gives it, on the CPU, with these models installed."""

    models: dict[str, Path] = field(default_factory=dict)
    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    notes: list[str] = field(default_factory=list)
    cancelled: bool = False

    def __post_init__(self) -> None:
        self.log = logging.getLogger("test.face")
        self.rng = np.random.default_rng(0)

    def model(self, model_id: str) -> Path:
        if model_id not in self.models:
            raise ModelError(f"{model_id} is not here")
        return self.models[model_id]

    def optional_model(self, model_id: str) -> Path | None:
        return self.models.get(model_id)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, fraction: float) -> None:
        pass

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled("stopped")


@pytest.fixture
def host() -> type[FakeHost]:
    return FakeHost


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@pytest.fixture(scope="session")
def mtcnn() -> Mtcnn:
    return Mtcnn()


@pytest.fixture(scope="session")
def clip(shared: Path) -> Callable[..., Clip]:
    known: dict[tuple[object, ...], Clip] = {}

    def read(name: str, **how: float) -> Clip:
        key = (name, *sorted(how.items()))
        if key not in known:
            known[key] = read_clip(shared / "media" / name, **how)  # type: ignore[arg-type]
        return known[key]

    return read


@pytest.fixture(scope="session")
def face_model() -> Path:
    """The model that comes with Mien."""
    folder = Path(__file__).resolve().parents[3] / "resources" / "models" / "face-affect"
    assert (folder / "model.safetensors").is_file(), "the face model is missing: run its recipe"
    return folder


@pytest.fixture
def stopped_after_an_epoch(monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[None]]:
    """Within it a training of the face net is interrupted (Ctrl-C) once its first epoch has been saved."""
    from mien_plugins.face.learn import FaceBrain

    saved = FaceBrain._close_epoch

    def stopped(self: FaceBrain, epoch: int) -> None:
        saved(self, epoch)
        raise KeyboardInterrupt

    @contextmanager
    def interrupted() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(FaceBrain, "_close_epoch", stopped)
            with pytest.raises(KeyboardInterrupt):
                yield

    return interrupted
