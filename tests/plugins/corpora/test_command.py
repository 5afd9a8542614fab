"""`mien manifest`: lists corpora, writes and judges manifests; every error is a sentence with its exit code."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from mien.cli.app import run
from mien.engine.registry import Registry
from mien.training.manifest_file import read_manifest
from mien_plugins.corpora.info import CORPORA


@pytest.fixture
def emodb(put: Any, corpus: Path) -> Path:
    for speaker in ("03", "08", "09", "10", "11", "12"):
        for letter in "WLN":
            put(f"wav/{speaker}a01{letter}a.wav")
    return corpus


def test_every_corpus_has_a_reader_and_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry.load()
    assert set(registry.corpora) >= {info.id for info in CORPORA}
    for info in CORPORA:
        module, _, name = info.factory.partition(":")
        assert callable(getattr(importlib.import_module(module), name))
        assert importlib.import_module(module).__doc__
    assert run(["manifest", "--json"]) == 0
    assert {one["id"] for one in json.loads(capsys.readouterr().out)} >= {
        "iemocap",
        "recola",
        "sewa",
        "cmu-mosi",
        "olid",
    }


def test_a_corpus_becomes_a_manifest(emodb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["manifest", "emodb", str(emodb)]) == 0
    out = capsys.readouterr().out
    assert "18 rows of 18 media by 6 speakers" in out
    assert "acted{anger|boredom|disgust|fear|happiness|sadness|neutral}: 18 rows" in out
    found = read_manifest(emodb)
    found.check(labels=("acted",))
    assert run(["manifest", str(emodb / "manifest.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["speakers"] == 6
    assert run(["manifest", "emodb", str(emodb), "--out", str(emodb.parent / "all.parquet"), "--seed", "5"]) == 0
    assert read_manifest(emodb.parent / "all.parquet").rows[0].path == "corpus/wav/03a01La.wav"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["emodc", "{corpus}"], 2, "no corpus named 'emodc'; did you mean emodb?"),
        (["emodb"], 2, "Name the folder of EmoDB, in which there should be wav"),
        (["emodb", "{corpus}/none"], 2, "no such folder of EmoDB"),
        (["iemocap", "{corpus}"], 10, "IEMOCAP keeps a session's recordings and labels here"),
        (["emodb", "{corpus}", "--media", "smell"], 2, "--media is sound or video"),
        (["emodb", "{corpus}", "--out", "{corpus}/wav/m.csv"], 2, "may not lead out"),
        (["emodb", "{corpus}", "--out", "{corpus}/m.xlsx"], 2, "written as .csv"),
        (["emodb", "{corpus}", "--out", "{corpus}/there.csv"], 2, "such a file already"),
        (["{corpus}/there.csv"], 10, "The manifest is empty"),
        (["{corpus}/mixed.csv"], 10, "Splits must not share a speaker, and 03 is on both sides"),
        (["{corpus}/mixed.csv", "--resplit"], 2, "Name the file"),
        (["{corpus}/long.csv"], 10, "Row 2: the stretch from 0 to 60 s lies outside its medium"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    emodb: Path, put: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    put("there.csv")
    rows = "wav/03a01La.wav,03,train,happy\nwav/03a01Na.wav,03,test,sad\nwav/08a01Na.wav,08,test,sad\n"
    put("mixed.csv", "path,speaker,split,emotion\n" + rows)
    put("long.csv", "path,end,emotion\nwav/03a01La.wav,60,happy\n")
    assert run(["manifest", *(a.replace("{corpus}", str(emodb)) for a in arguments)]) == code
    err = capsys.readouterr().err
    assert said in " ".join(err.split())
    assert "Traceback" not in err


def test_mixed_speakers_are_parted_anew(emodb: Path, put: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(
        f"wav/{s}a01{c}a.wav,{s},{'train' if c == 'W' else 'test'},happy\n" for s in ("03", "08", "09") for c in "WN"
    )
    put("mixed.csv", "path,speaker,split,emotion\n" + rows)
    out = emodb / "anew.csv"
    assert run(["manifest", str(emodb / "mixed.csv"), "--resplit", "--out", str(out), "--quiet"]) == 0
    read_manifest(out).check(labels=("emotion",))
    assert capsys.readouterr().out == ""
    assert run(["manifest", str(emodb / "long.csv")]) == 2  # neither a corpus nor a file


def test_a_corpus_is_described_properly_and_offered_once() -> None:
    from dataclasses import replace
    from types import SimpleNamespace

    from mien.sdk import hookimpl

    for field in ({"id": "A corpus"}, {"factory": "mien_plugins.corpora.rated"}):
        with pytest.raises(ValueError):
            replace(CORPORA[0], **field)

    def mien_register(registry: Any) -> None:
        registry.corpus(CORPORA[0])

    entries = [
        SimpleNamespace(name=name, value=name, load=lambda: SimpleNamespace(mien_register=hookimpl(mien_register)))
        for name in ("one", "two")
    ]
    registry = Registry.load(entries)
    assert list(registry.corpora) == [CORPORA[0].id]
    assert "already offers iemocap" in registry.broken[0].error
