"""Valence and arousal that a user's own manifest traces over time, as the fusions that go over time learn them (SEEDS §11).

A recording is all that a manifest has of one person in one medium: a row a moment, with the words of the turn then spoken, or one
row for a clip that was rated as a whole. Media are embedded by the models that come with Mien and laid on the very grid that
analyses lay them on. A row's path may also be an `.npz` file with the user's own features (arrays `text`, `audio`, `video`, any
of the three), which has one step for each of the recording's rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.engine.align import align
from mien.errors import CorpusError, shown
from mien.tracks import Features, Spans
from mien.tracks.track import AnyTrack
from mien.training.arrays import Form, keep_arrays, kept_arrays
from mien.training.manifest import SPLITS, Manifest, Row
from mien.training.stretch import MOST_SECONDS, sound
from mien_plugins.emotion.gate import loud_share
from mien_plugins.emotion.info import EmotionParams
from mien_plugins.fusion.draw import STEP, Dropping
from mien_plugins.fusion.info import EMBEDDINGS
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.khare_data import FACES_A_SECOND, Corpus
from mien_plugins.fusion.own_data import AROUND, EVERY, STREAMS, Embeddings, Shuffled, dropped

ATTRIBUTES: Final = ("valence", "arousal")
"""In the order of a reading's `affect`."""
SAID: Final = "text.offence"
"""The track of utterances, which an utterance's vector holds over."""
HEARD_AT_ONCE: Final = 64

_FORMS: Final[dict[str, Form]] = {
    "there": ("?", ("T", len(MODALITIES))),
    **{name: ("<f4", ("T", name)) for name in MODALITIES},
}
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Turn = tuple[float, float, str]
"""Start and end in s, and the words."""


@dataclass(frozen=True)
class Recording:
    """What a manifest has of one person in one medium.

    Args:
        rows: by time; values (N, K): their labels (valence and arousal in [-1, 1]), NaN where there is none.
        name: of the speaker, or else of the group or medium; figures are drawn by it.
    """

    rows: tuple[Row, ...]
    values: Floats
    name: str

    @property
    def first(self) -> Row:
        """Its first row."""
        return self.rows[0]

    @property
    def own(self) -> bool:
        """Whether it has the user's own features."""
        return self.first.path.lower().endswith(".npz")

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns that rows next to each other have the words of."""
        found: list[Turn] = []
        for row in self.rows:
            words = " ".join(row.text.split())
            if found and words == found[-1][2] and row.start <= found[-1][1] + STEP:
                found[-1] = found[-1][0], max(found[-1][1], row.end), words
            elif words:
                found.append((row.start, row.end, words))
        return tuple(found)


@dataclass(frozen=True)
class Trace:
    """A recording as nets read it.

    Args:
        x: modality → (T, D_m); there (T, M): where it is present.
        target: (T, K) the labels, NaN where there is none.
        name: see `Recording`.
    """

    x: dict[str, Floats]
    there: Bools
    target: Floats
    name: str

    def __len__(self) -> int:
        return len(self.target)


def recordings(manifest: Manifest, labels: Sequence[str] = ATTRIBUTES) -> dict[str, tuple[Recording, ...]]:
    """The recordings of each split that have one of the labels somewhere; numbers are on [-1, 1], classes their number.

    Raises:
        CorpusError: a column or a split is missing, speakers are on two sides, features and media are mixed.
    """
    manifest.check(labels=labels)
    values = np.stack([manifest.numbers(name, -1.0, 1.0) for name in labels], 1).astype(np.float32)
    found: dict[str, dict[tuple[str, str], list[int]]] = {split: {} for split in SPLITS}
    for at, row in enumerate(manifest.rows):
        if not row.split:
            continue
        if not row.path:
            raise CorpusError(f"{manifest.where(row)} is only a text; a recording is needed: {shown(manifest.source)}")
        found[row.split].setdefault((row.path, row.speaker), []).append(at)
    made = {}
    for split, groups in found.items():
        parts = []
        for places in groups.values():
            places.sort(key=lambda at: manifest.rows[at].start)
            if np.isfinite(values[places]).any():
                rows = tuple(manifest.rows[at] for at in places)
                parts.append(Recording(rows, values[places], rows[0].speaker or rows[0].group or rows[0].path))
        made[split] = tuple(parts)
    every = [recording for parts in made.values() for recording in parts]
    if len({recording.own for recording in every}) > 1:
        odd = next(recording for recording in every if recording.own != every[0].own)
        raise CorpusError(
            f"{manifest.where(odd.first)}: rows must name media, or all of them own features (.npz), not both: "
            f"{shown(manifest.source)}"
        )
    return made


def spacing(found: Sequence[Recording]) -> float:
    """Seconds between two steps of the net: of media the grid's, else what usually lies between two rows."""
    if not found or not found[0].own:
        return STEP
    steps = [b.start - a.start for r in found for a, b in itertools.pairwise(r.rows)]
    usual = float(np.median(steps)) if steps else 0.0
    return usual if usual > 0 else STEP


