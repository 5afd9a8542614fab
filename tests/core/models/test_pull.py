"""Download: pinned, resumed, whole or not at all; what goes wrong is one clear error. The hub is a server on this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mien.errors import LicenceError, ModelError, StorageError
from mien.models import catalogue, download, store
from mien.models.install import pull

NEEDED = ("preprocessor_config__json", "tokenizer__json")
HERE = Path(__file__).resolve().parent
REVISION = "169d4a4341b33bc18d8881c4b69c2e104e1cc0af"


@pytest.fixture
def hub(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A hub that has a small model under whisper-tiny's name."""
    monkeypatch.syspath_prepend(str(HERE))
    from hub import Hub, serve

    source = make_model("hub", **dict.fromkeys(("generation_config__json", *NEEDED), "{}"))
    monkeypatch.delenv("MIEN_OFFLINE")
    monkeypatch.setattr(download, "_PAUSE_S", 0.0)
    content = {p.name: p.read_bytes() for p in source.iterdir()}
    digest = hashlib.sha256(content["model.safetensors"]).hexdigest()
    real = catalogue.entry("whisper-tiny")
    assert real is not None
    small = replace(real, sha256={"model.safetensors": digest}, size=len(content["model.safetensors"]))
    monkeypatch.setattr(catalogue, "ENTRIES", (small,))
    with serve(Hub(content)) as served:
        yield served
    sys.modules.pop("hub", None)


def installed(home: Path) -> list[str]:
    """What lies in the store, hidden folders too."""
    folder = home / "models"
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def test_pull(hub: Any, mien_home: Path) -> None:
    done: list[int] = []
    model = pull("whisper-tiny", endpoint=hub.address, progress=lambda now, total: done.append(now))
    names = {p.name for p in model.path.iterdir()}
    assert names == {
        *("model.safetensors", "config.json", "generation_config.json", "mien.json"),
        *("preprocessor_config.json", "tokenizer.json"),
    }
    assert model.source == f"openai/whisper-tiny@{REVISION}"
    assert store.describe("whisper-tiny")["record"]["as_catalogued"] is True
    assert all(path.startswith(f"/openai/whisper-tiny/resolve/{REVISION}/") for path, _ in hub.asked)
    assert done == sorted(done)
    assert done[-1] >= len(hub.files["model.safetensors"])
    assert store.resolve("whisper-tiny") == model.path
    assert installed(mien_home) == ["whisper-tiny"]
    hub.asked.clear()
    assert pull("whisper-tiny", endpoint=hub.address) == model
    assert hub.asked == []


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("how", ["missing", "changed"])
def test_a_damaged_model_is_fetched_again(hub: Any, name: str, how: str) -> None:
    file = pull("whisper-tiny", endpoint=hub.address).path / name
    file.unlink() if how == "missing" else file.write_bytes(file.read_bytes() + b" ")
    assert store.verify("whisper-tiny")
    pull("whisper-tiny", endpoint=hub.address)
    assert store.verify("whisper-tiny") == []


def test_what_came_of_a_download_can_be_removed(hub: Any, mien_home: Path) -> None:
    hub.breaks = 0
    with pytest.raises(ModelError):
        pull("whisper-tiny", endpoint=hub.address)
    assert installed(mien_home) == [".pull-whisper-tiny"]  # the small files, for the next attempt
    store.remove("whisper-tiny")
    assert installed(mien_home) == []
    with pytest.raises(ModelError, match="is not installed"):
        store.remove("whisper-tiny")


def test_a_mirror_is_taken_from_the_environment(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    assert pull("whisper-tiny").id == "whisper-tiny"


def test_a_broken_connection_is_taken_up_again_by_itself(hub: Any) -> None:
    hub.breaks = 50
    pull("whisper-tiny", endpoint=hub.address)
    size = len(hub.files["model.safetensors"])
    assert hub.begins() == ["", *(f"bytes={at}-" for at in range(50, size, 50))]
    assert store.verify("whisper-tiny") == []


def test_a_download_that_broke_off_goes_on_where_it_was(hub: Any, mien_home: Path) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done >= total - 40:
            raise Stop

    hub.breaks = 70
    with pytest.raises(Stop):
        pull("whisper-tiny", endpoint=hub.address, progress=stop)
    assert store.available() == []
    part = mien_home / "models" / ".pull-whisper-tiny" / "model.safetensors.part"
    here = part.stat().st_size
    assert here > 0
    hub.breaks = None
    hub.asked.clear()
    pull("whisper-tiny", endpoint=hub.address)
    assert hub.begins() == [f"bytes={here}-"]
    assert not [path for path, _ in hub.asked if path.endswith("/config.json")]  # it was here
    assert store.verify("whisper-tiny") == []
    assert installed(mien_home) == ["whisper-tiny"]


def test_a_server_without_ranges_sends_all_again(hub: Any, mien_home: Path) -> None:
    parts = mien_home / "models" / ".pull-whisper-tiny"
    parts.mkdir(parents=True)
    (parts / "model.safetensors.part").write_bytes(b"something else")
    hub.ranges = False
    pull("whisper-tiny", endpoint=hub.address)
    assert store.verify("whisper-tiny") == []


@pytest.mark.parametrize("extra", [b"", b"too long"])
def test_a_part_that_is_whole_or_too_long(hub: Any, mien_home: Path, extra: bytes) -> None:
    parts = mien_home / "models" / ".pull-whisper-tiny"
    parts.mkdir(parents=True)
    (parts / "model.safetensors.part").write_bytes(hub.files["model.safetensors"] + extra)
    pull("whisper-tiny", endpoint=hub.address)
    assert store.verify("whisper-tiny") == []


def test_a_connection_that_never_brings_anything(hub: Any, mien_home: Path) -> None:
    hub.breaks = 0
    with pytest.raises(ModelError, match=r"broke off after 0 bytes\); check the network and try again"):
        pull("whisper-tiny", endpoint=hub.address)
    assert len(hub.begins()) == download.ATTEMPTS + 1
    assert store.available() == []


def test_redirects_are_followed_to_http_and_https_only(hub: Any) -> None:
    hub.redirect = hub.address
    pull("whisper-tiny", endpoint=hub.address)
    assert "/elsewhere/model.safetensors" in [path for path, _ in hub.asked]
    assert store.verify("whisper-tiny") == []


def test_a_redirect_to_a_file_is_refused(hub: Any, tmp_path: Path) -> None:
    hub.redirect = f"file://{tmp_path}"
    with pytest.raises(ModelError, match="could not be downloaded"):
        pull("whisper-tiny", endpoint=hub.address)
    assert store.available() == []


def test_other_weights_than_the_pinned_are_refused(hub: Any, mien_home: Path) -> None:
    hub.files["model.safetensors"] = hub.files["model.safetensors"][:-1] + b"\0"
    with pytest.raises(ModelError, match="is not the file that the catalogue pins"):
        pull("whisper-tiny", endpoint=hub.address)
    assert installed(mien_home) == []


def test_weights_that_are_missing(hub: Any) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(ModelError, match=r"has no file model\.safetensors at the pinned revision"):
        pull("whisper-tiny", endpoint=hub.address)
    assert store.available() == []


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "tokenizer.json"])
def test_a_small_file_that_it_cannot_be_read_without(hub: Any, mien_home: Path, name: str) -> None:
    kept = hub.files.pop(name)
    with pytest.raises(ModelError, match=rf"has no file {name} at the pinned revision"):
        pull("whisper-tiny", endpoint=hub.address)
    assert store.available() == []
    assert not [left for left in installed(mien_home) if not left.startswith(".pull")]
    hub.files[name] = kept
    assert pull("whisper-tiny", endpoint=hub.address).id == "whisper-tiny"
    assert installed(mien_home) == ["whisper-tiny"]


