"""Arousal and valence that people traced over time: one row for each moment, 25 or 10 a second.

RECOLA (Ringeval et al. 2013), as the AVEC 2016 challenge hands it out (Valstar et al. 2016):

    ratings_gold_standard/{arousal,valence}/train_1.arff … train_9, dev_1 … dev_9     rows 'train_1',0.04,0.0123 below @data
    recordings_audio/train_1.wav        recordings_video/train_1.mp4

or as its owners do, one column for each rater, of which the mean is taken:

    …/emotional_behaviour/{arousal,valence}/P16.csv     time;FM1;FM2;FM3;FF1;FF2;FF3
    …/P16.wav, …/P16.mp4                                anywhere below the folder

The challenge's dev is our `valid`; ratings of its test part were never published, so `test` is empty unless files for it are
there. The owners' form has no published split: people are parted by chance.

SEWA, German part, as the AVEC 2017 challenge hands it out (Ringeval et al. 2017):

    labels/Train_01.csv … Train_34, Devel_01 … Devel_14, Test_01 …    'Train_01';0.1;arousal;valence;liking, no heading
    transcriptions/Train_01.csv                                       start;end;text
    audio/Train_01.wav                                                 or a video of that name anywhere below the folder

A subject's words are those of the turn that is spoken at that moment (its end included). The layouts are those that public
readers of these corpora use. No delay of the annotation is taken out.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

from mien.errors import CorpusError, shown
from mien.training.manifest import KNOWN, Label, Manifest, Row, Value
from mien.training.split import resplit
from mien_plugins.corpora.reading import (
    amount,
    beside,
    by_stem,
    first_of,
    found,
    lines,
    made,
    media_suffixes,
    need,
    table,
)

RECOLA, SEWA = "RECOLA", "SEWA (AVEC 2017)"
ATTRIBUTES = ("arousal", "valence")
_PARTS = {"train": "train", "dev": "valid", "devel": "valid", "test": "test"}
_STEP = {RECOLA: 0.04, SEWA: 0.1}


def read_recola(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """One row each 40 ms and person.

    Raises:
        CorpusError: ratings or a recording are missing, or the two attributes were rated at other times.
    """
    if not (folder / "ratings_gold_standard").is_dir():
        return _recola_by_rater(folder, seed, media)
    rows: list[Row] = []
    first = need(folder / "ratings_gold_standard" / "arousal", RECOLA, "the ratings of arousal, one .arff a recording")
    for path in sorted(first.glob("*.arff"), key=_natural):
        part = _PARTS.get(path.stem.split("_")[0])
        if part is None or not path.stem.rpartition("_")[2].isdigit():
            continue  # train_all.arff, as some have made
        traces = {name: _arff(folder / "ratings_gold_standard" / name / path.name) for name in ATTRIBUTES}
        wanted = folder / ("recordings_video" if media == "video" else "recordings_audio")
        wanted /= f"{path.stem}{'.mp4' if media == 'video' else '.wav'}"
        clip = found(wanted, RECOLA, shown(path), wanted)
        rows += _rows(folder, clip, path, traces, path.stem, part)
    return made(folder, RECOLA, _labels(), rows)


def read_sewa(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """One row each 100 ms and person; raises CorpusError as `read_recola`."""
    place = need(folder / "labels", SEWA, "the labels, one .csv a person")
    words = first_of(folder, SEWA, "what was said", "transcriptions", "transcription_modified", "transcripts")
    others = by_stem(folder, *media_suffixes("video")) if media == "video" else {}
    rows: list[Row] = []
    for path in sorted(place.glob("*.csv"), key=_natural):
        part = _PARTS.get(path.stem.split("_")[0].lower())
        if part is None:
            raise CorpusError(
                f"{SEWA} names its labels Train_01.csv, Devel_01.csv or Test_01.csv, and not so: {shown(path)}"
            )
        traces: dict[str, list[tuple[float, float]]] = {"arousal": [], "valence": [], "liking": []}
        for number, (where, cells) in enumerate(table(path, SEWA, delimiter=";")):
            if len(cells) < 5:
                raise CorpusError(f"{where} should read name;time;arousal;valence;liking")
            if number == 0 and cells[1].strip().lower().startswith("time"):
                continue
            time = amount(cells[1], 0, 1e6, where, "time")
            for name, cell in zip(traces, cells[2:5], strict=True):
                # A trace may go a little beyond the scale after raters were aligned.
                traces[name].append((time, max(-1.0, min(1.0, amount(cell, -1.5, 1.5, where, name)))))
        wanted = folder / "audio" / f"{path.stem}.wav"
        clip = found(others.get(path.stem) if media == "video" else wanted, SEWA, shown(path), wanted)
        subject = _rows(folder, clip, path, traces, path.stem, part)
        rows += _spoken(subject, words / path.name)
    return made(folder, SEWA, (*_labels(), Label("liking", -1, 1)), rows)


def _labels() -> tuple[Label, ...]:
    return tuple(KNOWN[name] for name in ATTRIBUTES)


def _rows(
    folder: Path, clip: Path, path: Path, traces: dict[str, list[tuple[float, float]]], who: str, part: str
) -> list[Row]:
    """One row for each moment at which everything was rated."""
    times = [time for time, _ in traces["arousal"]]
    for name, trace in traces.items():
        if len(trace) != len(times) or any(abs(a - b) > 5e-3 for (a, _), b in zip(trace, times, strict=True)):
            raise CorpusError(
                f"{name} was rated at other times than arousal ({len(trace)} and {len(times)}): {shown(path)}"
            )
    if not times:
        raise CorpusError(f"There are no ratings in this file: {shown(path)}")
    step = min((b - a for a, b in itertools.pairwise(times) if b > a), default=_STEP[SEWA])
    given: list[tuple[Value, ...]] = list(
        zip(*([value for _, value in trace] for trace in traces.values()), strict=True)
    )
    name = beside(folder, clip)
    return [Row(name, t, round(t + step, 6), who, part, "", "", labels) for t, labels in zip(times, given, strict=True)]


def _arff(path: Path) -> list[tuple[float, float]]:
    trace: list[tuple[float, float]] = []
    data = False
    for number, line in enumerate(lines(path, RECOLA), 1):
        text = line.strip()
        if not data or not text or text.startswith("%"):
            data = data or text.lower() == "@data"
            continue
        where = f"Line {number} of {shown(path)}"
        cells = text.split(",")
        if len(cells) < 3:
            raise CorpusError(f"{where} should read name,time,rating")
        time = amount(cells[-2], 0, 1e6, where, "time")
        trace.append((time, max(-1.0, min(1.0, amount(cells[-1], -1.5, 1.5, where, "rating")))))
    return trace


def _recola_by_rater(folder: Path, seed: int, media: str) -> Manifest:
    place = next((path for path in sorted(folder.rglob("emotional_behaviour")) if path.is_dir()), None)
    if place is None:
        raise CorpusError(
            f"{RECOLA} keeps its ratings in ratings_gold_standard (AVEC 2016) or emotional_behaviour (its owners), and there "
            f"is neither; name the folder it was unpacked to: {shown(folder)}"
        )
    clips = by_stem(folder, *media_suffixes(media))
    rows: list[Row] = []
    first = need(place / "arousal", RECOLA, "the ratings of arousal, one .csv a person")
    for path in sorted(first.glob("P*.csv"), key=_natural):
        traces = {name: _raters(place / name / path.name) for name in ATTRIBUTES}
        expected = folder / f"{path.stem}{media_suffixes(media)[0]}"
        rows += _rows(folder, found(clips.get(path.stem), RECOLA, shown(path), expected), path, traces, path.stem, "")
    return resplit(made(folder, RECOLA, _labels(), rows), seed, (0.4, 0.3, 0.3))


def _raters(path: Path) -> list[tuple[float, float]]:
    trace: list[tuple[float, float]] = []
    for number, (where, cells) in enumerate(table(path, RECOLA, delimiter=";")):
        if number == 0:
            continue
        ratings = [amount(cell, -1, 1, where, "rating") for cell in cells[1:] if cell.strip()]
        if not ratings:
            raise CorpusError(f"{where} should read time;rating;…, with a rating of one person at least")
        trace.append((amount(cells[0], 0, 1e6, where, "time"), math.fsum(ratings) / len(ratings)))
    return trace


def _spoken(rows: list[Row], path: Path) -> list[Row]:
    """The rows with the words of the turn at each moment."""
    turns: list[tuple[float, float, str]] = []
    for where, cells in table(path, SEWA, delimiter=";", quoted=False):
        if len(cells) < 3:
            raise CorpusError(f"{where} should read start;end;text")
        turns.append(
            (amount(cells[0], 0, 1e6, where, "start"), amount(cells[1], 0, 1e6, where, "end"), cells[2].strip())
        )
    turns.sort()
    made: list[Row] = []
    at = 0
    for row in rows:
        while at < len(turns) and turns[at][1] < row.start - 1e-9:
            at += 1
        here = at < len(turns) and turns[at][0] <= row.end - 1e-9
        made.append(replace(row, text=turns[at][2]) if here else row)
    return made


def _natural(path: Path) -> tuple[str, int]:
    head = path.stem.rstrip("0123456789")
    digits = path.stem[len(head) :]
    return head, int(digits[:9] or 0)
