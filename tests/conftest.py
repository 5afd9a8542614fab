"""Fixtures for every room: the shared folder of corpora and media, and a home of its own for each test."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_folder() -> Path | None:
    """The folder with corpora and media beside the checkout (or where MIEN_SHARED says), if it is there."""
    folder = Path(os.environ.get("MIEN_SHARED", ROOT.parent / "shared"))
    return folder if (folder / "media" / "manifest.csv").is_file() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; the test is skipped where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("needs the shared folder of corpora and media beside the checkout")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of the tests' own (`tests/postgres.py`); the test is skipped where none can run."""
    pytest.importorskip("psycopg", reason="needs the extra mien[postgres]")
    spec = importlib.util.spec_from_file_location("mien_test_postgres", ROOT / "tests" / "postgres.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        server = module.Server()
    except module.Absent as error:
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(autouse=True)
def mien_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Library, settings and models of each test lie in a folder of its own, and nothing goes to the network."""
    home = tmp_path / "mien-home"
    monkeypatch.setenv("MIEN_HOME", str(home))
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    return home


@dataclass(frozen=True)
class Probed:
    """What a probe says of a medium, as far as the library asks."""

    path: Path
    duration: float | None = 60.0
    size_bytes: int = 1234
    format: str = "mov,mp4"
    streams: tuple[dict[str, object], ...] = ({"kind": "audio", "sample_rate": 16000},)


@pytest.fixture(scope="session")
def probed() -> type[Probed]:
    """The class of the probe's stand-in."""
    return Probed


class Said(NamedTuple):
    """What a command ended with and printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Said]]:
    """`command("train", …)`: the command line in this process (torch takes seconds to load); never a traceback."""
    from mien.cli.app import run
    from mien.engine.log import log_to

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(code, said.out, said.err)

    yield call
    log_to(None)  # closes the log file
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def announce_half() -> object:
    """A function that makes the pictures' header of an AVI file announce half of its frames."""

    def halve(path: Path) -> Path:
        content = bytearray(path.read_bytes())
        length = content.index(b"vids", content.index(b"strh")) + 32  # dwLength of AVISTREAMHEADER
        frames = int.from_bytes(content[length : length + 4], "little")
        content[length : length + 4] = (frames // 2).to_bytes(4, "little")
        path.write_bytes(content)
        return path

    return halve


@pytest.fixture(scope="session")
def make_clip() -> object:
    """A function that writes a small clip: a moving gradient and a tone that is loud for every other second."""

    def make(path: Path, seconds: float = 4.0, *, video: bool = True, audio: bool = True, size: int = 64) -> Path:
        import av
        import numpy as np

        rate, fps = 8000, 10
        with av.open(str(path), "w") as container:
            picture = sound = None
            if video:
                picture = container.add_stream("mpeg4", rate=fps)
                picture.width = picture.height = size
                picture.pix_fmt = "yuv420p"
            if audio:
                sound = container.add_stream("aac", rate=rate, layout="mono")
            if picture is not None:
                for n in range(round(seconds * fps)):
                    image = np.full((size, size, 3), (n * 5) % 256, np.uint8)
                    container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
                container.mux(picture.encode())
            if sound is not None:
                t = np.arange(round(seconds * rate)) / rate
                wave = np.sin(2 * np.pi * 440 * t) * np.where(t.astype(int) % 2 == 0, 0.5, 0.001)
                for start in range(0, wave.size, 1024):
                    part = wave[start : start + 1024].astype(np.float32)[None]
                    frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                    frame.sample_rate, frame.pts = rate, start
                    container.mux(sound.encode(frame))
                container.mux(sound.encode())
        return path

    return make
