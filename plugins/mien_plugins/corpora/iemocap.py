"""IEMOCAP (Busso et al. 2008, Language Resources and Evaluation 42), `IEMOCAP_full_release` as its owners hand it out.

    Session1 … Session5/
        dialog/EmoEvaluation/Ses01F_impro01.txt    [6.2901 - 8.2357]<tab>Ses01F_impro01_F000<tab>neu<tab>[2.5000, 2.5000, 2.5000]
        dialog/transcriptions/Ses01F_impro01.txt   Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
        dialog/avi/DivX/Ses01F_impro01.avi         the whole dialogue, both actors side by side
        sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav

The brackets of the evaluation hold valence, activation and dominance on 1 to 5 (mean of two or three raters). The layout is
the one that the corpus' own documentation (`Documentation/`) and public readers of it describe; it was not checked against a
copy.

`emotion`: anger, disgust, fear, happiness and excitement, sadness, surprise and neutral as the seven; frustration, other and
no majority have none. `iemocap`: the seven classes of Rajan 2022, ch. 4. No split was published, the papers use five folds
by session: here sessions 1–3 train, 4 validates and 5 tests.
"""

from __future__ import annotations

import re
from pathlib import Path

from mien.errors import CorpusError, shown
from mien.training.manifest import KNOWN, Label, Manifest, Row
from mien_plugins.corpora.reading import SEVEN, beside, found, lines, made, need, onto

TITLE = "IEMOCAP"
SESSIONS = (1, 2, 3, 4, 5)
SPLIT = {1: "train", 2: "train", 3: "train", 4: "valid", 5: "test"}
UNNAMED = ("oth", "xxx")
"""Another emotion, and no majority of raters."""
CLASSES = ("ang", "exc", "hap", "sad", "fru", "sur", "neu")

_TURN = re.compile(
    r"\[(\d+\.?\d*) - (\d+\.?\d*)\]\s+(Ses\w+)\s+(\w+)\s+\[\s*(-?\d+\.?\d*),\s*(-?\d+\.?\d*),\s*(-?\d+\.?\d*)\s*\]"
)
_SAID = re.compile(r"(Ses\w+)\s+\[[^\]]*\]:\s?(.*)")
_WHO = re.compile(r"_([FM])[A-Z]*\d+$")


def read(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """All turns that were rated; with `media="video"`, as stretches of the dialogues' videos.

    Raises:
        CorpusError: a session, a dialogue's transcription or a recording is missing, or a line makes no sense.
    """
    labels = (
        KNOWN["emotion"],
        Label("iemocap", classes=CLASSES),
        *(KNOWN[k] for k in ("valence", "arousal", "dominance")),
    )
    rows: list[Row] = []
    for session in SESSIONS:
        place = need(folder / f"Session{session}", TITLE, "a session's recordings and labels")
        evaluations = need(place / "dialog" / "EmoEvaluation", TITLE, "the raters' labels of a session")
        files = sorted(path for path in evaluations.glob("Ses*.txt"))
        if not files:
            raise CorpusError(f"There is no Ses….txt with {TITLE}' labels in this folder: {shown(evaluations)}")
        for file in files:
            rows += _dialogue(folder, place, file, session, media)
    return made(folder, TITLE, labels, rows)


def _dialogue(folder: Path, place: Path, file: Path, session: int, media: str) -> list[Row]:
    said = {}
    for line in lines(place / "dialog" / "transcriptions" / file.name, TITLE):
        if match := _SAID.match(line.strip()):
            said[match[1]] = match[2].strip()
    rows: list[Row] = []
    for number, line in enumerate(lines(file, TITLE), 1):
        if not line.startswith("["):
            continue
        where = f"Line {number} of {shown(file)}"
        match = _TURN.match(line.strip())
        if match is None:
            if number == 1 or line.startswith("[START_TIME"):
                continue  # it explains the others
            raise CorpusError(f"{where} should read [start - end], turn, emotion and [v, a, d]")
        name = match[3]
        who = _WHO.search(name)
        if who is None:
            raise CorpusError(f"{where}: the turn “{name}” names no speaker, as Ses01F_impro01_F000 does")
        wanted = place / "sentences" / "wav" / file.stem / f"{name}.wav"
        start, end = 0.0, float("inf")
        if media == "video":
            wanted = place / "dialog" / "avi" / "DivX" / f"{file.stem}.avi"
            start, end = float(match[1]), float(match[2])
        path = found(wanted, TITLE, where, wanted)
        rating = [float(match[k]) for k in (5, 6, 7)]
        if not all(0.5 <= one <= 5.5 for one in rating):  # a few means lie a little above 5
            raise CorpusError(f"{where}: ratings should lie from 1 to 5, not {', '.join(f'{one:g}' for one in rating)}")
        valence, arousal, dominance = (onto(one, 1, 5) for one in rating)
        emotion = match[4].lower()
        if emotion not in SEVEN and emotion not in CLASSES and emotion not in UNNAMED:
            raise CorpusError(
                f"{where}: the emotion “{shown(emotion[:20])}” is none of {', '.join(sorted({*CLASSES, 'fea', 'dis', *UNNAMED}))}"
            )
        values = (SEVEN.get(emotion), emotion if emotion in CLASSES else None, valence, arousal, dominance)
        rows.append(
            Row(
                beside(folder, path),
                start,
                end,
                f"{name[:5]}{who[1]}",
                SPLIT[session],
                f"Session{session}",
                said.get(name, ""),
                values,
            )
        )
    return rows
