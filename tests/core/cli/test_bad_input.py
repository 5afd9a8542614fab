"""Media that are none, damaged, empty or odd: each has its sentence and code, harms no other, and the library stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

START = [sys.executable, "-c", "from mien.cli.app import main; main()"]
ENGINE = Path(__file__).resolve().parent.parent / "engine"
LEVEL = ("--plugins", "tiny.level", "--fusion", "none", "--device", "cpu")
TINY = {"PYTHONPATH": str(ENGINE), "MIEN_PLUGINS": "tiny_plugins", "MIEN_ISOLATE": "0"}


DEMO = Path(__file__).resolve().parents[3] / "resources" / "demo" / "demo.mp4"
FORMATS = ["csv", "parquet", "json", "srt", "vtt", "eaf", "textgrid", "report", "video"]
READINGS = (
    *("speech.voice", "speech.words", "speech.transcript", "text.offence", "text.hate", "text.words"),
    *("text.embedding", "emotion.attributes", "emotion.embedding", "face.boxes", "face.expression", "face.affect"),
    *("face.embedding", "conflict.intensity", "fusion.score", "fusion.weights"),
)


def encrypted(source: Path, target: Path) -> Path:
    """The same streams under a key that nobody is told."""
    from mien.media.ffmpeg import ffmpeg_path

    how = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb"]
    how += ["-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"]
    subprocess.run([str(ffmpeg_path()), "-v", "error", "-i", str(source), "-c", "copy", *how, str(target)], check=True)
    return target


def unreadable(path: Path) -> list[str]:
    """Shut a file; what a command must begin with so that it may not be read (root may read anything otherwise)."""
    path.chmod(0)
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may read anything, and setpriv is not here")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def empty_wav(path: Path) -> Path:
    """A header and not one sample."""
    form = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    path.write_bytes(b"RIFF" + struct.pack("<I", 36) + form + b"data" + struct.pack("<I", 0))
    return path


def test_each_bad_medium_has_its_sentence_and_stops_no_other(
    here: Callable[..., Any], clip: Path, tmp_path: Path, make_clip: Any
) -> None:
    assert here("analyze", clip, *LEVEL, "--quiet") == (0, "", "")
    before = here("library", "show", clip, "--json")
    listed = json.loads(here("library", "list", "--json")[1])
    whole = make_clip(tmp_path / "whole.mp4", 2.0)
    data = whole.read_bytes()
    bad = {
        "missing.mp4": "There is no such file",
        "empty.mp4": "The file is empty",
        "truncated.mp4": "index",
        "corrupt.mp4": "recognised",
        "text.mp4": "recognised",
        "zeros.mp4": "zeros",
        "locked.mp4": "encrypted",
        "shut.mp4": "permission",
        "nothing.wav": "Not one second",
        "folder of none": "This is a folder",
    }
    (tmp_path / "folder of none").mkdir()
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "truncated.mp4").write_bytes(data[: len(data) // 2])
    (tmp_path / "corrupt.mp4").write_bytes(np.random.default_rng(7).bytes(50_000))
    (tmp_path / "text.mp4").write_text("this is no medium\n" * 100)
    (tmp_path / "zeros.mp4").write_bytes(bytes(50_000))
    encrypted(whole, tmp_path / "locked.mp4")
    empty_wav(tmp_path / "nothing.wav")
    shutil.copy(whole, tmp_path / "shut.mp4")
    first = unreadable(tmp_path / "shut.mp4")
    cut = make_clip(tmp_path / "cut.mkv", 4.0)
    cut.write_bytes(cut.read_bytes()[: 2 * cut.stat().st_size // 3])
    done = subprocess.run(
        [*first, *START, "analyze", *bad, "cut.mkv", "whole.mp4", *LEVEL, "--json"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **TINY}, timeout=300, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all("event" in line for line in lines), done.stderr
    errors = {line["path"]: line for line in lines if line["event"] == "error"}
    assert set(errors) == set(bad)
    for name, says in bad.items():
        assert says in errors[name]["error"], name
        assert "\n" not in errors[name]["error"], name
        assert name in errors[name]["error"], name
        assert errors[name]["exit_code"] == 3, name
    assert sorted(done.stderr.splitlines()) == sorted(f"mien: {line['error']}" for line in errors.values())
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 1  # of several media some failed
    # What could be read of the damaged one is kept and says so; the whole one is whole.
    results = {line["path"]: line for line in lines if line["event"] == "result"}
    assert set(results) == {"cut.mkv", "whole.mp4"}
    assert "breaks off" in results["cut.mkv"]["partial"]
    assert results["cut.mkv"]["tracks"]["tiny.level"]["rows"] >= 4
    assert results["whole.mp4"]["partial"] == ""
    (run,) = json.loads(here("library", "show", cut, "--json")[1])["runs"]
    assert run["partial"] == results["cut.mkv"]["partial"]
    # The library has those two more, and what was there is as it was.
    now = json.loads(here("library", "list", "--json")[1])
    assert len(now) == len(listed) + 2
    assert [medium for medium in now if medium in listed] == listed
    assert here("library", "show", clip, "--json") == before
    # Alone, a bad medium's code is the command's.
    code, out, err = here("analyze", "locked.mp4", *LEVEL, "--quiet")
    assert (code, out, err.count("\n")) == (3, "", 1)
    # A scan does the same.
    done = subprocess.run(
        [*first, *START, "scan", "shut.mp4", "whole.mp4", *LEVEL, "-j", "1", "--json"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **TINY}, timeout=300, check=False,
    )  # fmt: skip
    scanned = [line for line in map(json.loads, done.stdout.splitlines()) if line["event"] == "result"]
    assert {Path(line["path"]).name: line["state"] for line in scanned} == {"shut.mp4": "failed", "whole.mp4": "done"}
    assert done.returncode == 1


def test_what_ships_reads_the_demo_and_makes_nothing_up_of_silent_black_and_shortest_media(
    here: Callable[..., Any], tmp_path: Path, make_clip: Any
) -> None:
    """The default analysis, as an install that has never seen a network does it, and every export of it."""
    from mien.media.ffmpeg import ffmpeg_path

    black = ["-f", "lavfi", "-i", "color=black:s=64x64:r=10", "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono"]
    call = [str(ffmpeg_path()), "-v", "error", *black, "-t", "2", "-pix_fmt", "yuv420p", "black and silent.mp4"]
    subprocess.run(call, cwd=tmp_path, check=True)
    make_clip(tmp_path / "one frame.mp4", 0.1, audio=False)
    make_clip(tmp_path / "shortest.m4a", 0.05, video=False)
    odd = ["black and silent.mp4", "one frame.mp4", "shortest.m4a"]
    code, out, err = here("analyze", *odd, DEMO, "--device", "cpu", "--json")
    assert (code, err) == (0, "")
    results = {line["path"]: line for line in map(json.loads, out.splitlines()) if line["event"] == "result"}
    assert set(results) == {*odd, str(DEMO)}
    for name, result in results.items():
        assert (result["failed"], result["partial"]) == ({}, ""), name
    # Nobody speaks, nobody is seen: there is nothing that a fusion could weigh.
    for name in odd:
        rows = {track: about["rows"] for track, about in results[name]["tracks"].items()}
        assert not any(rows.get(track) for track in ("fusion.score", "speech.transcript", "face.boxes")), (name, rows)
    read = results[str(DEMO)]["tracks"]
    assert {name for name in READINGS if read.get(name, {"rows": 0})["rows"] == 0} == set()
    assert "fusion.verdicts" in read
    for name, formats in ((odd[0], FORMATS), (odd[1], ["video"]), (odd[2], FORMATS[:-1]), (DEMO, FORMATS)):
        code, out, err = here("export", name, *(f"--format={f}" for f in formats), "--out", "out", "--json")
        assert (code, err) == (0, ""), name
        paths = json.loads(out)["paths"]
        assert len(paths) == len(formats)
        assert all(Path(path).exists() for path in paths)
    told = json.loads((tmp_path / "out" / "demo-mien.json").read_text(encoding="utf-8"))
    for track in told["tracks"]:
        if track["name"].startswith("fusion."):
            assert all(cell is not None for row in track["rows"] for cell in row[1:] if cell != ""), track["name"]
    code, _, err = here("export", odd[2], "--format", "video", "--out", "out")
    assert (code, err.count("\n")) == (7, 1)
    assert "There is no video to draw on" in err


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_a_disk_that_fills_up_is_a_sentence_and_leaves_the_library_as_it_was(
    here: Callable[..., Any], clip: Path, tmp_path: Path, make_clip: Any, mien_home: Path, known: bool
) -> None:
    """Also of a medium whose first plugin has ended when the disk fills nothing stays, nor of a known one read anew."""
    from mien.library import Library

    other = make_clip(tmp_path / "other.m4a", 3.0, video=False)
    for path in (clip, other) if known else (clip,):
        assert here("analyze", path, *LEVEL, "--quiet") == (0, "", "")

    def state() -> Any:
        """All that the library tells of anything, also of runs that came to nothing."""
        with Library(str(mien_home / "library.db")) as library:
            runs = [library.runs(medium, current=False) for medium in library.media()]
            tracks = [{n: len(t) for n, t in library.tracks(each).items()} for each in runs]
            assert library.verify() == []
        return runs, tracks, [here("library", *words, "--json") for words in (("list",), ("show", clip))]

    before = state()
    # No file may grow beyond that (KiB): to a program it is as if the disk were full there.
    limit = (mien_home / "library.db").stat().st_size // 1024 + 256
    limited = ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "bash", *START]
    done = subprocess.run(
        [*limited, "analyze", str(other), "--plugins", "tiny.floods", *LEVEL[2:]],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **TINY}, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    assert done.stderr.startswith("mien: ")
    assert done.stderr.count("\n") == 1
    assert "free space" in done.stderr
    assert state() == before


def living(session: int) -> list[str]:
    """Processes of that session that have not ended."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = place.read_text().rpartition(")")
        except OSError:
            continue  # it has gone meanwhile
        state, _, _, its = rest.split()[:4]
        if int(its) == session and state != "Z":
            found.append(name)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_ctrl_c_ends_an_analysis_within_two_seconds(clip: Path, tmp_path: Path) -> None:
    """While the worker still loads; tests/core/engine/test_worker.py has the later moments."""
    options = ("--plugins", "tiny.sleeps", "--fusion", "none", "--device", "cpu", "--json")
    for _ in range(3):  # a machine that others keep busy may make a single try late
        process = subprocess.Popen(
            [*START, "analyze", str(clip), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path, env={**os.environ, **TINY}, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "begin":
                break
        time.sleep(0.2)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        taken = time.monotonic() - begun
        assert process.returncode == 130, err
        assert err == "mien: The analysis was cancelled.\n"
        assert json.loads(out.splitlines()[-1])["event"] == "end"
        while living(process.pid):  # nothing of it is left
            assert time.monotonic() - begun < 15
            time.sleep(0.05)
        if taken < 2:
            break
    assert taken < 2
