"""Arrays of a user's file: read as numpy reads them, and nothing allocated that is not there."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.training.arrays import Form, keep_arrays, kept_arrays, read_arrays

MOST = 2**20


def test_arrays_are_those_that_numpy_wrote(tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    rng = np.random.default_rng(0)
    whole = {"a": rng.random((3, 4), np.float32), "b": np.asfortranarray(rng.integers(0, 9, (2, 5)))}
    whole |= {"c": np.array(["one", "zwölf"]), "d": np.zeros((0, 7)), "e": np.array(3.0)}
    for save in (np.savez, np.savez_compressed):
        save(file, **whole)
        found = read_arrays(file, (*whole, "absent"), MOST)
        assert found.keys() == whole.keys()
        for name, array in whole.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
            assert found[name].flags.writeable
    with pytest.raises(OSError, match="absent"):
        read_arrays(tmp_path / "absent.npz", ("a",), MOST)


def _with(file: Path, data: bytes) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", data)
    return file


def _npy(array: np.ndarray, **how: bool) -> bytes:
    written = io.BytesIO()
    np.lib.format.write_array(written, array, **how)
    return written.getvalue()


def test_hostile_arrays_are_refused_before_they_are_allocated(tmp_path: Path) -> None:
    bomb = _with(tmp_path / "bomb.npz", _npy(np.zeros(100 * 2**20, np.uint8)))
    assert bomb.stat().st_size < 200_000
    claim = _npy(np.zeros(10, np.uint8)).replace(b"(10,), }        ", b"(10000000000,), }"[:16].ljust(16))
    liar = _with(tmp_path / "liar.npz", _npy(np.zeros(10, np.float64)).replace(b"(10,)", b"(99,)"))
    cases = {
        bomb: "more than 1 MB",
        liar: "not as long as it claims",
        _with(tmp_path / "objects.npz", _npy(np.array([{}], object), allow_pickle=True)): "holds objects",
        _with(tmp_path / "none.npz", b"nothing"): "magic",
        _with(tmp_path / "huge.npz", claim): "header that cannot be read",
    }
    cut = tmp_path / "cut.npz"
    cut.write_bytes(bomb.read_bytes()[:-40])
    cases[cut] = "no .npz file, or damaged"
    for file, said in cases.items():
        tracemalloc.start()
        with pytest.raises(ValueError, match=said):
            read_arrays(file, ("a",), MOST)
        assert tracemalloc.get_traced_memory()[1] < 4 * MOST
        tracemalloc.stop()


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    file = _with(tmp_path / "a.npz", _npy(np.arange(1000)))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        read_arrays(file, ("a",), MOST)


def test_what_is_kept_is_what_is_taken_again(tmp_path: Path) -> None:
    forms: dict[str, Form] = {"sound": ("<f4", ("N", 2)), "name": ("U", ("N",)), "text": ("<f4", ("N",))}
    made = {"sound": np.ones((3, 2), np.float32), "name": np.array(["a", "bc", ""])}
    path = tmp_path / "deep" / "kept.npz"
    assert kept_arrays(path, forms) is None
    keep_arrays(path, made, forms, ("text",))
    found = kept_arrays(path, forms, ("text",))
    assert found is not None
    assert all(np.array_equal(found[name], made[name]) for name in made)
    assert kept_arrays(path, forms) is None  # the text is wanted now


@pytest.mark.parametrize(
    "other",
    [
        {"sound": np.ones((3, 2))},
        {"sound": np.ones((3, 3), np.float32)},
        {"name": np.array(["a", "b"])},
        {"name": None},
    ],
)
def test_what_nobody_would_take_again_is_not_kept(tmp_path: Path, other: dict[str, Any]) -> None:
    forms: dict[str, Form] = {"sound": ("<f4", ("N", 2)), "name": ("U", ("N",))}
    made = {"sound": np.ones((3, 2), np.float32), "name": np.array(["a", "bc", ""])} | other
    with pytest.raises(ValueError, match="not of the forms"):
        keep_arrays(tmp_path / "kept.npz", {name: array for name, array in made.items() if array is not None}, forms)
    assert not any(tmp_path.iterdir())
