"""The tables' runs on tiny corpora: nets are shared between tables, values are percent, notes name intervals."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

from mien.cli.app import run
from mien.engine.choice import fill, value_of
from mien.engine.registry import Registry
from mien.errors import CorpusError, ParameterError
from mien.training.log import LOG, logged
from mien.training.reproduction import Results
from mien_plugins.colearning import (
    mosi_fusions,
    systems,
    table_fusion,
    table_olid,
    table_seqsew,
    table_unimodal,
    tables,
)
from mien_plugins.fusion import khare_card
from mien_plugins.text.data import Texts
from mien_plugins.text.net import TextConfig, TextNet
from mien_plugins.text.tokens import WordPieces

NAMED = {"device": "cpu", "threads": 1, "options": {}}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of one round."""
    plan = systems.System.plan
    monkeypatch.setattr(systems.System, "plan", lambda own: replace(plan(own), rounds=1, passes=1, decoder=6))
    monkeypatch.setattr(tables, "REPEATS", 20)
    monkeypatch.setattr(mosi_fusions, "ROUNDS", 1)
    monkeypatch.setattr(mosi_fusions, "UPDATES", 2)
    monkeypatch.setattr(mosi_fusions, "WIDTH", 8)


def test_a_student_finds_the_teacher_of_its_seed(short: None, mosi_folder: Path, tmp_path: Path) -> None:
    results: dict[str, dict[int, object]] = {}
    for task in ("acoustic-transformer", "acoustic-seqsew"):
        work = tmp_path / "mosi-5.6" / task / "3"
        work.mkdir(parents=True)
        results[task] = {3: table_seqsew.run(task, mosi_folder, 3, work=work, **NAMED)}  # type: ignore[arg-type]
    root = tmp_path / tables.ROOT
    assert {p.name for p in root.iterdir()} == {"text-transformer", "acoustic-transformer", "acoustic-seqsew"}
    # Another table takes the same net and says the same.
    work = tmp_path / "mosi-5.4" / "acoustic-transformer" / "3"
    again = table_unimodal.run("acoustic-transformer", mosi_folder, 3, work=work, **NAMED)  # type: ignore[arg-type]
    assert again == results["acoustic-transformer"][3]
    assert all(0 <= value <= 100 for value in again["values"].values())
    sentence = tables.gain(results, "acoustic-transformer", "acoustic-seqsew")  # type: ignore[arg-type]
    assert "95 % interval" in sentence
    assert "3 videos and 1 seeds" in sentence


def test_other_settings_train_another_net(short: None, mosi_folder: Path, tmp_path: Path) -> None:
    found = systems.parts(mosi_folder)
    system = systems.System("acoustic", "dense")
    options = {"device": "cpu", "threads": 1, "progress": False}
    first = systems.trained(system, found, 0, tmp_path, **options)
    kept = (tmp_path / system.name / "0" / "model.safetensors").stat().st_mtime_ns
    systems.trained(system, found, 0, tmp_path, **options)
    assert (tmp_path / system.name / "0" / "model.safetensors").stat().st_mtime_ns == kept
    config = tmp_path / system.name / "0" / "config.json"
    config.write_text(config.read_text().replace(f'"version": {systems.VERSION}', '"version": 0'))
    other = systems.trained(system, found, 0, tmp_path, **options)
    assert (tmp_path / system.name / "0" / "model.safetensors").stat().st_mtime_ns != kept
    for name, value in first.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value)