@pytest.mark.parametrize(("status", "says"), [(401, "asks for an account"), (500, "answered 500")])
def test_a_hub_that_refuses(hub: Any, status: int, says: str) -> None:
    hub.status = status
    with pytest.raises(ModelError, match=says):
        pull("whisper-tiny", endpoint=hub.address)


def test_no_network(monkeypatch: pytest.MonkeyPatch, mien_home: Path) -> None:
    monkeypatch.delenv("MIEN_OFFLINE")
    with pytest.raises(ModelError, match=r"could not be downloaded .* 'mien models import yunet DIR'"):
        # Nothing listens on the port of "discard".
        pull("yunet", endpoint="http://127.0.0.1:9")
    assert installed(mien_home) == []


def test_offline() -> None:
    with pytest.raises(ModelError, match="stays offline; unset MIEN_OFFLINE"):
        pull("whisper-tiny")


def test_consent(hub: Any, monkeypatch: pytest.MonkeyPatch, mien_home: Path) -> None:
    (plain,) = catalogue.ENTRIES
    monkeypatch.setattr(catalogue, "ENTRIES", (replace(plain, licence="CC-BY-NC-4.0", consent="no commerce"),))
    with pytest.raises(LicenceError, match=r"CC-BY-NC-4\.0.*no commerce.*--accept-licence"):
        pull("whisper-tiny", endpoint=hub.address)
    assert hub.asked == []
    assert installed(mien_home) == []
    pull("whisper-tiny", endpoint=hub.address, accept_licence=True)
    assert store.describe("whisper-tiny")["record"]["accepted_licence"] == "CC-BY-NC-4.0"


def test_not_enough_room_is_said_before_anything_comes(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(StorageError, match=r"the model needs 0\.0 MB more; free space"):
        pull("whisper-tiny", endpoint=hub.address)
    assert store.available() == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("what", ["pull", "import"])
def test_a_disk_that_is_full(make_model: Any, tmp_path: Path, mien_home: Path, what: str) -> None:
    """A limit on the size of files, as `ulimit -f` sets it, in a process of its own."""
    source = make_model("big")
    (source / "vocab.txt").write_bytes(b"x" * 200_000)
    program = f"""
import hashlib, pathlib, resource, sys
from dataclasses import replace
sys.path.insert(0, {str(HERE)!r})
from hub import Hub, serve
from mien.errors import StorageError
from mien.models import catalogue, install, store
source = pathlib.Path({str(source)!r})
content = {{p.name: p.read_bytes() for p in source.iterdir()}}
known = replace(catalogue.entry("whisper-tiny"), files=("vocab.txt", "model.safetensors"))
catalogue.ENTRIES = (known,)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with serve(Hub(content)) as hub:
    try:
        if {what!r} == "pull":
            install.pull("whisper-tiny", endpoint=hub.address)
        else:
            install.import_folder("mine", source)
    except StorageError as error:
        assert "The disk is full and the model was not installed" in str(error), error
        assert not {{"mine", "whisper-tiny"}} & {{model.id for model in store.available()}}
        print("refused")
"""
    environ = {**os.environ, "MIEN_OFFLINE": "0" if what == "pull" else "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environ, timeout=120, check=False
    )
    assert done.stdout == "refused\n", done.stderr
    assert not [name for name in installed(mien_home) if not name.startswith(".pull")]


def test_what_is_published_as_pickles_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_OFFLINE")
    for known in catalogue.ENTRIES:
        if known.obstacle:
            with pytest.raises(ModelError, match=r"cannot be downloaded: .* import the folder"):
                pull(known.id)
    with pytest.raises(ModelError, match="There is no model nothing"):
        pull("nothing")
