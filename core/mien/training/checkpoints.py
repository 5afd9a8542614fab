"""Checkpoints of a training: whole or not at all, and none that is damaged keeps the one before from being used."""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from speechbrain.utils.checkpoints import METAFNAME, Checkpointer
from speechbrain.utils.importutils import LazyModule
from yaml import YAMLError  # type: ignore[import-untyped, unused-ignore]

from mien.errors import TrainingError, shown

_log = logging.getLogger(__name__)


def forget_stand_ins() -> None:
    """SpeechBrain leaves stand-ins for its old names among the modules: whoever looks through those (hypothesis does) would set
    off their warnings, and imports of libraries that are not here."""
    for name in [name for name, module in sys.modules.items() if isinstance(module, LazyModule)]:
        del sys.modules[name]


forget_stand_ins()


class WholeCheckpointer(Checkpointer):  # type: ignore[misc, unused-ignore]
    """SpeechBrain's, but a checkpoint counts only once everything in it is written.

    Its meta file is what makes a folder a checkpoint, and is written first there: a training that was killed (or whose
    disk was full) while it saved would leave one that cannot be loaded, and that would be tried before all others.
    """

    _PART = ".part"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for left in folder.glob("CKPT*"):
            if left.is_dir() and not self._is_checkpoint_dir(left):
                shutil.rmtree(left, ignore_errors=True)

    def _save_checkpoint_metafile(self, fpath: Path, *args: Any, **kwargs: Any) -> Any:
        return super()._save_checkpoint_metafile(fpath.with_name(fpath.name + self._PART), *args, **kwargs)

    def save_checkpoint(self, *args: Any, **kwargs: Any) -> Any:
        saved = super().save_checkpoint(*args, **kwargs)
        if saved is not None:
            part = saved.path / (METAFNAME + self._PART)
            part.replace(saved.path / METAFNAME)
        return saved

    @staticmethod
    def _construct_checkpoint_objects(checkpoint_dirs: Any) -> list[Any]:
        """A checkpoint whose own description is damaged is left where it is, and the one before counts."""
        found = []
        for folder in checkpoint_dirs:
            try:
                [one] = Checkpointer._construct_checkpoint_objects([folder])
            except (OSError, ValueError, RecursionError, YAMLError):
                one = None
            meta = one.meta if one is not None and isinstance(one.meta, dict) else {}
            if {"unixtime", "end-of-epoch"} <= meta.keys() and all(isinstance(v, int | float) for v in meta.values()):
                found.append(one)
            else:
                _log.warning("this checkpoint is damaged and is left out: %s", folder)
        return found

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Put what it holds into everything that is recovered.

        Raises:
            TrainingError: a file of it is damaged, or is of another net.
        """
        try:
            super().load_checkpoint(checkpoint)
        except (
            OSError,
            LookupError,
            RuntimeError,
            TypeError,
            ValueError,
            EOFError,
            AttributeError,
            UnpicklingError,
        ) as error:
            raise TrainingError(
                "A checkpoint of the training that was begun cannot be read; take its folder away to go on from the one before, "
                f"or add --fresh to begin anew: {shown(checkpoint.path)}"
            ) from error
