"""What a reviewer decides in the window leaves it with every export: by whom, when, of which run, beside what was read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from pympi.Elan import Eaf
from pytestqt.qtbot import QtBot

from mien.library.library import Library
from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE


def export(window: MainWindow, folder: Path, qtbot: QtBot) -> dict[str, Path]:
    """Everything that can hold decisions, written through the dialog."""
    dialog = window.rooms.show_export()
    dialog.folder.setText(str(folder))
    dialog.formats.want("csv", "json", "eaf")
    with qtbot.waitSignal(dialog.written, timeout=PATIENCE) as told:
        dialog.start.click()
    dialog.hide()
    return dict(zip(dialog.formats.wanted, told.args[0], strict=True))


def test_decisions_are_exported_with_their_author_time_and_run_beside_the_prediction(
    opened: MainWindow, place: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    panel = opened.workspace.events
    qtbot.waitUntil(lambda: panel.ready, timeout=PATIENCE)
    panel.set_threshold(0.4)  # the clip is a calm one
    qtbot.waitUntil(lambda: any(not event.added for event in panel.events), timeout=PATIENCE)
    before = export(opened, tmp_path / "before", qtbot)
    event = next(event for event in panel.events if not event.added)
    begun = datetime.now(UTC) - timedelta(seconds=1)
    panel.change([event], {"state": "corrected", "label": "said in jest", "end": event.end + 0.5}, "Correct")
    qtbot.waitUntil(lambda: not panel.history._waiting, timeout=PATIENCE)  # it is on disk
    first, panel.history.author = panel.history.author, "Somebody else"
    assert first
    corrected = next(event for event in panel.events if event.label == "said in jest")
    panel.change([corrected], {"note": "seen twice"}, "Note")
    qtbot.waitUntil(lambda: not panel.history._waiting, timeout=PATIENCE)
    with Library(place) as library:
        medium = library.find_medium(DEMO)
        assert medium is not None
        run = next(run for run in library.runs(medium) if run.analyzer.startswith("fusion."))
    after = export(opened, tmp_path / "after", qtbot)
    stored = json.loads(after["json"].read_text(encoding="utf-8"))
    table = pd.read_csv(after["csv"] / "corrections.csv", keep_default_na=False)
    rows: list[list[dict[str, Any]]] = [stored["corrections"], table.to_dict("records")]
    for said in rows:
        assert [row["author"] for row in said] == [first, "Somebody else"]
        for row in said:
            assert begun <= datetime.fromisoformat(row["made"]) <= datetime.now(UTC) + timedelta(seconds=1)
            assert row["track"] == "fusion.score"
            assert row["run"] == run.key
            assert row["analyzer"] == f"{run.analyzer} {run.version}"
            # The prediction that it speaks of, where it was read.
            assert (row["start"], row["end"]) == (round(event.start, 6), round(event.end, 6))
        old, new = (said[0][side] for side in ("old", "new"))
        old, new = (json.loads(side) if isinstance(side, str) else side for side in (old, new))
        assert old["event"]["score"] > old["event"]["threshold"]
        assert (new["label"], new["end"]) == ("said in jest", event.end + 0.5)
    # What was read is written as before.
    assert stored["tracks"] == json.loads(before["json"].read_text(encoding="utf-8"))["tracks"]
    tables = sorted(path.name for path in before["csv"].glob("*.csv"))
    assert "fusion.score.csv" in tables
    assert "corrections.csv" not in tables
    for name in tables:
        assert (after["csv"] / name).read_bytes() == (before["csv"] / name).read_bytes()
    eaf = Eaf(str(after["eaf"]))
    tiers = {
        eaf.get_parameters_for_tier(t).get("ANNOTATOR"): t for t in eaf.get_tier_names() if t.startswith("correct")
    }
    ((start, end, text, *_),) = eaf.get_annotation_data_for_tier(tiers["Somebody else"])
    assert (start, end) == (round(event.start * 1e3), round((event.end + 0.5) * 1e3))
    assert "said in jest" in text
    assert "seen twice" in text
    assert f"{datetime.now(UTC):%Y-%m-%d}" in text or f"{begun:%Y-%m-%d}" in text
