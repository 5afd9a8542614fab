"""Nothing is written outside the folder that was named: not by `../`, absolute names, NUL, links or names in files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mien.batch.find import MARKER, Found
from mien.batch.places import OutFolder, Places
from mien.cli.plugins_new import new_plugin
from mien.errors import CorpusError, ExportError, MienError, StorageError, UsageError
from mien.exchange import info
from mien.exchange.text import safe_name
from mien.exchange.write import export
from mien.training.manifest_file import read_manifest
from mien.truth.report import write_all

NAMES = (
    "../evil", "../../evil", "/evil", "//evil/share", "..", ".", "a/../../evil", "C:\\evil", "..\\evil", "\\\\evil\\share",
    "evil\0.mp4", "evil\n", "~/evil", "~root", "$HOME/evil", "`evil`", "-rf", "--help", "con", "aux.txt", "evil:stream",
    "\u202eevil", "．．／evil", "%2e%2e%2fevil", "x" * 300, "é" * 200, "", " ", "\ud800", "\udcff",
)  # fmt: skip
EVERY = {entry.id: entry for entry in info.ALL}
FORMATS = [name for name, entry in EVERY.items() if not entry.needs_medium]


def _tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_of_exports(poisoned: Callable[..., Any], tmp_path: Path, name: str) -> None:
    """Of media, stems and tracks: every file lies in the folder, directly or in that of its format."""
    analysis = poisoned(name)
    analysis = replace(analysis, media=replace(analysis.media, path=Path("/media") / (name.replace("\0", "") or "x")))
    out = tmp_path / "deep" / "out"
    for stem in ("", name):
        written = export(analysis, FORMATS, out, EVERY, {"report": {"thumbnails": 0}}, stem=stem)
        assert len(written) == len(FORMATS)
        for path in written:
            assert path.parent == out
            assert path.resolve().is_relative_to(out.resolve())
    here = {one for one in _tree(tmp_path) if one.split("/")[0] != "deep"}
    assert here <= {"mien-home", "mien-home/cache", "mien-home/cache/exports"}, (
        "notes of what was being written are gone"
    )
    assert all(len(one.split("/")) <= 4 for one in _tree(tmp_path))


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_places_of_a_scan(tmp_path: Path, name: str) -> None:
    plain = name.replace("\0", "")
    inside = [part for part in plain.split("/") if part not in ("", ".", "..")] or ["x"]
    root = Path("/media", *inside)
    places = Places(tmp_path / "out")
    found = Found(root.joinpath(*inside, "clip.mp4"), root, 1, "s")
    places.add([found])
    folder, stem = places.of(found)
    assert os.path.normpath(folder) == str(folder)
    assert folder.is_relative_to(tmp_path / "out")
    assert safe_name(stem) == stem


@pytest.mark.parametrize("name", [n for n in NAMES if n != ""], ids=str.__repr__)
def test_names_of_plugins(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if name in ("con",):
        return
    with pytest.raises(UsageError) as caught:
        new_plugin(name, "analyzer", None)
    assert "\n" not in str(caught.value)
    assert _tree(tmp_path) <= {"mien-home"}


def test_a_link_where_the_export_belongs_is_not_followed(poisoned: Callable[..., Any], tmp_path: Path) -> None:
    """As somebody might plant it in a folder that is shared, or that came in an archive."""
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    out.mkdir()
    (outside / "kept.txt").write_text("kept")
    analysis = poisoned("clip")
    (out / "clip-mien-csv").symlink_to(outside, target_is_directory=True)
    with pytest.raises(ExportError, match="There is a link where the folder belongs"):
        export(analysis, ["csv"], out, EVERY)
    (out / "clip-mien.html").symlink_to(outside / "kept.txt")
    (out / "clip-mien.json").symlink_to(outside / "new.txt")
    export(analysis, ["report", "json"], out, EVERY, {"report": {"thumbnails": 0}})  # the links themselves are replaced
    assert _tree(outside) == {"kept.txt"}
    assert (outside / "kept.txt").read_text() == "kept"
    assert not (out / "clip-mien.html").is_symlink()


def test_links_in_the_folder_of_a_scan_or_a_check_are_not_followed(tmp_path: Path) -> None:
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    out.mkdir()
    (out / MARKER).symlink_to(outside / "made.txt")
    with pytest.raises(StorageError, match="The folder cannot be written"):
        OutFolder(out)
    root = tmp_path / "media"
    found = Found(root / "sub" / "deep" / "a.mp4", root, 1, "s")
    places = Places(out)
    places.add([found])
    places.check(found)
    (out / "sub").symlink_to(outside, target_is_directory=True)
    with pytest.raises(ExportError, match="There is a link where the folder belongs"):
        places.check(found)
    names = ("check.csv", "check.json", "check-samples.csv")
    (outside / "kept.txt").write_text("kept")
    for name in names:
        (out / name).symlink_to(outside / "kept.txt")
    write_all([], out)  # the links themselves are replaced
    assert not any((out / name).is_symlink() for name in names)
    assert _tree(outside) == {"kept.txt"}
    assert (outside / "kept.txt").read_text() == "kept"


def test_an_exporter_writes_into_its_own_folder_only(
    poisoned: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link inside of an earlier export's folder, where a plugin's exporter has a folder of its own."""

    class Deep:
        def export(self, analysis: Any, target: Path, params: Any) -> list[Path]:
            (target / "parts").mkdir()
            (target / "parts" / "a.txt").write_text("new")
            return [target / "parts" / "a.txt"]

    monkeypatch.setattr("mien.exchange.write._load", lambda _: Deep())
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    (out / "clip-mien-csv").mkdir(parents=True)
    (out / "clip-mien-csv" / "parts").symlink_to(outside, target_is_directory=True)
    with pytest.raises(ExportError, match="There is a link"):
        export(poisoned("clip"), ["csv"], out, EVERY)
    assert _tree(outside) == set()


