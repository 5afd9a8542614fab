"""The shipped ConflictNET: from its folder to a net that reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from mien_plugins.conflict.net import ConflictNet

MODEL = "conflictnet"


def load_config(folder: Path) -> dict[str, Any]:
    """The model's `config.json`."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def load_net(folder: Path, device: str = "cpu") -> ConflictNet:
    """The net in `folder`, ready to read on `device`.

    Raises:
        mien.errors.ModelError: a file is missing, or is not what it should be.
    """
    from safetensors.torch import load_file

    from mien.errors import ModelError
    from mien.models.damage import UNREADABLE
    from mien.models.size import bounded

    try:
        config = load_config(folder)
        net = bounded(lambda: ConflictNet(config["gates"], config.get("variant", "conflictnet")))
        net.load_state_dict(load_file(folder / "model.safetensors"))
    except UNREADABLE as error:
        raise ModelError(f"The conflict model in {folder} cannot be read; reinstall Mien or train it again.") from error
    return net.to(torch.device(device)).eval()
