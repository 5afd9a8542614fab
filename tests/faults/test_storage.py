"""A disk that fills and a library that may no longer be written, in the middle of a scan."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.faults


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted only by root, and not in every container")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_in_mid_scan(start: Any, many: Any, tools: Any, tmp_path: Path) -> None:
    folder = many(24)
    disk = tmp_path / "disk"
    with _small_disk(disk, "1m"):
        options = ("scan", folder, *tools.LIGHT, "-j", 1, "--library", disk / "library.db", "--out", disk / "out")
        first = start(*options, environ={"MIEN_HOME": str(tmp_path / "home")})
        code, err = first.end()
        assert code == 6, err
        assert "The disk is full" in err
        results = [line["path"] for line in first.of("result") if line["state"] == "done"]
        print(f"full after {len(results)} of 24 files: {err.strip().splitlines()[-1]}")
        assert 0 < len(results) < 23
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        tools.check_file(disk / "library.db")
        kept = tools.contents(disk / "library.db")
        assert len(kept) >= len(set(results)) - 1  # one is a copy of another
        second = start(*options, environ={"MIEN_HOME": str(tmp_path / "home")})
        assert second.end()[0] == 1  # one is no medium
        begun = {line["path"] for line in second.of("begin")}
        assert not begun & set(results)
        tools.check_file(disk / "library.db")
        after = tools.contents(disk / "library.db")
        assert all(after[medium][key] == tracks for medium, runs in kept.items() for key, tracks in runs.items())
    third = start("scan", folder, *tools.LIGHT, "-j", 1, "--out", "out", environ={"MIEN_HOME": str(tmp_path / "other")})
    assert third.end()[0] == 1
    assert tools.contents(tmp_path / "other" / "library.db") == after


def test_a_library_that_may_not_be_written_any_more(start: Any, many: Any, tools: Any, tmp_path: Path) -> None:
    folder = many(24)
    # Root may write anything, unless it lays that right down.
    humble = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write anything, and setpriv is not here")
    home = tmp_path
    (home / "library").mkdir()
    library = home / "library" / "library.db"
    options = ("scan", folder, *tools.LIGHT, "-j", 1, "--library", library, "--out", home / "out")
    first = start(*options, before=humble if os.geteuid() == 0 else ())
    while not [line for line in first.of("result") if line["state"] == "done"]:
        assert first.read(1), first.end()
    for path in (home / "library").rglob("*"):
        path.chmod(0o444 if path.is_file() else 0o555)
    (home / "library").chmod(0o555)
    code, err = first.end()
    print(f"exit code {code}: {err.strip().splitlines()[-1]}")
    assert code == 6, err
    assert "may not be" in err or "cannot be" in err
    done = {line["path"] for line in first.of("result") if line["state"] == "done"}
    (home / "library").chmod(0o777)
    for path in (home / "library").rglob("*"):
        path.chmod(0o666 if path.is_file() else 0o777)
    tools.check_file(library)
    second = start(*options, before=humble if os.geteuid() == 0 else ())
    code, err = second.end()
    assert code == 1, err
    assert not {line["path"] for line in second.of("begin")} & done
    assert len(second.of("result")) == 24
    tools.check_file(library)
