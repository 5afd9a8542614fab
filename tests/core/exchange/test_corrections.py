"""What people said instead of readings goes along, with who said it and when."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pympi.Elan import Eaf

from mien.engine.results import analysis_of
from mien.library import Library
from mien.sdk import MediaInfo
from mien.sdk.correction import Correction
from mien.sdk.protocols import Analysis
from mien.tracks import HOSTILITY, Curve

Write = Callable[..., Path]


def said(minute: int, field: str, new: dict, note: str = "", author: str = "Ada", start: float = 10.0) -> Correction:
    made = datetime(2026, 11, 21, 16, minute, tzinfo=UTC)
    old = {"event": {"channel": "hostility", "label": "hostility", "score": 0.8, "threshold": 0.7}}
    return Correction(
        "fusion.score", start, start + 4, None, field, old, new, note, author, made, "key", "fusion.late 1.0"
    )


SAID = (
    said(2, "state", {"state": "accepted"}),
    said(5, "state,label,end", {"state": "corrected", "label": "=cmd()|insult", "end": 15.5}, "in\njest"),
    said(7, "state", {"state": "rejected"}, author="Bo", start=30.0),
    said(8, "deleted", {"deleted": True}, author="Bo", start=50.0),
)


@pytest.fixture
def corrected(analysis: Analysis) -> Analysis:
    return replace(analysis, corrections=SAID)


def test_json_has_every_change_with_its_author_and_time(corrected: Analysis, written: Write) -> None:
    stored = json.loads(written(corrected, "json").read_text(encoding="utf-8"))
    assert len(stored["corrections"]) == 4
    second = stored["corrections"][1]
    assert (second["author"], second["made"]) == ("Ada", "2026-11-21T16:05:00+00:00")
    assert (second["start"], second["end"], second["new"]["end"]) == (10.0, 14.0, 15.5)
    assert second["old"]["event"]["score"] == 0.8
    assert (second["run"], second["analyzer"], second["note"]) == ("key", "fusion.late 1.0", "in\njest")
    without = json.loads(written(replace(corrected, corrections=()), "json").read_text(encoding="utf-8"))
    assert without["corrections"] == []
    # What was predicted is what is written, whatever people said of it.
    assert stored["tracks"] == without["tracks"]


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_folders_have_a_table_of_changes(corrected: Analysis, written: Write, name: str) -> None:
    folder = written(corrected, name)
    table = pd.read_csv(folder / "corrections.csv", keep_default_na=False)
    assert table.author.tolist() == ["Ada", "Ada", "Bo", "Bo"]
    assert json.loads(table.new[1])["label"] == "=cmd()|insult"
    assert table.note[1] == "in\njest"
    assert table.person[0] == ""
    manifest = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert "corrections.csv" in manifest["files"]
    assert "corrections.csv" in (folder / "README.txt").read_text(encoding="utf-8")
    again = written(replace(corrected, corrections=()), name)
    assert again == folder
    assert not (folder / "corrections.csv").exists()


def test_a_track_of_that_name_keeps_its_file(corrected: Analysis, written: Write) -> None:
    track = Curve("corrections", np.zeros(1), np.zeros((1, 1)), (HOSTILITY,))
    folder = written(replace(corrected, tracks={"corrections": track}), "csv", tracks="*")
    assert len(pd.read_csv(folder / "corrections.csv")) == 4
    assert len(pd.read_csv(folder / "corrections-2.csv")) == 1


def test_elan_has_the_last_word_by_its_annotator(corrected: Analysis, written: Write) -> None:
    target = written(corrected, "eaf")
    eaf = Eaf(str(target))
    mine = [name for name in eaf.get_tier_names() if name.startswith("corrections")]
    assert len(mine) == 2
    by = {eaf.get_parameters_for_tier(name)["ANNOTATOR"]: name for name in mine}
    ((start, end, text, *_),) = eaf.get_annotation_data_for_tier(by["Ada"])
    assert (start, end) == (10_000, 15_500)
    assert text == "corrected: =cmd()|insult – in jest (2026-11-21 16:05 UTC)"
    ((start, end, text, *_),) = eaf.get_annotation_data_for_tier(by["Bo"])
    assert (start, end, text) == (30_000, 34_000, "rejected (2026-11-21 16:07 UTC)")
    left_out = Eaf(str(written(corrected, "eaf", corrections=False)))
    assert not [name for name in left_out.get_tier_names() if name.startswith("corrections")]


def test_textgrid_has_the_last_word_in_tiers_that_name_their_author(corrected: Analysis, written: Write) -> None:
    from pympi.Praat import TextGrid

    grid = TextGrid(str(written(corrected, "textgrid")))
    mine = {tier.name: tier for tier in grid.get_tiers() if tier.name.startswith("corrections")}
    assert sorted(mine) == ["corrections fusion.score by Ada", "corrections fusion.score by Bo"]
    ((start, end, text),) = [i for i in mine["corrections fusion.score by Ada"].get_intervals() if i[2]]
    assert (start, end, text) == (10.0, 15.5, "corrected: =cmd()|insult – in jest (2026-11-21 16:05 UTC)")
    # Beside the prediction, whose tiers are as they were.
    without = TextGrid(str(written(replace(corrected, corrections=()), "textgrid")))
    assert {tier.name for tier in grid.get_tiers()} - set(mine) == {tier.name for tier in without.get_tiers()}
    left_out = TextGrid(str(written(corrected, "textgrid", corrections=False)))
    assert not [tier for tier in left_out.get_tiers() if tier.name.startswith("corrections")]


def test_the_report_tells_what_was_predicted_what_was_decided_by_whom_and_when(
    corrected: Analysis, written: Write
) -> None:
    page = written(corrected, "report").read_text(encoding="utf-8")
    section = page.split('<section id="decisions">')[1].split("</section>")[0]
    assert section.count("<tr>") == 1 + 3  # the head, and a row for each stretch
    first = section.split("<tr>")[2]
    for told in ("hostility 0.80 (threshold 0.70)", "fusion.late 1.0", "run key", "corrected: =cmd()|insult – in jest",
                 "2026-11-21 16:02 UTC", "2026-11-21 16:05 UTC", "Ada", "state,label,end"):  # fmt: skip
        assert told in first, told
    assert "0:15.5" in first  # where Ada put its end
    assert "taken back" in section.split("<tr>")[4]
    assert 'href="#decisions"' in page
    for without in (
        written(corrected, "report", corrections=False),
        written(replace(corrected, corrections=()), "report"),
    ):
        assert "decisions" not in without.read_text(encoding="utf-8")


def test_what_people_write_cannot_break_the_report(corrected: Analysis, written: Write) -> None:
    hostile = said(3, "label,note", {"label": "<script>x</script>", "note": "a\u202eb"}, author="<img src=x>")
    page = written(replace(corrected, corrections=(hostile,)), "report").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "<img src=x>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("start", "end", "authors"),
    [(0.0, 9.0, set()), (0.0, 11.0, {"Ada"}), (14.5, 20.0, {"Ada"}), (16.0, 29.0, set()), (29.0, 35.0, {"Bo"})],
)
def test_a_selection_takes_the_corrections_of_what_lies_in_it(
    corrected: Analysis, start: float, end: float, authors: set[str]
) -> None:
    from mien.exchange.cut import cut

    part = cut(corrected, (start, end))
    assert {c.author for c in part.corrections} == authors
    if authors == {"Ada"}:
        assert len(part.corrections) == 2  # all that was said of it, or it would not add up


@pytest.mark.parametrize("name", ["json", "csv", "parquet", "eaf", "textgrid", "report"])
def test_every_format_filters_corrections_by_the_selection(
    corrected: Analysis, exporters: dict, tmp_path: Path, name: str
) -> None:
    from mien.exchange.write import export

    (target,) = export(corrected, [name], tmp_path / "out", exporters, span=(29.0, 35.0))
    files = sorted(target.rglob("*")) if target.is_dir() else [target]
    text = "".join(f.read_text(encoding="utf-8") for f in files if f.suffix != ".parquet")
    assert "16:07" in text  # Bo's
    assert "16:05" not in text  # Ada's


def test_only_the_chosen_tracks_corrections_go_along(corrected: Analysis, written: Write) -> None:
    stored = json.loads(written(corrected, "json", tracks="speech.*").read_text(encoding="utf-8"))
    assert stored["corrections"] == []


def test_the_library_hands_them_out_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"clip")
    with Library(tmp_path / "library.db") as library:
        medium = library.add_medium(MediaInfo(tmp_path / "clip.mp4", 20.0, True, True), "id")
        run = library.begin_run(medium, key="k1", analyzer="fusion.late", version="1.0.0", params={})
        run.write(Curve("fusion.score", np.arange(3.0), np.zeros((3, 1)), (HOSTILITY,)))
        run.complete()
        for found in ("k1", ""):
            made = library.find_run("id", found) if found else None
            library.correct(
                "id", "fusion.score", start=1.0, end=2.0, person=None, field="state", old={}, new={"state": "accepted"},
                author="Ada", note="", run=made.id if made else None,
            )  # fmt: skip
        corrections = analysis_of(library, "id").corrections
    assert [(c.run, c.analyzer, c.author) for c in corrections] == [("k1", "fusion.late 1.0.0", "Ada"), ("", "", "Ada")]
    assert corrections[0].made.tzinfo is not None