def test_a_net_on_all_videos_is_trained_for_as_many_rounds_as_were_best(
    short: None, mosi_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = systems.System.plan
    monkeypatch.setattr(systems.System, "plan", lambda own: replace(plan(own), rounds=6, rate=0.05))
    found = systems.parts(mosi_folder)
    every = found.train + found.valid
    assert every.names == tuple(sorted((*found.train.names, *found.valid.names)))
    assert every.steps() == found.train.steps() + found.valid.steps()
    systems.trained(
        systems.System("visual", taught=True, whole=True), found, 0, tmp_path, device="cpu", threads=1, progress=False
    )
    best = {}
    for name in ("text-transformer", "visual-seqsew"):
        first, second = (logged(tmp_path / folder / "0" / "work" / LOG) for folder in (name, f"{name}-whole"))
        scores = [told["valid"]["bce"] for told in first]
        best[name] = 1 + int(np.argmin(scores))
        assert [told["epoch"] for told in second] == list(range(1, best[name] + 1))
    assert min(best.values()) < 6  # or it was not tried


def test_names_and_settings_tell_the_systems_apart() -> None:
    for table in (table_unimodal, table_seqsew, table_fusion):
        assert len(set(table.TASKS)) == len(table.TASKS)
        assert {figure.task for figure in table.FIGURES} <= set(table.TASKS)
    assert len({str(table_seqsew.settings(task)) for task in table_seqsew.TASKS}) == len(table_seqsew.TASKS) == 13
    asked = {(f.row, f.asked) for f in (*table_unimodal.FIGURES, *table_seqsew.FIGURES) if f.asked}
    assert asked == {
        ("text: bi-GRU + transformer + classifier", 80.3),
        ("visual: SeqSEW, taught by text", 63.9),
        ("acoustic: SeqSEW, taught by text", 64.3),
    }


SUBSETS = ["all", "text + acoustic", "text + visual", "acoustic + visual", "text", "acoustic", "visual"]


@pytest.mark.parametrize("strategy", table_fusion.STRATEGIES)
def test_a_fusion_is_measured_with_every_subset(short: None, mosi_folder: Path, tmp_path: Path, strategy: str) -> None:
    moddrop = table_fusion.run(strategy + mosi_fusions.MODDROP, mosi_folder, 0, work=tmp_path, **NAMED)  # type: ignore[arg-type]
    assert list(moddrop["values"]) == SUBSETS
    said = {name: np.array(p) for name, p in moddrop["probability"].items()}
    assert all(p.shape == (24,) and np.isfinite(p).all() for p in said.values())
    assert not np.array_equal(said["text"], said["all"])
    assert not np.array_equal(said["text"], said["visual"])


def test_imputation_stands_beside_what_is_left_out(short: None, mosi_folder: Path, tmp_path: Path) -> None:
    result = table_fusion.run("intra", mosi_folder, 0, work=tmp_path, **NAMED)  # type: ignore[arg-type]
    imputed = [table_fusion.imputed_name(name, k) for k in table_fusion.NEIGHBOURS for name in SUBSETS[1:]]
    assert list(result["values"]) == SUBSETS + imputed
    said = {name: np.array(p) for name, p in result["probability"].items()}
    assert not np.array_equal(said["text"], said["text, 10 neighbours"])
    assert {f.key for f in table_fusion.FIGURES if f.task == "intra"} <= set(result["values"])


@pytest.mark.parametrize("strategy", ["concat", "intra", "intra-cross"])
def test_an_utterance_of_the_training_gets_its_partner_back(mosi_folder: Path, strategy: str) -> None:
    found = systems.parts(mosi_folder)
    torch.manual_seed(0)
    net = mosi_fusions.net_of(strategy, tuple(found.train.size(m) for m in mosi_fusions.MODALITIES)).eval()
    some = found.train.take(found.train.names[:2])
    imputer = mosi_fusions.imputer_of(net, some, 1, "cpu")
    assert len(imputer) == some.steps()
    kept = imputer.vectors["text"]
    vectors = {name: block for name, block in imputer.vectors.items()}
    filled = imputer.fill(vectors | {"text": np.zeros_like(kept)}, np.tile([False, True, True], (len(kept), 1)))
    np.testing.assert_array_equal(filled["text"], kept)
    left_out, imputed = (mosi_fusions.predict(net, some, (1, 2), "cpu", way) for way in (None, imputer))
    assert left_out.shape == imputed.shape == (some.steps(),)
    whole = mosi_fusions.predict(net, some, (0, 1, 2), "cpu")
    if strategy != "intra-cross":  # whose vectors are all that it fuses: one's partner is as good as one's own
        np.testing.assert_allclose(imputed, whole, atol=1e-5)
    assert not np.allclose(imputed, left_out)


def test_a_window_reads_no_later_utterance(mosi_folder: Path) -> None:
    found = systems.parts(mosi_folder)
    torch.manual_seed(0)
    net = mosi_fusions.net_of("cross", tuple(found.test.size(m) for m in mosi_fusions.MODALITIES)).eval()
    one = found.test.take(found.test.names[:1])
    short = replace(
        one, features={m: tuple(x[:5] for x in xs) for m, xs in one.features.items()}, labels=(one.labels[0][:5],)
    )
    whole, part = (mosi_fusions.predict(net, s, (0, 1, 2), "cpu") for s in (one, short))
    np.testing.assert_allclose(whole[:5], part, atol=1e-6)


def test_moddrop_copies_each_video_four_times(mosi_folder: Path) -> None:
    train = systems.parts(mosi_folder).train
    drawn = mosi_fusions.Drawn(train, True)
    assert len(drawn.rows) == 4 * len(train)
    assert len(mosi_fusions.Drawn(train, False).rows) == len(train)


def test_notes_of_the_fusions_compare(short: None) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 40).tolist()
    names = [*SUBSETS, *(table_fusion.imputed_name(name, k) for k in table_fusion.NEIGHBOURS for name in SUBSETS)]

    def result() -> dict[str, object]:
        said = {name: rng.random(40).tolist() for name in names}
        values = {name: 50.0 for name in names}
        return {
            "truth": truth,
            "videos": np.repeat(np.arange(4), 10).tolist(),
            "probability": said,
            "values": values,
        }

    results: Results = {task: {0: result()} for task in table_fusion.TASKS}  # type: ignore[misc]
    notes = table_fusion.notes(results)
    assert sum(note.count("95 % interval") for note in notes) == 7 + 16 + 8


