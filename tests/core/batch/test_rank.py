"""What media are ranked by: how it is written, and what it makes of tracks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.batch.facts import facts_of
from mien.batch.rank import parse_rank, ranks_to_offer, usual_rank
from mien.errors import UsageError
from mien.library import Library
from mien.library.readings import known_readings
from mien.tracks import AROUSAL, VALENCE, Boxes, Curve, Kind, Spans
from mien.tracks.quantity import HOSTILITY, Quantity, probability

CONFLICT = Quantity("conflict", "", -10.0, 10.0)
TRACKS: list[tuple[str, Kind, tuple[Quantity, ...]]] = [
    ("conflict.intensity", "curve", (CONFLICT,)),
    ("emotion.attributes", "curve", (AROUSAL, VALENCE)),
    ("face.affect", "curve", (VALENCE, AROUSAL)),
    ("fusion.score", "curve", (HOSTILITY,)),
    ("text.hate", "spans", (probability("hate"),)),
]
READINGS = known_readings(TRACKS)


@pytest.fixture
def tracks(tmp_path: Path) -> Any:
    """Tracks of a medium of 10 s as the library has them."""
    times = np.arange(10) + 0.5
    heat = np.array([0, 1, 2, 6, 7, 6, 2, 1, 0, -1], np.float32)
    attributes = np.stack([heat / 10, -heat / 10], 1)
    attributes[0] = np.nan
    written = [
        Curve("conflict.intensity", times, heat[:, None], (CONFLICT,)),
        Curve("emotion.attributes", times, attributes, (AROUSAL, VALENCE)),
        Spans.of("fusion.verdicts", [(3, 6, "hostility", "", 0.8), (7, 8, "hostility", "", 0.7)]),
        Spans.of("text.hate", [(1, 2, "not", "a", 0.1), (2, 4, "hate", "b", 0.9)]),
        Spans.of("speech.transcript", [(1, 2, "hate", "two words", 0.9), (2, 4, "hate", "three more words", 0.9)]),
        Boxes("face.boxes", [0.5, 1.5], [0, 1], [[0, 0, 9, 9]] * 2, [0.9, 0.9]),
    ]
    with Library(tmp_path / "library.db") as library:
        library.add_medium(SimpleNamespace(path=tmp_path / "x.mp4", duration=10.0, size_bytes=1), "id")
        writer = library.begin_run("id", key="k", analyzer="a", version="1")
        for track in written:
            writer.write(track)
        writer.complete()
        yield library.tracks(library.runs("id"))


@pytest.mark.parametrize(
    ("text", "value", "at"),
    [
        ("highest conflict", 7.0, 4.5),
        ("Most  Conflict", 7.0, 4.5),
        ("conflict", 7.0, 4.5),
        ("lowest conflict", -1.0, 9.5),
        ("mean conflict", 2.4, None),
        ("highest arousal", 0.7, 4.5),
        ("lowest voice valence", -0.7, 4.5),
        ("average voice.arousal", 24 / 90, None),
        ("verdict: hostility", 4.0, 3.0),
        ("verdict: hate", 2.0, 2.0),
        ("label: Hate", 2.0, 2.0),
        ("verdict: mercy", 0.0, None),
        ("conflict above 5", 3.0, 3.0),
        ("conflict above 5 for 2 s and arousal above 0.65", 1.0, 4.0),
        ("conflict above 9", 0.0, None),
        ("highest hate", 0.9, 2.0),
    ],
)
def test_standings(tracks: Any, text: str, value: float, at: float | None) -> None:
    standing = parse_rank(text, READINGS).of(tracks, 10.0)
    assert standing is not None
    assert standing.value == pytest.approx(value, abs=1e-5)
    assert standing.at == (None if at is None else pytest.approx(at))


def test_nothing_of_what_was_asked_is_no_standing(tracks: Any) -> None:
    assert parse_rank("highest face.valence", READINGS).of(tracks, 10.0) is None
    assert parse_rank("face.valence above 0", READINGS).of(tracks, 10.0) is None
    usual = usual_rank(READINGS)
    assert usual is not None
    assert usual.of(tracks, 10.0) is None
    assert usual_rank({}) is None
    assert not parse_rank("lowest conflict", READINGS).downwards


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("highest conflct", "did you mean conflict?"),
        ("highest", "Nothing can be ranked by"),
        ("who shouts", "Nothing can be ranked by"),
        ("verdict:", "Nothing can be ranked by"),
        ("conflict above", "a number must follow"),
        ("conflict above 50", "never above"),
        ('conflict above 5 "words"', "Nothing can be ranked by"),
    ],
)
def test_what_cannot_be_understood(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_rank(text, READINGS)


def test_what_is_offered_makes_sense_and_can_be_asked_for() -> None:
    spoken: list[tuple[str, Kind, tuple[Quantity, ...]]] = [
        ("speech.transcript", "spans", (probability("confidence"),)),
        ("text.words", "spans", (probability("evidence"),)),
        ("text.embedding", "features", ()),
    ]
    offered = ranks_to_offer([*spoken, *TRACKS])
    assert offered == [
        "highest fused",
        "verdict: hostility",
        "verdict: hate",
        "highest conflict",
        "lowest conflict",
        "highest arousal",
        "lowest arousal",
        "highest valence",
        "lowest valence",
        "highest hate",
        "conflict above 0.5 for 10 s",
    ]
    readings = known_readings([*spoken, *TRACKS])
    assert [parse_rank(text, readings).text for text in offered] == offered
    assert ranks_to_offer(TRACKS[1:2])[0] == "highest arousal"
    assert ranks_to_offer(spoken) == ranks_to_offer([]) == []


def test_figures_of_every_kind_of_track(tracks: Any) -> None:
    facts = facts_of(tracks)
    assert facts["conflict.intensity.conflict.max"] == 7.0
    assert facts["conflict.intensity.conflict.max_at"] == 4.5
    assert facts["emotion.attributes.arousal.mean"] == pytest.approx(24 / 90)
    assert facts["fusion.verdicts.count"] == 2
    assert facts["fusion.verdicts.hostility.seconds"] == 4.0
    assert facts["text.hate.hate.count"] == 1
    assert facts["speech.transcript.words"] == 5
    assert "speech.transcript.hate.count" not in facts  # its labels say who wrote it
    assert facts["face.boxes.persons"] == 2
