"""The text modality: reads the transcript as it comes, writes offence, hate, words, attributes, vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.hold import held, let_go
from mien.sdk import Block, Context, MediaInfo, Params
from mien.tracks import AROUSAL, DOMINANCE, VALENCE, AnyTrack, Curve, Features, Spans
from mien_plugins.text.attribution import attribute
from mien_plugins.text.data import HATE
from mien_plugins.text.info import ROBERTA, ROBERTA_HATE, TURNS, TextParams
from mien_plugins.text.model import Reading, TextModel
from mien_plugins.text.wording import Wording, word_times

if TYPE_CHECKING:
    from mien_plugins.text.roberta import RobertaClassifier
    from mien_plugins.text.turnmodel import TurnModel, TurnReading

MODEL = "text-offence"
_FEWEST = 128  # tokens of the longest window that is read at once
T = TypeVar("T")


@dataclass(frozen=True)
class _Said:
    """One utterance: when, by whom, and its words."""

    start: float
    end: float
    speaker: str
    wording: Wording

    @property
    def middle(self) -> float:
        return 0.5 * (self.start + self.end)


class TextAnalyzer:
    """Analyzer `text`. Without a transcript, or where nothing was said, it writes nothing."""

    def __init__(self) -> None:
        self._model: TextModel | None = None
        self._roberta: dict[str, RobertaClassifier] = {}
        self._turns: TurnModel | None = None
        self._heard: list[tuple[float, float, str]] = []

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load the model onto the context's device."""
        assert isinstance(params, TextParams)
        self._params, self._ctx = params, ctx
        folder = ctx.model(MODEL)
        try:
            self._model = held(TextModel.load, folder, ctx.device, ctx.precision)
        except UNREADABLE as error:
            raise ModelError(
                f"the model {MODEL} cannot be read ({reason(error)}): verify or fetch it again: {folder}"
            ) from error
        if params.offence_by == "roberta":
            self._roberta["offence"] = _roberta(ctx, "offence", ROBERTA)
        if params.hate_by == "roberta":
            self._roberta["hate"] = _roberta(ctx, "hate", ROBERTA_HATE)
        if TURNS in (params.offence_by, params.attributes_by):
            self._turns = _turns(params, folder, ctx)
        self._tokens = params.batch_tokens
        self._long = 0

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """Read the utterances that are new in this block, all in one go."""
        for piece in block.tracks.get("speech.words", ()):
            assert isinstance(piece, Spans)
            self._heard += [(start, end, text) for start, end, _, text, _, _ in piece.rows()]
        said = [
            _Said(start, end, speaker, wording)
            for piece in block.tracks.get("speech.transcript", ())
            if isinstance(piece, Spans)
            for start, end, _, text, _, speaker in piece.rows()
            if (wording := Wording.of(text, self._params.cleaning)).text
        ]
        if said:
            yield from self._read(sorted(said, key=lambda u: (u.middle, u.start)))
            # Words are kept until the utterance they belong to has come.
            last = max(u.end for u in said)
            self._heard = [word for word in self._heard if word[1] > last]

    def finish(self) -> Iterable[AnyTrack]:
        """Everything was written as it came."""
        if self._model is not None and self._long:
            how = "cut off" if self._params.long_utterances == "truncate" else "read in overlapping windows"
            self._ctx.note(f"{self._long} utterance(s) longer than {self._params.max_tokens} tokens were {how}.")
        return ()

    def close(self) -> None:
        """Let go of the weights."""
        self._model, self._turns, self._roberta = None, None, {}
        self._heard = []

    def _read(self, said: list[_Said]) -> Iterator[AnyTrack]:
        assert self._model is not None
        texts = [u.wording.text for u in said]
        reading = self._guarded(
            lambda model: model.read(
                texts,
                limit=self._params.max_tokens,
                long=self._params.long_utterances,
                pooling=self._params.pooling,
                max_batch_tokens=self._tokens,
                check=self._ctx.check_cancelled,
            )
        )
        self._long += reading.long
        threshold = self._params.threshold
        if "offence" in self._roberta:
            reading = replace(reading, offence=self._by_roberta("offence", texts))
            threshold = 0.5 if threshold is None else threshold
        elif threshold is None:
            threshold = self._model.settings.calibration.threshold
        turns = self._by_turns(said)
        if turns is not None and self._params.offence_by == TURNS:
            assert self._turns is not None
            reading = replace(reading, offence=self._turns.probability(turns.values))
            threshold = self._turns.threshold if self._params.threshold is None else threshold
        labels = ["offensive" if p >= threshold else "not" for p in reading.offence]
        yield _spans("text.offence", said, labels, reading.offence)
        if "hate" in self._roberta:
            hate = self._by_roberta("hate", texts)
            yield _spans("text.hate", said, ["hate" if p >= 0.5 else "not" for p in hate], hate)
        elif reading.hate.shape[1]:
            labels = [HATE[int(i)] for i in reading.hate.argmax(axis=1)]
            yield _spans("text.hate", said, labels, reading.hate[:, 0])
        middles = np.array([u.middle for u in said])
        attributes = reading.attributes
        if turns is not None and self._params.attributes_by == TURNS:
            attributes = self._attributes(turns, attributes)
        if turns is not None:
            yield Spans.of("text.attention", list(self._looked_at(said, turns)))
        if attributes.shape[1]:
            yield Curve("text.attributes", middles, attributes, (VALENCE, AROUSAL, DOMINANCE))
        yield Features("text.embedding", middles, reading.vectors)
        # Attention says nothing of for or against: what the network of turns finds offensive has no words that drove it.
        if self._params.offence_by != TURNS and (words := list(self._words(said, reading))):
            yield Spans.of("text.words", words)

    def _by_roberta(self, what: str, texts: list[str]) -> NDArray[np.float32]:
        """P(offence) or P(hate) of each text; on the CPU where the device has no room for it."""
        model = self._roberta[what]
        options: dict[str, Any] = {"limit": self._params.max_tokens, "check": self._ctx.check_cancelled}
        try:
            return model.read(texts, max_batch_tokens=self._tokens, **options)
        except torch.OutOfMemoryError:
            if model.device.type == "cpu":
                raise
        # Outside the handler: the error's frames would keep the tensors that did not fit.
        let_go()
        model = self._roberta[what] = model.to("cpu")
        self._ctx.note(f"The device was out of memory: {what} was read on the CPU instead.")
        torch.cuda.empty_cache()
        return model.read(texts, max_batch_tokens=self._tokens, **options)

    def _by_turns(self, said: list[_Said]) -> TurnReading | None:
        """What the network of turns says of the utterances; it learnt from words cleaned as a transcript."""
        if self._turns is None:
            return None
        from mien_plugins.text.vectors import word_vectors

        check = self._ctx.check_cancelled
        texts = [u.wording.text for u in said]
        table = self._turns.table
        if table is not None:
            vectors = table.of(texts)
        else:
            vectors = self._guarded(lambda model: word_vectors(model, texts, self._tokens, check))
        return self._turns.read(vectors, [(u.start, u.end) for u in said], check=check)

    def _attributes(self, turns: TurnReading, own: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 3) valence, arousal and dominance; those that the network of turns has not learnt are the shipped model's."""
        assert self._turns is not None
        found = own.copy() if own.shape[1] else np.zeros((len(turns.values), 3), np.float32)
        for column, name in enumerate(("valence", "arousal", "dominance")):
            if name in self._turns.outputs:
                found[:, column] = np.clip(turns.values[:, self._turns.outputs.index(name)], -1.0, 1.0)
        return found

    def _looked_at(self, said: list[_Said], turns: TurnReading) -> Iterator[tuple[float, float, str, str, float, str]]:
        """The words with the selectors' attention, from 0 to 1."""
        for i, u in enumerate(said):
            starts, ends = word_times(u.wording.words, u.start, u.end, self._heard)
            shares = np.clip(u.wording.to_words(turns.attention[i]), 0.0, 1.0)
            for word, start, end, share in zip(u.wording.words, starts, ends, shares, strict=True):
                yield float(start), float(end), "attention", word, float(share), u.speaker

    def _words(self, said: list[_Said], reading: Reading) -> Iterator[tuple[float, float, str, str, float, str]]:
        method = self._params.attribution
        if method == "off":
            return
        chosen = [i for i, p in enumerate(reading.offence) if p >= self._params.attribute_above]
        windows = [reading.loudest[i] for i in chosen]
        counts = [len(said[i].wording.origin) for i in chosen]

        def share_out(model: TextModel) -> list[NDArray[np.float32]]:
            return attribute(model, windows, counts, method, self._tokens, self._ctx.check_cancelled)

        shares = self._guarded(share_out)
        for i, share in zip(chosen, shares, strict=True):
            u = said[i]
            starts, ends = word_times(u.wording.words, u.start, u.end, self._heard)
            for word, start, end, value in zip(
                u.wording.words, starts, ends, np.clip(u.wording.to_words(share), -1.0, 1.0), strict=True
            ):
                yield float(start), float(end), "offence", word, float(value), u.speaker

    def _guarded(self, work: Callable[[TextModel], T]) -> T:
        """Do ``work``; where the device has no room for it, in smaller batches, and at last on the CPU."""
        assert self._model is not None
        while True:
            try:
                return work(self._model)
            except torch.OutOfMemoryError:
                if self._tokens <= _FEWEST and self._model.device.type == "cpu":
                    raise
            # Outside the handler: the error's frames would keep the tensors that did not fit.
            if self._tokens > _FEWEST:
                self._tokens //= 2
                self._ctx.note(f"The device was out of memory: batches were cut to {self._tokens} tokens.")
            else:
                let_go()
                self._model = self._model.to("cpu")
                self._ctx.note("The device was out of memory: the text was read on the CPU instead.")
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _roberta(ctx: Context, what: str, model_id: str) -> RobertaClassifier:
    folder = ctx.optional_model(model_id)
    if folder is None:
        raise ModelError(
            f"{what}_by=roberta needs the model {model_id}, which is not installed; "
            f"'mien models show {model_id}' says where to get it and 'mien models import {model_id} DIR' installs it"
        )
    from mien_plugins.text.roberta import RobertaClassifier

    ctx.note(f"P({what}) is by RoBERTa, as it gives it: Mien has not calibrated it.")
    return held(RobertaClassifier.load, folder, ctx.device, ctx.precision)


