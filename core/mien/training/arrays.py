"""Arrays of a user's `.npz` file, none of which is allocated before it is known to be in the file."""

from __future__ import annotations

import errno
import math
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # the disk's; a damaged table of contents leads to places that no file has
        raise ValueError(f"it is no .npz file, or damaged: {error}") from error
    return found


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
