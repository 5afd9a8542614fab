"""Settings: file, environment, defaults; refused with a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mien import config
from mien.errors import StorageError, UsageError


def test_defaults(mien_home: Path) -> None:
    settings = config.load(environ={})
    assert settings == config.Settings()
    assert settings.device == "auto"
    assert settings.place() == str(mien_home / "library.db")
    assert not mien_home.exists()  # reading makes nothing


def test_home_holds_everything(mien_home: Path) -> None:
    assert config.data_dir() == config.config_dir() == mien_home
    assert config.cache_dir().parent == config.log_dir().parent == mien_home


def test_without_home_the_platforms_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_HOME")
    for folder in (config.data_dir(), config.config_dir(), config.cache_dir(), config.log_dir()):
        assert folder.is_absolute()
        assert "mien" in str(folder)


def test_file_then_environment(mien_home: Path) -> None:
    mien_home.mkdir()
    (mien_home / "settings.toml").write_text('device = "cuda:1"\nthreads = 2\noffline = true\n')
    assert config.load(environ={}).device == "cuda:1"
    settings = config.load(environ={"MIEN_DEVICE": "cpu", "MIEN_OFFLINE": "0", "MIEN_THREADS": " ", "OTHER": "x"})
    assert (settings.device, settings.offline, settings.threads) == ("cpu", False, 2)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('device = "gpu"', r"device cannot be 'gpu' \(What computes"),
        ("threads = -1", "threads cannot be -1"),
        ('threads = "2"', "threads cannot be '2'"),
        ('precision = "float8"', "precision cannot be 'float8'"),
        ("devise = 1", "There is no setting 'devise'; known are device, precision"),
        ("device = ", "no valid TOML"),
        ("[device]\na = 1", "device cannot be"),
    ],
)
def test_a_wrong_file(mien_home: Path, text: str, what: str) -> None:
    mien_home.mkdir()
    path = mien_home / "settings.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=what) as raised:
        config.load(environ={})
    assert str(raised.value).endswith(str(path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"), [("MIEN_DEVICE", "tpu"), ("MIEN_THREADS", "many"), ("MIEN_OFFLINE", "perhaps")]
)
def test_a_wrong_variable(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"{name} cannot be '{value}'.*: the environment"):
        config.load(environ={name: value})


def test_binary_and_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no valid TOML"):
        config.load(tmp_path / "binary.toml", environ={})
    with pytest.raises(UsageError, match="cannot be read"):
        config.load(tmp_path, environ={})


def test_save_and_take_back(mien_home: Path) -> None:
    config.save({"device": "cpu", "library": 'C:\\data\\"x"\x7f ü.db', "threads": 3})
    settings = config.load(environ={})
    assert (settings.device, settings.library, settings.threads) == ("cpu", 'C:\\data\\"x"\x7f ü.db', 3)
    config.save({"device": None, "offline": True})
    settings = config.load(environ={})
    assert (settings.device, settings.offline, settings.threads) == ("auto", True, 3)
    assert [p.name for p in mien_home.iterdir()] == ["settings.toml"]


def test_saving_what_cannot_be_changes_nothing(mien_home: Path) -> None:
    config.save({"device": "cpu"})
    before = (mien_home / "settings.toml").read_text()
    for wrong in ({"device": "gpu"}, {"devise": "cpu"}, {"threads": "2"}):
        with pytest.raises(UsageError):
            config.save(wrong)
    assert (mien_home / "settings.toml").read_text() == before


def test_saving_where_nothing_may_be_written(mien_home: Path) -> None:
    mien_home.write_text("a file in the way")
    with pytest.raises(StorageError, match="could not be written"):
        config.save({"device": "cpu"})


def test_light() -> None:
    code = "import sys, mien.config; print([m for m in ('numpy', 'torch', 'sqlalchemy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_name_that_is_no_utf8_cannot_be_a_setting_and_leaves_nothing_behind(tmp_path: Path) -> None:
    place = tmp_path / "settings.toml"
    with pytest.raises(UsageError, match="no UTF-8"):
        config.save({"library": "/home/caf\udce9/library.db"}, place)
    assert list(tmp_path.iterdir()) == []
