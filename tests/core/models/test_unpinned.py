"""Models without a pin of ours: held to what the hub stated, if the user agreed; a refusal is one sentence and leaves nothing."""

from __future__ import annotations

import hashlib
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mien.errors import LicenceError, ModelError, StorageError
from mien.models import catalogue, download, statement, store
from mien.models.install import pull, stated
from mien.models.statement import Statement

HERE = Path(__file__).resolve().parent
MODEL = "roberta-offensive"
REPO = "cardiffnlp/twitter-roberta-base-offensive"


@pytest.fixture
def hub(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A hub that has a small model under roberta-offensive's name, beside a pickle, code and a picture of it."""
    monkeypatch.syspath_prepend(str(HERE))
    from hub import Hub, serve

    source = make_model("hub", vocab__json='{"a": 1}', merges__txt="a b\n")
    monkeypatch.delenv("MIEN_OFFLINE")
    monkeypatch.setattr(download, "_PAUSE_S", 0.0)
    content = {p.name: p.read_bytes() for p in source.iterdir()}
    content |= {"pytorch_model.bin": b"\x80\x04.", "modeling.py": b"raise SystemExit(3)"}
    with serve(Hub(content)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served
    sys.modules.pop("hub", None)


def agreed() -> Statement:
    """What the hub states, which the user agrees to."""
    found = stated(MODEL, accept_licence=True)
    assert found is not None
    return found


def get() -> store.Installed:
    return pull(MODEL, accept_licence=True, trusted=agreed())


def left(home: Path) -> list[str]:
    """What lies in the store, hidden folders too."""
    folder = home / "models"
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_it_is_held_to_what_the_hub_states(hub: Any, mien_home: Path) -> None:
    known = catalogue.entry(MODEL)
    assert known is not None
    assert known.unpinned
    found = agreed()
    # The API that the hub's own client asks, for the branch where its converter put safetensors.
    assert hub.asked == [(f"/api/models/{REPO}/revision/refs%2Fpr%2F1?blobs=true", "")]
    assert (found.repo, found.revision, found.host) == (REPO, hub.sha, "127.0.0.1")
    names = {"config.json", "vocab.json", "merges.txt", "model.safetensors"}
    assert {f.name for f in found.files} == names
    by_name = {f.name: f for f in found.files}
    assert by_name["model.safetensors"].sha256 == sha256(hub.files["model.safetensors"])
    assert by_name["merges.txt"].blob == "b2901ea97cfc0f297529eb23d489eab8cb71f9db"  # as `git hash-object` says
    assert not by_name["config.json"].sha256
    assert found.size == sum(len(hub.files[name]) for name in names)
    hub.asked.clear()
    done: list[tuple[int, int]] = []
    model = pull(MODEL, accept_licence=True, trusted=found, progress=lambda now, total: done.append((now, total)))
    assert {path for path, _ in hub.asked} == {f"/{REPO}/resolve/{hub.sha}/{name}" for name in names}
    assert done[-1] == (found.size, found.size)
    assert {p.name for p in model.path.iterdir()} == {*names, "mien.json"}
    assert model.source == f"{REPO}@{hub.sha}"
    record = store.describe(MODEL)["record"]
    assert record["as_catalogued"] is False
    assert (record["stated_by"], record["stated"]) == ("127.0.0.1", found.asked)
    assert {n: f["sha256"] for n, f in record["files"].items()} == {n: sha256(hub.files[n]) for n in names}
    assert store.verify(MODEL) == []
    assert left(mien_home) == [".pins", MODEL]
    hub.asked.clear()
    assert stated(MODEL) is None  # it is here
    assert pull(MODEL) == model
    assert hub.asked == []
    (model.path / "vocab.json").write_text('{"a": 2}')
    assert store.verify(MODEL) == ["vocab.json is not the file that was recorded"]
    (model.path / "vocab.json").unlink()
    assert store.verify(MODEL) == ["vocab.json is missing"]


def test_a_later_download_is_held_to_what_was_stated_at_the_first(hub: Any, mien_home: Path) -> None:
    get()
    first = store.describe(MODEL)["held"]
    assert all(f["sha256"] for f in first["files"])
    store.remove(MODEL)
    hub.sha = "1" * 40  # the branch moves on, with other weights
    hub.asked.clear()
    again = agreed()
    assert hub.asked == []
    assert again.to_dict() == {**first, "files": tuple(first["files"])}
    assert pull(MODEL, accept_licence=True, trusted=again).source.endswith(first["revision"])
    store.remove(MODEL)
    hub.files["vocab.json"] = b'{"b": 1}'  # as long as before
    with pytest.raises(ModelError, match=rf"vocab\.json of {REPO} is not the file that 127\.0\.0\.1 stated on 20"):
        get()
    assert left(mien_home) == [".pins"]
    anew = stated(MODEL, accept_licence=True, anew=True)
    assert anew is not None
    assert anew.revision == hub.sha
    pull(MODEL, accept_licence=True, trusted=anew)
    assert store.held(MODEL) == anew.measured(store.resolve(MODEL))


def test_a_revision_that_the_hub_no_longer_has(hub: Any, mien_home: Path) -> None:
    get()
    store.remove(MODEL)
    del hub.files["merges.txt"]
    with pytest.raises(ModelError, match=rf"no file merges\.txt at the pinned revision; .*pull {MODEL} --ask-again'"):
        get()
    assert store.available() == []


def test_a_download_that_broke_off_is_held_to_what_was_stated_when_it_began(hub: Any, mien_home: Path) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done >= total - 40:
            raise Stop

    hub.breaks = 70
    first = agreed()
    with pytest.raises(Stop):
        pull(MODEL, accept_licence=True, trusted=first, progress=stop)
    here = (mien_home / "models" / f".pull-{MODEL}" / "model.safetensors.part").stat().st_size
    assert here > 0
    assert store.available() == []
    hub.breaks, hub.sha = None, "1" * 40
    hub.asked.clear()
    assert agreed() == first
    pull(MODEL, accept_licence=True, trusted=first)
    assert hub.begins() == [f"bytes={here}-"]
    assert not [path for path, _ in hub.asked if "/api/" in path or path.endswith("/config.json")]
    assert left(mien_home) == [".pins", MODEL]


def test_what_came_of_another_commit_is_not_gone_on_with(hub: Any, mien_home: Path) -> None:
    parts = mien_home / "models" / f".pull-{MODEL}"
    statement.save(parts / ".stated.json", agreed())
    (parts / "model.safetensors.part").write_bytes(hub.files["model.safetensors"][:50])
    (parts / "vocab.json").write_text("{}")
    hub.sha = "1" * 40
    anew = stated(MODEL, accept_licence=True, anew=True)
    pull(MODEL, accept_licence=True, trusted=anew)
    assert hub.begins() == [""]
    assert store.verify(MODEL) == []


def test_without_consent_nothing_comes(hub: Any, mien_home: Path) -> None:
    with pytest.raises(ModelError, match=r"no pin of its own for roberta-offensive.* with --trust-hub$"):
        pull(MODEL, accept_licence=True)
    with pytest.raises(LicenceError, match="names no licence"):
        stated(MODEL)
    with pytest.raises(LicenceError, match="names no licence"):
        pull(MODEL)
    assert hub.asked == []
    assert left(mien_home) == []


def test_offline_asks_nobody(hub: Any, mien_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = agreed()
    hub.asked.clear()
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    with pytest.raises(ModelError, match="stays offline; unset MIEN_OFFLINE"):
        agreed()
    with pytest.raises(ModelError, match="stays offline; unset MIEN_OFFLINE"):
        pull(MODEL, accept_licence=True, trusted=told)
    assert hub.asked == []
    assert left(mien_home) == []


def without_lfs(hub: Any, facts: dict[str, Any]) -> None:
    next(f for f in facts["siblings"] if f["rfilename"] == "model.safetensors").pop("lfs")


def with_half_a_hash(hub: Any, facts: dict[str, Any]) -> None:
    next(f for f in facts["siblings"] if f["rfilename"] == "model.safetensors")["lfs"]["sha256"] = "ab12"


def without_blob(hub: Any, facts: dict[str, Any]) -> None:
    next(f for f in facts["siblings"] if f["rfilename"] == "vocab.json").pop("blobId")


def pointers_only(hub: Any, facts: dict[str, Any]) -> None:
    """The blob of a file in LFS is the pointer to it, which says nothing of its content."""
    next(f for f in facts["siblings"] if f["rfilename"] == "vocab.json")["lfs"] = {"size": 8, "pointerSize": 134}


def without_size(hub: Any, facts: dict[str, Any]) -> None:
    next(f for f in facts["siblings"] if f["rfilename"] == "vocab.json").pop("size")


def huge(hub: Any, facts: dict[str, Any]) -> None:
    next(f for f in facts["siblings"] if f["rfilename"] == "vocab.json")["size"] = 65 << 20


def names_only(hub: Any, facts: dict[str, Any]) -> None:
    """What the API answers when it is not asked for blobs."""
    facts["siblings"] = [{"rfilename": f["rfilename"]} for f in facts["siblings"]]


def no_commit(hub: Any, facts: dict[str, Any]) -> None:
    facts["sha"] = "main"


def no_files(hub: Any, facts: dict[str, Any]) -> None:
    del facts["siblings"]


def another(hub: Any, facts: dict[str, Any]) -> None:
    facts["id"] = "somebody/else"


def pickles_only(hub: Any, facts: dict[str, Any]) -> None:
    facts["siblings"] = [f for f in facts["siblings"] if f["rfilename"] != "model.safetensors"]


def no_config(hub: Any, facts: dict[str, Any]) -> None:
    facts["siblings"] = [f for f in facts["siblings"] if f["rfilename"] != "config.json"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without_lfs, r"states no SHA-256 of model\.safetensors; try again later"),
        (with_half_a_hash, r"states no SHA-256 of model\.safetensors"),
        (without_blob, r"states no hash of vocab\.json"),
        (pointers_only, r"states no hash of vocab\.json"),
        (without_size, r"states no size of vocab\.json"),
        (names_only, "states no size of"),
        (huge, r"68,157,440 bytes of vocab\.json, too many for a description"),
        (no_commit, "names no commit or no files"),
        (no_files, "names no commit or no files"),
        (another, rf"is about somebody/else, not about {REPO}"),
        (pickles_only, r"only pickles, which Mien never opens; convert .*docs/models\.md"),
        (no_config, r"has no file config\.json"),
    ],
)
def test_an_answer_that_nothing_can_be_held_to(
    hub: Any, mien_home: Path, change: Callable[[Any, dict[str, Any]], None], says: str
) -> None:
    facts = hub.states(REPO)
    change(hub, facts)
    hub.answer = json.dumps(facts).encode()
    with pytest.raises(ModelError, match=says) as told:
        agreed()
    assert f"'mien models import {MODEL} DIR'" in str(told.value)
    assert "\n" not in str(told.value)
    assert len(hub.asked) == 1
    assert left(mien_home) == []


@pytest.mark.parametrize("answer", [b"<html>", b"[" * 100_000, b"[]", b" " * ((16 << 20) + 1)])
def test_an_answer_that_is_none(hub: Any, answer: bytes) -> None:
    hub.answer = answer
    with pytest.raises(ModelError, match="its answer cannot be read"):
        agreed()


def test_a_pinned_commit_must_be_the_one_that_is_answered_for(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalogue.entry(MODEL)
    assert known is not None
    monkeypatch.setattr(catalogue, "ENTRIES", (replace(known, branch="", revision="2" * 40),))
    with pytest.raises(ModelError, match=f"about the commit {hub.sha}, not about {'2' * 40}"):
        agreed()
    hub.sha = "2" * 40
    assert get().source == f"{REPO}@{'2' * 40}"


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "asks for an account"), (404, "The hub has no .* under refs/pr/1; update Mien"), (429, "answered 429")],
)
def test_a_hub_that_refuses(hub: Any, mien_home: Path, status: int, says: str) -> None:
    hub.status = status
    with pytest.raises(ModelError, match=says):
        agreed()
    assert left(mien_home) == []