class Tracer(Embeddings):
    """Makes traces; what was embedded is kept."""

    def traces(self, manifest: Manifest, found: Sequence[Recording]) -> list[Trace]:
        """One for each recording; a bar on standard error says how far it is.

        Raises:
            CorpusError: a recording cannot be read or has nothing to read, or features that do not fit; it names the row.
        """
        return [self._trace(manifest, recording) for recording in self._each(found)]

    def _trace(self, manifest: Manifest, recording: Recording) -> Trace:
        where = manifest.where(recording.first)
        if recording.own:
            x = _features(manifest, recording)
            count = len(recording.rows)
            there = np.stack([np.full(count, name in x) for name in MODALITIES], 1)
            target = recording.values
        else:
            x = self._kept(manifest, recording)
            there = x.pop("there")
            target = _on_grid(recording, len(there))
        if not there.any():
            raise CorpusError(f"{where} has no text, voice or face to read: {shown(manifest.file(recording.first))}")
        return Trace(x, there, target, recording.name)

    def _kept(self, manifest: Manifest, recording: Recording) -> dict[str, npt.NDArray[Any]]:
        """What `_embed` gives, made once."""
        path, first = manifest.file(recording.first), recording.first
        last = max(row.end for row in recording.rows)
        if not math.isinf(last) and last - first.start > MOST_SECONDS:
            raise CorpusError(
                f"{manifest.where(first)}: the moments of this recording lie up to {last - first.start:.0f} s apart, and it may "
                f"have {MOST_SECONDS / 3600:g} hours; part it: {shown(path)}"
            )
        whole = Row(first.path, first.start, last, text=repr(recording.turns), number=first.number)
        kept = self._cache / f"traced-{self._key(path, whole)}.npz"
        found = kept_arrays(kept, _FORMS, optional=MODALITIES)
        if found is None:
            found = self._embed(manifest, recording, whole)
            keep_arrays(kept, found, _FORMS, MODALITIES)
        return found

    def _embed(self, manifest: Manifest, recording: Recording, whole: Row) -> dict[str, npt.NDArray[Any]]:
        """Vectors of each modality on the grid, and where they are."""
        rate = self._voice_reader.rate
        samples = sound(manifest, whole, rate) if self._hears(manifest, whole) else np.zeros(0, np.float32)
        at, faces = self._faces(manifest, whole)
        seconds = whole.end - whole.start
        if math.isinf(seconds):
            seconds = max(len(samples) / rate, float(at[-1]) + 1 / FACES_A_SECOND if len(at) else 0.0)
        tracks: dict[str, AnyTrack] = {}
        if len(at):
            tracks[EMBEDDINGS["face"]] = Features(EMBEDDINGS["face"], at.astype(np.float64), faces)
        times, voices = self._heard(samples, rate)
        if len(times):
            tracks[EMBEDDINGS["voice"]] = Features(EMBEDDINGS["voice"], times, voices)
        turns = [(a - whole.start, min(b - whole.start, seconds), text) for a, b, text in recording.turns]
        known = {text: self._said(text) for text in dict.fromkeys(text for _, _, text in turns)}
        if turns := [turn for turn in turns if len(known[turn[2]]) and turn[1] > turn[0]]:
            vectors = np.concatenate([known[text] for _, _, text in turns])
            middles = np.array([(a + b) / 2 for a, b, _ in turns])
            order = np.argsort(middles, kind="stable")
            tracks[EMBEDDINGS["text"]] = Features(EMBEDDINGS["text"], middles[order], vectors[order])
            tracks[SAID] = Spans.of(SAID, [(a, b, "", text, 0.0) for a, b, text in turns])
        modality = {track: name for name, track in EMBEDDINGS.items()} | {SAID: "text"}
        grid = align(tracks, modality, {EMBEDDINGS["voice"]: AROUND / 2}, seconds, STEP)
        there = np.stack(
            [grid.mask.get(EMBEDDINGS[name], np.zeros(grid.times.size, np.bool_)) for name in MODALITIES], 1
        )
        return {"there": there} | {n: grid.values[EMBEDDINGS[n]] for n in MODALITIES if EMBEDDINGS[n] in grid.values}

    def _heard(self, samples: Floats, rate: int) -> tuple[npt.NDArray[np.float64], Floats]:
        """Moments in s, and the vector of the voice around each of them where there is sound enough."""
        usual = EmotionParams()
        times, heard, vectors = [], [], []
        for at in np.arange(EVERY / 2, len(samples) / rate, EVERY):
            begin, end = (round(max(0.0, at + side * AROUND / 2) * rate) for side in (-1, 1))
            window = samples[begin:end]
            if loud_share(window, rate, usual.silence) < usual.min_speech:
                continue
            if len(rows := self._voice_reader.hear(window)):
                times.append(at)
                heard.append(rows)
            if len(heard) == HEARD_AT_ONCE:
                vectors.append(self._embedded(heard))
                heard = []
        if heard:
            vectors.append(self._embedded(heard))
        return np.array(times), np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float32)


