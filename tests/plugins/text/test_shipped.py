"""The model that comes with Mien: its card is true, it tells insults from pleasantries, without network."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mien.models.store import resolve
from mien.training.card import load_model
from mien_plugins.text.attribution import attribute
from mien_plugins.text.data import read_olid
from mien_plugins.text.evaluation import SAMPLE, sample_f1
from mien_plugins.text.model import TextModel
from mien_plugins.text.probes import PROBES

KIND = (
    "What a lovely day, thank you so much for coming.",
    "I really enjoyed the concert last night.",
    "place blue at F two now",
    "The meeting starts at nine in the big room.",
    "Could you pass me the salt, please?",
    "Congratulations on your new job, I am happy for you!",
)
UNKIND = (
    "You are an idiot.",
    "Shut up, you stupid liar!",
    "He is such a pathetic loser, what a moron.",
    "you are disgusting and everybody hates you",
)


@pytest.fixture(scope="module")
def folder():
    return resolve("text-offence")


@pytest.fixture(scope="module")
def model(folder):
    with pytest.MonkeyPatch.context() as patch:
        # Reading needs no network; opening a socket would fail here.
        patch.setattr(socket, "socket", None)
        return TextModel.load(folder)


def test_the_folder_is_what_its_card_describes(folder):
    _, config = load_model(folder)  # raises if the weights are not those of the config
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["sha256"] == config["sha256"]
    assert card["bytes"] == (folder / "model.safetensors").stat().st_size < 50_000_000
    assert "## Measured" in (folder / "CARD.md").read_text(encoding="utf-8")


def test_it_is_at_the_level_that_was_asked_for(folder):
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    found = {(m["subset"], m["name"]): m for m in card["metrics"]}
    for subset, name, least, items in (
        ("OLID test, tweet", "macro-F1", 0.80, 860),
        ("HateXplain test", "macro-F1", 0.66, 1924),
        ("Davidson, 5-fold", "macro-F1", 0.75, 24_693),
        ("EmoBank test", "Pearson, valence", 0.70, 1000),
        ("EmoBank test", "Pearson, arousal", 0.45, 1000),
        ("EmoBank test", "Pearson, dominance", 0.35, 1000),
    ):
        metric = found[subset, name]
        assert metric["low"] <= metric["value"] <= metric["high"]
        assert (metric["value"] >= least, metric["n"]) == (True, items), (subset, name)
    errors = {key: m["value"] for key, m in found.items() if m["name"].startswith("ECE")}
    assert len(errors) == 6
    assert max(errors.values()) <= 0.05


def test_its_card_has_the_cases_in_which_such_models_fail(folder):
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    told = {m["subset"]: m["n"] for m in card["metrics"] if m["subset"].startswith("probe: ")}
    assert told == {f"probe: {probe.name}": len(probe.texts) for probe in PROBES}
    names = " ".join(told)
    assert all(case in names for case in ("negation", "quotation", "counter-speech", "reclaimed"))


def test_insults_score_higher_than_pleasantries(model):
    reading = model.read([*KIND, *UNKIND])
    threshold = model.settings.calibration.threshold
    assert (reading.offence[: len(KIND)] < threshold).all()
    assert (reading.offence[len(KIND) :] >= threshold).all()
    assert reading.vectors.shape == (10, 384)


def test_the_words_that_carried_it_are_found(model):
    texts = ["he said that you are an idiot and left", "the weather was nice but she is stupid"]
    windows = model.pieces.windows(texts)
    for method in ("integrated_gradients", "occlusion"):
        found = attribute(model, windows, [len(t.split()) for t in texts], method)
        assert [t.split()[int(np.argmax(f))] for t, f in zip(texts, found, strict=True)] == [
            "idiot",
            "stupid",
        ]


def test_no_more_than_128_tokens_are_read_at_once(model, monkeypatch):
    """Unless fewer are asked for; every word of a longer utterance is in some window all the same."""
    from mien_plugins.text.info import TextParams

    long, limit = "the meeting that we had on Monday was rather long " * 30, TextParams().max_tokens
    assert limit == model.settings.max_tokens == 128
    seen, encode = [], model.net.encode
    monkeypatch.setattr(model.net, "encode", lambda mask, **given: seen.append(mask.shape[1]) or encode(mask, **given))
    assert model.read([long, "short"]).long == 1
    assert max(seen) == 128
    windows = model.pieces.windows([long], limit)
    assert {word for window in windows for word in window.words if word >= 0} == set(range(len(long.split())))


def test_valence_of_wording(model):
    valence = model.read(["This is wonderful and I love it.", "He died in terrible pain."]).attributes[:, 0]
    assert valence[0] > valence[1] + 0.1


def test_the_card_is_true_on_a_fixed_sample(model, folder, shared):
    truth, decision = sample_f1(model, read_olid(shared / "data")["test"])
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (told,) = [m for m in card["metrics"] if m["subset"] == f"OLID test, first {SAMPLE}"]
    from mien.evaluation.metrics import macro_f1

    assert len(truth) == told["n"]
    # One text near the threshold may fall on the other side on another machine.
    assert macro_f1(truth, decision) == pytest.approx(told["value"], abs=0.015)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_hundreds_of_utterances_at_once_take_little_room(folder) -> None:
    """A recogniser that was held up hands them over so; what the process takes it keeps (130 MiB in batches of 4096 tokens)."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from mien_plugins.text.info import TextParams\n"
        "from mien_plugins.text.model import TextModel\n"
        "def resident():\n"
        "    return int(Path('/proc/self/status').read_text().split('VmRSS:')[1].split()[0]) / 1024\n"
        "model, tokens = TextModel.load(Path(sys.argv[1])), TextParams().batch_tokens\n"
        "said = ['the printer that you broke yesterday is still not working'] * 600\n"
        "model.read(said[:4], max_batch_tokens=tokens)\n"
        "before = resident()\n"
        "model.read(said, max_batch_tokens=tokens)\n"
        "print(resident() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 75.0