def test_no_network(monkeypatch: pytest.MonkeyPatch, mien_home: Path) -> None:
    monkeypatch.delenv("MIEN_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing listens on the port of "discard"
    with pytest.raises(ModelError, match=rf"could not be downloaded .* 'mien models import {MODEL} DIR'"):
        agreed()
    assert left(mien_home) == []


def test_what_is_stated_over_a_plain_connection_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, mien_home: Path
) -> None:
    monkeypatch.delenv("MIEN_OFFLINE")
    monkeypatch.setattr(download, "opener", lambda: pytest.fail("it was asked"))
    with pytest.raises(ModelError, match=r"mirror\.example .* over https only; set HF_ENDPOINT to an https address"):
        stated(MODEL, accept_licence=True, endpoint="http://mirror.example")


def test_no_redirect_leads_from_an_encrypted_connection_to_a_plain_one() -> None:
    (handler,) = [h for h in download.opener().handlers if isinstance(h, urllib.request.HTTPRedirectHandler)]
    request = urllib.request.Request("https://hub.example/a")
    with pytest.raises(urllib.error.URLError, match="not encrypted"):
        handler.redirect_request(request, None, 302, "Found", {}, "http://elsewhere.example/a")  # type: ignore[arg-type]
    followed = handler.redirect_request(request, None, 302, "Found", {}, "https://elsewhere.example/a")  # type: ignore[arg-type]
    assert followed is not None
    assert followed.full_url == "https://elsewhere.example/a"


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.json"])
@pytest.mark.parametrize("longer", [False, True])
def test_other_files_than_the_stated_are_refused(hub: Any, mien_home: Path, name: str, longer: bool) -> None:
    told, right = agreed(), hub.files[name]
    hub.files[name] = hub.files[name] + b" " if longer else hub.files[name][:-1] + b" "
    with pytest.raises(
        ModelError, match=rf"{name} of {REPO} is not the file that 127\.0\.0\.1 stated on 20.*; try again"
    ):
        pull(MODEL, accept_licence=True, trusted=told)
    assert left(mien_home) == []
    hub.files[name], hub.sha = right, "1" * 40
    assert get().source == f"{REPO}@{hub.sha}"  # nothing of the refused one stays: the hub is asked anew


