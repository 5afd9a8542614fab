"""Whisper through transformers, from a folder of the local store (safetensors, no code from the folder).

Utterances are shorter than Whisper's window of 30 s, so each is one pass: greedy decoding (again with beams
when it runs in circles), then one teacher-forced pass over what was decoded for each token's probability and,
from the cross-attention, its time.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.hold import held, let_go
from mien.models.size import PUBLIC, bounded
from mien.sdk import Context, Utterance
from mien_plugins.speech.backends.align import group_words, token_frames
from mien_plugins.speech.backends.base import Heard, Word, tidy

_FRAME = 0.02  # s of an encoder frame
_CIRCLES = 2.4  # text that deflates better than this repeats itself (the limit published with Whisper)
_BATCH = {"cpu": 1, "cuda": 8, "mps": 4}
_SOUND = {"feature_size": 512, "n_fft": 4096, "hop_length": 4096, "chunk_length": 120, "sampling_rate": 48_000}
"""Largest sizes of the filterbank and its window (s, samples a second); four times the published ones, and rates of sound."""
_SURE_AFTER = 30.0  # s of speech after which the language is settled


class WhisperTranscriber:
    """Transcribes with a Whisper model.

    Args:
        model_id: for the note of who spoke.
        folder: config.json, generation_config.json, tokenizer.json, preprocessor_config.json,
        model.safetensors. language: two-letter code, or `auto`: heard from the first half minute of speech.
        ctx: device, precision, cancellation, notes.

    Raises:
        mien.errors.ModelError: the folder is incomplete or no Whisper model, or it does not know the
        language.
    """

    name = "whisper"

    def __init__(self, model_id: str, folder: Path, language: str, ctx: Context) -> None:
        self._ctx = ctx
        self._device = ctx.device
        self._dtype = getattr(torch, ctx.precision)
        try:
            net, self._tokenizer, self._extractor = held(_load, folder, ctx.precision, self._device)
        except (*UNREADABLE, StrictDataclassError) as error:
            raise ModelError(f"The Whisper model {model_id} cannot be loaded ({reason(error)}): {folder}") from error
        self._net = net
        self._codes: dict[str, int] = dict(getattr(self._net.generation_config, "lang_to_id", None) or {})
        if language != "auto" and self._codes and f"<|{language}|>" not in self._codes:
            raise ModelError(f"The Whisper model {model_id} does not know the language '{language}'.")
        self._language = "" if language == "auto" else language
        self._votes: dict[str, float] = {}
        self._heard_for = 0.0
        self._batch = _BATCH.get(self._device.partition(":")[0], 1)
        self._pending: list[Utterance] = []
        ctx.note(f"The transcript is by Whisper ({model_id}).")

    def submit(self, utterance: Utterance) -> None:
        self._pending.append(utterance)

    def ready(self) -> list[Heard]:
        """Transcribes all that is waiting, batch by batch."""
        return list(self.drain())

    def drain(self) -> Iterator[Heard]:
        while self._pending:
            self._ctx.check_cancelled()
            batch, self._pending = self._pending[: self._batch], self._pending[self._batch :]
            yield from self._without_running_out(batch)

    def close(self) -> None:
        self._pending = []
        self._net = None

    def _without_running_out(self, batch: list[Utterance]) -> list[Heard]:
        """The batch, in smaller parts or on the CPU if the GPU's memory is too small for it."""
        try:
            return self._transcribe(batch)
        except torch.cuda.OutOfMemoryError:
            pass  # leave the handler first: it keeps the failed call's tensors alive
        torch.cuda.empty_cache()
        if len(batch) > 1:
            self._batch = part = max(1, len(batch) // 2)
            self._ctx.note(f"The GPU ran out of memory; Whisper went on with batches of {part}.")
            parts = [batch[i : i + part] for i in range(0, len(batch), part)]
            return [heard for smaller in parts for heard in self._without_running_out(smaller)]
        self._ctx.note("The GPU ran out of memory; Whisper went on on the CPU.")
        self._device, self._dtype = "cpu", torch.float32
        let_go()
        self._net = self._net.to("cpu", torch.float32)
        return self._transcribe(batch)

    @torch.inference_mode()
    def _transcribe(self, batch: list[Utterance]) -> list[Heard]:
        inputs = self._extractor(
            [np.nan_to_num(u.samples) for u in batch],
            sampling_rate=batch[0].rate,
            return_attention_mask=True,
            return_tensors="pt",
        )
        features = inputs.input_features.to(self._device, self._dtype)
        encoded = self._net.model.encoder(features).last_hidden_state
        language = self._spoken(encoded, batch)
        tokens = self._decode(features, encoded, inputs.attention_mask.to(self._device), language)
        return [
            self._aligned(utterance, ids, encoded[i : i + 1], language)
            for i, (utterance, ids) in enumerate(zip(batch, tokens, strict=True))
        ]

    def _spoken(self, encoded: torch.Tensor, batch: list[Utterance]) -> str:
        """The language: the one asked for, or the most probable one over the speech so far."""
        if self._language or not self._codes:
            return self._language
        start = torch.full((len(batch), 1), self._net.config.decoder_start_token_id, device=self._device)
        logits = self._net(encoder_outputs=(encoded,), decoder_input_ids=start).logits[:, -1].float()
        ids = torch.tensor(list(self._codes.values()), device=self._device)
        chances = logits[:, ids].log_softmax(-1).cpu().numpy()
        for utterance, row in zip(batch, chances, strict=True):
            length = utterance.end - utterance.start
            self._heard_for += length
            for code, chance in zip(self._codes, row.tolist(), strict=True):
                self._votes[code] = self._votes.get(code, 0.0) + length * chance
        best = max(self._votes, key=self._votes.__getitem__).strip("<|>")
        if self._heard_for >= _SURE_AFTER:
            self._language = best
            self._ctx.note(f"Whisper took the language to be '{best}'.")
        return best

    def _prompt(self, language: str) -> list[int]:
        """What decoding starts from: start of transcript, language, task, no timestamps."""
        config = self._net.generation_config
        prompt = [self._net.config.decoder_start_token_id]
        if language and self._codes:
            prompt += [self._codes[f"<|{language}|>"], config.task_to_id["transcribe"]]
        return [*prompt, config.no_timestamps_token_id]

    def _decode(
        self, features: torch.Tensor, encoded: torch.Tensor, mask: torch.Tensor, language: str
    ) -> list[list[int]]:
        """Ids of the text tokens of each utterance."""
        options: dict[str, Any] = {}
        if language and self._codes:
            options = {"language": language, "task": "transcribe"}
        rows = self._generate(features, encoded, mask, options)
        for i, ids in enumerate(rows):
            if _goes_round(self._tokenizer.decode(ids)):
                careful = options | {"num_beams": 5, "no_repeat_ngram_size": 3}
                one = slice(i, i + 1)
                rows[i] = self._generate(features[one], encoded[one], mask[one], careful)[0]
        return rows

    def _generate(
        self, features: torch.Tensor, encoded: torch.Tensor, mask: torch.Tensor, options: dict[str, Any]
    ) -> list[list[int]]:
        from transformers.modeling_outputs import BaseModelOutput

        output = self._net.generate(
            features,
            encoder_outputs=BaseModelOutput(last_hidden_state=encoded),
            attention_mask=mask,
            return_timestamps=False,
            do_sample=False,
            **options,
        )
        end = self._net.generation_config.eos_token_id
        end = end[0] if isinstance(end, list) else end
        # All special tokens of Whisper's vocabularies lie at and above the end of text.
        return [[t for t in row if t < end] for row in output.tolist()]

    def _aligned(self, utterance: Utterance, ids: list[int], encoded: torch.Tensor, language: str) -> Heard:
        """The words of an utterance with their times and probabilities."""
        if not ids:
            return Heard(utterance.start, utterance.end, ())
        prompt = self._prompt(language)
        end = self._tokenizer.eos_token_id
        sequence = torch.tensor([[*prompt, *ids, end]], device=self._device)
        output = self._net(encoder_outputs=(encoded,), decoder_input_ids=sequence, output_attentions=True)
        # Position p predicts token p + 1: from the prompt's last to the last word's.
        first = len(prompt) - 1
        chances = output.logits[0, first:-2].float().softmax(-1)
        probability = chances[torch.arange(len(ids)), torch.tensor(ids)].cpu().numpy()
        frames = max(2, min(encoded.shape[1], math.ceil((utterance.end - utterance.start) / _FRAME)))
        heads = torch.stack([output.cross_attentions[layer][0, head] for layer, head in self._heads()])
        attention = heads[:, first:-1, :frames].float().cpu().numpy()
        times = utterance.start + token_frames(attention, self._net.config.median_filter_width) * _FRAME
        words = [
            Word(
                float(times[positions[0]]),
                float(times[positions[-1] + 1]),
                text,
                float(np.exp(np.log(np.maximum(probability[positions], 1e-12)).mean())),
            )
            for text, positions in group_words(ids, self._tokenizer.decode, language)
        ]
        return Heard(utterance.start, utterance.end, tidy(words, utterance.start, utterance.end))

    def _heads(self) -> list[tuple[int, int]]:
        """(layer, head) of those that follow the sound: the published ones, or all of the upper half."""
        known = getattr(self._net.generation_config, "alignment_heads", None)
        if known:
            return [(int(layer), int(head)) for layer, head in known]
        config = self._net.config
        layers = range(config.decoder_layers // 2, config.decoder_layers)
        return [(layer, head) for layer in layers for head in range(config.decoder_attention_heads)]


def _load(folder: Path, precision: str, device: str) -> tuple[Any, Any, Any]:
    """Net on its device, tokenizer and feature extractor of a Whisper model."""
    from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

    with _no_progress_bar():
        loaded: Any = bounded(
            lambda: WhisperForConditionalGeneration.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                attn_implementation="eager",  # the others do not give their attention away
                dtype=getattr(torch, precision),
                output_loading_info=True,
            ),
            PUBLIC,
        )
    net, told = loaded
    # What a file lacks would stay random, with nothing but a warning.
    if missing := sorted(told["missing_keys"]):
        raise ValueError(f"{len(missing)} tensors missing, such as {missing[0]}")
    codes = getattr(net.generation_config, "lang_to_id", None)
    if codes and not (isinstance(codes, dict) and all(type(token) is int for token in codes.values())):
        raise ValueError("generation_config.json names no token for each language")
    _check_sound(folder / "preprocessor_config.json")
    net.eval()
    return (
        net.requires_grad_(False).to(torch.device(device)),
        WhisperTokenizer.from_pretrained(folder, local_files_only=True),
        WhisperFeatureExtractor.from_pretrained(folder, local_files_only=True),
    )


def _check_sound(path: Path) -> None:
    """Refuse sizes of the filterbank that no Whisper has, before it is computed."""
    described = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(described, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    for name, most in _SOUND.items():
        size = described.get(name, 1)
        if type(size) is not int or not 1 <= size <= most:
            raise ValueError(f"{name} in {path.name} should be a whole number from 1 to {most}")


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """transformers draws one on loading, over the host's own."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _goes_round(text: str) -> bool:
    data = text.encode()
    return len(data) > 40 and len(data) / len(zlib.compress(data)) > _CIRCLES
