"""`mien tune`, run as a user runs it: real trainings of a tiny recipe, some of them stopped early, and a search that goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna")
TINY = Path(__file__).resolve().parent / "tiny"
PROGRAM = "from mien.cli.app import main; main()"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The tiny recipe is listed, here and in processes of their own."""
    given = {"PYTHONPATH": str(TINY), "MIEN_PLUGINS": "tiny_line_info", "OMP_NUM_THREADS": "1"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(TINY))
    monkeypatch.chdir(tmp_path)
    return {**os.environ, **given}


@pytest.fixture
def mien(environ: dict[str, str], command: Any) -> Iterator[Any]:
    """The command line in this process."""
    yield command
    for name in ("tiny_line", "tiny_line_info"):
        sys.modules.pop(name, None)


def test_a_search_stops_what_is_worse_goes_on_and_is_replayed(mien: Any, corpora: Path, tmp_path: Path) -> None:
    tune = ("tune", "tiny-line", "--data", corpora, "--out", "found")
    code, _, err = mien(*tune, "--trials", 4)
    assert code == 0, err
    assert err.count("trial ") == 4
    code, out, err = mien(*tune, "--trials", 10, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert len(found["trials"]) == 10
    states = [trial["state"] for trial in found["trials"]]
    assert states.count("pruned") >= 2
    assert all(trial["epochs"] < 6 for trial in found["trials"] if trial["state"] == "pruned")
    complete = [trial for trial in found["trials"] if trial["state"] == "complete"]
    assert {trial["epochs"] for trial in complete} == {6}
    assert found["best"]["value"] == min(trial["value"] for trial in complete)
    assert (found["metric"], found["mode"]) == ("loss", "min")
    assert not list((tmp_path / "found" / "trials").iterdir())  # checkpoints of trials do not pile up

    file = tmp_path / "found" / "recipe.json"
    kept = json.loads(file.read_text())
    assert kept["options"] == found["best"]["options"]
    assert kept["found"]["trials"] == 10
    code, _, err = mien("train", "--recipe", file, "--data", corpora, "--out", "model", "--quiet")
    assert code == 0, err
    log = [json.loads(line) for line in (tmp_path / "model" / "work" / "log.jsonl").read_text().splitlines()]
    assert min(line["valid"]["loss"] for line in log) == pytest.approx(found["best"]["value"])
    assert json.loads((tmp_path / "model" / "work" / "started.json").read_text())["options"]["lr"] == str(
        kept["options"]["lr"]
    )


def test_a_search_that_was_killed_goes_on_in_the_middle_of_a_trial(
    mien: Any, environ: dict[str, str], corpora: Path, tmp_path: Path
) -> None:
    tune = ["tune", "tiny-line", "--data", str(corpora), "--out", "found", "--trials", "2", "--set", "pause=0.05"]
    slow = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *tune], cwd=tmp_path, env=environ, stderr=subprocess.DEVNULL
    )
    trials, deadline = tmp_path / "found" / "trials", time.monotonic() + 180
    while not any(log.read_text().count("\n") >= 2 for log in trials.rglob("log.jsonl")):
        assert time.monotonic() < deadline
        assert slow.poll() is None
        time.sleep(0.05)
    slow.send_signal(signal.SIGKILL)
    slow.wait(timeout=60)
    log = next(trials.rglob("log.jsonl"))
    begun = log.read_text()
    code, out, err = mien(*tune, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert [trial["state"] for trial in found["trials"]] == ["complete", "complete"]
    whole = ["tune", "tiny-line", "--data", str(corpora), "--out", "whole", "--trials", "2"]
    other = json.loads(mien(*whole, "--json")[1])
    assert begun.count("\n") >= 2
    assert {t["options"]["lr"]: t["value"] for t in found["trials"]} == {
        t["options"]["lr"]: t["value"] for t in other["trials"]
    }


def test_a_search_that_was_stopped_behind_a_trial_s_last_epoch_ends_as_one_in_a_stroke(
    mien: Any, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after the last epoch may take minutes; the trials behind it keep their brackets."""
    from mien.training import job

    real, stops = job.train, [True, False, False, True]

    def stopped(*arguments: Any) -> Any:
        card = real(*arguments)
        if stops and stops.pop(0):
            raise KeyboardInterrupt
        return card

    tune = ("tune", "tiny-line", "--data", corpora, "--trials", 8, "--json", "--out")
    monkeypatch.setattr(job, "train", stopped)
    assert [mien(*tune, "found")[0] for _ in range(3)] == [130, 130, 0]
    found, whole = (json.loads(mien(*tune, out)[1])["trials"] for out in ("found", "whole"))
    assert found == whole
    assert {trial["state"] for trial in whole} == {"complete", "pruned"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tune", "tiny-line", "--set", "lr=0.1"], "all options of its search are set"),
        (["tune", "emotion-mtl", "--set", "nothing=1"], "no parameter 'nothing'"),
        (["tune", "text-offence"], "declares no search"),
        (["tune", "tiny-line", "--set", "break_with=x"], "with other settings was begun there"),
        (["train", "--recipe", "corpora/points/points.csv"], "no recipe file"),
        (["train", "text-offence", "--recipe", "recipe.json"], "is of tiny-line, not of text-offence"),
    ],
)
def test_every_mistake_is_one_sentence(
    mien: Any, corpora: Path, tmp_path: Path, arguments: list[str], says: str
) -> None:
    if "begun" in says:
        assert mien("tune", "tiny-line", "--data", corpora, "--out", "out", "--trials", 1, "--quick", "--quiet")[0] == 0
    kept = {"mien-training": 1, "recipe": "tiny-line", "options": {}, "seed": 0, "quick": False}
    (tmp_path / "recipe.json").write_text(json.dumps(kept))
    code, _, err = mien(*arguments, "--data", corpora, "--out", "out")
    assert code == 2, err
    assert says in err
    assert err.count("\n") == 1


def test_two_searches_do_not_work_in_one_folder(mien: Any, corpora: Path, tmp_path: Path) -> None:
    import optuna

    from mien.library.owner import Owners

    tune = ("tune", "tiny-line", "--data", corpora, "--out", "out", "--quick", "--trials")
    assert mien(*tune, 1, "--quiet")[0] == 0
    other = Owners(tmp_path / "out" / "running")
    study = optuna.load_study(study_name="tiny-line", storage=f"sqlite:///{tmp_path / 'out' / 'study.db'}")
    study.set_user_attr("owner", other.join())
    code, _, err = mien(*tune, 2)
    assert (code, err.count("\n")) == (2, 1)
    assert "Another search is at work there" in err
    other.leave()
    assert mien(*tune, 2, "--quiet")[0] == 0


def test_what_cannot_be_trained_ends_the_search(mien: Any, corpora: Path) -> None:
    code, _, err = mien("tune", "tiny-line", "--data", corpora, "--out", "o", "--trials", 2, "--set", "break_with=full")
    assert code == 6
    assert "The disk is full" in err
