"""A label that no reader knows is refused with one sentence, by every adapter and by the recipes' own readers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.engine.registry import Registry
from mien.errors import CorpusError

ARFF = "@data\n'x',0.00,{value}\n'x',0.04,0.1\n"


def iemocap(put: Any) -> str:
    for n in range(1, 6):
        kind = "puzzled" if n == 3 else "neu"
        base, name = f"Session{n}", f"Ses0{n}F_impro01"
        put(f"{base}/dialog/EmoEvaluation/{name}.txt", f"[0.5 - 1.2]\t{name}_F000\t{kind}\t[3.0, 3.0, 3.0]\n")
        put(f"{base}/dialog/transcriptions/{name}.txt", f"{name}_F000 [000.5-001.2]: Well.\n")
        put(f"{base}/sentences/wav/{name}/{name}_F000.wav")
    return "Line 1 of .*Ses03F_impro01.*: the emotion “puzzled” is none of"


def sspnet(put: Any) -> str:
    put("audiodata/06-04-10_300_330.wav")
    put("conflictlevel.csv", "06-04-10_300_330,99\n")
    return "Row 1 of .* has no level from -10 to 10 but “99”"


def glasgow(put: Any) -> str:
    put("Audio/talk.wav")
    put("metadata.csv", "Fold,File name,Rating\n1,talk,120%\n")
    return "has no rating from 0 to 100"


def recola(put: Any) -> str:
    for attribute, value in (("arousal", 0.1), ("valence", 7)):
        put(f"ratings_gold_standard/{attribute}/train_1.arff", ARFF.format(value=value))
    put("recordings_audio/train_1.wav")
    return "has no rating from -1.5 to 1.5 but “7”"


def sewa(put: Any) -> str:
    put("labels/Train_01.csv", "'Train_01';0.0;0.1;much;0\n")
    put("transcriptions/Train_01.csv", "0.2;0.4;hallo\n")
    put("audio/Train_01.wav")
    return "has no valence from .* but “much”"


def mosi(put: Any) -> str:
    put("Labels/OpinionLevelSentiment.csv", "0,1,v,1,9\n")
    put("Transcript/Segmented/v.annotprocessed", "1_DELIM_well\n")
    put("Audio/WAV_16000/Segmented/v_1.wav")
    return "has no sentiment from -3 to 3 but “9”"


def mosei(put: Any) -> str:
    put("CMU_MOSEI_Labels.csv", "file,start,end,sentiment,happy,sad,anger,surprise,disgust,fear\nv,0,1,0,9,0,0,0,0,0\n")
    put("Audio/Full/WAV_16000/v.wav")
    return "has no happy from 0 to 3 but “9”"


def clips(put: Any) -> str:
    put("a.wav")
    put("labels.csv", "file,label\na.wav,perhaps\n")
    return "label should be hate or no_hate, not “perhaps”"


def olid(put: Any) -> str:
    heading = "id\ttweet\tsubtask_a\tsubtask_b\tsubtask_c"
    put("olid-training-v1.0.tsv", f"{heading}\n1\ta dog\tMAYBE\tNULL\tNULL\n")
    put("testset-levela.tsv", "id\ttweet\n2\ta cat\n")
    put("labels-levela.csv", "2,OFF\n")
    return "subtask_a should be one of NOT, OFF, not “MAYBE”"


def davidson(put: Any) -> str:
    put("labeled_data.csv", "class,tweet\n7,a dog\n")
    return "class should be 0, 1 or 2, not “7”"


def waseem(put: Any) -> str:
    put("labeled_data_all.csv", "class,tweet\nsome,a dog\n")
    return "class should be 0, 1 or 2, not “some”"


def ravdess(put: Any) -> str:
    put("Actor_01/03-01-09-01-02-01-01.wav")
    return "knows eight emotions"


def emodb(put: Any) -> str:
    put("wav/03a01Xa.wav")
    return "names a take 03a01Fa, and not so"


def fer(put: Any) -> str:
    put("train/puzzled/1.png", "x")
    put("test/happy/1.png", "x")
    return "a folder for each of seven emotions, and none called so"


ADAPTERS: dict[str, Callable[[Any], str]] = {
    "iemocap": iemocap,
    "sspnet-conflict": sspnet,
    "glasgow-disagreement": glasgow,
    "recola": recola,
    "sewa": sewa,
    "cmu-mosi": mosi,
    "cmu-mosei": mosei,
    "hate-clips": clips,
    "olid": olid,
    "davidson": davidson,
    "waseem-hovy": waseem,
    "ravdess": ravdess,
    "emodb": emodb,
    "fer2013": fer,
}


def test_no_adapter_is_left_out() -> None:
    assert set(ADAPTERS) == set(Registry.load().corpora)


@pytest.mark.parametrize("name", ADAPTERS)
def test_adapters_refuse_labels_that_they_do_not_know(put: Any, corpus: Path, name: str) -> None:
    said = ADAPTERS[name](put)
    module, _, function = Registry.load().corpora[name].factory.partition(":")
    read = getattr(importlib.import_module(module), function)
    with pytest.raises(CorpusError, match=said) as caught:
        read(corpus, seed=0, media="sound")
    assert "\n" not in str(caught.value)


EXPECTED = {
    "iemocap": "Session1",
    "sspnet-conflict": "conflictlevel.csv",
    "glasgow-disagreement": "metadata.csv",
    "recola": "ratings_gold_standard",
    "sewa": "labels",
    "cmu-mosi": "OpinionLevelSentiment.csv",
    "cmu-mosei": "CMU_MOSEI_Labels.csv",
    "hate-clips": "labels.csv",
    "olid": "olid-training-v1.0.tsv",
    "davidson": "labeled_data.csv",
    "waseem-hovy": "labeled_data_all.csv",
    "ravdess": "Actor_01",
    "emodb": "wav",
    "fer2013": "train",
}
"""Adapter → what it names where nothing of the corpus is there."""


@pytest.mark.parametrize("name", ADAPTERS)
def test_adapters_say_what_is_expected_where_in_a_folder_that_has_nothing(corpus: Path, name: str) -> None:
    module, _, function = Registry.load().corpora[name].factory.partition(":")
    read = getattr(importlib.import_module(module), function)
    with pytest.raises(CorpusError) as caught:
        read(corpus, seed=0, media="sound")
    said = str(caught.value)
    assert EXPECTED[name] in said
    assert str(corpus) in said
    assert "\n" not in said


def one_sentence(said: str, read: Callable[[], Any]) -> None:
    with pytest.raises(CorpusError, match=said) as caught:
        read()
    assert "\n" not in str(caught.value)


def test_texts_with_labels_that_nobody_knows(put: Any, corpus: Path) -> None:
    from mien_plugins.text import data

    for split in ("train", "valid", "test"):
        put(f"text/hatexplain/{split}.tsv", "label\ttext\nnormal\ta dog\n")
    put("text/hatexplain/valid.tsv", "label\ttext\nnormal\ta dog\nperhaps\ta cat\n")
    one_sentence("Row 2 has the label “perhaps”, which is none of", lambda: data.read_hatexplain(corpus))
    put("text/hatexplain/valid.tsv", "kind\ttext\nnormal\ta dog\n")
    one_sentence("column label is missing", lambda: data.read_hatexplain(corpus))
    put("text/hatexplain/valid.tsv", "text\tlabel\na dog\n")
    one_sentence("Row 1 ends before its column label", lambda: data.read_hatexplain(corpus))

    put("text/davidson/labeled_data.csv", "class,tweet\n0,a dog\n5,a cat\n")
    one_sentence("Row 2 has the label “5”", lambda: data.read_davidson(corpus))

    bank = "id,split,V,A,D,text\n1,train,3,3,3,a dog\n2,{split},3,{rating},3,a cat\n"
    put("text/emobank/emobank.csv", bank.format(split="dev", rating="nan"))
    one_sentence("Row 2 has no rating from 1 to 5 but “nan”", lambda: data.read_emobank(corpus))
    put("text/emobank/emobank.csv", bank.format(split="later", rating="3"))
    one_sentence("Row 2 is of the split “later”", lambda: data.read_emobank(corpus))

    put("text/olid/olid-training-v1.0.tsv", "id\ttweet\tsubtask_a\n1\ta dog\tNOT\n2\ta cow\tMAYBE\n")
    put("text/olid/testset-levela.tsv", "id\ttweet\n3\ta cat\n")
    answers = put("text/olid/labels-levela.csv", "3,OFF\n")
    one_sentence("Row 2 has the label “MAYBE”", lambda: data.read_olid(corpus))
    put("text/olid/labels-levela.csv", "3,OFF\n4,NOT\n")
    one_sentence("Row 2 labels a tweet that is not in testset", lambda: data.read_olid(corpus))
    put("text/olid/labels-levela.csv", "id,label\n3,PERHAPS\n")
    one_sentence("Row 2 has the label “PERHAPS”", lambda: data.read_olid(corpus))
    answers.unlink()
    one_sentence("missing; put a copy", lambda: data.read_olid(corpus))


def test_voices_with_emotions_that_nobody_knows(put: Any, corpus: Path) -> None:
    from mien_plugins.conflict.takes import load_voices
    from mien_plugins.emotion.corpus import read_clips

    heading = "corpus,path,emotion,speaker,gender,lang,transcript,intensity\n"
    put("speech/manifest.csv", f"{heading}ravdess,a.flac,calm,1,f,en,,normal\nravdess,b.flac,puzzled,1,f,en,,normal\n")
    one_sentence("Row 2 .*has the emotion “puzzled”", lambda: read_clips(corpus))
    put("speech/manifest.csv", f"{heading}ravdess,b.flac,puzzled,1,f,en,,normal\n")
    one_sentence("Row 1 has the emotion “puzzled”", lambda: load_voices(corpus, ["ravdess/1"]))
    put("speech/manifest.csv", heading)
    one_sentence("The list names no recording", lambda: read_clips(corpus))
    put("speech/manifest.csv", f"{heading}ravdess,a.flac,calm,one,f,en,,normal\n")
    one_sentence("Row 1 should number its speaker, not say “one”", lambda: read_clips(corpus))
    put("speech/manifest.csv", "corpus,path,speaker,gender,lang,intensity\nravdess,a.flac,1,f,en,normal\n")
    one_sentence("column emotion is missing", lambda: read_clips(corpus))
    one_sentence("column emotion is missing", lambda: load_voices(corpus, ["ravdess/1"]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": np.array([0, 9, 1])}, "labels that training does not know: 9"),
        ({"usage": np.array([0, 0, 0])}, "PublicTest split of fer2013.npz is empty"),
        ({"y": np.array([0, 1])}, "must have a row for each item alike"),
        ({"classes": None}, "no fer2013.npz with the arrays"),
    ],
)
def test_faces_with_classes_that_nobody_knows(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    import cv2

    from mien_plugins.face.data import load_fer2013

    jpeg = [cv2.imencode(".jpg", np.full((48, 48), 40 * n, np.uint8))[1].ravel() for n in range(3)]
    arrays = {
        "jpeg": np.concatenate(jpeg),
        "offset": np.cumsum([0, *map(len, jpeg)]),
        "y": np.array([0, 1, 2]),
        "usage": np.array([0, 0, 1]),
        "classes": np.array(["angry", "disgust", "fear"]),
    } | change
    np.savez(tmp_path / "fer2013.npz", **{name: value for name, value in arrays.items() if value is not None})
    one_sentence(said, lambda: load_fer2013(tmp_path))
    (tmp_path / "fer2013.npz").write_bytes(b"PK\x03\x04 not a zip")
    one_sentence("no fer2013.npz", lambda: load_fer2013(tmp_path))


def test_tables_that_lead_out_or_are_of_another_code_page(put: Any, corpus: Path) -> None:
    from mien_plugins.conflict.takes import load_voices
    from mien_plugins.emotion.corpus import read_clips

    heading = "corpus,path,emotion,speaker,gender,lang,intensity\n"
    put("speech/manifest.csv", f"{heading}ravdess,../../a.flac,calm,1,f,en,normal\n")
    one_sentence("names a recording outside of its folder", lambda: read_clips(corpus))
    one_sentence("names a recording outside of its folder", lambda: load_voices(corpus, ["ravdess/1"]))
    put("speech/manifest.csv", f"{heading}ravdess,a.flac,calm,{'1' * 5000},f,en,normal\n")
    one_sentence("Row 1 should number its speaker", lambda: read_clips(corpus))
    put("speech/manifest.csv").write_bytes(f"{heading}ravdess,ä.flac,calm,1,f,en,normal\n".encode("latin-1"))
    one_sentence("table cannot be read", lambda: read_clips(corpus))
    one_sentence("table cannot be read", lambda: load_voices(corpus, ["ravdess/1"]))


def test_people_who_differ_by_spaces_are_one(put: Any, corpus: Path) -> None:
    from mien_plugins.corpora.hate import read

    for name in ("hate/a.wav", "hate/b.wav", "no_hate/c.wav", "no_hate/d.wav"):
        put(name)
    put("speakers.csv", "file,speaker\na.wav,Ann\nb.wav,Bob\nc.wav,Cem\nd.wav,Dee\n")
    put("labels.csv", "file,label,speaker\na.wav,hate,Ann\nb.wav,no_hate, Bob\nc.wav,hate,Bob\nd.wav,no_hate,Cem\n")
    assert sorted(row.speaker for row in read(corpus).rows) == ["Ann", "Bob", "Bob", "Cem"]
