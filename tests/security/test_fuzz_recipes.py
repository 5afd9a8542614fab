"""What recipes read besides manifests: corpora in the folder of `--data`, and what earlier trainings left in their work folder.

As in `test_fuzz_readers.py`: a value, or one sentence; few examples with all tests, many with `make faults`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .fuzzing import Parsers, Tree, changed, damaged, lay, made_tests, word

PARSERS = Parsers()
parser = PARSERS.of


def reads(tree: Tree) -> Callable[[Callable[[Path], object]], None]:
    """Adds a reader of such a folder under its name."""

    def add(function: Callable[[Path], object]) -> None:
        there: dict[str, bytes] = {}

        def parse(example: dict[str, bytes], folder: Path) -> object:
            lay(folder / "data", example, there)
            return function(folder / "data")

        parse.__name__ = function.__name__
        parser(changed(tree))(parse)

    return add


# -- corpora of recipes ----------------------------------------------------------------------------------------------


@reads(
    {
        "text/olid/olid-training-v1.0.tsv": "id\ttweet\tsubtask_a\n1\tso it is\tOFF\n2\tnot at all\tNOT\n3\twell\tOFF\n",
        "text/olid/testset-levela.tsv": "id\ttweet\n4\twhatever\n5\tas you like\n",
        "text/olid/labels-levela.csv": "4,OFF\n5,NOT\n",
    }
)
def _olid_for_texts(data: Path) -> object:
    from mien_plugins.text.data import read_olid

    return read_olid(data)


@reads(
    {
        f"text/hatexplain/{part}.tsv": "label\ttext\nnormal\tso it is\nhatespeech\tno\n"
        for part in ("train", "valid", "test")
    }
)
def _hatexplain(data: Path) -> object:
    from mien_plugins.text.data import read_hatexplain

    return read_hatexplain(data)


@reads({"text/davidson/labeled_data.csv": ',count,class,tweet\n0,3,2,"so, it is"\n1,3,1,no\n2,3,0,"said ""it"""\n'})
def _davidson_for_texts(data: Path) -> object:
    from mien_plugins.text.data import read_davidson

    return read_davidson(data)


@reads(
    {
        "text/emobank/emobank.csv": "id,split,V,A,D,text\na,train,3.0,2.5,3.2,so it is\nb,dev,1,5,3,no\nc,test,3,3,3,well\n"
    }
)
def _emobank(data: Path) -> object:
    from mien_plugins.text.data import read_emobank

    return read_emobank(data)


_ACTED = {
    "speech/manifest.csv": "corpus,path,emotion,speaker,gender,lang,intensity\nravdess,a.wav,angry,01,f,en,strong\n"
    "emodb,b.wav,neutral,3,m,de,\n"
}


@reads(_ACTED)
def _acted_speech(data: Path) -> object:
    from mien_plugins.emotion.corpus import read_clips

    clips = read_clips(data)
    assert all(-1.0 <= value <= 1.0 for clip in clips for value in clip.label)
    assert all(clip.path.is_relative_to(data) and ".." not in clip.path.parts for clip in clips)
    return clips


@reads(_ACTED)
def _voices(data: Path) -> object:
    """Up to the sound of the first, for none of the recordings is there."""
    from mien_plugins.conflict.takes import load_voices

    return load_voices(data, ["ravdess/01", "emodb/3"])


@reads(
    {f"recola/features_audio/{name}.arff": "@data\n'x',0.00,0.1,2\n'x',0.04,-0.2,3\n" for name in ("train_1", "dev_1")}
    | {
        f"recola/features_video_geometric/{name}.csv": "name,time,a\nx,0.00,0.1\nx,0.04,1e-3\n"
        for name in ("train_1", "dev_1")
    }
    | {
        f"recola/ratings_gold_standard/arousal/{name}.arff": "@data\n'x',0.00,0.1\n'x',0.04,-0.2\n"
        for name in ("train_1", "dev_1")
    }
)
def _recola_of_tables(data: Path) -> object:
    from mien_plugins.colearning.recola import read

    return read(data, "arousal", ("audio", "geometric"), 0.1)


@reads(
    {"rows_test.csv": "0\n1\n2\n"}
    | {f"{name}_test.csv": "0.1,0.2,0\n1,-2,1\n3,4,0\n" for name in ("text", "audio", "video")}
)
def _mosi_of_tables(data: Path) -> object:
    from mien_plugins.colearning.mosi import _sequences

    return _sequences(data, "test", ["a_1", "a_2", "b_1"])


@parser(st.deferred(lambda: damaged(_packed("0.1,0.2,0\n1,-2,1\n"))))
def _packed_tables(example: bytes, folder: Path) -> object:
    from mien_plugins.colearning.mosi import _table

    (folder / "text_test.csv.gz").write_bytes(example)
    return _table(folder, "text_test")


def _packed(text: str) -> bytes:
    import gzip

    return gzip.compress(text.encode(), mtime=0)


@reads({"words.txt": "3 2\nso 0.1 -2e-3\nit 1 2\nIs 0 0\n"})
def _word_vectors(data: Path) -> object:
    from mien_plugins.text.wordtable import WordTable

    return WordTable.read(data / "words.txt", ["so it is"]).of(["so not"])


_whole = st.integers(-3, 5000) | st.sampled_from([1 << 40, -(1 << 62), 255])
_odd_arrays = st.one_of(
    st.lists(_whole, max_size=9).map(lambda values: np.array(values, np.int64)),
    st.lists(st.integers(0, 255), max_size=9).map(lambda values: np.array(values, np.uint8)),
    st.lists(st.floats() | st.integers(-9, 9), max_size=9).map(lambda values: np.array(values, np.float64)),
    st.lists(word.filter(lambda text: "\0" not in text), max_size=3).map(lambda words: np.array(words, np.str_)),
    st.just(np.zeros((2, 3, 4), np.int8)),
)
_names = ("jpeg", "offset", "y", "usage", "classes")


def _faces() -> dict[str, Any]:
    import cv2

    noise = np.random.default_rng(6).integers(0, 256, (6, 6, 6), np.uint8)  # large dots, which no JPEG makes alike
    pictures = [cv2.imencode(".jpg", cv2.resize(one, (48, 48)))[1].ravel() for one in noise]
    return {
        "jpeg": np.concatenate(pictures),
        "offset": np.cumsum([0, *map(len, pictures)]),
        "y": np.arange(6) % 2,
        "usage": np.array([0, 0, 0, 0, 1, 2]),
        "classes": np.array(["angry", "happy"]),
    }


@parser(st.tuples(st.dictionaries(st.sampled_from(_names), _odd_arrays, max_size=2),
                  st.lists(st.tuples(st.sampled_from(_names[:4]), st.integers(0, 5000), _whole), max_size=2)))  # fmt: skip
def _faces_in_one_file(example: tuple[dict[str, Any], list[tuple[str, int, int]]], folder: Path) -> object:
    """Arrays that are others, or of which single numbers are."""
    from mien_plugins.face.data import load_fer2013

    arrays = _faces() | example[0]
    for name, place, value in example[1]:
        if arrays[name].size and arrays[name].dtype.kind in "iu":
            limits = np.iinfo(arrays[name].dtype)
            arrays[name].flat[place % arrays[name].size] = min(max(value, limits.min), limits.max)
    np.savez(folder / "fer2013.npz", **arrays)
    return load_fer2013(folder, 0.3)


# -- how many --------------------------------------------------------------------------------------------------------


test_anything_is_a_value_or_a_sentence, test_very_much_of_anything_is_a_value_or_a_sentence = made_tests(PARSERS)
