"""`mien models` as users type it: fetched from a hub on this machine, checked, shown, removed; every failure one line."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from mien.cli import models
from mien.errors import ModelError
from mien.models import catalogue, download, store

ROOM = Path(__file__).resolve().parent.parent / "models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small model with what a Whisper needs beside its weights, and something that could run."""
    source = tmp_path / "source"
    source.mkdir()
    save_file({"weight": np.full((40, 40), 0.5, np.float32)}, source / "model.safetensors")
    for name in ("config.json", "preprocessor_config.json", "tokenizer.json"):
        (source / name).write_text("{}")
    return source


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A hub that has it under every name; the catalogue pins it as whisper-tiny."""
    monkeypatch.syspath_prepend(str(ROOM))
    from hub import Hub, serve

    monkeypatch.delenv("MIEN_OFFLINE")
    monkeypatch.setattr(download, "_PAUSE_S", 0.0)
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    real = catalogue.entry("whisper-tiny")
    assert real is not None
    digest = hashlib.sha256(content["model.safetensors"]).hexdigest()
    size = len(content["model.safetensors"])
    monkeypatch.setattr(
        catalogue, "ENTRIES", (replace(real, sha256={"model.safetensors": digest}, size=size), *catalogue.ENTRIES[1:])
    )
    with serve(Hub(content)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served
    sys.modules.pop("hub", None)


def own() -> list[str]:
    """Ids of the models that the user has."""
    return [model.id for model in store.available() if not model.bundled]


def test_a_model_is_fetched_shown_checked_and_removed(hub: Any, command: Callable[..., Any], mien_home: Path) -> None:
    done = command("models", "pull", "whisper-tiny")
    assert (done.code, done.err) == (0, "")
    assert "whisper-tiny is installed in" in done.out
    assert "openai/whisper-tiny" in command("models", "show", "whisper-tiny").out
    listed = {model["id"]: model for model in command("models", "list", "--json").lines[0]["installed"]}
    assert listed["whisper-tiny"]["source"].startswith("openai/whisper-tiny@")
    assert "whisper-tiny: ok\n" in command("models", "verify").out
    weights = mien_home / "models" / "whisper-tiny" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    damaged = command("models", "verify")
    assert damaged.code == 5
    assert "whisper-tiny: model.safetensors is not the file that was recorded\n" in damaged.out
    assert command("models", "remove", "whisper-tiny").code == 0
    assert own() == []
    again = command("models", "remove", "whisper-tiny")
    assert (again.code, again.err.count("\n")) == (5, 1)
    kept = command("models", "remove", "conflictnet")
    assert kept.code == 5
    assert "comes with Mien" in kept.err


def test_the_list_says_how_each_comes_and_show_what_it_is_held_to(hub: Any, command: Callable[..., Any]) -> None:
    heading, under = "", {}
    for line in command("models", "list").out.splitlines():
        heading = heading if line.startswith("  ") else line
        under.setdefault(line.split()[0], heading)
    assert under["whisper-tiny"] == "could be fetched with mien models pull ID"
    assert under["roberta-hate"] == "could be fetched with mien models pull ID, held to what the hub states"
    assert under["ecapa-voxceleb"] == "could be imported with mien models import ID DIR"
    pinned = catalogue.entry("whisper-base")
    assert pinned is not None
    shown = command("models", "show", "whisper-base").out.splitlines()
    (digest,) = pinned.sha256.values()
    wanted = ("installed: False", f"size: {pinned.size}", f"revision: {pinned.revision}", "licence: Apache-2.0")
    assert set(shown) >= {*wanted, f"pinned: model.safetensors  sha256 {digest}"}


def test_what_broke_off_goes_on_with_the_same_command(hub: Any, command: Callable[..., Any], mien_home: Path) -> None:
    size = len(hub.files["model.safetensors"])
    parts = mien_home / "models" / ".pull-whisper-tiny"
    parts.mkdir(parents=True)
    (parts / "model.safetensors.part").write_bytes(hub.files["model.safetensors"][: size // 2])
    assert command("models", "pull", "whisper-tiny").code == 0
    assert hub.begins() == [f"bytes={size // 2}-"]
    assert store.verify("whisper-tiny") == []


def other_weights(hub: Any, patch: pytest.MonkeyPatch) -> None:
    hub.files["model.safetensors"] = hub.files["model.safetensors"][:-1] + b"\0"


def no_weights(hub: Any, patch: pytest.MonkeyPatch) -> None:
    del hub.files["model.safetensors"]


def no_network(hub: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens on the port of "discard"


def no_room(hub: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))


def no_consent(hub: Any, patch: pytest.MonkeyPatch) -> None:
    first, *rest = catalogue.ENTRIES
    patch.setattr(catalogue, "ENTRIES", (replace(first, licence="CC-BY-NC-4.0", consent="no commerce"), *rest))


def offline(hub: Any, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("MIEN_OFFLINE", "1")


@pytest.mark.parametrize(
    ("what", "code", "says"),
    [
        (other_weights, 5, "is not the file that the catalogue pins"),
        (no_weights, 5, "has no file model.safetensors at the pinned revision"),
        (no_network, 5, "check the network and try again"),
        (no_room, 6, "free space, or set MIEN_HOME"),
        (no_consent, 5, "needs your consent: no commerce"),
        (offline, 5, "stays offline; unset MIEN_OFFLINE"),
    ],
)
def test_every_failure_is_one_line_and_nothing_is_half_installed(
    hub: Any, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, what: Any, code: int, says: str
) -> None:
    what(hub, monkeypatch)
    done = command("models", "pull", "whisper-tiny")
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1), done.err
    assert says in done.err
    assert own() == []


def test_a_folder_is_imported_and_told_of_what_is_not_as_catalogued(command: Callable[..., Any], folder: Path) -> None:
    (folder / "modeling.py").write_text("raise SystemExit(3)")
    done = command("models", "import", "whisper-tiny", folder)
    assert done.code == 0, done.err
    assert "left out, because it could run code or is not known: modeling.py" in done.out
    assert "its weights are not those that the catalogue pins" in done.out
    assert "catalogue" not in command("models", "import", "mine", folder).out
    asks = command("models", "import", "roberta-offensive", folder)
    assert (asks.code, asks.err.count("\n")) == (5, 1)
    assert "--accept-licence" in asks.err
    assert own() == ["mine", "whisper-tiny"]
    assert command("models", "import", "roberta-offensive", folder, "--accept-licence").code == 0


def test_a_bar_follows_a_download_on_a_terminal(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    models.pull_model("whisper-tiny", False)
    assert "fetching whisper-tiny" in terminal.getvalue()
    assert "kB" in terminal.getvalue()
    assert "whisper-tiny is installed in" in terminal.getvalue()


UNPINNED = "roberta-hate"
"""Without a pin of ours, and without a licence that needs consent."""


def test_what_the_hub_states_is_shown_and_needs_the_option(
    hub: Any, command: Callable[..., Any], mien_home: Path
) -> None:
    refused = command("models", "pull", UNPINNED)
    assert (refused.code, refused.err.count("\n")) == (5, 1)
    assert "no pin of its own for roberta-hate" in refused.err
    assert "--trust-hub" in refused.err
    digest = hashlib.sha256(hub.files["model.safetensors"]).hexdigest()
    head, *rows, sentence = refused.out.splitlines()
    assert head.startswith(f"cardiffnlp/twitter-roberta-base-hate-latest at {hub.sha} (refs/pr/6), as 127.0.0.1 stated")
    assert [row.split()[0] for row in rows] == ["config.json", "tokenizer.json", "model.safetensors"]
    assert rows[2].endswith(f"{len(hub.files['model.safetensors']):,} bytes  sha256 {digest}")
    assert "git sha1 9e26dfeeb6e641a33dae4961196235bdb965b21b" in rows[0]  # as `git hash-object` says of {}
    assert sentence.startswith("This version of Mien has no pin of its own for roberta-hate: it will be held to what")
    assert not (mien_home / "models").exists()
    assert "pin: this version of Mien has none of its own" in command("models", "show", UNPINNED).out
    done = command("models", "pull", UNPINNED, "--trust-hub")
    assert (done.code, done.err) == (0, "")
    assert digest in done.out
    shown = command("models", "show", UNPINNED).out
    assert f"held:   model.safetensors  {len(hub.files['model.safetensors']):>13,} bytes  sha256 {digest}" in shown
    assert command("models", "show", UNPINNED, "--json").lines[0]["held"]["revision"] == hub.sha
    assert "roberta-hate: ok\n" in command("models", "verify").out


def test_what_the_hub_states_later_counts_only_when_it_is_asked_again(hub: Any, command: Callable[..., Any]) -> None:
    assert command("models", "pull", UNPINNED, "--trust-hub").code == 0
    assert command("models", "remove", UNPINNED).code == 0
    hub.sha, hub.files["tokenizer.json"] = "1" * 40, b"[]"
    other = command("models", "pull", UNPINNED, "--trust-hub")
    assert (other.code, other.err.count("\n")) == (5, 1)
    assert (
        "tokenizer.json of cardiffnlp/twitter-roberta-base-hate-latest is not the file that 127.0.0.1 stated"
        in other.err
    )
    assert own() == []
    assert command("models", "pull", UNPINNED, "--trust-hub", "--ask-again").code == 0
    assert store.describe(UNPINNED)["source"].endswith("1" * 40)


@pytest.mark.parametrize(("answer", "there"), [("y\n", [UNPINNED]), ("n\n", []), ("\n", [])])
def test_whoever_sits_at_a_terminal_is_asked(
    hub: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, there: list[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    if there:
        models.pull_model(UNPINNED, False)
    else:
        with pytest.raises(ModelError, match="only if you agree"):
            models.pull_model(UNPINNED, False)
    assert "Do you agree? [y/N]" in capsys.readouterr().out
    assert own() == there