def test_a_file_that_does_not_end_is_cut_off(hub: Any, mien_home: Path) -> None:
    hub.endless = True
    told, done = agreed(), [0]
    with pytest.raises(ModelError, match=r"model\.safetensors of .* is not the file that"):
        pull(MODEL, accept_licence=True, trusted=told, progress=lambda now, total: done.append(now))
    assert max(done) <= told.size
    assert left(mien_home) == []


def test_weights_that_are_not_what_their_name_says(hub: Any, mien_home: Path) -> None:
    hub.files["model.safetensors"] = b"\x80\x04]\x94."  # the hub states the hash of a pickle
    with pytest.raises(ModelError, match=rf"^model\.safetensors of {REPO} is too short for safetensors; try again"):
        get()
    assert left(mien_home) == []


def test_no_room(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = agreed()
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(StorageError, match="free space"):
        pull(MODEL, accept_licence=True, trusted=told)
    assert store.available() == []
    assert store.held(MODEL) is None


@pytest.mark.parametrize("text", ["{", '{"files": []}', "[]"])
def test_a_damaged_record_of_what_was_stated_is_not_passed_over(hub: Any, mien_home: Path, text: str) -> None:
    get()
    store.remove(MODEL)
    pin = mien_home / "models" / ".pins" / f"{MODEL}.json"
    pin.write_text(text)
    with pytest.raises(ModelError, match="stated earlier is damaged; delete the file to ask again"):
        agreed()


def test_a_record_that_leads_elsewhere_is_damaged(hub: Any, mien_home: Path) -> None:
    get()
    store.remove(MODEL)
    pin = mien_home / "models" / ".pins" / f"{MODEL}.json"
    pin.write_text(pin.read_text().replace('"vocab.json"', '"../../vocab.json"'))
    with pytest.raises(ModelError, match="damaged"):
        agreed()


@pytest.mark.parametrize("model", ["wav2vec2-emotion-dim", "roberta-hate", MODEL])
def test_whatever_is_without_a_pin_says_what_to_ask_for(model: str) -> None:
    known = catalogue.entry(model)
    assert known is not None
    assert known.unpinned
    assert "model.safetensors" in known.files
    assert set(known.needed) <= set(known.files)


def test_what_is_pinned_is_not_asked_about(hub: Any) -> None:
    assert stated("whisper-tiny") is None
    assert stated("yunet") is None
    assert hub.asked == []
