"""What config.json may ask for in the folders of public models: tiny ones of each architecture, their descriptions spoilt.

As in `test_fuzz_models.py`, which does so with the models that come with Mien.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from safetensors.torch import save_file

from mien.errors import ModelError

from .fuzzing import Parsers, anything, at, made_tests, places, spoilt
from .test_fuzz_models import HUGE, PATIENCE

pytest.importorskip("transformers")

from ..plugins.speech import tiny

# Of a filterbank that is far too small, and of nets with a single band.
pytestmark = [pytest.mark.filterwarnings(f"ignore:{what}") for what in ("At least one mel filter", "dropout2d")]

CONTEXT: Any = SimpleNamespace(device="cpu", precision="float32", note=lambda _: None)
Maker = Callable[[Path], Path]


def _roberta(folder: Path) -> Path:
    from transformers import RobertaConfig, RobertaForSequenceClassification
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    folder.mkdir()
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *bytes_to_unicode().values()]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    config = RobertaConfig(
        vocab_size=len(tokens), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=12, type_vocab_size=1, num_labels=2,
    )  # fmt: skip
    RobertaForSequenceClassification(config).save_pretrained(folder)
    return folder


def _wav2vec2(folder: Path) -> Path:
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    folder.mkdir()
    config = Wav2Vec2Config(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, conv_dim=(4,) * 7,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, do_stable_layer_norm=True,
        feat_extract_norm="layer", conv_bias=True,
    )  # fmt: skip
    weights = {f"wav2vec2.{k}": v for k, v in Wav2Vec2Model(config).state_dict().items()}
    for part, rows in (("dense", 8), ("out_proj", 3)):
        weights |= {f"classifier.{part}.weight": torch.zeros(rows, 8), f"classifier.{part}.bias": torch.zeros(rows)}
    save_file({k: v.contiguous() for k, v in weights.items()}, folder / "model.safetensors")
    named = config.to_dict() | {"id2label": {"0": "arousal", "1": "dominance", "2": "valence"}}
    (folder / "config.json").write_text(json.dumps(named))
    sound = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16_000, "do_normalize": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(sound | {"feature_size": 1, "padding_value": 0.0}))
    return folder


def _read_roberta(folder: Path) -> object:
    from mien_plugins.text.roberta import RobertaClassifier

    return RobertaClassifier.load(folder)


def _read_wav2vec2(folder: Path) -> object:
    from mien_plugins.emotion.wav2vec2 import load

    return load(folder)


def _read_whisper(folder: Path) -> object:
    from mien_plugins.speech.backends.whisper import WhisperTranscriber

    return WhisperTranscriber("whisper", folder, "en", CONTEXT)


def _read_ctc(folder: Path) -> object:
    from mien_plugins.speech.backends.ctc import CtcTranscriber

    return CtcTranscriber(folder, CONTEXT)


def _read_ecapa(folder: Path) -> object:
    from mien_plugins.speech.ecapa import load

    return load(folder)


MODELS: dict[str, tuple[Maker, Callable[[Path], object], tuple[str, ...]]] = {
    "roberta": (_roberta, _read_roberta, ("config.json",)),
    "wav2vec2": (_wav2vec2, _read_wav2vec2, ("config.json", "preprocessor_config.json")),
    "whisper": (
        lambda folder: tiny.whisper(folder, steps=0), _read_whisper,
        ("config.json", "preprocessor_config.json", "generation_config.json", "tokenizer_config.json"),
    ),
    "crdnn": (lambda folder: tiny.crdnn(folder, steps=0), _read_ctc, ("config.json",)),
    "conformer": (lambda folder: tiny.conformer(folder, steps=0), _read_ctc, ("config.json",)),
    "ecapa": (lambda folder: tiny.ecapa(folder, steps=0), _read_ecapa, ("config.json",)),
}  # fmt: skip
PARSERS = Parsers()


@pytest.fixture(scope="module", autouse=True)
def _let_go() -> Iterator[None]:
    """The models made here are the process', not the test's: they are taken away with the module."""
    for name in MODELS:
        MODELS[name][1](_model(name))  # as it is it can be read, which also imports what that needs
    # SpeechBrain's place holders raise when hypothesis looks through the modules for its own callers.
    lazy = [name for name, module in sys.modules.items() if "speechbrain" in type(module).__module__]
    taken = {name: sys.modules.pop(name) for name in lazy}
    yield
    sys.modules.update(taken)
    for made in HELD:
        made.cleanup()
    HELD.clear()
    _model.cache_clear()


HELD: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _model(name: str) -> Path:
    HELD.append(tempfile.TemporaryDirectory())
    torch.manual_seed(0)
    return MODELS[name][0](Path(HELD[-1].name) / name)


def _fuzz(name: str) -> None:
    _, read, files = MODELS[name]
    sizes = st.sampled_from([HUGE, -HUGE, 0, -1, 1, 2, 10**5, 2**31, 2**63, 1e300, [HUGE] * 3])
    changes = st.dictionaries(st.integers(0, 10_000), sizes | anything, min_size=1, max_size=2)

    def parse(example: tuple[str, dict[int, Any]], folder: Path) -> object:
        file, values = example
        ways = list(places(json.loads((_model(name) / file).read_text(encoding="utf-8"))))
        changed = {ways[number % len(ways)]: value for number, value in values.items()}
        return read(spoilt(_model(name), folder, changed, file))

    PARSERS[name] = (st.tuples(st.sampled_from(files), changes), parse)


for _name in MODELS:
    _fuzz(_name)


@pytest.mark.parametrize("name", MODELS)
def test_a_billion_of_anything_is_one_sentence_at_once(name: str, tmp_path: Path) -> None:
    import resource

    model = _model(name)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    for place in places(config):
        if type(at(config, place)) is not int:
            continue
        begun = time.monotonic()
        told = ""
        try:
            MODELS[name][1](spoilt(model, tmp_path, {place: HUGE}))
        except ModelError as error:
            told = str(error)
            refused += 1
        assert "\n" not in told
        assert time.monotonic() - begun < PATIENCE, place
    assert refused
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 * 1024  # KiB


test_any_description_is_a_net_or_a_sentence, test_very_many_descriptions = made_tests(PARSERS)


def test_the_largest_models_of_the_catalogue_are_within_the_bound() -> None:
    """Their published sizes, without memory: nothing is filled here, but filling counts each number once more."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    from mien.models.size import PUBLIC, bounded

    sizes = {
        "medium": dict(d_model=1024, encoder_layers=24, decoder_layers=24, encoder_ffn_dim=4096, num_mel_bins=80),
        "large-v3-turbo": dict(
            d_model=1280, encoder_layers=32, decoder_layers=4, encoder_ffn_dim=5120, num_mel_bins=128
        ),
    }
    for name, size in sizes.items():
        config = WhisperConfig(
            **size, decoder_ffn_dim=size["encoder_ffn_dim"], encoder_attention_heads=size["d_model"] // 64,
            decoder_attention_heads=size["d_model"] // 64, vocab_size=51866,
        )  # fmt: skip
        with torch.device("meta"):
            net = bounded(lambda config=config: WhisperForConditionalGeneration(config), PUBLIC // 2)
        assert sum(p.numel() for p in net.parameters()) > 700_000_000, name
