"""Opinions that people give in videos: CMU-MOSI (Zadeh et al. 2016) and CMU-MOSEI (Zadeh et al. 2018).

CMU-MOSI, the raw release (`CMU_MOSI_Raw`, or a folder above it):

    Labels/OpinionLevelSentiment.csv              start,end,video,segment,sentiment – no heading
    Audio/WAV_16000/Segmented/<video>_<n>.wav     Video/Segmented/<video>_<n>.mp4
    Transcript/Segmented/<video>.annotprocessed   <n>_DELIM_<words>

CMU-MOSEI, the raw release (or the folder above its `Raw`), with its labels as they were given, one row a rater:

    Labels/*.csv                                  Input.VIDEO_ID, Input.CLIP, Answer.sentiment, Answer.happiness, …
    Audio/Full/WAV_16000/<file>.wav               Videos/Full/Combined/<file>.mp4
    Transcript/Segmented/Combined/<file>.txt      <file>___<n>___<start>___<end>___<words>

or with a table that the SDK's `CMU_MOSEI_Labels.csd` was exported to, the transcripts being optional then:

    CMU_MOSEI_Labels.csv                          file,start,end,sentiment,happy,sad,anger,surprise,disgust,fear[,split]
                                                  or s3prl's: file,index,start,end,label2a,label2b,label6,label7,split

Either of them as MMSA hands it out (Mao et al. 2022):

    label.csv                                     video_id,clip_id,text,label,…,mode
    Raw/<video_id>/<clip_id>.mp4

`sentiment` on [-3, 3], `valence` a third of it, `positive` where it is 0 or more (as the papers count neutral for MOSI).
MOSEI's six emotions are intensities on [0, 3]; above 0 they count as there. MOSI is parted by the 31 test videos of its
standard split and ten others drawn by the seed, MOSEI by its table's `split` (0 train, 1 valid, 2 test, others unused) or
MMSA's `mode`; the raters' rows name no split, so their videos are parted by chance. Who speaks is not told: a video stands
for its speaker. Of the raters' numbers the mean is taken, an empty answer being 0. The layouts are those of public readers;
the exported table with intensities was not checked against a copy.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.errors import CorpusError, shown
from mien.training.manifest import KNOWN, Label, Manifest, Row, Value
from mien.training.split import resplit
from mien_plugins.corpora.reading import NO_YES, amount, beside, first_of, found, lines, made, records, table

MOSI, MOSEI = "CMU-MOSI", "CMU-MOSEI"
SENTIMENT = (Label("sentiment", -3, 3), KNOWN["valence"], Label("positive", classes=NO_YES))
EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "sad": "sad",
    "surprise": "surprise",
}
"""Ours → theirs."""
VALID_VIDEOS = 10
MOSEI_SHARES = (0.7, 0.1, 0.2)
TEST = frozenset(
    [
        "03bSnISJMiM",
        "0h-zjBukYpk",
        "1iG0909rllw",
        "2WGyTLYerpo",
        "8d-gEyoeBzc",
        "9J25DZhivz8",
        "9c67fiY0wGQ",
        "Af8D0E4ZXaw",
        "BI97DNYfe5I",
        "BXuRRbG0Ugk",
        "Ci-AH39fi3Y",
        "Clx4VXItLTE",
        "Dg_0XKD0Mf4",
        "G-xst2euQUc",
        "GWuJjcEuzt8",
        "I5y0__X72p0",
        "Iu2PFX3z_1s",
        "Jkswaaud0hk",
        "Njd1F0vZSm4",
        "Nzq88NnDkEk",
        "OQvJTdtJ2H4",
        "Sqr0AcuoNnk",
        "Vj1wYRQjB-o",
        "ZUXBRvtny7o",
        "cM3Yna7AavY",
        "cW1FSBF59ik",
        "iiK8YX8oH1E",
        "tStelxIAHjw",
        "tmZoasNr4rU",
        "vvZ4IcEtiZc",
        "vyB00TXsimI",
    ]
)
"""The videos of MOSI's test set."""

_SAID = re.compile(r"(\d+)_(?:DELIM_)?(.*)")


