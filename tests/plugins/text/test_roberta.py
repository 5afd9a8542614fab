"""The optional RoBERTa: a tiny one of the same architecture, saved as transformers saves it, imported and read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mien.errors import LicenceError, ModelError
from mien.models import store
from mien.models.install import import_folder, pull, stated
from mien.sdk import Block, MediaInfo
from mien.tracks import Spans
from mien_plugins.text.analyzer import TextAnalyzer
from mien_plugins.text.info import ROBERTA, ROBERTA_HATE, TextParams
from mien_plugins.text.roberta import RobertaClassifier

TEXTS = ["a day", "The dog is loud!", "it was silly and the cat was nice and red and blue and good and bad today"]


@pytest.fixture(scope="module")
def transformers() -> Any:
    return pytest.importorskip("transformers")


@pytest.fixture
def make_roberta(transformers: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder as the hub has it: config, safetensors, and a byte-level tokenizer of single bytes."""

    def make(name: str = "roberta", labels: int = 2, seed: int = 0) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        from transformers.convert_slow_tokenizer import bytes_to_unicode

        tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *bytes_to_unicode().values()]
        (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
        (folder / "merges.txt").write_text("#version: 0.2\n")
        torch.manual_seed(seed)
        config = transformers.RobertaConfig(
            vocab_size=len(tokens), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=42, type_vocab_size=1, num_labels=labels, initializer_range=0.5,
        )  # fmt: skip
        net = transformers.RobertaForSequenceClassification(config)
        net.save_pretrained(folder)
        return folder

    return make


def test_it_reads_what_the_net_says_in_any_batches(make_roberta: Callable[..., Path]) -> None:
    model = RobertaClassifier.load(make_roberta())
    alone = [float(model.read([text], limit=40)[0]) for text in TEXTS]
    np.testing.assert_allclose(model.read(TEXTS, limit=40), alone, atol=1e-6)
    np.testing.assert_allclose(model.read(TEXTS, limit=40, max_batch_tokens=1), alone, atol=1e-6)
    ids = torch.tensor([model.tokenizer(TEXTS[0])["input_ids"]])
    expected = float(model.net(ids).logits.softmax(1)[0, 1])
    assert alone[0] == pytest.approx(expected, abs=1e-6)
    assert model.read([]).shape == (0,)


@pytest.mark.parametrize("model", [ROBERTA, ROBERTA_HATE])
def test_what_the_hub_states_is_enough_to_read_it(
    make_roberta: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "core" / "models"))
    from hub import Hub, serve

    monkeypatch.delenv("MIEN_OFFLINE")
    folder = make_roberta()
    content = {path.name: path.read_bytes() for path in folder.iterdir()} | {"pytorch_model.bin": b"\x80"}
    with serve(Hub(content)) as hub:
        found = stated(model, accept_licence=True, endpoint=hub.address)
        pulled = pull(model, accept_licence=True, trusted=found, endpoint=hub.address)
    sys.modules.pop("hub", None)
    here, there = RobertaClassifier.load(pulled.path), RobertaClassifier.load(folder)
    np.testing.assert_array_equal(here.read(TEXTS, limit=40), there.read(TEXTS, limit=40))


def test_a_long_text_counts_as_its_most_offensive_window(make_roberta: Callable[..., Path]) -> None:
    model = RobertaClassifier.load(make_roberta())
    cut = model.tokenizer(TEXTS[2:], truncation=True, max_length=20, stride=5, return_overflowing_tokens=True)
    assert len(cut["input_ids"]) > 3
    windows = [float(model.net(torch.tensor([ids])).logits.softmax(1)[0, 1]) for ids in cut["input_ids"]]
    assert float(model.read(TEXTS[2:], limit=20)[0]) == pytest.approx(max(windows), abs=1e-6)
    assert model.read(["word " * 500], limit=512).shape == (1,)  # never more than the net has positions for


