"""The smaller parsers that we own, on anything: what the window keeps, patterns, arrays, Parquet tables, what others state.

As in `test_fuzz_readers.py`: the same few dozen examples with all tests, thousands with `make faults`.
"""

from __future__ import annotations

import io
import json
import math
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

from .fuzzing import Parsers, anything, damaged, made_tests, mixed, objects, word

PARSERS = Parsers()
parser = PARSERS.of

_DEEP = b"\0deep"
"""Stands for what is nested as no file of ours is: Python's reader gives up with an error of its own."""


def files(values: st.SearchStrategy[Any], *wholes: object) -> st.SearchStrategy[bytes]:
    """JSON files: of these values, of anything, damaged ones, and ones without end."""
    texts = [json.dumps(whole).encode() for whole in wholes]
    deep = st.sampled_from([_DEEP, b'{"items":' + _DEEP, b'{"lanes":' + _DEEP])
    return st.one_of(
        (values | anything).map(lambda v: json.dumps(v).encode()), damaged(*texts), st.binary(max_size=60), deep
    )


def put(path: Path, content: bytes) -> None:
    """Write such a file."""
    path.write_bytes(content.replace(_DEEP, b"[" * 100_000))


number = st.sampled_from([10**400, -(10**400), 1, 2]) | st.floats() | st.integers() | word


# -- what is asked for -----------------------------------------------------------------------------------------------


@parser(
    st.tuples(
        st.lists(
            mixed("*", "**", "/", "?", "[", "]", "!", "^", "a", "-", "--", "&&", "||", "~~", "\\", ".mp4", size=10),
            max_size=3,
        ),
        word,
    )
)
def _patterns_of_names(example: tuple[list[str], str], folder: Path) -> object:
    from mien.batch.find import check_globs, matcher

    return matcher(check_globs(example[0]))(example[1])


@parser(mixed("auto", "cpu", "cuda:", "0", "1", ",", "mps", size=6))
def _devices(example: str, folder: Path) -> object:
    from mien.batch.devices import slots

    return slots(example, "auto", 1, 1)


@parser(mixed("1", "05", ":", ".", ",", "9" * 400, size=8))
def _typed_times(example: str, folder: Path) -> None:
    from mien_desktop.events.strip import seconds

    found = seconds(example)
    assert found is None or math.isfinite(found)


# -- files that users hand over --------------------------------------------------------------------------------------


def _npz() -> tuple[bytes, ...]:
    made = []
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, audio=np.ones((3, 2), np.float32), text=np.array("ä"))
        made.append(file.getvalue())
    return tuple(made)


_shape = st.sampled_from(["-" * 9000 + "1", "1" + "+1" * 4000]) | mixed(
    "{'descr': '<f4', ", "'fortran_order': False, ", "'shape': ", "(3, 2)", "(-1,)", "(", ")", "'|O'", "-" * 3000, "}"
)


@parser(st.deferred(lambda: damaged(*_npz())) | st.binary(max_size=80) | _shape)
def _arrays(example: bytes | str, folder: Path) -> None:
    """Whole archives, and archives of one array whose header says something else."""
    import zipfile

    from mien.training.arrays import read_arrays

    path = folder / "x.npz"
    if isinstance(example, bytes):
        path.write_bytes(example)
    else:
        header = example.encode("utf-8", "surrogatepass")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "audio.npy", b"\x93NUMPY\x01\x00" + min(len(header), 65535).to_bytes(2, "little") + header + bytes(24)
            )
    try:
        read = read_arrays(path, ("audio", "text"), 1 << 20)
    except ValueError:
        return  # who reads them says which file it was
    assert all(array.nbytes <= 1 << 20 for array in read.values())


def _parquet() -> tuple[bytes, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {"path": ["a.wav", "b.wav"], "start": [0.0, 1.0], "end": [1.0, 2.0], "valence[-1..1]": [0.5, None]}
    )
    made = []
    for compression in ("none", "zstd"):
        file = io.BytesIO()
        pq.write_table(table, file, compression=compression)
        made.append(file.getvalue())
    return tuple(made)


@parser(st.deferred(lambda: damaged(*_parquet())))
def _parquet_manifests(example: bytes, folder: Path) -> object:
    from mien.training.manifest_file import read_manifest

    path = folder / "manifest.parquet"
    path.write_bytes(example)
    return read_manifest(path, files=False)


