"""Speaker embeddings: ECAPA-TDNN (Desplanques et al. 2020) as SpeechBrain trained it on VoxCeleb.

SpeechBrain's own model folder describes the net in a YAML file that runs code when it is loaded, and holds pickled weights. Here
the net is built from SpeechBrain's module by the numbers below, and only safetensors are read: the tensors of the published
`embedding_model.ckpt` under their own names. A `config.json` may give other sizes; that of the publisher says none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from safetensors.torch import load_file
from torch import Tensor, nn

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.size import PUBLIC, bounded
from mien_plugins.speech.sizes import check_sizes

RATE = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EcapaConfig:
    """The net's shape; the defaults are those of SpeechBrain's VoxCeleb recipe.

    Args:
        n_mels: log-mel bands of the input, 25 ms every 10 ms.
        channels, kernel_sizes, dilations: of the first layer, the SE-Res2Net blocks, and the layer that joins them.
        attention_channels: of the attentive statistics pooling.
        res2net_scale, se_channels: of the blocks.
        width: numbers of an embedding.
    """

    n_mels: int = 80
    channels: tuple[int, ...] = (1024, 1024, 1024, 1024, 3072)
    kernel_sizes: tuple[int, ...] = (5, 3, 3, 3, 1)
    dilations: tuple[int, ...] = (1, 2, 3, 4, 1)
    attention_channels: int = 128
    res2net_scale: int = 8
    se_channels: int = 128
    width: int = 192

    @classmethod
    def read(cls, path: Path) -> Self:
        """The sizes in a JSON file, which need not be there; keys that it does not know are ignored.

        Raises:
            ValueError: it is no JSON object, or a size cannot be.
        """
        if not path.exists():
            return cls()
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("config.json holds no JSON object")
        known: dict[str, Any] = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        for name, value in known.items():
            known[name] = tuple(value) if isinstance(value, list) else value
        check_sizes(known)
        return cls(**known)


class Ecapa(nn.Module):
    """Sound → log-mel bands, less their mean over time → ECAPA-TDNN → embedding of length one."""

    def __init__(self, config: EcapaConfig) -> None:
        from speechbrain.lobes.features import Fbank
        from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

        super().__init__()
        self.features = Fbank(sample_rate=RATE, n_mels=config.n_mels)
        self.net = ECAPA_TDNN(
            input_size=config.n_mels,
            lin_neurons=config.width,
            channels=list(config.channels),
            kernel_sizes=list(config.kernel_sizes),
            dilations=list(config.dilations),
            attention_channels=config.attention_channels,
            res2net_scale=config.res2net_scale,
            se_channels=config.se_channels,
            groups=[1] * len(config.channels),
        )

    def forward(self, samples: Tensor) -> Tensor:
        """`samples` (B, n) at 16 kHz, all real → (B, width)."""
        x = self.features(samples)
        vectors: Tensor = self.net(x - x.mean(1, keepdim=True))[:, 0]
        return nn.functional.normalize(vectors)


def load(folder: Path, device: str = "cpu") -> Ecapa:
    """The model in a folder, ready to use, in float32.

    Raises:
        ModelError: a file is missing or damaged, or the weights do not fit.
    """
    try:
        config = EcapaConfig.read(folder / "config.json")
        model = bounded(lambda: Ecapa(config), PUBLIC)
        weights: dict[str, Any] = load_file(folder / "model.safetensors")
        missing, unknown = model.net.load_state_dict({k: v.float() for k, v in weights.items()}, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]  # counts training's steps
        if missing or unknown:
            raise ValueError(f"{len(missing)} tensors missing, {len(unknown)} unknown")
    except UNREADABLE as error:
        raise ModelError(
            f"The ECAPA-TDNN model cannot be loaded ({reason(error)}); import it again: {folder}"
        ) from error
    return model.eval().requires_grad_(False).to(device)
