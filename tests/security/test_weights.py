"""Weights are numbers and nothing else: no pickle is opened, no code beside them is taken, no size is believed."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from mien.errors import ModelError
from mien.models import files, store


class _Payload:
    """Unpickled, it makes a file: what an attacker would do is left to the imagination."""

    def __init__(self, proof: Path) -> None:
        self._proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._proof),)


def _pickles(proof: Path, folder: Path) -> dict[str, bytes]:
    """The same payload as a bare pickle, and in a zip as torch saves it."""
    plain = pickle.dumps({"weight": _Payload(proof)})
    with zipfile.ZipFile(folder / "torch.zip", "w") as archive:
        archive.writestr("archive/data.pkl", plain)
        archive.writestr("archive/version", "3")
    return {"plain": plain, "zip": (folder / "torch.zip").read_bytes()}


@pytest.mark.parametrize("kind", ["plain", "zip"])
@pytest.mark.parametrize(
    "name", ["model.safetensors", "model.onnx", "pytorch_model.bin", "model.pt", "model.SAFETENSORS"]
)
def test_a_pickle_under_any_name_runs_nothing(attack: Callable[..., Any], tmp_path: Path, name: str, kind: str) -> None:
    proof = tmp_path / "it ran"
    source = tmp_path / "source"
    source.mkdir()
    (source / name).write_bytes(_pickles(proof, tmp_path)[kind])
    (source / "config.json").write_text("{}")
    attack("install", source).refused()
    assert not proof.exists()
    pickle.loads(_pickles(proof, tmp_path)["plain"])
    assert proof.exists()  # the payload works where it is opened


def test_code_beside_good_weights_stays_behind(attack: Callable[..., Any], tmp_path: Path, mien_home: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    save_file({"weight": np.ones((2, 2), np.float32)}, source / "model.safetensors")
    remote = {"auto_map": {"AutoModel": "evil--modeling.Evil"}, "trust_remote_code": True, "model_type": "evil"}
    (source / "config.json").write_text(json.dumps(remote))
    for name in ("modeling.py", "setup.cfg", "extra.so", "hyperparams.yaml", "optimizer.pt", "tokenizer.pkl", "run.sh"):
        (source / name).write_text("!!python/object/apply:os.system ['false']")
    outcome = attack("install", source)
    assert sorted(outcome.value) == sorted(
        ["modeling.py", "setup.cfg", "extra.so", "hyperparams.yaml", "optimizer.pt", "tokenizer.pkl", "run.sh"]
    )


def _header(text: str | bytes, length: int | None = None) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data) if length is None else length) + data


_TENSOR = '{{"w": {{"dtype": "F32", "shape": [{0}], "data_offsets": [0, {1}]}}}}'

HEADERS = {
    "a header of a terabyte": _header("{}", 1 << 40),
    "a header of 2^64 - 1 bytes": _header("{}", (1 << 64) - 1),
    "tensors of terabytes": _header(_TENSOR.format(1 << 40, 1 << 42)),
    "an endless tensor": _header(_TENSOR.format(1, "Infinity")),
    "a tensor of 1e999": _header(_TENSOR.format(1, "1e999")),
    "a number of five thousand digits": _header(_TENSOR.format(1, "9" * 5000)),
    "nested a hundred thousand deep": _header('{"w":' * 100_000 + "1" + "}" * 100_000),
    "lists a hundred thousand deep": _header("[" * 100_000),
    "offsets that are text": _header('{"w": {"data_offsets": "ab"}}'),
    "offsets that are none": _header('{"w": {"data_offsets": {}}}'),
    "no text": _header(bytes(range(128, 256))),
}


@pytest.mark.parametrize("what", HEADERS)
def test_no_size_in_a_header_is_believed(attack: Callable[..., Any], tmp_path: Path, what: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(HEADERS[what])
    outcome = attack("install", path)
    outcome.refused("model.safetensors")
    outcome.bounded(mib=50)


def test_a_description_of_gigabytes_is_not_taken(attack: Callable[..., Any], tmp_path: Path) -> None:
    """It would be read whole whenever the model is loaded."""
    source = tmp_path / "source"
    source.mkdir()
    save_file({"weight": np.ones((2, 2), np.float32)}, source / "model.safetensors")
    with (source / "tokenizer.json").open("wb") as file:
        file.truncate(300 << 20)  # a hole: it takes no place on the disk
    outcome = attack("install", source)
    outcome.refused("tokenizer.json is too large")
    outcome.bounded(mib=20)


def test_a_record_speaks_of_its_own_folder_only(mien_home: Path, tmp_path: Path) -> None:
    """A record that names files elsewhere would tell, by what it says of a hash, what they hold."""
    folder = mien_home / "models" / "mine"
    folder.mkdir(parents=True)
    save_file({"weight": np.ones((2, 2), np.float32)}, folder / "model.safetensors")
    secret = tmp_path / "secret"
    secret.write_text("42")
    for named in (str(secret), "../../../secret", "..", "a/../b"):
        (folder / files.RECORD).write_text(json.dumps({"files": {named: {"sha256": "0" * 64}}}))
        assert store.verify("mine") == []
    for odd in ({"model.safetensors": 1}, {"model.safetensors": "sha256"}, [], "x"):
        (folder / files.RECORD).write_text(json.dumps({"files": odd}))
        assert store.verify("mine") == []
    (folder / files.RECORD).write_text("[" * 100_000)
    (folder / "card.json").write_text('{"a":' * 100_000)
    assert store.describe("mine")["card"] == {}


@pytest.mark.parametrize(
    "model_id", ["../mine", "/etc", "a/b", "..", ".", "", "a\0b", "a\n", "~", "A", "con:", "-x", "a\\b"]
)
def test_an_id_is_no_path(tmp_path: Path, model_id: str) -> None:
    save_file({"weight": np.ones((2, 2), np.float32)}, tmp_path / "model.safetensors")
    from mien.models.install import import_folder

    for use in (store.resolve, store.remove, store.describe, lambda name: import_folder(name, tmp_path)):
        with pytest.raises(ModelError) as caught:
            use(model_id)
        assert "\n" not in str(caught.value)
