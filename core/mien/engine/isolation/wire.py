"""Messages between host and child: JSON with its length before it, over a pipe. Nothing is unpickled on either side."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

from mien.engine.isolation.codec import Nonsense

LARGEST = 64 << 20
"""Bytes of a message; arrays are not among them."""
_HEAD = struct.Struct("<I")


def packed(message: dict[str, Any]) -> bytes:
    """A message as it travels."""
    text = json.dumps(message, separators=(",", ":")).encode()
    if len(text) > LARGEST:
        raise Nonsense(f"a message of {len(text) >> 20} MB is too long")
    return _HEAD.pack(len(text)) + text


class Inbox:
    """Puts messages together from what a pipe gives.

    Attributes:
        size: bytes of the last message.
    """

    def __init__(self) -> None:
        self.size = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        self._buffer += data

    def take(self) -> dict[str, Any] | None:
        """The next whole message, or None as long as there is none.

        Raises:
            Nonsense: what came is no message.
        """
        if len(self._buffer) < _HEAD.size:
            return None
        (size,) = _HEAD.unpack_from(self._buffer)
        if size > LARGEST:
            raise Nonsense("a message is too long")
        if len(self._buffer) < _HEAD.size + size:
            return None
        self.size = size
        text = bytes(self._buffer[_HEAD.size : _HEAD.size + size])
        del self._buffer[: _HEAD.size + size]
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise Nonsense("a message is no JSON") from None
        if not isinstance(message, dict):
            raise Nonsense("a message is no object")
        return message


def receive(fd: int, inbox: Inbox) -> dict[str, Any] | None:
    """Wait for the next message; None when the other side is gone."""
    while (message := inbox.take()) is None:
        data = os.read(fd, 1 << 16)
        if not data:
            return None
        inbox.feed(data)
    return message


def send(fd: int, message: dict[str, Any]) -> None:
    """Write a message, however long it takes."""
    data = memoryview(packed(message))
    while data:
        data = data[os.write(fd, data) :]