def read_mosi(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """All segments with their sentiment.

    Raises:
        CorpusError: labels, words or a recording are missing, or a row makes no sense.
    """
    if (folder / "label.csv").is_file():
        return _mmsa(folder, MOSI)
    root = next((p for p in (folder, folder / "Raw", folder / "CMU_MOSI_Raw") if (p / "Labels").is_dir()), folder)
    path = first_of(
        root, MOSI, "its labels", "Labels/OpinionLevelSentiment.csv", "OpinionLevelSentiment.csv", "label.csv"
    )
    words = first_of(root, MOSI, "what was said", "Transcript/Segmented")
    said: dict[str, dict[str, str]] = {}
    rows: list[Row] = []
    for where, cells in table(path, MOSI):
        if len(cells) < 5:
            raise CorpusError(f"{where} should read start,end,video,segment,sentiment")
        video, segment = cells[2].strip(), cells[3].strip()
        if not segment.isdigit() or not _is_name(video):
            raise CorpusError(f"{where} should name a video and the number of its segment, not “{shown(video[:40])}”")
        if video not in said:
            said[video] = _transcript(words / f"{video}.annotprocessed")
        name = (
            f"Video/Segmented/{video}_{segment}.mp4"
            if media == "video"
            else f"Audio/WAV_16000/Segmented/{video}_{segment}.wav"
        )
        clip = found(root / name, MOSI, where, root / name)
        values = _sentiment(amount(cells[4], -3, 3, where, "sentiment"))
        rows.append(Row(beside(folder, clip), group=video, text=said[video].get(segment, ""), labels=values))
    return made(folder, MOSI, SENTIMENT, _mosi_split(rows, seed))


def _mosi_split(rows: list[Row], seed: int) -> list[Row]:
    others = sorted({row.group for row in rows} - TEST)
    order = np.random.default_rng(seed).permutation(len(others))
    # A part of the corpus keeps the proportion.
    count = min(VALID_VIDEOS, max(1, round(len(others) * VALID_VIDEOS / 62))) if len(others) > 1 else 0
    valid = {others[i] for i in order[:count]}
    part = {
        video: "test" if video in TEST else "valid" if video in valid else "train" for video in {r.group for r in rows}
    }
    return [replace(row, split=part[row.group]) for row in rows]


def read_mosei(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """All segments with sentiment, and the six emotions where the table has them; raises CorpusError as `read_mosi`."""
    if (folder / "label.csv").is_file():
        return _mmsa(folder, MOSEI)
    tables = ("CMU_MOSEI_Labels.csv", "Labels/CMU_MOSEI_Labels.csv")
    if not any((folder / name).is_file() for name in tables):
        return _mosei_raters(folder, seed, media)
    path = first_of(folder, MOSEI, "its labels", *tables)
    heading = next(table(path, MOSEI), ("", [""]))[1]
    score = "sentiment" if "sentiment" in heading else "label7"
    emotions = [ours for ours, theirs in EMOTIONS.items() if theirs in heading]
    if emotions and len(emotions) < len(EMOTIONS):
        lacking = next(theirs for theirs in EMOTIONS.values() if theirs not in heading)
        raise CorpusError(f"The column {lacking!r} is missing beside the other emotions: {shown(path)}")
    clips = _mosei_media(folder, media)
    words = next((p for p in (folder / f"{n}Transcript/Segmented/Combined" for n in ("", "Raw/")) if p.is_dir()), None)
    said: dict[str, dict[int, str]] = {}
    rows: list[Row] = []
    for where, cells in records(path, MOSEI, ("file", "start", "end", score)):
        video = cells["file"].strip()
        if not _is_name(video):
            raise CorpusError(f"{where} should name a video, not “{shown(video[:40])}”")
        place = clips / f"{video}{'.mp4' if media == 'video' else '.wav'}"
        start = max(0.0, amount(cells["start"], -10, 1e6, where, "start"))  # some begin a little before 0
        end = amount(cells["end"], start + 1e-3, 1e6, where, "end")
        if video not in said:
            said[video] = _mosei_words(words / f"{video}.txt") if words is not None else {}
        intensities: list[Value] = [amount(cells[EMOTIONS[name]], 0, 3, where, name) for name in emotions]
        values = (*_sentiment(amount(cells[score], -3, 3, where, score)), *intensities)
        split = {"0": "train", "1": "valid", "2": "test"}.get(cells.get("split", "").strip().removesuffix(".0"), "")
        text = said[video].get(round(start * 10), "")
        rows.append(Row(beside(folder, found(place, MOSEI, where, place)), start, end, "", split, video, text, values))
    silent = words is None
    labels = (*SENTIMENT, *(Label(name, 0, 3) for name in emotions))
    return made(folder, MOSEI, labels, rows, "There are no transcripts, so text is empty." if silent else "")


def _mosei_media(folder: Path, media: str) -> Path:
    if media == "video":
        return first_of(folder, MOSEI, "its videos", "Videos/Full/Combined", "Raw/Videos/Full/Combined")
    places = ("Audio/Full/WAV_16000", "Full/WAV_16000", "Raw/Audio/Full/WAV_16000")
    return first_of(folder, MOSEI, "its sound", *places)


def _mosei_raters(folder: Path, seed: int, media: str) -> Manifest:
    """From the raters' own tables: the mean of each segment."""
    labels = first_of(folder, MOSEI, "its labels", "CMU_MOSEI_Labels.csv", "Labels", "Raw/Labels", "label.csv")
    given = _ratings(labels)
    words = first_of(
        folder, MOSEI, "what was said", "Transcript/Segmented/Combined", "Raw/Transcript/Segmented/Combined"
    )
    clips = _mosei_media(folder, media)
    rows: list[Row] = []
    for video in sorted({video for video, _ in given}):
        if not _is_name(video):
            raise CorpusError(f"A table of raters should name a video, not “{shown(video[:40])}”: {shown(labels)}")
        transcript = words / f"{video}.txt"
        place = clips / f"{video}{'.mp4' if media == 'video' else '.wav'}"
        for number, line in enumerate(lines(transcript, MOSEI), 1):
            cells = line.strip().split("___", 4)
            mean = given.get((video, cells[1])) if len(cells) == 5 else None
            if mean is None:
                continue
            where = f"Line {number} of {shown(transcript)}"
            start = max(0.0, amount(cells[2], -10, 1e6, where, "start"))
            end = amount(cells[3], start + 1e-3, 1e6, where, "end")
            path = beside(folder, found(place, MOSEI, where, place))
            values = (*_sentiment(mean[0]), *mean[1:])
            rows.append(Row(path, start, end, group=video, text=cells[4].strip(), labels=values))
    titles = (*SENTIMENT, *(Label(name, 0, 3) for name in EMOTIONS))
    note = f"Videos were parted by chance (seed {seed}): the raters' tables name no split."
    return resplit(made(folder, MOSEI, titles, rows, note), seed, MOSEI_SHARES)


def _ratings(labels: Path) -> dict[tuple[str, str], list[float]]:
    """(video, segment) → mean sentiment and intensities of the six emotions, over its raters."""
    answers = {"sentiment": "sentiment", **EMOTIONS, "happy": "happiness", "sad": "sadness"}
    columns = ("Input.VIDEO_ID", "Input.CLIP", *(f"Answer.{name}" for name in answers.values()))
    given: dict[tuple[str, str], list[list[float]]] = {}
    for path in sorted(labels.glob("*.csv")):
        for where, cells in records(path, MOSEI, columns):
            rating = [
                amount(cells[f"Answer.{theirs}"].strip() or "0", -3 if ours == "sentiment" else 0, 3, where, theirs)
                for ours, theirs in answers.items()
            ]
            given.setdefault((cells["Input.VIDEO_ID"].strip(), cells["Input.CLIP"].strip()), []).append(rating)
    if not given:
        raise CorpusError(
            f"There are no tables of raters, .csv with Input.VIDEO_ID and Answer.sentiment: {shown(labels)}"
        )
    return {
        segment: [sum(column) / len(ratings) for column in zip(*ratings, strict=True)]
        for segment, ratings in given.items()
    }


def _mmsa(folder: Path, title: str) -> Manifest:
    rows: list[Row] = []
    for where, cells in records(folder / "label.csv", title, ("video_id", "clip_id", "text", "label", "mode")):
        video, clip = cells["video_id"].strip(), cells["clip_id"].strip()
        if not _is_name(video) or not _is_name(clip):
            raise CorpusError(f"{where} should name a video and a clip, not “{shown(video[:40])}”")
        place = folder / "Raw" / video / f"{clip}.mp4"
        values = _sentiment(amount(cells["label"], -3, 3, where, "label"))
        split = cells["mode"].strip().lower()
        if split not in ("train", "valid", "test"):
            raise CorpusError(f"{where}: mode should be train, valid or test, not “{shown(split[:40])}”")
        path = beside(folder, found(place, title, where, place))
        rows.append(Row(path, split=split, group=video, text=cells["text"].strip(), labels=values))
    return made(folder, title, SENTIMENT, rows)


def _sentiment(score: float) -> tuple[Value, ...]:
    return score, score / 3, "yes" if score >= 0 else "no"


def _transcript(path: Path) -> dict[str, str]:
    return {m[1]: m[2].strip() for line in lines(path, MOSI) if (m := _SAID.match(line.strip()))}


def _mosei_words(path: Path) -> dict[int, str]:
    """Tenth of a second at which a segment begins → its words; segments are numbered in their own way there."""
    if not path.is_file():
        return {}
    parts = (line.strip().split("___", 4) for line in lines(path, MOSEI))
    words = {}
    for cells in parts:
        if len(cells) == 5:
            words[round(max(0.0, amount(cells[2], -10, 1e6, shown(path), "start")) * 10)] = cells[4].strip()
    return words


def _is_name(text: str) -> bool:
    return bool(text) and not set(text) & set("/\\") and text not in (".", "..") and text.isprintable()