def test_what_is_no_such_model(make_roberta: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="3 classes apart, not two"):
        RobertaClassifier.load(make_roberta(labels=3))
    folder = make_roberta("broken")
    (folder / "model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ModelError, match="cannot be loaded"):
        RobertaClassifier.load(folder)
    for change in ({"hidden_size": "wide"}, {"num_attention_heads": 0}, {"num_hidden_layers": []}):
        odd = make_roberta(f"odd-{next(iter(change))}")
        described = json.loads((odd / "config.json").read_text())
        (odd / "config.json").write_text(json.dumps(described | change))
        with pytest.raises(ModelError, match="cannot be loaded") as caught:
            RobertaClassifier.load(odd)
        assert "\n" not in str(caught.value)
    narrow = make_roberta("narrow")
    described = json.loads((narrow / "config.json").read_text())
    (narrow / "config.json").write_text(json.dumps(described | {"intermediate_size": 2}))
    with pytest.raises(ModelError, match="the weights have other shapes") as caught:
        RobertaClassifier.load(narrow)
    assert "report" not in str(caught.value)
    bare = make_roberta("bare")
    weights = load_file(bare / "model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("classifier.")}, bare / "model.safetensors")
    with pytest.raises(ModelError, match="lacks 4 tensors"):  # they would be random
        RobertaClassifier.load(bare)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")  # there is a pickle, which is not looked at
    with pytest.raises(ModelError, match="cannot be loaded"):
        RobertaClassifier.load(folder)


def read(context: Any, **params: Any) -> dict[str, Any]:
    """What the analyzer writes of the texts, by track."""
    rows = [(i * 3.0, i * 3.0 + 2.0, "sphinx", text, 0.9, "") for i, text in enumerate(TEXTS)]
    block = Block(0.0, 10.0, tracks={"speech.transcript": (Spans.of("speech.transcript", rows),)})
    analyzer = TextAnalyzer()
    analyzer.prepare(MediaInfo(path=Path("clip.mp4"), duration=20.0), TextParams(max_tokens=24, **params), context)
    found = {piece.name: piece for piece in analyzer.process(block)}
    analyzer.close()
    return found


def test_imported_with_consent_and_used_by_the_analyzer(
    make_roberta: Callable[..., Path], told: Any, tiny: Any, tiny_folder: Path
) -> None:
    source = make_roberta()
    with pytest.raises(LicenceError, match="names no licence"):
        import_folder(ROBERTA, source)
    import_folder(ROBERTA, source, accept_licence=True)
    context = told.context
    context.optional_model = lambda model_id: None
    with pytest.raises(ModelError, match="mien models import roberta-offensive DIR"):
        read(context, offence_by="roberta")
    context.optional_model = lambda model_id: store.resolve(model_id)
    found, built_in = read(context, offence_by="roberta"), read(context)
    expected = RobertaClassifier.load(store.resolve(ROBERTA)).read(TEXTS, limit=24)
    np.testing.assert_allclose(found["text.offence"].score, expected, atol=1e-5)
    assert found["text.offence"].label == tuple("offensive" if p >= 0.5 else "not" for p in expected)
    np.testing.assert_allclose(found["text.hate"].score, built_in["text.hate"].score)
    assert not np.allclose(built_in["text.offence"].score, expected)
    assert any("RoBERTa" in note for note in context.notes)


def test_hate_by_a_classifier_of_its_own(make_roberta: Callable[..., Path], told: Any, tiny: Any) -> None:
    import_folder(ROBERTA, make_roberta(), accept_licence=True)
    context = told.context
    context.optional_model = lambda model_id: store.resolve(model_id) if store.is_installed(model_id) else None
    with pytest.raises(ModelError, match=r"hate_by=roberta needs .* 'mien models import roberta-hate DIR'"):
        read(context, hate_by="roberta")
    import_folder(ROBERTA_HATE, make_roberta("hate", seed=1), accept_licence=True)
    built_in, found, both = (
        read(context, **params)
        for params in ({}, {"hate_by": "roberta"}, {"hate_by": "roberta", "offence_by": "roberta"})
    )
    hate, offence = (
        RobertaClassifier.load(store.resolve(name)).read(TEXTS, limit=24) for name in (ROBERTA_HATE, ROBERTA)
    )
    assert not np.allclose(hate, offence)
    np.testing.assert_allclose(found["text.hate"].score, hate, atol=1e-5)
    assert found["text.hate"].label == tuple("hate" if p >= 0.5 else "not" for p in hate)
    np.testing.assert_allclose(found["text.offence"].score, built_in["text.offence"].score)
    np.testing.assert_allclose(both["text.hate"].score, hate, atol=1e-5)
    np.testing.assert_allclose(both["text.offence"].score, offence, atol=1e-5)
    assert any(note.startswith("P(hate) is by RoBERTa") for note in context.notes)


def test_out_of_memory_goes_on_on_the_cpu(
    make_roberta: Callable[..., Path], told: Any, tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_folder(ROBERTA_HATE, make_roberta(), accept_licence=True)
    context = told.context
    context.optional_model = lambda model_id: store.resolve(model_id) if model_id == ROBERTA_HATE else None
    expected = read(context, hate_by="roberta")["text.hate"].score
    run, tried = RobertaClassifier._run, []

    def cramped(self: RobertaClassifier, ids: Any) -> Any:
        tried.append(len(ids))
        if len(tried) == 1:
            raise torch.OutOfMemoryError("no room")
        return run(self, ids)

    def elsewhere(folder: Path, device: str, precision: str) -> RobertaClassifier:
        model = load(folder)
        model.device = torch.device("meta")
        return model

    load = RobertaClassifier.load
    monkeypatch.setattr(RobertaClassifier, "load", elsewhere)
    monkeypatch.setattr(RobertaClassifier, "_run", cramped)
    np.testing.assert_allclose(read(context, hate_by="roberta")["text.hate"].score, expected, atol=1e-6)
    assert "The device was out of memory: hate was read on the CPU instead." in context.notes


def test_earlier_runs_keep_their_keys() -> None:
    """A parameter is part of a run's key: one that came later is not, while it has its default."""
    assert "hate_by" not in TextParams().model_dump(mode="json")
    chosen = TextParams(hate_by="roberta")
    assert chosen.model_dump(mode="json")["hate_by"] == "roberta"
    for params in (chosen, TextParams()):
        assert TextParams(**params.model_dump(mode="json")) == params
    assert "hate_by" in TextParams.model_json_schema()["properties"]