_OLID = (
    b"id\ttweet\tsubtask_a\tsubtask_b\tsubtask_c\n1\tso it is\tOFF\tTIN\tIND\n2\tnot at all\tNOT\tNULL\tNULL\n",
    b"id\ttweet\n3\twhatever\n",
    b"3,OFF\n",
)


@parser(st.tuples(*(st.just(whole) | damaged(whole) for whole in _OLID)))
def _corpora_of_texts(example: tuple[bytes, ...], folder: Path) -> object:
    from mien_plugins.corpora.tweets import read_olid

    for name, content in zip(
        ("olid-training-v1.0.tsv", "testset-levela.tsv", "labels-levela.csv"), example, strict=True
    ):
        (folder / name).write_bytes(content)
    return read_olid(folder)


_TURN = (
    b"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    b"[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 3.0]\n"
)
_SAID = b"Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\n"


@parser(st.tuples(st.just(_TURN) | damaged(_TURN), st.just(_SAID) | damaged(_SAID)))
def _corpora_of_talks(example: tuple[bytes, bytes], folder: Path) -> object:
    from mien_plugins.corpora.iemocap import read

    for session in range(1, 6):
        place = folder / f"Session{session}"
        for name, content in (("dialog/EmoEvaluation", example[0]), ("dialog/transcriptions", example[1])):
            (place / name).mkdir(parents=True, exist_ok=True)
            (place / name / "Ses01F_impro01.txt").write_bytes(content)
        sound = place / "sentences" / "wav" / "Ses01F_impro01" / "Ses01F_impro01_F000.wav"
        sound.parent.mkdir(parents=True, exist_ok=True)
        if not sound.exists():
            with wave.open(str(sound), "wb") as file:
                file.setparams((1, 2, 8_000, 0, "NONE", ""))
                file.writeframes(bytes(16_000))
    return read(folder)


# -- what the window keeps: no such file may keep it shut, nor keep it from being written again --------------------------


@parser(
    files(
        st.fixed_dictionaries(
            {},
            optional={
                "theme": word | st.just("dark"),
                "text_scale": number,
                "recent": st.lists(word) | anything,
                "geometry": word,
                "splits": st.dictionaries(word, st.lists(number)) | anything,
                "lanes": anything,
                "volume": number,
            },
        ),
        {"theme": "dark", "recent": ["a"], "splits": {"main": [1, 2]}, "lanes": {"a": {"height": 3}}},
    )
)
def _window_states(example: bytes, folder: Path) -> None:
    from mien_desktop.shell import state

    _comes_back(example, folder, state)


@parser(
    files(
        st.fixed_dictionaries(
            {}, optional={"shortcuts": st.dictionaries(word, word | anything), "disabled": st.lists(word) | anything}
        ),
        {"shortcuts": {"play/pause": "Space"}, "disabled": ["text"]},
    )
)
def _choices(example: bytes, folder: Path) -> None:
    from mien_desktop.settings import kept

    _comes_back(example, folder, kept)


_row = st.fixed_dictionaries(
    {"path": word, "state": st.sampled_from(["waiting", "running", "done"]) | word},
    optional={
        "seconds": number | anything,
        "root": word,
        "runs": st.dictionaries(word, word) | anything,
        "mark": anything,
    },
)
_watched = st.fixed_dictionaries(
    {"folder": word}, optional={"include": st.lists(word), "exclude": anything, "follow": anything}
)


@parser(
    files(
        st.fixed_dictionaries(
            {},
            optional={
                "items": st.lists(_row | anything, max_size=4),
                "watched": st.lists(_watched | anything, max_size=3),
                "workers": number,
                "unread": st.lists(objects("root", "path", "reason"), max_size=2),
                "rank": word,
                "out": word,
            },
        ),
        {"items": [{"path": "/a", "state": "done", "seconds": 3.0}], "workers": 2, "watched": [{"folder": "/b"}]},
    )
)
def _queues(example: bytes, folder: Path) -> None:
    from mien_desktop.library import item

    kept = _comes_back(example, folder, item)
    for one in kept.items:
        assert one.seconds is None or 0 <= one.seconds < math.inf


