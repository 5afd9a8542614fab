"""CSV, Parquet and JSON, read back by pandas, pyarrow and json."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from mien.sdk.protocols import Analysis
from mien.tracks import from_table

Write = Callable[..., Path]


def test_csv_comes_back_through_pandas(analysis: Analysis, written: Write) -> None:
    folder = written(analysis, "csv")
    curve = analysis.tracks["emotion.attributes"]
    frame = pd.read_csv(folder / "emotion.attributes.csv")
    assert list(frame.columns) == ["time", "valence", "arousal", "dominance"]
    np.testing.assert_allclose(frame["time"], curve.times, atol=1e-6)
    np.testing.assert_allclose(frame[["valence", "arousal", "dominance"]], curve.values, atol=6e-5)
    words = pd.read_csv(folder / "speech.words.csv", keep_default_na=False)
    assert tuple(words["text"]) == analysis.tracks["speech.words"].text
    affect = pd.read_csv(folder / "face.affect.csv")
    assert affect["person"].tolist() == analysis.tracks["face.affect"].person.tolist()
    assert affect.loc[5, ["valence", "arousal"]].isna().all()
    assert "left_eye_x" in pd.read_csv(folder / "face.boxes.csv").columns


def test_csv_explains_itself(analysis: Analysis, written: Write) -> None:
    folder = written(analysis, "csv")
    manifest = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert set(manifest["files"]) == {path.name for path in folder.iterdir()}
    by_name = {entry["track"]: entry for entry in manifest["tracks"]}
    assert "emotion.embedding" not in by_name  # only on request
    arousal = by_name["emotion.attributes"]["columns"][2]
    assert (arousal["name"], arousal["type"]) == ("arousal", "number")
    assert (arousal["low"], arousal["high"], arousal["high_means"]) == (-1.0, 1.0, "excited")
    assert by_name["speech.transcript"]["provenance"]["details"] == {"backend": "pocketsphinx"}
    assert "from -1 (calm) to 1 (excited)" in (folder / "README.txt").read_text(encoding="utf-8")


def test_csv_features_and_filter(analysis: Analysis, written: Write) -> None:
    folder = written(analysis, "csv", tracks="emotion.*", features=True)
    assert {p.name for p in folder.glob("*.csv")} == {"emotion.attributes.csv", "emotion.embedding.csv"}
    assert pd.read_csv(folder / "emotion.embedding.csv").shape == (60, 17)


def test_csv_holds_no_formula(hostile_analysis: Analysis, written: Write) -> None:
    folder = written(hostile_analysis, "csv")
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    frame = pd.read_csv(folder / "speech.transcript.csv", keep_default_na=False)
    assert "'=cmd('calc')!A1" in set(frame["text"])
    assert "first line\nsecond line\r\n--> third" in set(frame["text"])
    assert set(frame["score"]) == {""}
    plain = pd.read_csv(written(hostile_analysis, "csv", guard=False) / "speech.transcript.csv")
    assert "=cmd('calc')!A1" in set(plain["text"])


def test_negative_numbers_stay_numbers(analysis: Analysis, written: Write) -> None:
    frame = pd.read_csv(written(analysis, "csv") / "conflict.intensity.csv")
    assert frame["conflict"].dtype == np.float64
    assert (frame["conflict"] < 0).any()


def test_parquet_comes_back_whole(analysis: Analysis, written: Write) -> None:
    folder = written(analysis, "parquet")
    assert {p.stem for p in folder.glob("*.parquet")} == set(analysis.tracks)
    for name, track in analysis.tracks.items():
        back = from_table(pq.read_table(folder / f"{name}.parquet"))
        assert type(back) is type(track)
        assert back.provenance == track.provenance
        assert len(back) == len(track)
    frame = pd.read_parquet(folder / "face.expression.parquet")
    np.testing.assert_array_equal(frame["happy"], analysis.tracks["face.expression"].channel("happy"))


def test_json_comes_back(analysis: Analysis, written: Write) -> None:
    data = json.loads(written(analysis, "json").read_text(encoding="utf-8"))
    assert (data["format"], data["version"]) == ("mien-analysis", 1)
    assert data["medium"]["file"] == "clip.mp4"
    assert data["notes"] == {"speech": ["The transcript was written by pocketsphinx."]}
    tracks = {entry["name"]: entry for entry in data["tracks"]}
    assert set(tracks) == set(analysis.tracks) - {"emotion.embedding"}
    affect = tracks["face.affect"]
    assert [c["name"] for c in affect["columns"]] == ["time", "person", "valence", "arousal"]
    assert affect["rows"][5][2:] == [None, None]
    assert len(affect["rows"]) == len(analysis.tracks["face.affect"])
    np.testing.assert_allclose(
        [r[2] for r in affect["rows"][6:]], analysis.tracks["face.affect"].values[6:, 0], atol=6e-5
    )


def test_the_page_on_json_shows_what_is_written(analysis: Analysis, written: Write) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "json-format.md").read_text(encoding="utf-8")
    told = json.loads(page.split("```json\n")[1].split("```")[0])
    data = json.loads(written(analysis, "json").read_text(encoding="utf-8"))
    assert set(told) == set(data)
    assert (told["format"], told["version"]) == (data["format"], data["version"])
    assert set(told["medium"]) == set(data["medium"])
    (example,) = told["tracks"]
    for track in data["tracks"]:
        assert set(track) == set(example)
        assert set(track["provenance"]) == set(example["provenance"])
        assert {key for column in track["columns"] for key in column} <= {"name", "type", "unit", "low", "high"} | {
            "low_means",
            "high_means",
            "about",
        }
    columns = {row[0]: row[1] for row in (line.strip("| ").split(" | ") for line in page.splitlines()) if len(row) == 2}
    for track in data["tracks"]:
        first = track["columns"][0]["name"]
        assert f"`{first}`" in columns[track["kind"]]


@pytest.mark.parametrize("indent", [False, True])
def test_json_never_holds_nan(hostile_analysis: Analysis, written: Write, indent: bool) -> None:
    def refuse(token: str) -> None:
        raise AssertionError(token)

    text = written(hostile_analysis, "json", indent=indent).read_text(encoding="utf-8")
    data = json.loads(text, parse_constant=refuse)
    assert data["partial"] == "cut <off> at 3 s"
    assert data["tracks"][0]["provenance"]["details"]["worst"] is None
    assert data["tracks"][-1]["rows"][1] == [1.0, 0.5]


@pytest.mark.parametrize("name", ["csv", "parquet", "json"])
def test_empty_tracks_and_none_at_all(empty_analysis: Analysis, written: Write, name: str) -> None:
    target = written(empty_analysis, name, tracks="speech.*,face.*,nothing.*")
    if name == "csv":
        assert len(pd.read_csv(target / "face.expression.csv")) == 0
    elif name == "parquet":
        assert len(pd.read_parquet(target / "face.boxes.parquet")) == 0
    else:
        assert all(entry["rows"] == [] for entry in json.loads(target.read_text(encoding="utf-8"))["tracks"])
    again = written(empty_analysis, name, tracks="nothing")
    assert again == target
    if name == "csv":  # what the earlier export wrote and this one did not is gone
        assert {path.name for path in target.iterdir()} == {"README.txt", "provenance.json"}
