"""A tiny text model made on the spot, and a tiny copy of each corpus' layout, with harmless words only."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from mien.training.card import save_model
from mien_plugins.text.model import Calibration, Settings, TextModel
from mien_plugins.text.net import TextConfig, TextNet

WORDS = "the a is was it day dog cat sun rain good bad silly nice loud calm you we they red blue ! ? . ,"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_tokenizer(folder: Path) -> Path:
    """A BERT tokenizer of a few words and all single letters."""
    letters = [c for c in "abcdefghijklmnopqrstuvwxyz'"]
    tokens = dict.fromkeys([*SPECIAL, *WORDS.split(), *letters, *(f"##{c}" for c in letters)])
    tokenizer = Tokenizer(WordPiece({t: i for i, t in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    # As the published file has it: fixed padding and truncation, which ours must switch off.
    tokenizer.enable_padding(length=128)
    tokenizer.enable_truncation(128)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def tiny_net(seed: int = 0, **changes) -> TextNet:
    """Two layers of 16; its weights are random, so only its mechanics mean anything."""
    shape = {
        "vocab_size": 96,
        "width": 16,
        "layers": 2,
        "attention_heads": 2,
        "feed_forward": 32,
        "positions": 64,
    }
    torch.manual_seed(seed)
    net = TextNet(TextConfig(**{**shape, **changes}))
    for parameter in net.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.35)
    return net


@pytest.fixture
def make_net():
    """The function that makes tiny nets."""
    return tiny_net


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """A whole model folder with a tiny net, windows of at most 24 tokens."""
    folder = write_tokenizer(tmp_path / "tiny")
    net = tiny_net()
    settings = Settings(net.config, Calibration(1.2, -0.1, 1.5, 0.4), max_tokens=24)
    save_model(folder, net.state_dict(), settings.to_dict())
    return folder


@pytest.fixture
def tiny(tiny_folder: Path) -> TextModel:
    """The tiny model, loaded as the analyzer loads it."""
    return TextModel.load(tiny_folder)


@pytest.fixture
def tiny_corpora(tmp_path: Path) -> Path:
    """OLID, HateXplain, Davidson and EmoBank in their layouts, of sentences about weather and pets."""
    rng = np.random.default_rng(0)
    data, plain = tmp_path / "data", ["day", "dog", "cat", "sun", "rain", "red", "blue", "nice"]

    def sentence(marked: bool) -> str:
        words = list(rng.choice(plain, int(rng.integers(3, 8))))
        return " ".join([*words, "silly"] if marked else words)

    def write(path: str, header: list[str], rows: list[list[str]], delimiter: str) -> None:
        file = data / "text" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, delimiter=delimiter).writerows([header, *rows])

    olid = [
        [str(i), "@USER " + sentence(i % 3 == 0), "OFF" if i % 3 == 0 else "NOT", "NULL", "NULL"] for i in range(90)
    ]
    olid.append(["90", olid[5][1] + " !!", "NOT", "NULL", "NULL"])
    write("olid/olid-training-v1.0.tsv", ["id", "tweet", "subtask_a", "subtask_b", "subtask_c"], olid, "\t")
    test = [[str(1000 + i), sentence(i % 3 == 0)] for i in range(30)] + [["1030", olid[7][1]]]
    write("olid/testset-levela.tsv", ["id", "tweet"], test, "\t")
    write(
        "olid/labels-levela.csv",
        ["id", "label"],
        [[number, "OFF" if "silly" in text else "NOT"] for number, text in test],
        ",",
    )
    for split, count in (("train", 60), ("valid", 30), ("test", 30)):
        rows = [[("hatespeech", "offensive", "normal")[i % 3], sentence(i % 3 < 2)] for i in range(count)]
        write(f"hatexplain/{split}.tsv", ["label", "text"], rows, "\t")
    write(
        "davidson/labeled_data.csv",
        ["", "count", "hate_speech", "offensive_language", "neither", "class", "tweet"],
        [[str(i), "3", "0", "0", "0", str(i % 3), sentence(i % 3 < 2)] for i in range(30)],
        ",",
    )
    bank = [
        [
            str(i),
            ("train", "train", "dev", "test")[i % 4],
            *(f"{v:.2f}" for v in rng.uniform(1, 5, 3)),
            sentence(False) + ', "said" the dog',
        ]
        for i in range(80)
    ]
    write("emobank/emobank.csv", ["id", "split", "V", "A", "D", "text"], bank, ",")
    return data


class Told:
    """A context as the host gives it, whose models lie in one folder."""

    def __init__(self, folder: Path) -> None:
        from mien.engine.backend import Backend
        from mien.engine.context import RunContext

        self.cancel = threading.Event()
        self.context = RunContext("text", Backend("cpu", "float32", "cpu", 1), self.cancel)
        self.context.model = lambda model_id: folder  # type: ignore[method-assign]


@pytest.fixture
def told(tiny_folder: Path) -> Told:
    """The host's context over the tiny model."""
    return Told(tiny_folder)