@parser(
    files(
        st.lists(
            st.fixed_dictionaries(
                {"track": word, "channel": word}, optional={"threshold": number, "min_length": number}
            )
        ),
        [{"track": "fusion.score", "channel": "hostility", "threshold": 0.5, "min_length": 1.0}],
    )
)
def _thresholds(example: bytes, folder: Path) -> None:
    from mien_desktop.events import wishes

    kept = _comes_back(example, folder, wishes)
    assert all(math.isfinite(value) for wish in kept.values() for value in wish.values())


def _comes_back(content: bytes, folder: Path, module: Any) -> Any:
    """What was understood is kept as it is, and understood again."""
    path = folder / "kept.json"
    put(path, content)
    kept = module.load(path)
    first = (path, kept) if module.__name__.endswith("wishes") else (kept, path)
    module.save(*first)
    assert repr(module.load(path)) == repr(kept)  # NaN is kept, too
    return kept


# -- what others state -----------------------------------------------------------------------------------------------


def _snapshot() -> dict[str, Any]:
    from mien.engine.isolation.snapshot import describe
    from mien.engine.registry import Registry

    return describe(Registry.load().analyzers["conflict"])


_described = st.deferred(
    lambda: st.builds(
        lambda whole, changes: {**whole, **changes},
        st.just(_snapshot()),
        st.dictionaries(
            st.sampled_from(["is", "id", "schema", "inputs", "outputs", "title", "api", "models", "asks"]),
            anything,
            max_size=2,
        ),
    )
)


@parser(_described | objects("is", "id", "schema") | anything)
def _descriptors_that_were_written_down(example: Any, folder: Path) -> object:
    from mien.engine.isolation.codec import Nonsense
    from mien.engine.isolation.snapshot import rebuild

    try:
        return rebuild(example, lambda plugin, params: {})
    except Nonsense:
        return None


@parser(
    files(
        objects("format", "name", "version", "environment", "modules"),
        {
            "format": 1,
            "name": "a",
            "version": "1",
            "environment": "env",
            "modules": [{"name": "a", "module": "a", "offers": []}],
        },
    )
)
def _records_of_plugins(example: bytes, folder: Path) -> object:
    from mien.engine.isolation import environment

    put(folder / "plugin.json", example)
    return environment._read(folder / "plugin.json")


_stated = st.fixed_dictionaries(
    {"rfilename": st.sampled_from(["config.json", "model.safetensors"]) | word},
    optional={
        "size": st.just(9) | number,
        "blobId": st.just("a" * 40) | anything,
        "lfs": st.just({"size": 9, "sha256": "c" * 64}) | objects("size", "sha256") | anything,
    },
)
_WHOLE = (
    {"rfilename": "config.json", "size": 9, "blobId": "a" * 40},
    {"rfilename": "model.safetensors", "lfs": {"size": 9, "sha256": "c" * 64}},
)


@parser(
    st.fixed_dictionaries(
        {
            "sha": st.just("b" * 40) | word,
            "siblings": st.lists(_stated, max_size=2).map(lambda more: [*_WHOLE, *more])
            | st.lists(_stated | anything, max_size=4)
            | anything,
        },
        optional={"id": anything},
    )
)
def _answers_of_a_hub(example: dict[str, Any], folder: Path) -> object:
    from mien.models import hub
    from mien.models.catalogue import ENTRIES

    known = replace(
        next(entry for entry in ENTRIES if entry.repo),
        branch="main",
        files=("config.json", "model.safetensors"),
        needed=("config.json",),
    )
    with patch.object(hub, "_get", return_value=example):
        return hub.ask(known, "https://localhost")


@parser(files(st.fixed_dictionaries({"files": st.lists(word | anything, max_size=4)}), {"files": ["a.csv"]}))
def _lists_of_exports(example: bytes, folder: Path) -> None:
    from mien.exchange.write import MANIFEST, _listed

    put(folder / MANIFEST, example)
    assert all((folder / name).parent == folder for name in _listed(folder))


# -- how many --------------------------------------------------------------------------------------------------------


test_anything_is_a_value_or_a_sentence, test_very_much_of_anything_is_a_value_or_a_sentence = made_tests(PARSERS)
