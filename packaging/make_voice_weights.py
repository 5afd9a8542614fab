"""Writes `resources/voice/silero-vad.safetensors` from the model in the `silero-vad` wheel (extra `dev`).

Usage: python packaging/make_voice_weights.py [TARGET]

The wheel holds the weights of version 6 only inside programs (TorchScript, ONNX); its own safetensors file still has those of
version 5. Written out once as plain arrays, they are read without torch and without running anything.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from mien_plugins.speech.silero import weights_path

NAMES = {"_model.stft.forward_basis_buffer": "stft.weight", "_model.decoder.decoder.2": "out"}
KINDS = {
    "weight_ih": "lstm.input",
    "weight_hh": "lstm.hidden",
    "bias_ih": "lstm.input_bias",
    "bias_hh": "lstm.hidden_bias",
}


def own_name(name: str) -> str | None:
    """The name in our file of a tensor of the wheel's 16 kHz model; None for what belongs to the 8 kHz one."""
    if name in NAMES:
        return NAMES[name]
    match name.split("."):
        case ["_model", "encoder", index, "reparam_conv", kind]:
            return f"conv{int(index) + 1}.{kind}"
        case ["_model", "decoder", "rnn", kind]:
            return KINDS[kind]
        case ["_model", "decoder", "decoder", "2", kind]:
            return f"out.{kind}"
    return None


def main() -> None:
    spec = find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The package silero-vad is not installed: pip install mien[dev]")
    source = Path(spec.submodule_search_locations[0]) / "data" / "silero_vad.jit"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        state = torch.jit.load(str(source), map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
    tensors = {
        own: np.ascontiguousarray(value.numpy(), np.float32) for k, value in state.items() if (own := own_name(k))
    }
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else weights_path()
    about = {"source": f"silero-vad {version('silero-vad')}, silero_vad.jit", "licence": "MIT"}
    about["source_sha256"] = hashlib.sha256(source.read_bytes()).hexdigest()
    save_file(tensors, target, metadata=about)
    for name, value in sorted(tensors.items()):
        print(name, *value.shape)


if __name__ == "__main__":
    main()
