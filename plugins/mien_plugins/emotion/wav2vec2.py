"""Arousal, dominance and valence by a wav2vec 2.0 that the user installed (Wagner et al. 2023, audEERING).

Its folder is read as published: `config.json`, `preprocessor_config.json` and `model.safetensors` with the tensors `wav2vec2.*`
and `classifier.{dense,out_proj}.*`. Only the encoder's code is transformers'; nothing of the folder is run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.hold import held, let_go
from mien.models.size import PUBLIC, bounded
from mien.tracks.track import FloatArray

RATE = 16_000
PUBLISHED = ("arousal", "dominance", "valence")
"""What the three outputs measure, where the folder does not say."""
OURS = ("valence", "arousal", "dominance")
SHORTEST = RATE // 4
"""Samples; what is shorter tells nothing."""
AT_ONCE = 8
"""Windows of one length that are read in one batch."""

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_WEIGHT_NORM = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
_UNUSED = {"wav2vec2.masked_spec_embed"}  # stands for masked frames, which only a training has


class Head(nn.Module):
    """Regression from the mean hidden state: (B, H) -> (B, 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, len(PUBLISHED))

    def forward(self, x: Tensor) -> Tensor:
        """Dropout is left out: this net only reads."""
        out: Tensor = self.out_proj(torch.tanh(self.dense(x)))
        return out


