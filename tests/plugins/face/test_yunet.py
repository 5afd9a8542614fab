"""YuNet's loading and decoding on a tiny net with its inputs and outputs, written here byte by byte as ONNX has it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from mien.models import store
from mien.models.install import import_folder
from mien.sdk import MediaInfo
from mien_plugins.face.analyzer import FaceDetector
from mien_plugins.face.info import DetectParams
from mien_plugins.face.yunet import YuNet

LANDMARKS = ((0.3, 0.3), (0.7, 0.3), (0.5, 0.5), (0.35, 0.7), (0.65, 0.7))
"""Of a face that fills a cell, as shares of its side."""


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _tensor(name: str, array: np.ndarray) -> bytes:
    kind = {"float32": 1, "int64": 7}[str(array.dtype)]
    dims = b"".join(_number(1, size) for size in array.shape)
    return dims + _number(2, kind) + _bytes(8, name) + _bytes(9, array.tobytes())


def _node(kind: str, inputs: Iterable[str], output: str, **attributes: Iterable[int]) -> bytes:
    told = b"".join(_bytes(1, name) for name in inputs) + _bytes(2, output) + _bytes(3, output) + _bytes(4, kind)
    for name, values in attributes.items():
        told += _bytes(5, _bytes(1, name) + b"".join(_number(8, value) for value in values) + _number(20, 7))
    return told


def _value(name: str, shape: Iterable[int | str]) -> bytes:
    dims = b"".join(_bytes(1, _bytes(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dims)))


def tiny_yunet(path: Path, side: int | None) -> Path:
    """A net that finds a face in each bright cell of 32 x 32 pixels; `side` of its pictures, None for any size."""
    parts, outputs = [], []
    for stride in (8, 16, 32):
        for name, bias, slope in (
            # Only the coarsest of the three grids answers: ten below nothing is no face, whatever is there.
            ("cls", [-10.0], 20.0 * (stride == 32)),
            ("obj", [-10.0], 20.0 * (stride == 32)),
            ("bbox", [0.5, 0.5, 0.0, 0.0], 0.0),
            ("kps", [share for point in LANDMARKS for share in point], 0.0),
        ):
            own = f"{name}_{stride}"
            weight = np.full((len(bias), 3, stride, stride), slope / (3 * stride * stride * 255), np.float32)
            parts += [(5, _tensor(f"w_{own}", weight)), (5, _tensor(f"b_{own}", np.array(bias, np.float32)))]
            parts += [(5, _tensor(f"s_{own}", np.array([1, -1, len(bias)], np.int64)))]
            step = {"kernel_shape": (stride, stride), "strides": (stride, stride)}
            parts += [(1, _node("Conv", ("input", f"w_{own}", f"b_{own}"), f"c_{own}", **step))]
            before = f"c_{own}"
            if name in ("cls", "obj"):
                parts += [(1, _node("Sigmoid", (before,), f"p_{own}"))]
                before = f"p_{own}"
            parts += [(1, _node("Transpose", (before,), f"t_{own}", perm=(0, 2, 3, 1)))]
            parts += [(1, _node("Reshape", (f"t_{own}", f"s_{own}"), own))]
            outputs += [(12, _value(own, (1, "n" if side is None else (side // stride) ** 2, len(bias))))]
    size = ("h", "w") if side is None else (side, side)
    graph = [*parts, (2, b"tiny"), (11, _value("input", (1, 3, *size))), *outputs]
    content = b"".join(_bytes(field, part) for field, part in graph)
    path.write_bytes(_number(1, 7) + _bytes(7, content) + _bytes(8, _bytes(1, "") + _number(2, 11)))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two exports of it, as the store has them."""
    source = tmp_path / "yunet"
    source.mkdir()
    tiny_yunet(source / "tiny_320.onnx", 320)
    tiny_yunet(source / "tiny_dynamic.onnx", None)
    return source


def picture(width: int, height: int, *cells: tuple[int, int]) -> np.ndarray:
    """Black, but for the cells of 32 x 32 pixels that are named by column and row."""
    image = np.zeros((height, width, 3), np.uint8)
    for column, row in cells:
        image[32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = 255
    return image


def test_imported_it_finds_what_there_is_in_pictures_of_any_size(folder: Path) -> None:
    import_folder("yunet", folder)
    assert store.verify("yunet") == []
    detector = YuNet(store.resolve("yunet"))
    for width, height in ((320, 320), (640, 384), (192, 320)):
        (found,) = detector.detect(picture(width, height, (4, 6))[None], min_face=12.0)
        np.testing.assert_allclose(found.boxes, [[128, 192, 32, 32]], atol=0.01)
        np.testing.assert_allclose(found.landmarks[0], 32 * np.add(LANDMARKS, (4, 6)), atol=0.01)
        assert found.score[0] > 0.99
    none, two = detector.detect(np.stack([picture(320, 320), picture(320, 320, (1, 1), (7, 3))]), min_face=12.0)
    assert (len(none), len(two)) == (0, 2)
    assert len(detector.detect(picture(320, 320, (4, 6))[None], min_face=40.0)[0]) == 0


def test_an_export_for_one_size_sees_other_pictures_in_its_square(folder: Path) -> None:
    (folder / "tiny_dynamic.onnx").unlink()
    detector = YuNet(folder)
    image = np.zeros((320, 640, 3), np.uint8)
    image[64:128, 128:192] = 255  # 32 pixels wide once the picture is half as large
    (found,) = detector.detect(image[None], min_face=12.0)
    np.testing.assert_allclose(found.boxes, [[128, 64, 64, 64]], atol=0.5)


def test_the_analyzer_takes_it(folder: Path, host) -> None:
    context = host({"yunet": folder})
    FaceDetector().prepare(MediaInfo(Path("clip.mp4")), DetectParams(), context)
    assert context.notes == ["Faces were searched by YuNet."]