def test_what_an_export_says_it_wrote_is_not_believed(poisoned: Callable[..., Any], tmp_path: Path) -> None:
    """The list in an earlier export tells which files are stale: it must not lead to others."""
    out = tmp_path / "out"
    export(poisoned("clip"), ["csv"], out, EVERY)
    folder = out / "clip-mien-csv"
    (out / "precious").write_text("kept")
    for files in (
        ["../precious", str(out / "precious"), "..", ".", "", "a\0b", "a/../../precious", 5, None, ["x"]],
        "precious", {"../precious": 1}, None,
    ):  # fmt: skip
        (folder / "provenance.json").write_text(json.dumps({"files": files}))
        export(poisoned("clip"), ["csv"], out, EVERY)
        assert (out / "precious").read_text() == "kept"
    (folder / "provenance.json").write_text("[" * 100_000)
    export(poisoned("clip"), ["csv"], out, EVERY)


@pytest.mark.parametrize("what", ["a device", "a pipe", "eight gigabytes"])
def test_a_list_of_an_earlier_export_without_end_is_not_read(
    poisoned: Callable[..., Any], tmp_path: Path, what: str
) -> None:
    """Planted like the links above: it would fill the memory, or be waited for for ever."""
    out = tmp_path / "out"
    place = out / "clip-mien-csv" / "provenance.json"
    export(poisoned("clip"), ["csv"], out, EVERY)
    place.unlink()
    if what == "a device":
        place.symlink_to("/dev/zero")
    elif what == "a pipe":
        os.mkfifo(place)
    else:
        with place.open("wb") as file:
            file.truncate(8 << 30)  # a hole: it takes no place on the disk
    export(poisoned("clip"), ["csv"], out, EVERY)
    assert json.loads(place.read_text())["files"]
    assert not place.is_symlink()


@pytest.mark.parametrize(
    "path",
    ["../a.wav", "/etc/passwd", "a/../../b.wav", "~/a.wav", "C:\\a.wav", "..\\a.wav", "http://127.0.0.1/a.wav", "a\0.wav",
     "//host/a.wav", "link.wav", "folder/secret", "x" * 2000, "a\nb.wav", "=cmd.wav"],
)  # fmt: skip
def test_manifests_lead_nowhere_else(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    data = tmp_path / "data"
    data.mkdir()
    (data / "link.wav").symlink_to(tmp_path / "secret")
    (data / "folder").symlink_to(tmp_path, target_is_directory=True)
    (data / "manifest.csv").write_text(f'path,valence[-1..1]\n"{path}",0\n')
    with pytest.raises(CorpusError) as caught:
        read_manifest(data)
    assert "\n" not in str(caught.value)
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize("name", [n for n in NAMES if n.strip()], ids=str.__repr__)
def test_fields_of_a_recipe_name_plugins_and_nothing_else(tmp_path: Path, name: str) -> None:
    from mien.engine.choice import load_recipe
    from mien.engine.registry import Registry

    registry = Registry.load()
    path = tmp_path / "recipe.json"
    for recipe in (
        {"mien-recipe": 1, "plugins": {name: {"version": "1", "params": {}}}, "fusion": "late"},
        {"mien-recipe": 1, "plugins": {}, "fusion": name},
    ):
        path.write_text(json.dumps(recipe))
        with pytest.raises(MienError) as caught:
            load_recipe(path, registry)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 1000
    assert _tree(tmp_path) <= {"recipe.json", "mien-home"}