def _features(manifest: Manifest, recording: Recording) -> dict[str, Floats]:
    """A recording's own features by modality, a step for each of its rows."""
    file = manifest.file(recording.first)
    one = Manifest(manifest.folder, manifest.labels, (recording.first,), manifest.source)
    found = Corpus(one, (file,), None, sound=False).streams(0)
    x = {name: found[array] for name, array in STREAMS.items() if array in found}
    for name, block in x.items():
        if len(block) != len(recording.rows):
            raise CorpusError(
                f"{manifest.where(recording.first)}: {name} has {len(block)} steps where the recording has "
                f"{len(recording.rows)} rows; valence and arousal over time need a step for each row: {shown(file)}"
            )
    return x


def _on_grid(recording: Recording, count: int) -> Floats:
    """(count, K): the mean of what was rated within each cell of the grid, NaN where nothing was."""
    shape = count, recording.values.shape[1]
    total, rated = np.zeros(shape), np.zeros(shape)
    for row, value in zip(recording.rows, recording.values, strict=True):
        begin, end = row.start - recording.first.start, row.end - recording.first.start
        cells = slice(max(0, math.ceil(begin / STEP - 0.5)), count)
        if not math.isinf(end):
            cells = slice(cells.start, min(count, math.ceil(end / STEP - 0.5)))
            if cells.start >= cells.stop:  # shorter than a cell: it counts in the one that holds its middle
                at = min(int((begin + end) / 2 / STEP), count - 1)
                cells = slice(at, at + 1)
        known = np.isfinite(value)
        total[cells, known] += value[known]
        rated[cells, known] += 1
    mean: Floats = np.divide(total, rated, out=np.full(shape, np.nan), where=rated > 0).astype(np.float32)
    return mean


def widths_of(traces: Sequence[Trace], widths: Sequence[int] = ()) -> tuple[int, ...]:
    """Numbers in each modality's vectors, 1 where no recording has it.

    Args:
        widths: those that a net has, which must be these.

    Raises:
        CorpusError: they differ.
    """
    seen = {name: width for name, width in zip(MODALITIES, widths, strict=False) if width > 1}
    for trace in traces:
        for name, block in trace.x.items():
            if seen.setdefault(name, block.shape[1]) != block.shape[1]:
                raise CorpusError(
                    f"The recording of {shown(trace.name)} has {block.shape[1]} numbers a step of {name} where {seen[name]} "
                    "belong."
                )
    return tuple(seen.get(name, 1) for name in MODALITIES)


Batch = tuple[tuple[Tensor, ...], Tensor, Tensor]
"""Vectors of each modality (B, T, D_m), mask (B, T, M), target (B, T, 2) with NaN where there is none."""


def collate(parts: Sequence[tuple[Trace, slice]], kept: Bools, widths: Sequence[int]) -> Batch:
    """Stretches of traces as a batch, absent behind their ends; kept (B, M): what of them is not silenced."""
    cut = [(trace, range(*steps.indices(len(trace)))) for trace, steps in parts]
    longest = max(len(steps) for _, steps in cut)
    x = [np.zeros((len(cut), longest, width), np.float32) for width in widths]
    mask = np.zeros((len(cut), longest, len(widths)), np.bool_)
    target = np.full((len(cut), longest, len(ATTRIBUTES)), np.nan, np.float32)
    for n, (trace, steps) in enumerate(cut):
        here = slice(steps.start, steps.stop)
        mask[n, : len(steps)] = trace.there[here] & kept[n]
        target[n, : len(steps)] = trace.target[here]
        for m, name in enumerate(MODALITIES):
            if name in trace.x:
                x[m][n, : len(steps)] = trace.x[name][here]
    return tuple(map(torch.from_numpy, x)), torch.from_numpy(mask), torch.from_numpy(target)


class Sequences(Shuffled):
    """Traces in stretches of so many steps, in batches, with the copies of `dropping`."""

    def __init__(
        self, traces: Sequence[Trace], widths: Sequence[int], length: int, size: int, dropping: Dropping
    ) -> None:
        self.traces, self.widths = traces, widths
        cuts = [(t, slice(at, at + length)) for t in traces for at in range(0, len(t), length)]
        present = [t.there[s].any(0) & np.isfinite(t.target[s]).any() for t, s in cuts]
        self.cuts = [cut for cut, there in zip(cuts, present, strict=True) if there.any()]
        whole = np.array([there for there in present if there.any()], np.bool_).reshape(-1, len(MODALITIES))
        super().__init__(*dropped(whole, dropping), size)

    def batch(self, rows: npt.NDArray[np.int64], present: Bools) -> Batch:
        return collate([self.cuts[row] for row in rows.tolist()], present, self.widths)
