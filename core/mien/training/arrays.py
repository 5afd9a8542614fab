"""Arrays of `.npz` files, a user's or what a training keeps, none of which is allocated before it is known to be in the file."""

from __future__ import annotations

import errno
import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

Form = tuple[str, tuple[int | str, ...]]
"""An array's dtype (`U`: text of any length) and shape, in which a name stands for one size in all arrays of a file."""

_MOST_KEPT = 8 << 30
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_arrays(path: Path, names: Iterable[str], most: int) -> dict[str, NDArray[Any]]:
    """Those of some arrays that a file has, by name.

    numpy takes the size of an array from what its header claims, and a few kB can unfold to many GB; here the header must
    agree with the length that the archive tells, and that length is bounded.

    Args:
        most: bytes that one array may have.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such archive, is damaged, or an array holds objects, is too large, or claims what is not there.
    """
    found: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            there = set(archive.namelist())
            for name in names:
                if f"{name}.npy" in there:
                    found[name] = _array(archive, name, most)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.EINVAL, None):
            raise  # the disk's; a damaged table of contents leads to places that no file has
        raise ValueError(f"it is no .npz file, or damaged: {error}") from error
    return found


def kept_arrays(path: Path, forms: Mapping[str, Form], optional: Iterable[str] = ()) -> dict[str, NDArray[Any]] | None:
    """What `keep_arrays` wrote; None where it is not there, cannot be read, is damaged or something else: it is made anew then.

    Args:
        forms: of each array.
        optional: those of them that may be absent.
    """
    try:
        found = read_arrays(path, forms, _MOST_KEPT)
    except (OSError, ValueError, MemoryError):
        return None
    return found if _fit(found, forms, optional) else None


def _fit(found: Mapping[str, NDArray[Any]], forms: Mapping[str, Form], optional: Iterable[str]) -> bool:
    sizes: dict[str, int] = {}
    for name, array in found.items():
        dtype, shape = forms[name]
        if (array.dtype.kind != "U" if dtype == "U" else array.dtype != dtype) or array.ndim != len(shape):
            return False
        for size, wanted in zip(array.shape, shape, strict=True):
            if size != (sizes.setdefault(wanted, size) if isinstance(wanted, str) else wanted):
                return False
    return found.keys() >= forms.keys() - set(optional)


def keep_arrays(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    forms: Mapping[str, Form],
    optional: Iterable[str] = (),
    *,
    packed: bool = False,
) -> None:
    """Write an `.npz` file, whole or not at all; its folder is made.

    Args:
        forms, optional: as `kept_arrays` is given them.
        packed: compress it.

    Raises:
        OSError: it cannot be written.
        ValueError: they have other forms, so that nobody would ever take them again.
    """
    if not _fit(arrays, forms, optional):
        told = ", ".join(f"{name} {array.dtype}{array.shape}" for name, array in arrays.items())
        raise ValueError(f"these are not of the forms that are read: {told}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part.npz")
    write: Callable[..., None] = np.savez_compressed if packed else np.savez
    write(partial, **arrays)
    partial.replace(path)


def _array(archive: zipfile.ZipFile, name: str, most: int) -> NDArray[Any]:
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > most:
        raise ValueError(f"{name} has more than {most // 2**20} MB")
    with archive.open(info) as member:
        header = _HEADERS.get(np.lib.format.read_magic(member))
        if header is None:
            raise ValueError(f"{name} is no plain array")
        try:
            shape, fortran, dtype = header(member)
        except (SyntaxError, TokenError, MemoryError) as error:  # numpy lets its parser's own errors out
            raise ValueError(f"{name} has a header that cannot be read") from error
        if dtype.hasobject:
            raise ValueError(f"{name} holds objects")
        if math.prod(shape) * dtype.itemsize != info.file_size - member.tell():
            raise ValueError(f"{name} is not as long as it claims")
        return np.frombuffer(member.read(), dtype).reshape(shape, order="F" if fortran else "C").copy()
