"""Tiny models of the real architectures, made and trained here in seconds, so that loading and decoding are
tested for real.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

RATE = 16_000
PHRASES = ("low tone here", "a high one")


def tones(seconds: float = 1.5) -> list[np.ndarray]:
    """Two sounds of three steady tones each, with a little noise: a tone for each word of the phrases."""
    count = int(seconds * RATE)
    noise = np.random.default_rng(0).standard_normal(count) * 0.01
    sounds = []
    for hertz in ((300.0, 700.0, 1100.0), (4000.0, 3000.0, 2000.0)):
        pitch = np.array(hertz)[np.arange(count) * 3 // count]
        sounds.append((0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) + noise).astype(np.float32))
    return sounds


def whisper(folder: Path, steps: int = 60) -> Path:
    """A two-layer Whisper with a byte vocabulary and a window of 4 s, taught to tell the two tones by their
    phrases.
    """
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    torch.manual_seed(0)
    specials = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        "<|en|>",
        "<|de|>",
        "<|translate|>",
        "<|transcribe|>",
    ]
    specials += ["<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    vocab = {letter: byte for byte, letter in enumerate(_letters())}
    ids = {token: 256 + n for n, token in enumerate(specials)}
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer(folder, vocab, ids)
    config = WhisperConfig(
        vocab_size=256 + len(specials), num_mel_bins=20, encoder_layers=1, decoder_layers=2, d_model=48,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
        max_source_positions=200, max_target_positions=64, decoder_start_token_id=257, pad_token_id=256,
        bos_token_id=256, eos_token_id=256, begin_suppress_tokens=None,
    )  # fmt: skip
    net = WhisperForConditionalGeneration(config)
    extractor = WhisperFeatureExtractor(feature_size=20, chunk_length=4)
    extractor.save_pretrained(folder)
    features = extractor(tones(), sampling_rate=RATE, return_tensors="pt").input_features
    prompt = [257, ids["<|en|>"], ids["<|transcribe|>"], ids["<|notimestamps|>"]]
    rows = [[*prompt, *f" {phrase}".encode(), 256] for phrase in PHRASES]
    width = max(map(len, rows))
    target = torch.tensor([row + [256] * (width - len(row)) for row in rows])
    optimiser = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for _ in range(steps):
        logits = net(features, decoder_input_ids=target[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    net.generation_config = GenerationConfig(
        decoder_start_token_id=257, pad_token_id=256, bos_token_id=256, eos_token_id=256, max_length=60,
        is_multilingual=True, lang_to_id={"<|en|>": ids["<|en|>"], "<|de|>": ids["<|de|>"]},
        task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        no_timestamps_token_id=ids["<|notimestamps|>"], alignment_heads=[[1, 0], [1, 1]],
    )  # fmt: skip
    net.save_pretrained(folder)
    return folder


def _letters() -> list[str]:
    """The letter that byte-level BPE writes for each byte: itself where printable, else one above U+0100."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def _tokenizer(folder: Path, vocab: dict[str, int], specials: dict[str, int]) -> None:
    (folder / "vocab.json").write_text(json.dumps(vocab | {"<|endoftext|>": specials["<|endoftext|>"]}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    from transformers import WhisperTokenizer

    tokenizer = WhisperTokenizer(vocab=vocab | {"<|endoftext|>": specials["<|endoftext|>"]}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": list(specials)[1:]})
    tokenizer.save_pretrained(folder)


def crdnn(folder: Path, steps: int = 60) -> Path:
    """SpeechBrain's CRDNN with pieces of words as tokens, taught the phrase of each of the two sounds."""
    from mien_plugins.speech.backends.crdnn import CrdnnConfig, CrdnnNet

    shape = dict(
        n_mels=20, cnn_channels=(4, 8), time_pooling_size=2, rnn_layers=1, rnn_neurons=24, dnn_blocks=1, dnn_neurons=32
    )
    return _taught(folder, "crdnn-ctc", shape, lambda: CrdnnNet(CrdnnConfig(tokens=TOKENS, **shape)), steps)


def conformer(folder: Path, steps: int = 60) -> Path:
    """The same for SpeechBrain's Conformer."""
    from mien_plugins.speech.backends.conformer import ConformerConfig, ConformerNet

    shape = dict(
        n_fft=400, n_mels=20, win_length=25, cnn_channels=(4, 4), d_model=24, nhead=2, layers=1, d_ffn=32, kernel_size=7
    )
    return _taught(folder, "conformer-ctc", shape, lambda: ConformerNet(ConformerConfig(tokens=TOKENS, **shape)), steps)


TOKENS = ("<blank>", "▁low", "▁to", "ne", "▁here", "▁a", "▁high", "▁one")


def _taught(folder: Path, architecture: str, shape: dict[str, Any], build: Callable[[], Any], steps: int) -> Path:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    net = build()
    sounds = [torch.from_numpy(sound)[None] for sound in tones()]
    frames = len(net(sounds[0]))
    # Each frame is told its token: the pieces of a word share its tone, the first fifth of which is blank.
    targets = []
    for pieces in ([[1], [2, 3], [4]], [[5], [6], [7]]):
        third = np.array_split(np.arange(frames), 3)
        target = np.zeros(frames, np.int64)
        for where, word in zip(third, pieces, strict=True):
            for part, token in zip(np.array_split(where[len(where) // 5 :], len(word)), word, strict=True):
                target[part] = token
        targets.append(torch.from_numpy(target))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = sum(torch.nn.functional.nll_loss(net(s), t) for s, t in zip(sounds, targets, strict=True))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    folder.mkdir(parents=True, exist_ok=True)
    described = {"architecture": architecture, "tokens": TOKENS, **shape}
    (folder / "config.json").write_text(json.dumps(described), encoding="utf-8")
    weights = {k: v.contiguous() for k, v in net.state_dict().items() if not net.computed(k)}
    save_file(weights, folder / "model.safetensors")
    return folder


def voice(who: int, seconds: float, seed: int = 0) -> np.ndarray:
    """Babble of one of three made-up speakers: syllables of harmonics of a wavering pitch under the speaker's formants."""
    rng = np.random.default_rng(1000 * who + seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = (105.0, 160.0, 235.0)[who]
    wavering = 1.0 + 0.05 * np.sin(2 * np.pi * rng.uniform(2, 4) * time + rng.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(pitch * wavering) / RATE
    # Silence between the syllables: the net is shown no spectrum but how it changes.
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(3, 5) * time + rng.uniform(0, 6))
    formants = ((400.0, 2800.0), (700.0, 1500.0), (1100.0, 4500.0))[who]
    sound = np.zeros(len(time))
    for harmonic in range(1, int(5500 / pitch)):
        gain = sum(np.exp(-(((harmonic * pitch - formant) / 250.0) ** 2)) for formant in formants) + 0.01
        sound += gain * np.sin(harmonic * phase)
    return (0.1 * loud**2 * sound + 0.002 * rng.standard_normal(len(time))).astype(np.float32)


ECAPA_SHAPE: dict[str, Any] = {
    "n_mels": 40, "channels": [16, 16, 16, 16, 48], "attention_channels": 8, "res2net_scale": 4, "se_channels": 8,
    "width": 24,
}  # fmt: skip


def ecapa(folder: Path, steps: int = 25) -> Path:
    """SpeechBrain's ECAPA-TDNN, taught to tell the three voices apart; a folder as conversion of the published one makes it,
    with smaller sizes.
    """
    from safetensors.torch import save_file

    from mien_plugins.speech.ecapa import Ecapa, EcapaConfig

    torch.manual_seed(0)
    model = Ecapa(EcapaConfig(**ECAPA_SHAPE))
    centres = torch.nn.Parameter(torch.randn(3, ECAPA_SHAPE["width"]))
    sounds = torch.from_numpy(np.stack([voice(i % 3, 0.8, seed=10 + i) for i in range(18)]))
    owner = torch.arange(18) % 3
    optimiser = torch.optim.Adam([*model.net.parameters(), centres], lr=5e-3)
    for _ in range(steps):
        alike = model(sounds) @ torch.nn.functional.normalize(centres).T
        # The margin (as in AAM-softmax) drives the voices apart.
        loss = torch.nn.functional.cross_entropy(12 * (alike - 0.3 * torch.eye(3)[owner]), owner)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        for _ in range(20 if steps else 0):  # batch normalisation follows the weights with delay
            model(sounds)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(ECAPA_SHAPE), encoding="utf-8")
    save_file({k: v.contiguous() for k, v in model.net.state_dict().items()}, folder / "model.safetensors")
    return folder
