"""Every reader of a corpus, on tiny copies of it with cells, bytes, files and names changed.

What a reader takes is written as the manifest that `mien manifest` makes of it, and must be read again as it was; what it does
not take it refuses in one sentence. Few and many examples as in `test_fuzz_readers.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from mien_plugins.corpora.info import CORPORA

from .fuzzing import Parsers, Tree, changed, lay, made_tests

PARSERS = Parsers()

_SESSIONS = range(1, 6)
_ARFF = "@relation gold\n@attribute Instance_name string\n@attribute frameTime numeric\n@data\n'x',0.00,0.1\n'x',0.04,-0.2\n"
_LEVELS = "".join(f"06-04-{debate}_300_330,{debate - 10.5:.2f}\n" for debate in range(10, 14))
_MOSEI_RATED = "Input.VIDEO_ID,Input.CLIP,Answer.sentiment," + ",".join(
    f"Answer.{name}" for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
)

CORPORA_AS_HANDED_OUT: Mapping[str, tuple[Tree, ...]] = {
    "iemocap": (
        {
            f"Session{n}/dialog/EmoEvaluation/Ses0{n}F_impro01.txt": "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
            f"[0.5000 - 1.2000]\tSes0{n}F_impro01_F000\tneu\t[3.0000, 3.0000, 3.0000]\nC-E2:\tNeutral;\t()\n"
            for n in _SESSIONS
        }
        | {
            f"Session{n}/dialog/transcriptions/Ses0{n}F_impro01.txt": f"Ses0{n}F_impro01_F000 [000.5000-001.2000]: Excuse me.\n"
            for n in _SESSIONS
        }
        | {f"Session{n}/sentences/wav/Ses0{n}F_impro01/Ses0{n}F_impro01_F000.wav": "" for n in _SESSIONS}
        | {f"Session{n}/dialog/avi/DivX/Ses0{n}F_impro01.avi": "" for n in _SESSIONS},
    ),
    "sspnet-conflict": (
        {"conflictlevel.csv": f"Name,Value\n{_LEVELS}"}
        | {f"audiodata/06-04-{debate}_300_330.wav": "" for debate in range(10, 14)},
    ),
    "glasgow-disagreement": (
        {"metadata.csv": "Fold;File name;Rating\n" + "".join(f"{n % 3};talk {n};{n * 25}%\n" for n in range(4))}
        | {f"Audio/talk {n}.wav": "" for n in range(4)},
    ),
    "recola": (
        {
            f"ratings_gold_standard/{attribute}/{name}.arff": _ARFF
            for attribute in ("arousal", "valence")
            for name in ("train_1", "dev_1")
        }
        | {f"recordings_{kind}": "" for kind in ("audio/train_1.wav", "audio/dev_1.wav", "video/train_1.mp4")},
        {
            f"emotional_behaviour/{attribute}/P{who}.csv": "time;FM1 ;FM2\n0.00;0.1;0.2\n0.04;-0.1;-0.2\n"
            for attribute in ("arousal", "valence")
            for who in (16, 17, 19)
        }
        | {f"sound/P{who}.wav": "" for who in (16, 17, 19)},
    ),
    "sewa": (
        {f"labels/{name}.csv": f"'{name}';0.0;0.1;-0.1;0.5\n'{name}';0.1;0;0;0\n" for name in ("Train_01", "Devel_01")}
        | {f"transcriptions/{name}.csv": "0.0;0.1;hallo; du\n0.1;0.2;gut\n" for name in ("Train_01", "Devel_01")}
        | {f"audio/{name}.wav": "" for name in ("Train_01", "Devel_01")},
    ),
    "cmu-mosi": (
        {
            "Labels/OpinionLevelSentiment.csv": "0.1,1.5,aVideo,1,2.4\n1.5,2.0,aVideo,2,-3\n0.1,1.5,other-1,1,0\n",
            "Transcript/Segmented/aVideo.annotprocessed": "1_DELIM_SO IT IS\n2_DELIM_NO\n",
            "Transcript/Segmented/other-1.annotprocessed": "1_DELIM_WELL\n",
        }
        | {f"Audio/WAV_16000/Segmented/{name}.wav": "" for name in ("aVideo_1", "aVideo_2", "other-1_1")},
        {
            "label.csv": "video_id,clip_id,text,label,mode\naVideo,1,so it is,2.4,train\nother,2,no,-1,test\n",
            "Raw/aVideo/1.mp4": "",
            "Raw/other/2.mp4": "",
        },
    ),
    "cmu-mosei": (
        {
            "CMU_MOSEI_Labels.csv": "file,start,end,sentiment,happy,sad,anger,surprise,disgust,fear,split\n"
            "aVideo,-0.1,1.5,2.4,1,0,0,0,0,0,0\nother,1.5,2,-1,0,0.5,3,0,0,0,2.0\n",
            "Transcript/Segmented/Combined/aVideo.txt": "aVideo___1___0.0___1.5___so it is\n",
            "Audio/Full/WAV_16000/aVideo.wav": "",
            "Audio/Full/WAV_16000/other.wav": "",
        },
        {
            "Labels/batch_1.csv": f"{_MOSEI_RATED}\naVideo,1,2,0,0,0,3,0,\nb,1,-1,1,0,0,0,0,0\nc,1,0,0,0,0,0,0,0\n",
            **{
                f"Transcript/Segmented/Combined/{v}.txt": f"{v}___1___0.0___1.5___so it is\n"
                for v in ("aVideo", "b", "c")
            },
            **{f"Audio/Full/WAV_16000/{v}.wav": "" for v in ("aVideo", "b", "c")},
        },
    ),
    "hate-clips": (
        {
            **{f"hate/talk_{n}.mp4": "" for n in range(3)},
            **{f"no_hate/{name}_1.mp4": "" for name in "abcd"},
            "hate/talk_1.txt": "so it\nis",
            "transcripts.csv": "file,text\ntalk_2.mp4,words\nno_hate/a_1.mp4,others\n",
            "speakers.csv": "file,speaker\ntalk_2.mp4,Ann\n",
            "splits.csv": "file,split\ntalk_0.mp4,train\na_1,dev\n",
        },
        {
            "labels.csv": "file,label,speaker,text\na.wav,hate,Ann,so it is\nb.wav,no_hate,Bob,no\nc.wav,0,,well\n",
            **{f"clips/{name}.wav": "" for name in "abc"},
        },
        {
            "HateMM_annotation.csv": "video_file_name,label\nhate_video_1.mp4,Hate\nx_1.mp4,Non Hate\ny_1.mp4,Non Hate\n",
            "hate_videos/hate_video_1.mp4": "",
            "non_hate_videos/x_1.mp4": "",
            "non_hate_videos/y_1.mp4": "",
        },
    ),
    "olid": (
        {
            "olid-training-v1.0.tsv": "id\ttweet\tsubtask_a\tsubtask_b\tsubtask_c\n1\tso it is\tOFF\tTIN\tIND\n"
            "2\tnot at all\tNOT\tNULL\tNULL\n3\twhatever\tOFF\tUNT\tNULL\n",
            "testset-levela.tsv": "id\ttweet\n3\twhatever\n4\tas you like\n",
            "labels-levela.csv": "3,OFF\n4,NOT\n",
        },
    ),
    "davidson": (
        {
            "labeled_data.csv": ',count,class,tweet\n0,3,2,"so, it is"\n1,3,1,RT @a: no\n2,3,0,well\n3,3,0,"said ""it"""\n'
        },
    ),
    "waseem-hovy": ({"labeled_data_all.csv": "class,tweet\n0,so it is\n1,no\n2,well\n2,yes\n"},),
    "ravdess": (
        {f"Speech/Actor_{actor:02d}/03-01-0{actor}-01-02-01-{actor:02d}.wav": "" for actor in range(1, 5)}
        | {"Video/Actor_01/01-01-01-01-01-01-01.mp4": ""},
    ),
    "emodb": ({f"wav/{speaker}a01{letter}a.wav": "" for speaker in ("03", "08", "10") for letter in "WL"},),
    "fer2013": (
        {f"train/{emotion}/{n}.png": f"{emotion} {n}" for emotion in ("angry", "happy") for n in range(3)}
        | {"train/happy/copy.png": "happy 1", "test/angry/1.png": "tested"},
    ),
}


