"""Everything that can go wrong, as one tree.

    MienError                     one sentence: what is wrong and what to do
    ├── UsageError                a name, parameter or combination that cannot be
    │   ├── UnknownPlugin         no such analyzer, fusion or exporter
    │   ├── ParameterError        a parameter is out of range or misspelt
    │   └── RecipeError           a recipe file cannot be followed
    ├── MediaError                the medium cannot be read
    │   ├── MediaMissing          no file there, or it may not be opened
    │   ├── NotMedia              there is a file, but no audio or video in it
    │   └── MediaEncrypted        the streams are encrypted
    ├── DeviceError               the device asked for is missing or does not work
    ├── ModelError                weights are missing, damaged or refused
    │   └── LicenceError          the user has not agreed to a model's licence
    ├── LibraryError              the library cannot be opened, read or written
    │   └── LibraryUnreachable    its server does not answer, or the connection to it was lost
    ├── ExportError               a result cannot be written in that form or place
    ├── TrainingError             a training or evaluation cannot go on
    │   └── CorpusError           a corpus it needs is missing, or is not what it should be
    ├── StorageError              the disk is full or the folder may not be written
    ├── PluginError               a plugin failed to load, raised, or returned nonsense
    ├── WorkerError               the worker process died
    │   └── ClusterError          the Ray cluster cannot be reached or used, or one of its nodes was lost
    └── Cancelled                 the user stopped it

Each class has the exit code that the command line ends with (`docs/exit-codes.md`). Messages are one sentence in plain words,
with the path last where there is one; tracebacks go to the log.
"""

from __future__ import annotations

import os
from typing import ClassVar


class MienError(Exception):
    """Base of every error that a user is meant to read."""

    exit_code: ClassVar[int] = 1


class UsageError(MienError):
    """A name, parameter or combination that cannot be."""

    exit_code = 2


class UnknownPlugin(UsageError):
    """No analyzer, fusion or exporter has that name."""


class ParameterError(UsageError):
    """A parameter is out of range, of the wrong type or misspelt."""


class RecipeError(UsageError):
    """A recipe file cannot be read or asks for something that is not here."""


class MediaError(MienError):
    """The medium cannot be read."""

    exit_code = 3


class MediaMissing(MediaError):
    """There is no such file, or it may not be opened."""


class NotMedia(MediaError):
    """The file holds no audio and no video that can be decoded."""


class MediaEncrypted(MediaError):
    """The streams are encrypted."""


class DeviceError(MienError):
    """The device asked for is missing or does not work."""

    exit_code = 4


class ModelError(MienError):
    """Weights are missing, damaged or refused."""

    exit_code = 5


class LicenceError(ModelError):
    """A model's licence needs the user's consent, which was not given."""


class LibraryError(MienError):
    """The library cannot be opened, read or written."""

    exit_code = 6


class LibraryUnreachable(LibraryError):
    """The server of a shared library does not answer, or the connection to it was lost."""


class StorageError(MienError):
    """The disk is full or the folder may not be written."""

    exit_code = 6


class ExportError(MienError):
    """A result cannot be written in that form or place."""

    exit_code = 7


class PluginError(MienError):
    """A plugin failed to load, raised, or returned something that it may not."""

    exit_code = 8


class TrainingError(MienError):
    """A training or evaluation cannot go on: what happened, where, and what to try."""

    exit_code = 10


class CorpusError(TrainingError):
    """A corpus that a recipe needs is missing, or is not what it should be."""


class WorkerError(MienError):
    """The worker process died."""

    exit_code = 9


class ClusterError(WorkerError):
    """The Ray cluster cannot be reached or used, or one of its nodes was lost."""


class Cancelled(MienError):
    """The user stopped it."""

    exit_code = 130


def shown(path: str | os.PathLike[str]) -> str:
    """The path as a message shows it: on one line, control characters and undecodable bytes escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(path))
