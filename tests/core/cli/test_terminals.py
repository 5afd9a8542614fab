"""Where `mien` is run: homes that cannot be written, pipes, full disks, terminals of other encodings, odd names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

START = [sys.executable, "-c", "from mien.cli.app import main; main()"]
LONG = "a" * 300


def test_a_home_that_cannot_be_written_is_a_sentence(mien: Any, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "home")
    done = mien("analyze", clip, MIEN_HOME=nowhere)
    assert done.code == 6
    assert done.err.count("\n") == 1
    assert mien("probe", clip, MIEN_HOME=nowhere).code == 0


def test_logs_that_cannot_be_written_stop_no_analysis(mien: Any, clip: Path, tmp_path: Path, mien_home: Path) -> None:
    mien_home.mkdir()
    (mien_home / "log").touch()
    done = mien("analyze", clip, "--plugins", "tiny.level", "--fusion", "none", "--device", "cpu", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("command", ["probe", "desktop"])
def test_a_name_that_is_too_long_is_no_file(mien: Any, command: str) -> None:
    done = mien(command, LONG)
    assert done.code == 3
    assert "There is no such file" in done.err


def test_a_folder_inside_that_may_not_be_read_is_told(clip: Path, tmp_path: Path) -> None:
    shut = tmp_path / "media" / "shut"
    shut.mkdir(parents=True)
    clip.rename(tmp_path / "media" / clip.name)
    humble: list[str] = []
    if os.geteuid() == 0:  # root may read anything, unless it lays that right down
        if shutil.which("setpriv") is None:
            pytest.skip("root may read anything, and setpriv is not here")
        humble = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        os.chown(shut, 65534, -1)
    shut.chmod(0o700 if humble else 0)
    command = [*humble, *START, "probe", "--json", str(tmp_path / "media")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    shut.chmod(0o755)
    assert done.returncode == 1
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["path"].endswith(clip.name)
    assert "may not be read" in second["error"]
    assert str(shut) in done.stderr


def test_what_the_system_refuses_elsewhere_is_a_sentence(mien: Any, clip: Path, mien_home: Path) -> None:
    done = mien("analyze", clip, "--out", LONG, "--json")
    assert done.code == 6
    assert done.lines == [{"error": done.err.strip().removeprefix("mien: "), "exit_code": 6}]
    assert "File name too long" in done.err
    assert "OSError" in (mien_home / "log" / "mien.log").read_text()


def test_json_is_json_whatever_a_file_is_called_and_the_output_encoded(clip: Path, tmp_path: Path) -> None:
    odd = os.path.join(os.fsencode(tmp_path), b"caf\xe9 \xe8\xaa\x9e.mp4")
    try:
        os.rename(clip, odd)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    for encoding in ("utf-8", "latin-1"):
        environ = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([*START, "probe", "--json", odd], capture_output=True, env=environ, check=True)
        assert os.fsencode(json.loads(done.stdout.decode(encoding))["path"]) == odd
        assert subprocess.run([*START, "probe", odd], capture_output=True, env=environ, check=True).stderr == b""


def test_signs_that_a_terminal_lacks_are_no_error() -> None:
    environ = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([*START, "plugins", "face.affect"], capture_output=True, env=environ, check=True)
    assert "angry (0 ? 1)" in done.stdout.decode("latin-1")


def test_a_reader_that_has_gone_is_no_failure() -> None:
    for arguments in (("models", "list"), ("--help",)):
        with subprocess.Popen([*START, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.close()
            assert process.stderr is not None
            assert process.stderr.read() == b""
        assert process.returncode == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_a_sentence() -> None:
    for arguments in (("plugins",), ("plugins", "--json")):
        with open("/dev/full", "w") as full:
            done = subprocess.run([*START, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 6
        assert done.stderr.count("\n") == 1
        assert "No space left on device" in done.stderr


def test_a_bar_without_a_terminal_says_nothing(mien: Any) -> None:
    done = mien("models", "pull", "no-such-model")
    assert (done.code, done.out) == (5, "")


def test_nothing_in_a_file_speaks_to_the_terminal(mien: Any, clip: Path, tmp_path: Path) -> None:
    red = "\x1b[31m"
    odd = clip.rename(tmp_path / f"{red}clip.mp4")
    odd.with_suffix(".srt").write_text(f"1\n00:00:00,100 --> 00:00:01,900\nhello {red}world\x07\n")
    told = [mien("analyze", odd, "--plugins", "speech.transcript", "--fusion", "none", "--device", "cpu")]
    told += [mien("library", "show", odd), mien("library", "search", "hello"), mien("probe", odd)]
    for done in told:
        assert done.code == 0, done.err
        assert not set("\x1b\x07") & set(done.out + done.err), done.out
    assert "hello" in told[2].out
