"""What trainings keep of corpora, damaged in any way: it is made anew, or says what it said.

As in `test_fuzz_readers.py`: few examples with all tests, many with `make faults`.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

from .fuzzing import Parsers, anything, made_tests, word

PARSERS = Parsers()
parser = PARSERS.of

_edits = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 60), st.binary(max_size=8)), min_size=1, max_size=4)
_numbers = st.sampled_from([0, 1, -1, 2**31, -(2**63), 2**63 - 1])


def _full(shape: Sequence[int], dtype: Any, value: int) -> np.ndarray[Any, Any]:
    with np.errstate(all="ignore"):  # a number that the dtype has not is as good as any
        return np.full(shape, value).astype(dtype)


_dtypes = st.sampled_from(["<f4", "<f2", "<i8", "|u1", "?", "<U3", "<f8", ">f4"])
_arrays = st.none() | st.builds(_full, st.lists(st.integers(0, 3), max_size=3), _dtypes, _numbers)
_changes = _edits | st.dictionaries(st.integers(0, 20), _arrays | _numbers, min_size=1, max_size=2)
"""Bytes that are changed, or arrays: by their place in the file another, none, or the old one full of a number."""
Change = list[tuple[int, int, bytes]] | dict[int, Any]


def _changed(path: Path, change: Change) -> None:
    if isinstance(change, list):
        whole = path.read_bytes()
        for place, length, put in change:
            place %= len(whole) + 1
            whole = whole[:place] + put + whole[place + length :]
        path.write_bytes(whole)
        return
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    names = list(arrays)
    for place, value in change.items():
        name = names[place % len(names)]
        if value is None:
            arrays.pop(name, None)
        elif isinstance(value, int):
            if name in arrays and arrays[name].dtype.kind != "U":
                arrays[name] = _full(arrays[name].shape, arrays[name].dtype, value)
        else:
            arrays[name] = value
    np.savez(path, **arrays)


def _check(folder: Path, change: Change, ask: Callable[[], Sequence[Any]]) -> None:
    """Ask what keeps, spoil it, ask again.

    Args:
        ask: the arrays that are made or kept in `folder`.
    """
    for old in folder.rglob("*.npz"):
        old.unlink()
    first = ask()
    [kept] = folder.rglob("*.npz")
    _changed(kept, change)
    second = ask()
    if isinstance(change, list):  # of numbers that were put in on purpose nobody can know
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b)
    third = ask()  # what was made anew is kept again
    for b, c in zip(second, third, strict=True):
        np.testing.assert_array_equal(b, c)


@parser(_changes)
def _sounds(example: Change, folder: Path) -> None:
    from mien_plugins.emotion.features import MID_TERM
    from mien_plugins.emotion.material import Material, merge

    names = np.array(["a-1", "b-22"])
    made = Material(
        np.ones((2, 3, len(MID_TERM)), np.float32), np.array([3, 1]), np.ones((9, 4), np.float16), np.array([0, 5]),
        np.array([5, 4]), np.zeros((2, 3), np.float32), names, names, names, names, names, np.array([0, -1]),
    )  # fmt: skip

    def ask() -> list[Any]:
        known = Material.load(folder / "sounds.npz")
        if known is None:
            known = made
            made.save(folder / "sounds.npz")
        both = merge(known, known)
        return [both.mid, both.label, both.kind, both.corpus, *(both.heard(row) for row in range(len(both)))]

    _check(folder, example, ask)


@parser(_changes)
def _items(example: Change, folder: Path) -> None:
    from mien.tracks.quantity import EXPRESSIONS
    from mien_plugins.fusion import items

    made = items.Items(
        np.ones((2, 3), np.float32),
        np.array([0, 1]),
        np.zeros((2, 2), np.float32),
        np.array([0, 2]),
        np.array(["", "a"]),
    )

    def make(*_: object) -> items.Items:
        return made

    def ask() -> list[Any]:
        only = {"text": "text-offence"}
        with (
            patch.object(items, "PUBLIC", ()), patch.object(items, "texts", make), patch.object(items, "voices", make),
            patch.object(items, "faces", make), patch.object(items, "MODELS", dict.fromkeys(items.MODELS, only["text"])),
        ):  # fmt: skip
            found = items.read_items(folder, folder / "kept", items.Budget())["text"]
        return [found.vectors, found.affect, found.of("test").label, np.array(EXPRESSIONS)[found.label]]

    for old in folder.rglob("*.npz"):
        old.unlink()
    first = ask()
    _changed(next((folder / "kept").glob("text-*.npz")), example)
    second = ask()
    assert isinstance(example, dict) or all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@parser(_changes)
def _texts_and_voices(example: Change, folder: Path) -> None:
    from mien_plugins.fusion import mml_data as data

    name = np.array(["a", "b"])
    said = data.Said(np.ones((2, 4), np.float32), np.array([0, 2]), name, np.zeros(2, np.float32))
    voiced = data.Voiced(np.ones((2, 5), np.float32), np.array([1, 2]), name, np.zeros((2, 3), np.float32), name, name)
    clip = SimpleNamespace(speaker="a", emotion="calm")

    def ask() -> list[Any]:
        with (
            patch.object(data, "read_texts", lambda *_: ([1], name)), patch.object(data, "read_clips", lambda _: [clip]),
            patch.object(data, "require_splits"), patch.object(data, "require_deliveries"),
            patch.object(data, "embed_texts", lambda *_: said), patch.object(data, "embed_voices", lambda *_: voiced),
        ):  # fmt: skip
            split = data.split_of("a")
            made = data.Material.make(folder, split, lambda: (None, None), data.Budget(), 0, folder)  # type: ignore[arg-type, return-value]
        kinds = np.array(data.CLASSES)[made.said.kind], np.array(data.DELIVERIES)[made.voiced.kind]
        return [made.said.vectors, made.said.offence, made.voiced.vectors, made.voiced.attributes, *kinds]

    _check(folder, example, ask)


@parser(_changes)
def _words(example: Change, folder: Path) -> None:
    from mien_plugins.text.turntraining import VectorStore

    def ask() -> list[Any]:
        store = VectorStore(lambda texts: [np.ones((len(t), 3), np.float32) for t in texts], "k", 3, ["", "ab"], folder)
        return [store[0], store[1]]

    _check(folder, example, ask)


@parser(_changes)
def _functionals(example: Change, folder: Path) -> None:
    from mien_plugins.emotion import baseline

    row = SimpleNamespace(to_numpy=lambda: np.ones((1, baseline.COUNT)))
    smile = SimpleNamespace(
        FeatureSet=SimpleNamespace(eGeMAPSv02=0),
        FeatureLevel=SimpleNamespace(Functionals=0),
        Smile=lambda *_: SimpleNamespace(process_signal=lambda *_: row),
    )
    clips: Any = [SimpleNamespace(samples=np.ones(1600, np.float32))] * 2
    with patch.dict(sys.modules, {"opensmile": smile}):  # type: ignore[dict-item]
        _check(folder, example, lambda: [baseline.functionals(clips, folder / "egemaps.npz")])


@cache
def _manifest(folder: Path) -> Any:
    from mien.training.manifest import Manifest, Row

    (folder / "a.png").write_bytes(b"")
    row = Row("a.png", 0.0, 2.0, text="we talked", number=1)
    return Manifest(folder, (), (row,), folder / "manifest.csv")


@parser(_changes)
def _clips(example: Change, folder: Path) -> None:
    from mien_plugins.classical import features, material

    made = (
        np.ones((3, features.SIDE**2), np.uint8),
        np.zeros(3, np.int64),
        np.zeros((1, len(features.SOUND)), np.float32),
    )

    def ask() -> list[Any]:
        with patch.object(material, "_shard", lambda *_: made):
            found = material.extract(_manifest(folder), 1.0, folder / "kept").take(np.array([0]))
        return [found.frames, found.owner, found.sound]

    _check(folder, example, ask)


@parser(_changes)
def _faces(example: Change, folder: Path) -> None:
    from mien_plugins.face.info import CROP
    from mien_plugins.face.own_faces import FaceFinder

    manifest = _manifest(folder)
    finder = FaceFinder(2, kept=folder / "kept")
    with patch.object(FaceFinder, "_look", lambda *_: np.ones((2, CROP, CROP), np.uint8)):
        _check(folder, example, lambda: [finder.row(manifest, manifest.rows[0])])


@parser(_changes)
def _streams(example: Change, folder: Path) -> None:
    from mien_plugins.fusion.khare_data import Corpus, Extractor

    manifest = _manifest(folder)
    made = {name: np.ones((2, 3), np.float32) for name in ("audio", "video", "text")}

    def ask() -> list[Any]:
        with patch.object(Extractor, "_made", lambda *_: made):
            file = Extractor(folder / "kept").streams(manifest, manifest.rows[0])
        found = Corpus(manifest, (file,), None, sound=False).streams(0)
        return [found[name] for name in sorted(found)]

    _check(folder, example, ask)


@parser(_changes)
def _traces(example: Change, folder: Path) -> None:
    from mien_plugins.fusion.traced_data import Recording, Tracer

    manifest = _manifest(folder)
    made = {"there": np.ones((4, 3), np.bool_)} | {n: np.ones((4, 2), np.float32) for n in ("text", "voice")}
    recording = Recording(manifest.rows, np.zeros((1, 2), np.float32), "a")

    def ask() -> list[Any]:
        with patch.object(Tracer, "_embed", lambda *_: dict(made)):
            [trace] = Tracer(folder / "kept").traces(manifest, [recording])
        return [trace.there, trace.target, *(trace.x[name] for name in sorted(trace.x))]

    _check(folder, example, ask)


_COLUMNS = (
    "studies.study_name", "study_user_attributes.value_json", "study_user_attributes.key", "trials.state", "trials.number",
    "trial_params.distribution_json", "trial_params.param_value", "trial_user_attributes.value_json", "trial_values.value",
    "trial_intermediate_values.intermediate_value", "trial_intermediate_values.step", "version_info.schema_version",
    "alembic_version.version_num", "study_directions.direction", "trials.datetime_start",
)  # fmt: skip
_cells = word | anything.map(json.dumps) | st.integers(-(2**63), 2**63 - 1) | st.none()


@parser(st.binary(max_size=60) | _edits | st.dictionaries(st.sampled_from(_COLUMNS), _cells, min_size=1, max_size=2))
def _studies(example: Any, folder: Path) -> None:
    """The file in which a search of options is kept."""
    import optuna

    from mien.training import tune

    info: Any = SimpleNamespace(id="mine")
    wanted: Any = SimpleNamespace(quick=True, seed=1, options={}, data=folder, out=folder / "search")
    study, whole = folder / "search" / tune.STUDY, folder / "whole.db"
    if not whole.exists():
        begun = tune._study(info, wanted, fresh=False)
        for step in range(2):
            trial = begun.ask({"rate": optuna.distributions.FloatDistribution(0.1, 1.0)})
            trial.set_user_attr("best", 0.5)
            trial.report(0.5, step)
            if not step:
                begun.tell(trial, 0.5)
        whole.write_bytes(study.read_bytes())
    study.write_bytes(whole.read_bytes())
    if isinstance(example, bytes):
        study.write_bytes(example)
    elif isinstance(example, list):
        _changed(study, example)
    else:
        with sqlite3.connect(study) as file:
            for column, value in example.items():
                table, _, name = column.partition(".")
                stored = value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
                with contextlib.suppress(sqlite3.IntegrityError):
                    file.execute(f"UPDATE OR IGNORE {table} SET {name} = ?", (stored,))
        file.close()
    found = tune._study(info, wanted, fresh=False)
    for frozen in tune._over(found):
        tune._trial(frozen)


test_a_cache_is_made_anew_or_says_what_it_said, test_very_many_caches = made_tests(PARSERS)
