"""Import and download: whole or not at all, and nothing that could run."""

from __future__ import annotations

import hashlib
import http.server
import json
import pickle
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.errors import ModelError, StorageError
from mien.models import catalogue, install, store
from mien.models.install import import_folder, pull


def test_import_takes_what_is_safe_and_says_what_it_left(make_model, mien_home: Path) -> None:
    source = make_model(
        tokenizer__json="{}",
        modeling_mine__py="print('hello')",
        training__bin="x",
        hyperparams__yaml="!new:os.system",
    )
    (source / "sub").mkdir()
    done: list[tuple[int, int]] = []
    model = import_folder("mine", source, progress=lambda now, total: done.append((now, total)))
    assert model.path == mien_home / "models" / "mine"
    names = {p.name for p in model.path.iterdir()}
    assert names == {"model.safetensors", "config.json", "tokenizer.json", "LICENSE", "mien.json"}
    assert set(model.left_out) == {"modeling_mine.py", "training.bin", "hyperparams.yaml"}
    assert done[-1][0] == done[-1][1] > 0
    record = json.loads((model.path / "mien.json").read_text())
    digest = hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()
    assert record["files"]["model.safetensors"]["sha256"] == digest
    assert store.verify("mine") == []
    # Nothing half-made is left beside it.
    assert [p.name for p in (mien_home / "models").iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "embedding.ckpt", "model.pkl"])
def test_pickles_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / name).write_bytes(pickle.dumps({"weight": 1}))
    (tmp_path / "source" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=f"{name} is a pickle, which can run code"):
        import_folder("mine", tmp_path / "source")
    assert store.available() == []


_DISGUISED = [b"", pickle.dumps({"weight": 1}), b"PK\x03\x04zip"]


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        *((".onnx", content) for content in _DISGUISED),
        *((".safetensors", content) for content in _DISGUISED),
        (".safetensors", b"\x09\0\0\0\0\0\0\0[1, 2, 3]"),
        (".safetensors", b'\x08\0\0\0\0\0\0\0{"w": 1}'),
    ],
)
def test_a_pickle_by_another_name_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"model{suffix}").write_bytes(content)
    with pytest.raises(ModelError, match="get the file again"):
        import_folder("mine", tmp_path / f"model{suffix}")
    assert store.available() == []


def test_a_truncated_file_is_refused(make_model) -> None:
    source = make_model()
    data = (source / "model.safetensors").read_bytes()
    (source / "model.safetensors").write_bytes(data[:-3])
    with pytest.raises(ModelError, match="where its header says"):
        import_folder("mine", source)


