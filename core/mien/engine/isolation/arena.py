"""Memory that two processes share: arrays are written by one and copied out by the other.

Each arena is a file without a name whose descriptor the child inherits. On Linux it is sealed against shrinking: a process that
cut it short could otherwise end the one that reads it (SIGBUS). Whoever reads copies first and checks the copy, for the other
may write at any moment.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.engine.isolation.codec import Nonsense

Array = npt.NDArray[Any]
_ALIGN = 64
_KEPT = 64 << 20
"""Bytes that an arena may hold on to between calls; what is above is given back to the system."""
_DTYPES = frozenset(
    {"|b1", "|i1", "|u1", *(f"<{kind}{size}" for kind in "iu" for size in (2, 4, 8)), "<f2", "<f4", "<f8"}
)


def shared_file() -> int:
    """A descriptor of shared memory that nobody can shrink."""
    if hasattr(os, "memfd_create"):
        import fcntl

        fd = os.memfd_create("mien", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return fd
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Arena:
    """One direction of arrays.

    Args:
        fd: of a shared file; the arena closes it.
        most: bytes that may be read at once; what claims more is refused.
    """

    def __init__(self, fd: int, most: int = 1 << 40) -> None:
        self.fd = fd
        self._most = most
        self._map: mmap.mmap | None = None

    def put(self, arrays: Sequence[Array]) -> list[list[Any]]:
        """Write arrays; returns the place, type and shape of each, which `get` takes."""
        places, end = [], 0
        for array in arrays:
            places.append(end)
            end += -(-array.nbytes // _ALIGN) * _ALIGN
        self._reach(end, grow=True)
        told = []
        for array, place in zip(arrays, places, strict=True):
            plain = array.dtype.newbyteorder("<")
            if array.size:
                assert self._map is not None
                into = np.frombuffer(self._map, plain, array.size, place).reshape(array.shape)
                into[...] = array
                del into
            told.append([place, plain.str, list(array.shape)])
        return told

    def get(self, told: Any) -> list[Array]:
        """Copies of the arrays that were put.

        Raises:
            Nonsense: a place, type or shape that cannot be.
        """
        if not isinstance(told, list):
            raise Nonsense("the list of arrays is none")
        plans, total = [], 0
        for entry in told:
            plan = _plan(entry)
            total += plan[3]
            if total > self._most:
                raise Nonsense(f"more than {self._most >> 20} MB were handed over at once")
            plans.append(plan)
        self._reach(max((place + size for place, _, _, size in plans if size), default=0), grow=False)
        found = []
        for place, dtype, shape, size in plans:
            if size:
                assert self._map is not None
                view = np.frombuffer(self._map, dtype, size // dtype.itemsize, place)
                found.append(view.reshape(shape).copy())
                del view
            else:
                found.append(np.zeros(shape, dtype))
        return found

    def relax(self) -> None:
        """Give a large arena's memory back; what was in it is gone."""
        if self._map is not None and len(self._map) > _KEPT and hasattr(mmap, "MADV_REMOVE"):
            self._map.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        """Free it on this side."""
        if self._map is not None:
            self._map.close()
            self._map = None
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _reach(self, end: int, grow: bool) -> None:
        """Map the file at least as far as `end`."""
        if self._map is not None and len(self._map) >= end:
            return
        size = os.fstat(self.fd).st_size
        if size < end:
            if not grow:
                raise Nonsense("an array lies outside the shared memory")
            size = max(end, 1 << 16)
            os.ftruncate(self.fd, size)
        if self._map is not None:
            self._map.close()
        self._map = mmap.mmap(self.fd, min(size, max(end, 1 << 16))) if size else None


def _plan(entry: Any) -> tuple[int, np.dtype[Any], tuple[int, ...], int]:
    if not (isinstance(entry, list) and len(entry) == 3):
        raise Nonsense("an array is not described")
    place, dtype, shape = entry
    if type(place) is not int or place < 0 or place % _ALIGN or not isinstance(shape, list):
        raise Nonsense("an array is described wrongly")
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise Nonsense("an array is described wrongly")
    if len(shape) > 8 or any(type(n) is not int or not 0 <= n < 1 << 40 for n in shape):
        raise Nonsense("an array has a shape that cannot be")
    size = np.dtype(dtype).itemsize
    for n in shape:
        size *= n
    return place, np.dtype(dtype), tuple(shape), size


class Signs:
    """A page of shared memory: whether the host wants the plugin to stop, and how often the plugin gave a sign of life."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        if os.fstat(fd).st_size < mmap.PAGESIZE:
            os.ftruncate(fd, mmap.PAGESIZE)
        self._map = mmap.mmap(fd, mmap.PAGESIZE)

    @property
    def cancelled(self) -> bool:
        """Whether the host asked to stop."""
        return self._map[0] != 0

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._map[0] = value

    @property
    def life(self) -> bytes:
        """Changes whenever the plugin gives a sign of life."""
        return bytes(self._map[8:16])

    def live(self) -> None:
        """Give a sign of life."""
        count = int.from_bytes(self._map[8:16], "little") + 1
        self._map[8:16] = (count & (2**64 - 1)).to_bytes(8, "little")

    def close(self) -> None:
        """Free it on this side."""
        self._map.close()
        os.close(self.fd)
