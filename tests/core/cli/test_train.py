"""`mien train` and `mien evaluate`, run as a user runs them, with a recipe that a plugin of the tests offers."""

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

TINY = Path(__file__).resolve().parent / "tiny"
PROGRAM = "from mien.cli.app import main; main()"
ENVIRON = {"PYTHONPATH": str(TINY), "MIEN_PLUGINS": "tiny_line_info", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def mien(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Any) -> Iterator[Any]:
    """The command line in this process, with the tiny recipe listed."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(TINY))
    monkeypatch.chdir(tmp_path)
    yield command
    for name in ("tiny_line", "tiny_line_info"):
        sys.modules.pop(name, None)


def train(corpora: Path, *more: str, out: str = "model") -> list[str]:
    return ["train", "tiny-line", "--data", str(corpora), "--out", out, "--device", "cpu", *more]


def test_the_quick_form_is_among_the_options(mien: Any) -> None:
    said = " ".join(mien("train", "--help").out.replace("│", " ").split())
    assert "--quick" in said
    assert "The short form: an hour on two CPU cores at most." in said


def test_train_then_evaluate(mien: Any, corpora: Path, tmp_path: Path) -> None:
    done = mien(*train(corpora, "--seed", "3"))
    assert done.code == 0, done.err
    assert "RMSE" in done.out
    assert "The card is in model/CARD.md" in done.out
    assert "epoch 6 of 6: loss" in done.err
    folder = tmp_path / "model"
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.safetensors", "config.json", "card.json", "CARD.md", "reliability.svg", "work"}
    assert list((folder / "work" / "tensorboard").iterdir())
    facts = json.loads((folder / "card.json").read_text())
    command = "mien train tiny-line --data ../shared/data --out resources/models/tiny-line --seed 3"
    assert facts["command"] == command
    assert command in (folder / "CARD.md").read_text()
    for name in ("card.json", "CARD.md", "reliability.svg"):
        (folder / name).unlink()

    kept = mien("evaluate", "model", "--data", corpora, "--no-card", "--json")
    assert kept.code == 0, kept.err
    assert not (folder / "card.json").exists()
    measured = mien("evaluate", "model", "--data", corpora, "--json").lines[0]
    assert measured["id"] == "tiny-line"
    again = json.loads((folder / "card.json").read_text())
    assert again["metrics"] == facts["metrics"] == measured["metrics"] == kept.lines[0]["metrics"]
    assert (folder / "reliability.svg").is_file()


def test_an_imported_model_is_evaluated_by_its_id(mien: Any, corpora: Path) -> None:
    assert mien(*train(corpora, "--quick", "--quiet")).code == 0
    assert mien("models", "import", "tiny-line", "model").code == 0
    done = mien("evaluate", "tiny-line", "--data", corpora, "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert "--quick" in mien("models", "show", "tiny-line").out


def test_ctrl_c_leaves_what_the_same_command_goes_on_with(mien: Any, corpora: Path, tmp_path: Path) -> None:
    whole = mien(*train(corpora, "--json", out="whole")).lines[0]["metrics"]
    environ = {**os.environ, **ENVIRON}
    slow = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *train(corpora, "--set", "pause=0.3")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environ,
    )  # fmt: skip
    log, deadline = tmp_path / "model" / "work" / "log.jsonl", time.monotonic() + 120
    while not (log.is_file() and log.read_text().count("\n") >= 2):
        assert time.monotonic() < deadline, slow.poll()
        time.sleep(0.05)
    slow.send_signal(signal.SIGINT)
    out, err = slow.communicate(timeout=60)
    assert slow.returncode == 130, err
    said = err.splitlines()[-1]
    assert out == ""
    assert "epochs are saved); it goes on with: mien train tiny-line --data" in said
    assert "Traceback" not in err
    done = mien(*train(corpora, "--set", "pause=0.3"))
    assert done.code == 0, done.err
    assert "epoch 1 of 6" not in done.err
    assert json.loads((tmp_path / "model" / "card.json").read_text())["metrics"] == whole


def test_other_settings_do_not_go_on_with_a_training(mien: Any, corpora: Path) -> None:
    assert mien(*train(corpora, "--quick", "--quiet")).code == 0
    other = mien(*train(corpora))
    assert other.code == 2
    assert "quick was True, now False" in other.err
    assert "--fresh" in other.err
    assert mien(*train(corpora, "--fresh", "--quiet")).code == 0
    failed = train(corpora, "--quiet", out="failed")
    assert mien(*failed, "--set", "break_with=full").code == 6
    assert mien(*failed).code == 0  # nothing had been trained yet
    assert mien(*train(corpora, "--work", "elsewhere", "--quick", "--quiet")).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["tiny-lime", "--data", "corpora", "--out", "model"], 2, "no training recipe named 'tiny-lime'; did you mean"),
        (["tiny-line", "--data", "corpora"], 2, "--out DIR"),
        (["tiny-line", "--data", "nowhere", "--out", "model"], 10, "no such folder of corpora"),
        (["tiny-line", "--data", "empty", "--out", "model"], 10, "learns from points/points.csv"),
        (["tiny-line", "--data", "corpora", "--out", "file"], 2, "this is a file"),
        (["tiny-line", "--data", "corpora", "--out", "file/model"], 6, "Nothing can be written there"),
        (["tiny-line", "--data", "corpora", "--out", "other"], 2, "holds another-model, which tiny-line would over"),
        (["tiny-line", "--data", "corpora", "--out", "foreign"], 2, "holds a model of unknown make"),
        (["tiny-line", "--data", "corpora", "--out", "model", "--device", "cuda:9"], 4, "cuda:9 is not there"),
        (["tiny-line", "--data", "corpora", "--out", "model", "--set", "pause=-1"], 2, "greater than or equal to 0"),
        (["tiny-line", "--data", "corpora", "--out", "model", "--set", "pace=1"], 2, "no parameter 'pace'; it has pause"),
        (["tiny-line", "--data", "corpora", "--out", "model", "--set", "pause"], 2, "must read param=value"),
        (["tiny-line", "--data", "corpora", "--out", "model", "--set", "break_with=full"], 6, "The disk is full"),
        (["tiny-line", "--data", "corpora", "--out", "model", "--set", "break_with=bug"], 70, "please report it"),
        (["tiny-needy", "--data", "corpora", "--out", "model"], 2, "pip install 'mien[train]'"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)  # fmt: skip
def test_every_mistake_is_one_sentence(
    mien: Any, corpora: Path, tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name, config in (("other", {"id": "another-model"}), ("foreign", {})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").touch()
        (tmp_path / name / "config.json").write_text(json.dumps(config))
    done = mien("train", *arguments, "--quiet")
    assert done.code == code, done.err
    assert says in done.err
    assert done.err.count("\n") == 1
    assert not list((tmp_path / "model").glob("*.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["no-such-model", "--data", "corpora"], 5, "no model no-such-model"),
        (["./nowhere", "--data", "corpora"], 2, "no such folder"),
        (["corpora", "--data", "corpora"], 2, "no model in the folder"),
        (["other", "--data", "corpora"], 2, "No recipe is known for the model another-model"),
        (["conflictnet", "--data", "corpora"], 10, "learns from speech/manifest.csv"),
    ],
    ids=lambda v: v[0] if isinstance(v, list) else "",
)
def test_what_cannot_be_evaluated(
    mien: Any, corpora: Path, tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")  # sound, and empty
    (tmp_path / "other" / "config.json").write_text('{"id": "another-model"}')
    done = mien("evaluate", *arguments)
    assert (done.code, done.err.count("\n")) == (code, 1), done.err
    assert says in done.err


def test_a_training_is_not_gone_on_with_on_another_manifest(mien: Any, corpora: Path, tmp_path: Path) -> None:
    """Who was learnt from might be tested on."""
    manifest = corpora / "manifest.csv"
    manifest.write_text("text,split,hate{no|yes}\na,train,no\n")
    assert mien(*train(corpora, "--quick", "--quiet")).code == 0
    begun = tmp_path / "model" / "work" / "started.json"
    assert mien(*train(corpora, "--quick", "--quiet")).code == 0
    manifest.write_text("text,split,hate{no|yes}\na,test,no\n")
    done = mien(*train(corpora, "--quick", "--quiet"))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "manifest has changed" in done.err
    assert "--fresh" in done.err
    tuned = ("tune", "tiny-line", "--data", corpora, "--out", "found", "--trials", 1, "--quick", "--quiet")
    assert mien(*tuned).code == 0
    # What an earlier version began says nothing of a manifest.
    begun.write_text(json.dumps({k: v for k, v in json.loads(begun.read_text()).items() if k != "manifest"}))
    assert mien(*train(corpora, "--quick", "--quiet")).code == 0
    manifest.write_text("text,split,hate{no|yes}\na,valid,no\n")
    assert mien(*train(corpora, "--quick", "--quiet", "--fresh")).code == 0
    done = mien(*tuned)
    assert (done.code, "manifest" in done.err) == (2, True), done.err


def test_a_damaged_model_is_not_measured(mien: Any, corpora: Path, tmp_path: Path) -> None:
    assert mien(*train(corpora, "--quick", "--quiet")).code == 0
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    done = mien("evaluate", "model", "--data", corpora)
    assert (done.code, done.err.count("\n")) == (5, 1)
    assert "model.safetensors is not the file that was recorded" in done.err


def test_recipes_are_listed(mien: Any) -> None:
    assert "tiny-line: A line" in mien("train").out
    listed = {info["id"]: info for info in mien("train", "--json").lines[0]}
    assert listed["tiny-line"]["data"] == ["points/points.csv"]
    assert "pause" in listed["tiny-line"]["params"]["properties"]
    assert "tiny-line" in mien("models", "list").out
    assert "tiny-line" in {r["id"] for r in mien("models", "list", "--json").lines[0]["recipes"]}
