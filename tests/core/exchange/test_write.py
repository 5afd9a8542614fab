"""Where exports go and what happens when they cannot."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mien.errors import ExportError, ParameterError, PluginError, StorageError, UnknownPlugin
from mien.exchange.text import clock, safe_name, unique_stems
from mien.exchange.write import export
from mien.sdk import ExporterInfo
from mien.sdk.protocols import Analysis

Write = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("clip", "clip"),
        ("-rf", "rf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\nb\tc\r", "a b c"),
        ("naïve 你好 مرحبا", "naïve 你好 مرحبا"),
        ("con", "_con"),
        ("COM1.x", "_COM1.x"),
        ("..", "medium"),
        ("", "medium"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ('a:b*c?"<>|%d', "a_b_c______d"),
        ("bad\udcffbyte", "bad_byte"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_are_cut_between_letters() -> None:
    assert len(safe_name("é" * 300).encode()) <= 150
    assert set(safe_name("é" * 300)) == {"é"}


def test_media_of_one_stem_do_not_share_exports() -> None:
    paths = [Path("x/a.mp4"), Path("x/a.wav"), Path("y/a.mp4"), Path("b.mp4")]
    stems = unique_stems(paths)
    assert len({stem.casefold() for stem in stems.values()}) == 4
    assert stems[Path("b.mp4")] == "b"
    assert stems[Path("x/a.wav")] == "a-wav"


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00.0"), (59.96, "1:00.0"), (3661.25, "1:01:01.2")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_several_formats_at_once(analysis: Analysis, exporters: dict, tmp_path: Path) -> None:
    written = export(analysis, ["srt", "csv", "srt"], tmp_path / "a" / "b", exporters)
    folder = tmp_path / "a" / "b"
    assert written[0] == folder / "clip-mien.srt"
    assert written[1] == folder / "clip-mien-csv"
    assert all(path.exists() for path in written)
    assert {p.name for p in folder.iterdir()} == {"clip-mien.srt", "clip-mien-csv"}
    named = export(analysis, ["srt"], folder, exporters, stem="other/../name")
    assert named == [folder / "other_.._name-mien.srt"]


def test_an_export_replaces_its_own_files_only(analysis: Analysis, exporters: dict, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    side = folder / "clip.srt"
    side.write_text("by hand", encoding="utf-8")
    export(analysis, ["csv", "srt"], folder, exporters)
    (folder / "clip-mien-csv" / "notes.txt").write_text("mine", encoding="utf-8")
    fewer = replace(analysis, tracks={"speech.words": analysis.tracks["speech.words"]})
    export(fewer, ["csv", "srt"], folder, exporters)
    assert side.read_text(encoding="utf-8") == "by hand"
    left = {path.name for path in (folder / "clip-mien-csv").iterdir()}
    assert left == {"speech.words.csv", "README.txt", "provenance.json", "notes.txt"}


def test_unknown_exporter_says_what_there_is(analysis: Analysis, exporters: dict, tmp_path: Path) -> None:
    with pytest.raises(UnknownPlugin, match=r"'docx'.*csv, eaf, json"):
        export(analysis, ["csv", "docx"], tmp_path / "out", exporters)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [({"digit": 3}, "digits"), ({"digits": 99}, "csv.digits"), ({"digits": "x"}, "csv.digits")],
)
def test_wrong_parameters_are_refused_first(
    analysis: Analysis, exporters: dict, tmp_path: Path, given: dict, told: str
) -> None:
    with pytest.raises(ParameterError, match=told):
        export(analysis, ["srt", "csv"], tmp_path / "out", exporters, {"csv": given})
    assert not (tmp_path / "out").exists()


def test_video_needs_the_medium(analysis: Analysis, exporters: dict, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"not there any more.*clip\.mp4"):
        export(analysis, ["video"], tmp_path, exporters)


def test_a_file_where_the_folder_should_be(analysis: Analysis, exporters: dict, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match="folder"):
            export(analysis, ["srt"], folder, exporters)
    (tmp_path / "out" / "clip-mien.srt").mkdir(parents=True)
    with pytest.raises(ExportError, match=r"clip-mien\.srt"):
        export(analysis, ["srt"], tmp_path / "out", exporters)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["clip-mien.srt"]


class _Breaks:
    def export(self, analysis: Analysis, target: Path, params: object) -> list[Path]:
        target.write_text("half", encoding="utf-8")
        raise RuntimeError("no\ngood")


class _Strays:
    def export(self, analysis: Analysis, target: Path, params: object) -> list[Path]:
        target.write_text("x", encoding="utf-8")
        return [target.parent.parent / "stray.txt"]


class _Lazy:
    def export(self, analysis: Analysis, target: Path, params: object) -> list[Path]:
        return []


@pytest.mark.parametrize(
    ("factory", "error", "told"),
    [
        ("_Breaks", ExportError, "RuntimeError: no good"),
        ("_Strays", ExportError, "outside"),
        ("_Lazy", ExportError, "wrote nothing"),
        ("_Missing", PluginError, "does not load"),
    ],
)
def test_a_broken_exporter_leaves_nothing_and_stops_no_other(
    analysis: Analysis, exporters: dict, tmp_path: Path, factory: str, error: type[Exception], told: str
) -> None:
    info = ExporterInfo("odd", "Odd", "1", f"exchange_test_plugin:{factory}", suffix=".odd")
    sys.modules["exchange_test_plugin"] = sys.modules[__name__]
    try:
        with pytest.raises(error, match=told) as caught:
            export(analysis, ["odd", "srt"], tmp_path / "out", {**exporters, "odd": info})
    finally:
        del sys.modules["exchange_test_plugin"]
    assert "\n" not in str(caught.value)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["clip-mien.srt"]


_FULL = """
    import resource, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    import conftest
    from mien.errors import StorageError
    from mien.exchange import info
    from mien.exchange.write import export
    analysis = conftest.build(Path({medium!r}), 600.0)
    exporters = {{entry.id: entry for entry in info.ALL}}
    export(analysis, ["srt"], Path({out!r}), exporters)
    before = (Path({out!r}) / "clip-mien.srt").read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # no file may grow beyond 4 KiB
    for name in ("csv", "parquet", "json", "eaf", "textgrid", "report", "vtt", "srt"):
        try:
            export(analysis, [name], Path({out!r}), exporters)
        except StorageError as error:
            print(name, error)
    assert (Path({out!r}) / "clip-mien.srt").read_bytes() == before
"""


def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = textwrap.dedent(
        _FULL.format(tests=str(Path(__file__).parent), medium=str(tmp_path / "clip.mp4"), out=str(out))
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) == 8
    assert all("The disk is full; free some space" in line for line in told)
    assert [path.name for path in out.iterdir()] == ["clip-mien.srt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(analysis: Analysis, exporters: dict, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with pytest.raises(StorageError, match="may not be written"):
        export(analysis, ["srt"], locked, exporters)


def test_descriptors_list_without_loading_formats() -> None:
    heavy = ("pandas", "pyarrow", "pympi", "pysubs2", "cv2", "av", "torch", "numpy")
    code = f"import sys, mien.exchange.info as i; print(len(i.ALL), [m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "9 []"
