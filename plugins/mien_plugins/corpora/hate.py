"""Clips sorted by whether hate is spoken in them, as HSDVD (Rana & Jha 2022), the clips of "Multi-modal Hate Speech Detection
using Machine Learning" (seed 003) and HateMM (Das et al. 2023) have them. HSDVD was never handed out; this is the plain form
of such data:

    hate/*.mp4   no_hate/*.mp4        one folder for each class (also hate_videos, non_hate_videos, nonhate, normal, …)
    hate/<clip>.txt                   what is said, beside the clip; or all of it in
    transcripts.csv                   file,text
    speakers.csv                      file,speaker – without it a video stands for its speaker
    splits.csv                        file,split – without it people (videos) are parted by the seed: 70, 10 and 20 %

or one table instead of the folders:

    labels.csv              file,label[,speaker][,split][,text] with label hate or no_hate (1 or 0)
    HateMM_annotation.csv   video_file_name,label with label Hate or Non Hate; clips in hate_videos and non_hate_videos

Clips of one video are named after it with their number behind the last `_` or `-` (`talk_03.mp4` is of
`talk`), unless one name stands before half of all numbers (`video_1`, `video_2` …) or says no more than the class
(`hate_video_1` …, as HateMM numbers its videos).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mien.errors import CorpusError, shown
from mien.training.manifest import Label, Manifest, Row
from mien.training.split import resplit
from mien_plugins.corpora.reading import NO_YES, beside, lines, made, records, table

TITLE = "clips with and without hate"
LABELS = (Label("hate", classes=NO_YES),)
SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".wav", ".mp3", ".flac")
SHARES = (0.7, 0.1, 0.2)
_YES = ("hate", "hateful", "hate_videos", "1", "yes", "true")
_NO = (
    *("no_hate", "nohate", "non_hate", "nonhate", "non_hate_videos", "nonhateful", "not_hate", "nothate"),
    *("normal", "neutral", "no", "none", "false", "0"),
)
_PART = re.compile(r"[_-]\d+$")


def read(folder: Path, *, seed: int = 0, media: str = "video") -> Manifest:
    """All clips.

    Raises:
        CorpusError: there is neither a table nor a folder for each class, or a row names a clip that is not there.
    """
    clips = {
        beside(folder, path): path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    }
    given = _from_table(folder, clips) or _from_folders(folder, clips)
    said, speakers, splits = (_column(folder, f"{n}s.csv", n, clips) for n in ("transcript", "speaker", "split"))
    groups = _videos([clips[name].stem for name in given])
    rows: list[Row] = []
    for name, row in given.items():
        text = row.text or said.get(name, "")
        beside_it = clips[name].with_suffix(".txt")
        if not text and beside_it.is_file():
            text = " ".join(" ".join(lines(beside_it, TITLE)).split())
        split = (row.split or splits.get(name, "")).strip().lower()
        split = {"dev": "valid", "val": "valid", "validation": "valid"}.get(split, split)
        if split not in ("", "train", "valid", "test"):
            raise CorpusError(f"The split of {shown(name)} should be train, valid or test, not “{shown(split[:40])}”")
        group = groups[clips[name].stem]
        rows.append(replace(row, text=text, speaker=row.speaker or speakers.get(name, ""), split=split, group=group))
    manifest = made(folder, TITLE, LABELS, rows)
    if any(row.split for row in rows):
        return manifest
    return resplit(manifest, seed, SHARES, "hate")


def _from_folders(folder: Path, clips: Mapping[str, Path]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    classes = set()
    for name in clips:
        label = next((one for part in name.split("/")[:-1] if (one := _label(part))), "")
        if label:
            classes.add(label)
            found[name] = Row(name, labels=(label,))
    if classes != {"yes", "no"}:
        raise CorpusError(
            f"There should be clips in two folders, hate and no_hate, or a labels.csv with file and label: {shown(folder)}"
        )
    return found


def _from_table(folder: Path, clips: Mapping[str, Path]) -> dict[str, Row]:
    for file, name in (("labels.csv", "file"), ("HateMM_annotation.csv", "video_file_name")):
        path = folder / file
        if not path.is_file():
            continue
        found: dict[str, Row] = {}
        for where, cells in records(path, TITLE, (name, "label")):
            label = _label(cells["label"])
            if not label:
                raise CorpusError(f"{where}: label should be hate or no_hate, not “{shown(cells['label'][:40])}”")
            clip = _clip(cells[name], clips)
            if not clip:
                raise CorpusError(f"{where} names a clip that is not there: {shown(cells[name][:80])}")
            if clip in found:
                raise CorpusError(f"{where} names a clip for the second time: {shown(cells[name][:80])}")
            speaker, split, text = (cells.get(key, "").strip() for key in ("speaker", "split", "text"))
            found[clip] = Row(clip, speaker=speaker, split=split, text=text, labels=(label,))
        return found
    return {}


def _column(folder: Path, file: str, name: str, clips: Mapping[str, Path]) -> dict[str, str]:
    """Clip → cell of an optional table."""
    path = folder / file
    if not path.is_file():
        return {}
    heading = next(table(path, TITLE), ("", [""]))[1]
    column = "text" if name == "transcript" and "text" in heading else name
    found = {}
    for where, cells in records(path, TITLE, ("file", column)):
        clip = _clip(cells["file"], clips)
        if not clip:
            raise CorpusError(f"{where} names a clip that is not there: {shown(cells['file'][:80])}")
        found[clip] = cells[column].strip()
    return found


def _videos(stems: list[str]) -> dict[str, str]:
    """Stem of a clip → the video it was cut from; none where one name stands before half of all numbers (`video_1`), or a
    class' name does (`hate_video_1`)."""
    heads = {stem: _PART.sub("", stem) for stem in stems}
    sizes = Counter(heads.values())
    usual = {
        head for head, size in sizes.items() if size >= max(2, len(stems) / 2) or _label(head) or _label(f"{head}s")
    }
    return {stem: "" if head in usual else head for stem, head in heads.items()}


def _clip(written: str, clips: Mapping[str, Path]) -> str:
    """The clip that a table means: by its path, else by its name if that is its own."""
    written = written.strip().replace("\\", "/")
    if written in clips:
        return written
    named = [name for name, path in clips.items() if written in (path.name, path.stem)]
    return named[0] if len(named) == 1 else ""


def _label(text: str) -> str:
    plain = re.sub(r"[\s-]+", "_", text.strip().casefold())
    return "yes" if plain in _YES else "no" if plain in _NO else ""
