"""The optional RoBERTa: a tiny one of the same architecture, saved as transformers saves it, imported and read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.errors import LicenceError, ModelError
from mien.models import store
from mien.models.install import import_folder
from mien.sdk import Block, MediaInfo
from mien.tracks import Spans
from mien_plugins.text.analyzer import TextAnalyzer
from mien_plugins.text.info import ROBERTA, TextParams
from mien_plugins.text.roberta import RobertaOffence

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
    model = RobertaOffence.load(make_roberta())
    alone = [float(model.read([text], limit=40)[0]) for text in TEXTS]
    np.testing.assert_allclose(model.read(TEXTS, limit=40), alone, atol=1e-6)
    np.testing.assert_allclose(model.read(TEXTS, limit=40, max_batch_tokens=1), alone, atol=1e-6)
    ids = torch.tensor([model.tokenizer(TEXTS[0])["input_ids"]])
    expected = float(model.net(ids).logits.softmax(1)[0, 1])
    assert alone[0] == pytest.approx(expected, abs=1e-6)
    assert model.read([]).shape == (0,)


def test_a_long_text_counts_as_its_most_offensive_window(make_roberta: Callable[..., Path]) -> None:
    model = RobertaOffence.load(make_roberta())
    cut = model.tokenizer(TEXTS[2:], truncation=True, max_length=20, stride=5, return_overflowing_tokens=True)
    assert len(cut["input_ids"]) > 3
    windows = [float(model.net(torch.tensor([ids])).logits.softmax(1)[0, 1]) for ids in cut["input_ids"]]
    assert float(model.read(TEXTS[2:], limit=20)[0]) == pytest.approx(max(windows), abs=1e-6)
    assert model.read(["word " * 500], limit=512).shape == (1,)  # never more than the net has positions for


def test_what_is_no_such_model(make_roberta: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="3 classes apart, not two"):
        RobertaOffence.load(make_roberta(labels=3))
    folder = make_roberta("broken")
    (folder / "model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ModelError, match="cannot be loaded"):
        RobertaOffence.load(folder)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")  # there is a pickle, which is not looked at
    with pytest.raises(ModelError, match="cannot be loaded"):
        RobertaOffence.load(folder)


def test_imported_with_consent_and_used_by_the_analyzer(
    make_roberta: Callable[..., Path], told: Any, tiny: Any, tiny_folder: Path
) -> None:
    source = make_roberta()
    with pytest.raises(LicenceError, match="names no licence"):
        import_folder(ROBERTA, source)
    import_folder(ROBERTA, source, accept_licence=True)
    rows = [(i * 3.0, i * 3.0 + 2.0, "sphinx", text, 0.9, "") for i, text in enumerate(TEXTS)]
    block = Block(0.0, 10.0, tracks={"speech.transcript": (Spans.of("speech.transcript", rows),)})

    def read(**params: Any) -> dict[str, Any]:
        analyzer = TextAnalyzer()
        analyzer.prepare(MediaInfo(path=Path("clip.mp4"), duration=20.0), TextParams(max_tokens=24, **params), context)
        found = {piece.name: piece for piece in analyzer.process(block)}
        analyzer.close()
        return found

    context = told.context
    context.optional_model = lambda model_id: None
    with pytest.raises(ModelError, match="mien models import roberta-offensive DIR"):
        read(offence_by="roberta")
    context.optional_model = lambda model_id: store.resolve(model_id)
    found, built_in = read(offence_by="roberta"), read()
    expected = RobertaOffence.load(store.resolve(ROBERTA)).read(TEXTS, limit=24)
    np.testing.assert_allclose(found["text.offence"].score, expected, atol=1e-5)
    assert found["text.offence"].label == tuple("offensive" if p >= 0.5 else "not" for p in expected)
    np.testing.assert_allclose(found["text.hate"].score, built_in["text.hate"].score)
    assert not np.allclose(built_in["text.offence"].score, expected)
    assert any("RoBERTa" in note for note in context.notes)
