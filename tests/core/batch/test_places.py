"""Where exports go: each name once, inside the folder, whatever media are called."""

from __future__ import annotations

from pathlib import Path

from mien.batch.find import Found
from mien.batch.places import Places, sweep, usual_out


def _found(root: Path, *names: str) -> list[Found]:
    return [Found(root / name, root, 1, "s") for name in names]


def _stems(places: Places, files: list[Found], out: Path) -> list[str]:
    return [(folder / stem).relative_to(out).as_posix() for folder, stem in map(places.of, files)]


def test_folders_as_those_of_the_media_and_no_name_twice(tmp_path: Path) -> None:
    places, out = Places(tmp_path), tmp_path
    names = (
        "a.mp4",
        "a.wav",
        "A.mkv",
        "sub/a.mp4",
        "su b/x.mp4",
        "su\nb/x.mp4",
        "s:b/x.mp4",
        "s?b/x.mp4",
        "...mp4/-.mp4",
    )
    files = _found(Path("/media"), *names)
    places.add(files)
    stems = _stems(places, files, out)
    assert stems[:4] == ["a-mp4", "a-wav", "A-mkv", "sub/a"]
    assert len({stem.casefold() for stem in stems}) == len(stems)
    assert stems[4].startswith("su b/x")
    assert not [part for stem in stems for part in Path(stem).parts if part.startswith(("-", ".")) or part == ".."]
    later = _found(Path("/media"), "a.mov", "b.mp4")
    places.add([*files, *later])
    assert _stems(places, files, out) == stems  # who has a place keeps it
    assert len({*stems, *_stems(places, later, out)}) == len(names) + 2


def test_several_folders_of_one_name(tmp_path: Path) -> None:
    places = Places(tmp_path)
    files = _found(Path("/one/talks"), "a.mp4") + _found(Path("/two/talks"), "a.mp4")
    places.add(files)
    assert _stems(places, files, tmp_path) == ["talks/a", "talks-2/a"]


def test_only_remains_are_swept_away(tmp_path: Path) -> None:
    for name in (".part-01234567-a-mien.json", ".part-nothexxx-a", "a-mien.json", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / ".part-89abcdef-a-mien-csv").mkdir()
    (tmp_path / ".part-89abcdef-a-mien-csv" / "x.csv").touch()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", ".part-nothexxx-a", "a-mien.json"]
    sweep(tmp_path / "nowhere")


def test_the_usual_folder_is_called_after_what_is_scanned(tmp_path: Path) -> None:
    assert usual_out([tmp_path / "my talks"]).name == "my talks-mien"
    assert usual_out([Path("/")]).name == "media-mien"
