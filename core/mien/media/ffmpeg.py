"""The ffmpeg program, for what is rendered or cut: the system's, else the one that imageio-ffmpeg carries."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mien.errors import ExportError


def ffmpeg_path() -> Path:
    """Where an ffmpeg program is: as MIEN_FFMPEG says, on the PATH, or in imageio-ffmpeg's wheel.

    Hand it to ffmpeg-python as `cmd=str(ffmpeg_path())`.

    Raises:
        ExportError: there is none.
    """
    named = os.environ.get("MIEN_FFMPEG")
    if named:
        found = shutil.which(named)
        if found is None:
            raise ExportError(f"MIEN_FFMPEG names no program that can be run; correct or unset it: {named}")
        return Path(found)
    found = shutil.which("ffmpeg")
    if found is not None:
        return Path(found)
    try:
        import imageio_ffmpeg

        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise ExportError(
            "There is no ffmpeg program; install it (apt-get install ffmpeg) or the package imageio-ffmpeg."
        ) from error
