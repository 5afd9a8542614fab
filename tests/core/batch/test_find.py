"""Walking through folders: what counts, what is left out, and what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mien.batch.find import MARKER, Wanted, check_globs, find, look_again, matcher
from mien.errors import MediaMissing, UsageError


def _make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def _names(folder: Path, *paths: Path, **wanted: object) -> list[str]:
    found = find(paths or (folder,), Wanted(**wanted))  # type: ignore[arg-type]
    return [file.path.relative_to(folder).as_posix() for file in found.files]


def test_media_at_all_levels_in_order_and_nothing_else(tmp_path: Path) -> None:
    _make(
        tmp_path,
        "b.mp4",
        "a/z.WAV",
        "a/deep/er/x.mkv",
        "notes.txt",
        "a/x.srt",
        ".hidden/x.mp4",
        "a/.x.mp4",
        "new\nline.mp3",
    )
    assert _names(tmp_path) == ["b.mp4", "new\nline.mp3", "a/z.WAV", "a/deep/er/x.mkv"]
    assert all(file.root == tmp_path for file in find([tmp_path]).files)


def test_globs_include_and_exclude(tmp_path: Path) -> None:
    _make(tmp_path, "a.mp4", "b.wav", "raw/c.mp4", "2024/05/raw/d.mp4", "2024/05/e.MP4", "odd.dat", "odd.srt")
    assert _names(tmp_path, include=["*.mp4"]) == ["a.mp4", "2024/05/e.MP4", "2024/05/raw/d.mp4", "raw/c.mp4"]
    assert _names(tmp_path, exclude=["raw"]) == ["a.mp4", "b.wav", "2024/05/e.MP4"]
    assert _names(tmp_path, include=["2024/**/*.mp4"]) == ["2024/05/e.MP4", "2024/05/raw/d.mp4"]
    assert _names(tmp_path, exclude=["2024/**/raw"]) == ["a.mp4", "b.wav", "2024/05/e.MP4", "raw/c.mp4"]
    # What is included may have any suffix; subtitles belong to their media all the same.
    assert _names(tmp_path, include=["odd.*"]) == ["odd.dat"]


def test_a_glob_that_stands_for_nothing_is_refused_in_a_sentence(tmp_path: Path, command: Any) -> None:
    with pytest.raises(UsageError, match=r"\[z-a\]"):
        check_globs(["*.mp4", "[z-a].mp4"])
    said = command("scan", tmp_path, "--exclude", "x[9-0]", "--dry-run")
    assert said.code == UsageError.exit_code
    assert "x[9-0]" in said.err


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*.mp4", "a/b.mp4", True),
        ("a/*.mp4", "a/b/c.mp4", False),
        ("a/**/c.mp4", "a/c.mp4", True),
        ("/a/*.mp4/", "a/x.mp4", True),
        ("[ab]?.wav", "b1.wav", True),
        ("[!ab]?.wav", "b1.wav", False),
        ("[a", "[a", True),
        ("a.b", "axb", False),
        ("a/[!x]b", "a/cb", True),
        ("**", "a/b", True),
        ("[a-c].wav", "B.wav", True),
        ("(x)+.wav", "(x)+.wav", True),
    ],
)
def test_globs(glob: str, path: str, fits: bool) -> None:
    assert matcher([glob])(path) is fits


def test_each_file_once_however_often_it_is_named(tmp_path: Path) -> None:
    _make(tmp_path, "a/x.mp4", "a/b/y.mp4")
    a = tmp_path / "a"
    assert _names(tmp_path, a, tmp_path / "a" / "b", tmp_path, a / "x.mp4", Path(f"{a}/../a")) == [
        "a/x.mp4",
        "a/b/y.mp4",
    ]


def test_links_to_folders_are_followed_only_on_request_and_never_in_circles(tmp_path: Path) -> None:
    _make(tmp_path, "in/x.mp4", "elsewhere/y.mp4")
    (tmp_path / "in" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "there").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "link.mp4").symlink_to(tmp_path / "elsewhere" / "y.mp4")
    (tmp_path / "in" / "self.mp4").symlink_to("self.mp4")
    tree = find([tmp_path / "in"])
    # A link to a file is a file; one that leads nowhere is looked into, so that its reason is told.
    assert [f.path.name for f in tree.files] == ["link.mp4", "self.mp4", "x.mp4"]
    assert [p.name for p in tree.links] == ["there", "up"]
    followed = find([tmp_path / "in"], Wanted(follow=True))
    assert [f.inside.as_posix() for f in followed.files] == ["link.mp4", "self.mp4", "x.mp4", "there/y.mp4"]


def test_what_is_not_there_and_what_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(MediaMissing, match="no such file or folder"):
        find([tmp_path / "nowhere"])
    _make(tmp_path, "open/x.mp4", "shut/y.mp4")
    (tmp_path / "shut").chmod(0)
    try:
        if os.access(tmp_path / "shut", os.R_OK):
            pytest.skip("this user may read everything")
        tree = find([tmp_path])
    finally:
        (tmp_path / "shut").chmod(0o755)
    assert [f.path.name for f in tree.files] == ["x.mp4"]
    assert "permission denied" in tree.unread[0].reason


def test_exports_are_no_media(tmp_path: Path) -> None:
    _make(tmp_path, "x.mp4", "x-mien.mp4", "out/sub/x-mien.mp4", "out/real.mp4", "out/x-mien-csv/x.wav")
    assert "x-mien.mp4" in _names(tmp_path)
    assert _names(tmp_path, out=tmp_path / "out") == ["x-mien.mp4", "x.mp4", "out/real.mp4"]
    (tmp_path / "out" / MARKER).touch()  # of an earlier scan
    assert _names(tmp_path) == ["x-mien.mp4", "x.mp4", "out/real.mp4"]
    assert _names(tmp_path, out=tmp_path) == ["x.mp4", "out/real.mp4"]
    assert _names(tmp_path, tmp_path / "out", out=tmp_path) == ["out/real.mp4"]


def test_a_signature_changes_with_the_file_and_its_subtitles(tmp_path: Path) -> None:
    _make(tmp_path, "clip.mp4", "clip.2.mp4", "other.srt")
    clip, other = (next(f for f in find([tmp_path]).files if f.path.name == n) for n in ("clip.mp4", "clip.2.mp4"))
    assert clip.side_cars == ""
    assert look_again(clip) == clip
    (tmp_path / "clip.en.srt").write_text("1")
    with_cues = look_again(clip)
    assert (with_cues.signature, with_cues.side_cars != "") == (clip.signature, True)
    assert with_cues == next(f for f in find([tmp_path]).files if f.path.name == "clip.mp4")
    assert look_again(other) == other
    clip.path.write_bytes(b"longer")
    assert look_again(clip).signature != clip.signature
    clip.path.unlink()
    assert (look_again(clip).signature, look_again(clip).size) == ("", -1)