def test_no_reader_is_left_out() -> None:
    assert [info.id for info in CORPORA] == list(CORPORA_AS_HANDED_OUT)


def _add(name: str, factory: str, tree: Tree) -> None:
    module, _, function = factory.partition(":")
    there: dict[str, bytes] = {}

    def parse(example: tuple[dict[str, bytes], str, str], folder: Path) -> None:
        from mien.training.manifest_file import read_manifest
        from mien.training.manifest_write import write_manifest

        read: Any = getattr(importlib.import_module(module), function)
        place = folder / "corpus"
        lay(place, example[0], there)
        manifest = read(place, media=example[1])
        manifest.check_disjoint()
        target = place / f"manifest.{example[2]}"
        write_manifest(manifest, target)
        again = read_manifest(target)
        assert [label.name for label in again.labels] == [label.name for label in manifest.labels]
        assert [_plain(row) for row in again.rows] == [_plain(row) for row in manifest.rows]

    media, suffix = st.sampled_from(["sound", "sound", "video"]), st.sampled_from(["csv", "parquet"])
    PARSERS[name] = (st.tuples(changed(tree), media, suffix), parse)


def _plain(row: Any) -> tuple[Any, ...]:
    numbers = tuple(round(v, 6) if isinstance(v, float) else v for v in (row.start, row.end, *row.labels))
    return row.path, row.speaker, row.split, row.group, row.text, numbers


for _info in CORPORA:
    for _n, _tree in enumerate(CORPORA_AS_HANDED_OUT[_info.id], 1):
        _add(f"{_info.id}{f' {_n}' if _n > 1 else ''}", _info.factory, _tree)


test_anything_is_a_value_or_a_sentence, test_very_much_of_anything_is_a_value_or_a_sentence = made_tests(PARSERS)