def _turns(params: TextParams, encoder: Path, ctx: Context) -> TurnModel:
    task = "offence" if params.offence_by == TURNS else "attributes"
    both = params.offence_by == params.attributes_by == TURNS
    folder = ctx.optional_model(TURNS)
    if folder is None:
        raise ModelError(
            f"{task}_by={TURNS} needs training: make the model with 'mien train {TURNS} --set task={task} --data CORPUS "
            f"--out DIR', then 'mien models import {TURNS} DIR'"
        )
    from mien_plugins.text.turnmodel import TurnModel

    model = TurnModel.load(folder, encoder, ctx.device)
    if both or (task == "offence") != (model.outputs == ("offence",)):
        raise ModelError(
            f"The model {TURNS} that is installed reads {', '.join(model.outputs)} and nothing else; choose it for that alone, "
            f"or train another with 'mien train {TURNS} --set task={task}'"
        )
    if task == "offence":
        ctx.note(
            "Words are shown with the attention that the selectors paid them, which says nothing of for or against."
        )
    elif missing := [name for name in ("valence", "arousal", "dominance") if name not in model.outputs]:
        ctx.note(f"{' and '.join(missing)} of the wording is by the shipped model: {TURNS} has not learnt it.")
    return model


def _spans(name: str, said: list[_Said], labels: list[str], scores: NDArray[np.float32]) -> Spans:
    """One span per utterance."""
    return Spans.of(
        name,
        [
            (u.start, u.end, label, " ".join(u.wording.words), float(score), u.speaker)
            for u, label, score in zip(said, labels, scores, strict=True)
        ],
    )
