"""The store: what is here, found, described, checked and removed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mien.errors import ModelError
from mien.models import store
from mien.models.install import import_folder


def _bundle(folder: Path, source: Path, model_id: str, **card: str) -> Path:
    target = folder / model_id
    source.rename(target)
    digest = hashlib.sha256((target / "model.safetensors").read_bytes()).hexdigest()
    (target / "config.json").write_text(json.dumps({"hidden": 4, "sha256": digest}))
    (target / "card.json").write_text(json.dumps({"id": model_id, "sha256": digest, **card}))
    return target


def test_bundled_models_are_found_first(bundled: Path, make_model) -> None:
    theirs = _bundle(bundled, make_model(), "voice", title="Voice", licence="CC-BY-4.0", task="hearing")
    assert store.bundled_models() == bundled
    assert store.resolve("voice") == theirs
    assert store.is_installed("voice")
    (model,) = store.available()
    assert (model.id, model.title, model.licence, model.bundled) == ("voice", "Voice", "CC-BY-4.0", True)
    assert store.describe("voice")["card"]["task"] == "hearing"
    with pytest.raises(ModelError, match="comes with Mien"):
        import_folder("voice", make_model("mine"))
    with pytest.raises(ModelError, match="cannot be removed"):
        store.remove("voice")
    assert store.verify("voice") == []


def test_weights_that_are_not_those_of_the_config_are_refused(bundled: Path, make_model) -> None:
    _bundle(bundled, make_model(), "voice")
    make_model("other", value=2.0).joinpath("model.safetensors").rename(bundled / "voice" / "model.safetensors")
    with pytest.raises(ModelError, match=r"is damaged .*model.safetensors is not the file.*install Mien again"):
        store.resolve("voice")
    assert store.verify("voice") == ["model.safetensors is not the file that was recorded"]


def test_what_lies_beside_the_weights_is_checked_as_they_are(bundled: Path, make_model) -> None:
    folder = _bundle(bundled, make_model(beside__safetensors=""), "voice")
    config = json.loads((folder / "config.json").read_text())
    (folder / "beside.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    beside = {"beside.safetensors": config["sha256"], "../config.json": "0"}  # what leads elsewhere is not looked at
    (folder / "config.json").write_text(json.dumps({**config, "beside": beside}))
    assert store.verify("voice") == []
    make_model("other", value=2.0).joinpath("model.safetensors").rename(folder / "beside.safetensors")
    with pytest.raises(ModelError, match=r"is damaged .*beside.safetensors is not the file.*install Mien again"):
        store.resolve("voice")
    (folder / "beside.safetensors").unlink()
    assert store.verify("voice") == ["beside.safetensors is missing"]


def test_a_folder_without_weights_is_no_model(bundled: Path) -> None:
    (bundled / "not-trained-yet").mkdir()
    (bundled / "not-trained-yet" / "config.json").write_text("{}")
    assert not store.is_installed("not-trained-yet")
    assert store.available() == []


def test_missing_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"get it with 'mien models pull whisper-base' or import it"):
        store.resolve("whisper-base")
    with pytest.raises(ModelError, match=r"'mien models import nothing DIR'"):
        store.fingerprint("nothing")
    with pytest.raises(ModelError, match="There is no model nothing"):
        store.describe("nothing")


@pytest.mark.parametrize("model_id", ["../escape", "a/b", "", ".hidden", "UPPER", "a b"])
def test_what_is_no_id(model_id: str, make_model) -> None:
    with pytest.raises(ModelError, match="is no model id"):
        store.resolve(model_id)
    with pytest.raises(ModelError, match="is no model id"):
        import_folder(model_id, make_model())


def test_the_fingerprint_is_of_what_changes_answers(make_model, tmp_path: Path) -> None:
    import_folder("one", make_model("a"))
    import_folder("two", make_model("b", README__md="other words", card__json='{"title": "Two"}'))
    import_folder("three", make_model("c", value=1.5))
    config = make_model("d")
    (config / "config.json").write_text(json.dumps({"hidden": 5}))
    import_folder("four", config)
    one, two, three, four = map(store.fingerprint, ("one", "two", "three", "four"))
    assert one == two
    assert len({one, three, four}) == 3
    assert len(one) == 64


def test_a_catalogued_model_is_described_before_it_is_here() -> None:
    about = store.describe("whisper-tiny")
    assert about["installed"] is False
    assert about["catalogue"]["repo"] == "openai/whisper-tiny"
    assert len(about["catalogue"]["revision"]) == 40
    json.dumps(about)


def test_an_installed_one_too(make_model, mien_home: Path) -> None:
    import_folder("mine", make_model(card__json=json.dumps({"title": "Mine", "licence": "MIT", "task": "t"})))
    about = store.describe("mine")
    assert about["installed"] is True
    assert (about["title"], about["licence"], about["source"]) == ("Mine", "MIT", "import")
    assert about["path"] == str(mien_home / "models" / "mine")
    assert about["sha256"] == store.fingerprint("mine")
    json.dumps(about)


def test_damage_after_installation_is_seen(make_model) -> None:
    path = import_folder("mine", make_model()).path
    assert store.resolve("mine") == path
    data = bytearray((path / "model.safetensors").read_bytes())
    data[-1] ^= 1  # one bit of one weight
    (path / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match="remove it with 'mien models remove mine' and get it again"):
        store.resolve("mine")
    (path / "config.json").unlink()
    assert len(store.verify("mine")) == 2


def test_a_model_that_has_lost_its_weights_is_told_of_and_can_be_removed(make_model) -> None:
    folder = import_folder("mine", make_model()).path
    (folder / "model.safetensors").unlink()
    assert store.is_installed("mine")
    assert not store.is_whole("mine")
    assert [model.id for model in store.available()] == ["mine"]
    assert store.verify("mine") == ["model.safetensors is missing"]
    with pytest.raises(ModelError, match=r"is damaged \(model\.safetensors is missing\); remove it with"):
        store.resolve("mine")
    store.remove("mine")
    assert store.available() == []


def test_a_bundled_model_that_has_lost_its_weights_is_told_of(bundled: Path, make_model) -> None:
    theirs = _bundle(bundled, make_model(), "voice")
    (theirs / "model.safetensors").unlink()
    assert store.verify("voice") == ["model.safetensors is missing"]
    with pytest.raises(ModelError, match=r"model\.safetensors is missing\); install Mien again"):
        store.resolve("voice")


def test_remove(make_model) -> None:
    path = import_folder("mine", make_model()).path
    store.remove("mine")
    assert not path.exists()
    assert store.available() == []
    with pytest.raises(ModelError):
        store.remove("mine")


def test_listing_models_is_light() -> None:
    """No array library, no database, no network client for a list."""
    code = (
        "import sys; import mien.config, mien.models.catalogue; from mien.models import store;"
        "store.available();"
        "print([m for m in ('numpy','torch','sqlalchemy','pyarrow','huggingface_hub','safetensors','alembic')"
        " if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
