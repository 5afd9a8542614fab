"""`mien check`, from its arguments to its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mien.cli.app import run
from mien.library import Library, Medium


@dataclass(frozen=True)
class Done:
    """What a command printed and ended with."""

    returncode: int
    stdout: str
    stderr: str


Check = Callable[..., Done]
Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def check(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Check:
    """`mien check …` on the test's library."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Done:
        code = run(["check", *map(str, arguments), "--library", str(library.place)])
        return Done(code, *capsys.readouterr())

    return call


def test_labels_of_two_media(check: Check, add: Callable[..., Medium], write: Write, tmp_path: Path) -> None:
    add("a.mp4")
    add("b.mp4")
    write(
        "l.csv",
        "medium;start;end;aro;emotion;offensive;text;coder\n"
        "a.mp4;0;1;1;happy;no;we;1\n"
        "a.mp4;0:05;0:06;4;sad;yes;a;1\n"
        "b.mp4;4;5;3;joy;yes;of this;2\n"
        "c.mp4;4;5;3;joy;yes;of this;2\n",
    )
    done = check("l.csv", "--scale", "aro=1:5", "--out", "found", "--json")
    assert done.returncode == 1
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["problems"] == ["The library does not know this medium; analyze it first: c.mp4"]
    assert told["unused"] == ["coder"]
    found = {one["label"]: one for one in told["matches"]}
    assert {name: one["reading"] for name, one in found.items()} == {
        "aro": "emotion.attributes.arousal",
        "emotion": "face.expression",
        "offensive": "text.offence",
        "text": "speech.transcript",
    }
    assert found["aro"]["all"]["n"] == 3
    # −1, 0.5 and 0 against −0.9, 0.1 and −0.1
    assert found["aro"]["all"]["figures"]["RMSE"]["value"] == pytest.approx(((0.01 + 0.16 + 0.01) / 3) ** 0.5, abs=1e-6)
    assert found["emotion"]["all"]["figures"]["WAR"]["value"] == 1.0
    assert found["offensive"]["all"]["figures"]["F1"]["value"] == 1.0
    assert found["text"]["all"]["figures"]["WER"]["value"] == pytest.approx(1 / 4)
    assert sorted(p.name for p in (tmp_path / "found").iterdir()) == ["check-samples.csv", "check.csv", "check.json"]

    shown = check("l.csv", "--scale", "aro=1:5", "--match", "emotion=")
    assert "aro ↔ emotion.attributes.arousal" in shown.stdout
    assert "a.mp4" in shown.stdout
    assert "CCC" in shown.stdout
    assert "Not compared: emotion, coder" in shown.stdout
    assert shown.stderr == "mien: The library does not know this medium; analyze it first: c.mp4\n"


def test_a_trace_about_the_medium_that_is_named(check: Check, clip: Medium, write: Write) -> None:
    write("gold.csv", "time,value\n" + "".join(f"{n},{n / 5 - 0.9:.2f}\n" for n in range(10)))
    done = check("gold.csv", clip.path, "--match", "value=arousal", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["matches"][0]["all"]["figures"]
    assert figures["CCC"]["value"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["clip.mp4"], 2, "Name a file with labels"),
        (["absent.csv"], 2, "The labels cannot be read"),
        (["clip.csv", "--match", "x"], 2, "--match takes COLUMN=READING, not “x”."),
        (["clip.csv", "--match", "x=valence"], 2, "The labels have no column “x”; they have mood, valence."),
        (["clip.csv", "--scale", "valence=5"], 2, "--scale takes two numbers"),
        (["clip.csv", "--threshold", "valence=high"], 2, "--threshold takes a number"),
        (["clip.csv", "other.mp4"], 6, "The library does not know this medium"),
        (["mood.csv", "media/clip.mp4"], 2, "No reading answers to “mood”; say which with --match COLUMN=READING"),
    ],
)
def test_every_mistake_is_one_sentence(
    check: Check, clip: Medium, write: Write, arguments: list[str], code: int, said: str
) -> None:
    write("clip.csv", "start,end,valence,mood\n0,1,0.5,good\n")
    write("mood.csv", "start,end,mood\n0,1,good\n")
    done = check(*arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
