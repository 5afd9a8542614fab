"""Analyses built by hand from real tracks: a lively one, an empty one, a hostile one and a two-hour one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.sdk import MediaInfo
from mien.sdk.protocols import Analysis
from mien.tracks import (
    AROUSAL,
    CONFLICT,
    DOMINANCE,
    EXPRESSION_QUANTITIES,
    HOSTILITY,
    VALENCE,
    Boxes,
    Curve,
    Features,
    Provenance,
    Spans,
    probability,
)

NAN = float("nan")
VAD = (VALENCE, AROUSAL, DOMINANCE)
MODALITIES = tuple(map(probability, ("text", "voice", "face", "conflict")))


def made(analyzer: str, **more: object) -> Provenance:
    return Provenance(analyzer, "1.0.0", {f"{analyzer}-net": "ab" * 32}, {"threshold": 0.7}, "k" * 16, dict(more))


def build(path: Path, duration: float = 60.0, every: float = 4.0, seed: int = 0, rate: float = 5.0) -> Analysis:
    """An analysis of `duration` seconds with an utterance every `every` seconds and two persons' faces."""
    rng = np.random.default_rng(seed)
    vocabulary = [
        "well",
        "the",
        "plan",
        "was",
        "never",
        "going",
        "to",
        "work",
        "because",
        "nobody",
        "listened",
        "when",
        "I",
        "said",
        "we",
        "need",
        "more",
        "time",
    ]
    utterances, words, offence, hate, drivers = [], [], [], [], []
    for n, start in enumerate(np.arange(1.0, duration - every, every)):
        speaker = ("Anna", "Bo")[n % 2]
        chosen = [str(w) for w in rng.choice(vocabulary, rng.integers(3, 18))]
        end = start + every * 0.85
        edges = np.linspace(start, end, len(chosen) + 1)
        utterances.append((start, end, "pocketsphinx", " ".join(chosen), float(rng.uniform(0.4, 1)), speaker))
        words += [(a, b, "word", w, 0.8, speaker) for a, b, w in zip(edges, edges[1:], chosen, strict=False)]
        p = float(rng.beta(0.6, 1.6))
        offence.append((start, end, "offensive" if p > 0.5 else "not", "", p))
        hate.append((start, end, "offensive" if p > 0.8 else "normal", "", p / 2))
        drivers += [
            (a, b, "offence", w, float(rng.normal(0, 0.3))) for a, b, w in zip(edges, edges[1:], chosen, strict=False)
        ]

    def walk(count: int, channels: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
        steps = np.cumsum(rng.normal(0, 0.08, (count, channels)), 0) + np.linspace(0, 9 * duration / 60, count)[:, None]
        return (low + (high - low) * (0.5 + 0.5 * np.sin(steps + rng.uniform(0, 3, channels)))).astype(np.float32)

    voice = np.arange(0.5, duration, 1.0)
    faces = np.repeat(np.arange(0.0, duration, 1 / rate), 2)
    who = np.tile([1, 2], faces.size // 2).astype(np.int32)
    away = (who == 2) & (faces > duration * 0.3) & (faces < duration * 0.6)
    faces, who = faces[~away], who[~away]
    logits = np.zeros((faces.size, 7))
    for person in (1, 2):
        rows = who == person
        logits[rows] = 4 * walk(int(rows.sum()), 7)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    affect = walk(faces.size, 2)
    affect[5] = NAN
    grid = np.arange(0.0, duration, 0.5)
    score = walk(grid.size, 1, 0, 1)
    weights = rng.dirichlet([2, 3, 1, 2], grid.size)
    boxes = np.column_stack(
        [
            np.where(who == 1, 60.0, 210.0) + 10 * np.sin(faces / 3),
            np.full(faces.size, 40.0),
            *np.full((2, faces.size), 80.0),
        ]
    )
    hot = score[:, 0] > 0.7
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hot.astype(int), [0]])))
    verdicts = [
        (
            grid[a],
            grid[b - 1] + 0.5,
            "hostility",
            "text 0.93 (weight 60 %), voice 0.71 (weight 40 %)",
            float(score[a:b].mean()),
        )
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    sure, marks = np.full(faces.size, 0.98), np.zeros((faces.size, 5, 2))
    tracks = [
        Spans.of("speech.voice", [(u[0], u[1], "speech") for u in utterances], made("speech")),
        Spans.of("speech.transcript", utterances, made("speech", backend="pocketsphinx")),
        Spans.of("speech.words", words, made("speech")),
        Curve("emotion.attributes", voice, walk(voice.size, 3), VAD, None, made("emotion")),
        Features("emotion.embedding", voice, rng.normal(size=(voice.size, 16)), None, made("emotion")),
        Spans.of("text.offence", offence, made("text")),
        Spans.of("text.hate", hate, made("text")),
        Spans.of("text.words", drivers, made("text")),
        Boxes("face.boxes", faces, who, boxes, sure, marks, made("face")),
        Curve("face.expression", faces, shares, EXPRESSION_QUANTITIES, who, made("face")),
        Curve("face.affect", faces, affect, (VALENCE, AROUSAL), who, made("face")),
        Curve("conflict.intensity", voice, walk(voice.size, 1), (CONFLICT,), None, made("conflict")),
        Curve("fusion.score", grid, score, (HOSTILITY,), None, made("late")),
        Curve("fusion.weights", grid, weights, MODALITIES, None, made("late")),
        Spans.of("fusion.verdicts", verdicts, made("late")),
    ]  # fmt: skip
    media = MediaInfo(path, duration, True, True, 320, 240, 25.0, 16_000, 1)
    notes = {"speech": ["The transcript was written by pocketsphinx."]}
    return Analysis(media, {t.name: t for t in tracks}, path.name, notes)


@pytest.fixture
def analysis(tmp_path: Path) -> Analysis:
    return build(tmp_path / "clip.mp4")


@pytest.fixture(scope="session")
def long_analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return build(tmp_path_factory.mktemp("long") / "long.mp4", 7200.0, 5.0, rate=3.0)


@pytest.fixture
def empty_analysis(analysis: Analysis) -> Analysis:
    return replace(
        analysis,
        tracks={name: track.take(slice(0, 0)) for name, track in analysis.tracks.items()},
        notes=None,
    )


@pytest.fixture
def hostile_analysis(tmp_path: Path) -> Analysis:
    """Texts that try to break out of each format; NaN scores; spans that overlap or have no length."""
    texts = [
        "<script>alert('x')</script> & \"quotes\"",
        "=cmd('calc')!A1",
        "first line\nsecond line\r\n--> third",
        "{\\an8}back\\Nslash ]]> -->",
        "مرحبا \u202eabc\u202c 你好 Größe",
        "nul\x00bell\x07",
        "@import '+1-1",
        "5",
    ]
    rows = [(n * 1.0, n * 1.0 + 2.5, "pocketsphinx", text, NAN, "<b>Eve</b>") for n, text in enumerate(texts)]
    rows.append((3.0, 3.0, "pocketsphinx", "no length", NAN, '="Mal"'))
    offence = [(r[0], r[1], "offensive", "", 0.9 if n else NAN) for n, r in enumerate(rows)]
    curve = Curve("odd.<curve>", np.array([0.0, 1.0, 2.0]), np.array([[NAN], [0.5], [NAN]]), (probability('=a<b>"&'),))
    tracks = [
        Spans.of(
            "speech.transcript",
            rows,
            Provenance("speech", "1", details={"worst": float("nan"), "x": "</script>"}),
        ),
        Spans.of("text.offence", offence),
        Spans.of("text.words", [(0.0, 2.5, "offence", "quotes", 0.4)]),
        curve,
    ]
    media = MediaInfo(tmp_path / "-<img src=x>\n clip.mp4", None, True, False)
    return Analysis(media, {t.name: t for t in tracks}, "", {"<i>p</i>": ["note </p><script>"]}, "cut <off> at 3 s")


@pytest.fixture
def exporters() -> dict:
    from mien.exchange import info

    return {entry.id: entry for entry in info.ALL}


@pytest.fixture
def written(tmp_path: Path, exporters: dict) -> Callable[..., Path]:
    """Exports in one format and gives the file or folder."""

    def write(analysis: Analysis, name: str, **params: object) -> Path:
        from mien.exchange.write import export

        return export(analysis, [name], tmp_path / "out", exporters, {name: params})[0]

    return write