def test_nothing_to_import(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no such folder"):
        import_folder("mine", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="No weights to import"):
        import_folder("mine", tmp_path / "empty")


def test_an_import_replaces_an_earlier_one(make_model, mien_home: Path) -> None:
    import_folder("mine", make_model("a", vocab__txt="old"))
    before = store.fingerprint("mine")
    path = import_folder("mine", make_model("b", value=2.0)).path
    assert not (path / "vocab.txt").exists()
    assert store.fingerprint("mine") != before
    assert [p.name for p in (mien_home / "models").iterdir()] == ["mine"]


def test_an_import_that_breaks_off_leaves_the_earlier_one(make_model, mien_home: Path) -> None:
    import_folder("mine", make_model("a"))
    before = store.fingerprint("mine")

    class Stop(Exception):
        pass

    def stop(_done: int, _total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        import_folder("mine", make_model("b", value=2.0), progress=stop)
    assert store.fingerprint("mine") == before
    assert [p.name for p in (mien_home / "models").iterdir()] == ["mine"]


def test_a_store_that_cannot_be_written(make_model, mien_home: Path) -> None:
    mien_home.mkdir()
    (mien_home / "models").write_text("a file in the way")
    with pytest.raises(StorageError, match="the model was not installed"):
        import_folder("mine", make_model())


def test_yunet_from_a_folder(shared: Path) -> None:
    """A real model from outside: installed, checked, and it finds what its format promises."""
    import cv2

    model = import_folder("yunet", shared / "models" / "yunet")
    assert model.licence == "MIT"
    assert {"yunet_n_320_320.onnx", "yunet_n_dynamic.onnx", "LICENSE"} <= {p.name for p in model.path.iterdir()}
    record = store.describe("yunet")["record"]
    assert record["as_catalogued"] is False  # another export than the one the catalogue pins
    folder = store.resolve("yunet")
    detector = cv2.FaceDetectorYN.create(str(folder / "yunet_n_320_320.onnx"), "", (320, 320))
    _, faces = detector.detect(np.zeros((320, 320, 3), np.uint8))
    assert faces is None or len(faces) == 0


class _Hub(http.server.BaseHTTPRequestHandler):
    """As much of the Hugging Face hub as a download of files at a revision needs."""

    files: dict[str, bytes] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.asked.append(f"{self.command} {self.path}")
        revision, name = self.path.split("/resolve/")[1].split("/", 1)
        content = self.files.get(name)
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", revision)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", revision)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(make_model, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A hub on this machine that has a small model under whisper-tiny's name; yields its address."""
    source = make_model("hub", generation_config__json="{}")
    monkeypatch.delenv("MIEN_OFFLINE")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(_Hub, "files", {p.name: p.read_bytes() for p in source.iterdir()})
    monkeypatch.setattr(_Hub, "asked", [])
    digest = hashlib.sha256(_Hub.files["model.safetensors"]).hexdigest()
    real = catalogue.entry("whisper-tiny")
    assert real is not None
    small = replace(real, sha256={"model.safetensors": digest}, size=len(_Hub.files["model.safetensors"]))
    monkeypatch.setattr(catalogue, "ENTRIES", (small,))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_pull(hub: str, mien_home: Path) -> None:
    done: list[int] = []
    model = pull("whisper-tiny", endpoint=hub, progress=lambda now, total: done.append(now))
    names = {p.name for p in model.path.iterdir()}
    assert names == {"model.safetensors", "config.json", "generation_config.json", "mien.json"}
    assert model.source == "openai/whisper-tiny@169d4a4341b33bc18d8881c4b69c2e104e1cc0af"
    assert store.describe("whisper-tiny")["record"]["as_catalogued"] is True
    assert all("/openai/whisper-tiny/resolve/169d4a4341b33bc18d8881c4b69c2e104e1cc0af/" in a for a in _Hub.asked)
    assert done == sorted(done)
    assert done[-1] >= len(_Hub.files["model.safetensors"])
    assert store.resolve("whisper-tiny") == model.path
    assert [p.name for p in (mien_home / "models").iterdir()] == ["whisper-tiny"]
    _Hub.asked.clear()
    assert pull("whisper-tiny", endpoint=hub) == model
    assert _Hub.asked == []


def test_pull_refuses_other_weights_than_the_pinned(hub: str) -> None:
    _Hub.files["model.safetensors"] = _Hub.files["model.safetensors"][:-1] + b"\0"
    with pytest.raises(ModelError, match="is not the file that the catalogue pins"):
        pull("whisper-tiny", endpoint=hub)
    assert store.available() == []


def test_pull_without_the_weights(hub: str) -> None:
    del _Hub.files["model.safetensors"]
    with pytest.raises(ModelError, match=r"has no file model\.safetensors at the pinned revision"):
        pull("whisper-tiny", endpoint=hub)


def test_pull_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(ModelError, match=r"could not be downloaded .* 'mien models import yunet DIR'"):
        # Nothing listens on the port of "discard".
        pull("yunet", endpoint="http://127.0.0.1:9")
    assert store.available() == []


def test_pull_offline() -> None:
    with pytest.raises(ModelError, match="stays offline; unset MIEN_OFFLINE"):
        pull("whisper-tiny")


def test_pull_what_is_published_as_pickles_or_not_at_all() -> None:
    with pytest.raises(ModelError, match="published only as pickles"):
        pull("speechbrain-asr-crdnn")
    with pytest.raises(ModelError, match="There is no model nothing"):
        pull("nothing")


def test_the_catalogue_is_pinned_and_well_formed() -> None:
    assert len({e.id for e in catalogue.ENTRIES}) == len(catalogue.ENTRIES)
    for known in catalogue.ENTRIES:
        store.check_id(known.id)
        assert known.licence
        if not known.obstacle:
            assert known.revision is not None
            assert len(known.revision) == 40
            assert known.sha256
            assert set(known.sha256) <= set(known.files)
            assert all(len(digest) == 64 for digest in known.sha256.values())
            assert known.size > 0
            assert all(install.files.allowed(Path(name)) for name in known.files)