def pieces(folder: Path) -> WordPieces:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *["calm", "loud", "day", "sun", "rain"]]
    tokenizer = Tokenizer(WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    return WordPieces(folder)


def test_olids_recipe_learns_words_and_refuses_what_is_missing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    shape = {"vocab_size": 10, "width": 16, "layers": 1, "attention_heads": 2, "feed_forward": 16, "positions": 32}
    net = TextNet(TextConfig(**shape, pooling="cls", heads_out={"offence": 1}))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)

    def texts(count: int) -> Texts:
        y = rng.integers(0, 2, count)
        other = rng.choice(["day", "sun", "rain"], count)
        return Texts(tuple(f"{w} {'loud' if t else 'calm'}" for w, t in zip(other, y, strict=True)), y)

    plan = table_olid.OlidPlan(epochs=3, rate=5e-3, precision="fp32")
    options = {"seed": 0, "device": "cpu", "threads": 1}
    splits = {"train": texts(96), "valid": texts(24), "test": texts(24)}
    tokenizer = pieces(tmp_path)
    result = table_olid.fit(net, tokenizer, splits, plan, tmp_path / "work", **options)
    assert result["n"] == 24
    assert result["values"]["macro_f1"] > 90
    # A training that was stopped goes on to the same end: here after its first epoch.
    for epochs in (1, 3):
        torch.manual_seed(0)
        net = TextNet(TextConfig(**shape, pooling="cls", heads_out={"offence": 1}))  # type: ignore[arg-type]
        parted = table_olid.fit(net, tokenizer, splits, replace(plan, epochs=epochs), tmp_path / "parts", **options)
    assert parted == result
    with pytest.raises(CorpusError, match="valid split of OLID is empty"):
        table_olid.fit(net, tokenizer, splits | {"valid": texts(0)}, plan, tmp_path / "no", **options)
    with pytest.raises(ParameterError, match="no option 'encodr'"):
        table_olid.run("minilm", tmp_path, 0, work=tmp_path, **(NAMED | {"options": {"encodr": "x"}}))  # type: ignore[arg-type]


