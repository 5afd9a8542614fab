"""ELAN files: our own, those that ELAN writes, and bad ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mien.errors import UsageError
from mien.exchange.elan import ElanExporter
from mien.exchange.params import ElanParams
from mien.library import Library, Medium
from mien.sdk import MediaInfo
from mien.sdk.protocols import Analysis
from mien.tracks import EXPRESSION_QUANTITIES, Curve, Spans
from mien.truth.labels import LabelColumn, Labels, read_labels
from mien.truth.match import by_medium, matches, readings_in, samples_of
from mien.truth.media import find_media
from mien.truth.score import score

Write = Callable[[str, str | bytes], Path]

ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+01:00" FORMAT="3.0" VERSION="3.0">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/clips/my%20talk.mp4" MIME_TYPE="video/mp4"/>
  </HEADER>
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/>
    <TIME_SLOT TIME_SLOT_ID="ts2"/>
    <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="4000"/>
  </TIME_ORDER>
  <TIER LINGUISTIC_TYPE_REF="a" TIER_ID="Utterance">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
      <ANNOTATION_VALUE>good morning</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
      <ANNOTATION_VALUE></ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER LINGUISTIC_TYPE_REF="b" PARENT_REF="Utterance" TIER_ID="Arousal">
    <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3" ANNOTATION_REF="a1">
      <ANNOTATION_VALUE>0,5</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
    <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a4" ANNOTATION_REF="a1" PREVIOUS_ANNOTATION="a3">
      <ANNOTATION_VALUE>1</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
  </TIER>
</ANNOTATION_DOCUMENT>
"""


def column(labels: Labels, name: str) -> LabelColumn:
    return next(c for c in labels.columns if c.name == name)


def test_slots_without_a_time_and_annotations_that_refer_to_others(write: Write) -> None:
    labels = read_labels(write("talk.eaf", ELAN))
    said = column(labels, "Utterance")
    assert said.kind == "words"
    assert [(a.medium, a.start, a.end, a.value) for a in said.labels] == [
        ("C:/clips/my talk.mp4", 1.0, 2.5, "good morning")
    ]
    arousal = column(labels, "Arousal")
    assert [(a.start, a.end, a.value) for a in arousal.labels] == [(1.0, 1.75, 0.5), (1.75, 2.5, 1.0)]


def test_our_own_export_comes_back_and_agrees_with_itself(library: Library, clip: Medium, tmp_path: Path) -> None:
    tracks = clip.tracks()
    stored = {name: tracks[name] for name in tracks}
    faces = stored["face.expression"]
    assert isinstance(faces, Curve)
    two = Curve(faces.name, faces.times, faces.values, EXPRESSION_QUANTITIES, [3] * len(faces))
    stored["face.expression"] = two
    said = [(0, 4, "w", "hello there", 0.9, "Anna"), (3, 6, "w", "no you", 0.9, "Bo"), (5, 7, "w", "wait", 0.9, "Bo")]
    stored["speech.transcript"] = Spans.of("speech.transcript", said)
    target = tmp_path / "media" / "clip-mien.eaf"
    target.parent.mkdir()
    ElanExporter().export(
        Analysis(MediaInfo(clip.path, 10.0), stored, "clip.mp4"), target, ElanParams(step=1.0, levels=20)
    )

    labels = read_labels(target)
    heard = [(a.start, a.end, a.value) for a in column(labels, "speech.transcript").labels]
    assert heard == [(0.0, 4.0, "hello there"), (3.0, 6.0, "no you"), (5.0, 7.0, "wait")]
    assert [a.value for a in column(labels, "text.offence").labels] == ["not", "offensive"]
    shown = column(labels, "face.expression").labels
    assert [(a.start, a.end, a.value, a.person) for a in shown] == [(0.0, 5.0, "happy", 3), (5.0, 10.0, "sad", 3)]

    found = find_media(labels, library.media())
    assert found.problems == ()
    assert found.distinct == (clip,)
    pairs = {m.reading.name: m for m in matches(labels, readings_in(library, [clip]))}
    assert {"emotion.attributes.valence", "emotion.attributes.arousal", "text.offence", "speech.transcript"} <= set(
        pairs
    )
    results = {}
    for name, pair in pairs.items():
        own = by_medium(pair.column.labels, found.media)[clip.id][1]
        results[name] = score(pair, samples_of(library, clip, own, pair)).whole
    arousal = results["emotion.attributes.arousal"].figure("CCC")
    assert arousal is not None
    assert arousal.value > 0.99
    offence = results["text.offence"].figure("F1")
    assert offence is not None
    assert offence.value == 1.0


BOMB = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<ANNOTATION_DOCUMENT><TIER", "This is not a whole ELAN file"),
        ("start,end\n0,1\n", "This is not a whole ELAN file"),
        ("<TextGrid/>", "An ELAN file begins with ANNOTATION_DOCUMENT, this one with TextGrid"),
        (BOMB, "This ELAN file declares entities"),
        (ELAN.replace('TIME_VALUE="1000"', 'TIME_VALUE="soon"'), "A TIME_VALUE must be whole milliseconds, not “soon”"),
        (
            ELAN.replace('TIME_SLOT_REF1="ts1"', 'TIME_SLOT_REF1="ts9"'),
            "Annotation a1 refers to a time that is not there",
        ),
        (ELAN.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a9"'), "Annotations refer to a9, which is not there"),
        (ELAN.replace('TIME_VALUE="4000"', 'TIME_VALUE="400"'), "ends before it starts"),
        ("<ANNOTATION_DOCUMENT/>", "There is no label in this file"),
    ],
)
def test_a_bad_file_is_one_sentence(write: Write, text: str, said: str) -> None:
    path = write("bad.eaf", text)
    with pytest.raises(UsageError) as caught:
        read_labels(path)
    assert said in str(caught.value)
    assert str(caught.value).endswith(f": {path}")
    assert "\n" not in str(caught.value)