class DimensionalNet(nn.Module):
    """wav2vec 2.0, mean over time, regression."""

    def __init__(self, config: Any) -> None:
        from transformers import Wav2Vec2Model

        super().__init__()
        self.wav2vec2 = Wav2Vec2Model(config)
        self.classifier = Head(config.hidden_size)

    def forward(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised mono sounds (B, n) at 16 kHz -> values (B, 3), about 0 to 1, and mean hidden states (B, H)."""
        hidden: Tensor = self.wav2vec2(sound).last_hidden_state.mean(1)
        return self.classifier(hidden), hidden

    def fill(self, weights: Mapping[str, Tensor]) -> None:
        """Take the published tensors, under the names of older and newer versions of torch.

        Raises:
            ValueError, RuntimeError: tensors are missing, unknown or of another shape.
        """
        named = {}
        for name, value in weights.items():
            before, _, last = name.rpartition(".")
            named[f"{before}.{_WEIGHT_NORM[last]}" if last in _WEIGHT_NORM else name] = value.float()
        missing, unknown = self.load_state_dict(named, strict=False)
        if lacking := set(missing) - _UNUSED:
            raise ValueError(f"{len(lacking)} tensors missing, such as {min(lacking)}")
        if unknown:
            raise ValueError(f"{len(unknown)} tensors unknown, such as {min(unknown)}")


class Wav2Vec2Reader:
    """The net with its feature extractor, in the form of `reader.Reader`: hears windows, reads batches of them.

    Args:
        order: which output is valence, arousal and dominance.
        note: told what the user should know, such as that the device was too small.
    """

    rate = RATE

    def __init__(
        self,
        net: DimensionalNet,
        extractor: Any,
        order: Sequence[int],
        precision: str = "float32",
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.net = net.to(_DTYPES[precision]).eval().requires_grad_(False)
        self._extractor, self._order, self._note = extractor, list(order), note
        self._batch = AT_ONCE

    def hear(self, sound: NDArray[np.float32]) -> NDArray[Any]:
        """The sound (N,) itself, normalised as the net was trained; nothing if it is too short."""
        if len(sound) < SHORTEST:
            return np.zeros(0, np.float32)
        heard = self._extractor(np.nan_to_num(sound), sampling_rate=RATE, return_tensors="np")
        return np.asarray(heard["input_values"][0], np.float32)

    def read(self, heard: Sequence[NDArray[Any]], device: str = "cpu") -> tuple[FloatArray, FloatArray]:
        """What was heard of B sounds -> attributes (B, 3) in [-1, 1] as valence, arousal, dominance; hidden means (B, H).

        Sounds of different length do not share a batch, so that none is padded: the mean is over its own frames.
        """
        values, vectors = [], []
        for _, same in groupby(heard, len):
            rows = list(same)
            while rows:
                try:
                    v, x = self._run(np.stack(rows[: self._batch]))
                    values.append(v)
                    vectors.append(x)
                    rows = rows[self._batch :]
                    continue
                except torch.OutOfMemoryError:
                    if self._device.type == "cpu":
                        raise
                # Outside the handler: the error's frames would keep the tensors that did not fit.
                self._retreat()
        return np.concatenate(values), np.concatenate(vectors)

    @property
    def _device(self) -> torch.device:
        return next(self.net.parameters()).device

    def _retreat(self) -> None:
        if self._batch > 1:
            self._batch //= 2
            self._note(f"The device was out of memory: {self._batch} windows were read at once.")
        else:
            let_go()
            self.net = self.net.to("cpu", torch.float32)
            self._note("The device was out of memory: wav2vec 2.0 went on on the CPU.")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def _run(self, batch: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
        like = next(self.net.parameters())
        values, hidden = self.net(torch.from_numpy(batch).to(like.device, like.dtype))
        # Trained on [0, 1], Mien's scale is [-1, 1].
        scaled = (2.0 * values.float()[:, self._order] - 1.0).clamp(-1.0, 1.0)
        return scaled.cpu().numpy(), hidden.float().cpu().numpy()


def load(folder: Path, precision: str = "float32", note: Callable[[str], None] = lambda text: None) -> Wav2Vec2Reader:
    """The model in a folder, ready to use; opens no network. Its net is on the CPU, or where a run before left it.

    Raises:
        ModelError: a file is missing or damaged, or it is no such model.
    """
    net, extractor, order = held(_read, folder, precision)
    return Wav2Vec2Reader(net, extractor, order, precision, note)


def _read(folder: Path, precision: str) -> tuple[DimensionalNet, Any, tuple[int, ...]]:
    """Net, feature extractor, and which outputs are valence, arousal and dominance. precision: what the net will be cast to."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor

    try:
        fields = _object(folder / "config.json")
        if fields.get("model_type", "wav2vec2") != "wav2vec2":
            raise ValueError(f"it is a {fields['model_type']}, no wav2vec2")
        order = _order(fields.get("id2label"))
        # The published file has keys that only its authors' code reads, some of them null.
        known = {k: v for k, v in fields.items() if v is not None and k not in ("auto_map", "id2label", "label2id")}
        net = bounded(lambda: DimensionalNet(Wav2Vec2Config(**known)), PUBLIC)
        net.fill(load_file(folder / "model.safetensors"))
        make: Any = Wav2Vec2FeatureExtractor
        extractor = make(**_sound(_object(folder / "preprocessor_config.json")))
    except (*UNREADABLE, StrictDataclassError) as error:
        raise ModelError(
            f"The wav2vec 2.0 model cannot be loaded ({reason(error)}); import it again: {folder}"
        ) from error
    return net, extractor, order


def _object(path: Path) -> dict[str, Any]:
    values = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return cast(dict[str, Any], values)


def _sound(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What of the feature extractor's settings matters here."""
    if fields.get("sampling_rate", RATE) != RATE:
        raise ValueError(f"it hears {fields['sampling_rate']} samples a second, not {RATE}")
    return {"do_normalize": bool(fields.get("do_normalize", True)), "return_attention_mask": False}


def _order(labels: Any) -> tuple[int, ...]:
    """Where valence, arousal and dominance stand among the outputs, which the labels of a configuration may name."""
    names = {str(name).lower(): int(index) for index, name in (labels or {}).items()}
    if set(names) == set(PUBLISHED):
        return tuple(names[name] for name in OURS)
    if names and not all(name.startswith("label_") for name in names):
        raise ValueError(f"its outputs are {', '.join(names)}, not {', '.join(PUBLISHED)}")
    return tuple(PUBLISHED.index(name) for name in OURS)