def test_olids_batches_hold_texts_of_like_length_and_every_text_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    said = tuple(" ".join(rng.choice(["day", "sun", "rain"], n % 12 + 1)) for n in range(100))
    texts = Texts(said, np.arange(100))
    shuffled = table_olid.Shuffled(texts, pieces(tmp_path), table_olid.OlidPlan(bucket=48))
    torch.manual_seed(1)
    first = list(shuffled)
    assert len(first) == len(shuffled)
    assert sorted(int(n) for batch in first for n in batch.target) == list(range(100))
    padded = sum(float((batch.mask == 0).sum()) for batch in first) / sum(batch.mask.numel() for batch in first)
    assert padded < 0.15
    assert [b.target.tolist() for b in shuffled] != [b.target.tolist() for b in first]


def trainings(command: str) -> list[tuple[str, dict[str, str]]]:
    """Recipe and options of each `mien train` that a closed table names."""
    lines = command.split("mien train ")[1:]
    return [(line.split()[0], dict(one.split("=", 1) for one in re.findall(r"--set (\S+)", line))) for line in lines]


def test_the_commands_for_closed_data_can_be_given() -> None:
    registry = Registry.load()
    closed = [info for info in registry.tables.values() if info.closed]
    assert len(closed) >= 10
    for info in closed:
        for corpus in re.findall(r"mien manifest (\S+)", info.command):
            assert registry.corpus(corpus)
        for name, given in trainings(info.command):
            recipe = registry.recipe(name)
            fill(recipe.id, recipe.params, {name: value_of(text) for name, text in given.items()})


def test_a_table_with_rows_of_pictures_has_them_in_its_manifest() -> None:
    commands = {info.id: info.command for info in Registry.load().tables.values() if info.closed}
    for table in ("thesis-4.1", "mosei-001", "sewa-004"):
        assert " --media video " in commands[table]
    assert [name for name, _ in trainings(commands["sewa-004"])] == [
        "voice-004", "text-004", "face-affect", "fusion-attention",
    ]  # fmt: skip


def test_the_command_for_mosei_trains_on_what_mosei_has(
    tmp_path: Path, make_clip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Videos, words and emotions, and nobody's name."""
    monkeypatch.setattr(khare_card, "REPEATS", 10)
    corpus = tmp_path / "mosei"
    rows = ["file,start,end,sentiment,happy,sad,anger,surprise,disgust,fear,split"]
    for n in range(3):
        place = corpus / "Videos" / "Full" / "Combined" / f"v{n}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        make_clip(place, 2.0)
        rows += [f"v{n},{k}.0,{k}.9,0,{k},{1 - k},{k},{1 - k},{k},{1 - k},{n}" for k in (0, 1)]
        words = corpus / "Transcript" / "Segmented" / "Combined" / f"v{n}.txt"
        words.parent.mkdir(parents=True, exist_ok=True)
        words.write_text("".join(f"v{n}___{k}___{k}.0___{k}.9___well then\n" for k in (0, 1)))
    (corpus / "CMU_MOSEI_Labels.csv").write_text("\n".join(rows) + "\n")
    command = Registry.load().tables["mosei-001"].command
    first = command.split(", then ")[0].replace("FOLDER", str(corpus)).replace("DIR", str(corpus))
    assert run([*first.split()[1:], "--quiet"]) == 0
    assert [name for name, _ in trainings(command)] == ["fusion-khare", "fusion-bigru"]
    for name, given in trainings(command):
        line = ["train", name, "--data", str(corpus), "--out", str(tmp_path / name), "--threads", "1", "--quiet"]
        options = [f"{key}={value}" for key, value in {**given, "width": "8", "layers": "1", "epochs": "1"}.items()]
        assert run([*line, *(word for one in options for word in ("--set", one))]) == 0


def test_the_page_lists_them_with_the_reason_and_the_command() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "reproduction.md").read_text(encoding="utf-8")
    for info in Registry.load().tables.values():
        if info.closed:
            assert f"| `{info.id}` {info.title} | {info.closed} | `{info.command}` |" in page
