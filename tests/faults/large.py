"""Makes a large library: `python large.py PLACE MEDIA`. Ten runs a medium, a track of a hundred spans each.

The rows are written as the library writes them, but in bulk: a hundred thousand runs one by one would take an hour.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np

from mien.library import Library
from mien.library.codec import encode
from mien.tracks import Spans
from mien.tracks.quantity import probability

SPANS = 100
TRACKS = ("speech.transcript", "text.hate", "text.offence", *(f"more.reading{n}" for n in range(7)))
VARIANTS = 50  # of a track; in one of them the scores reach 1


_SYLLABLES = [c + v for c in "bdfghklmnprstvwz" for v in "aeiou"]


def word(rank: int) -> str:
    """The word of that rank: syllables by its digits, so that beginnings are shared as widely as in a language."""
    number, said = rank * 7919 % 512_000, ""  # neighbours in rank are no neighbours in the dictionary
    while number or not said:
        number, digit = divmod(number, len(_SYLLABLES))
        said += _SYLLABLES[digit]
    return said


def words(rng: np.random.Generator, count: int) -> list[str]:
    """Words as often as in a language: the n-th most frequent has a share of 1 / n."""
    return [WORDS[rank] for rank in np.minimum(rng.zipf(1.1, count), len(WORDS) - 1)]


WORDS = [word(rank) for rank in range(20_000)]


def make(place: Path, media: int) -> None:
    """Fill a new library."""
    rng = np.random.default_rng(6)
    with Library(place):
        pass
    blobs = {name: _blobs(name, rng) for name in TRACKS}
    raw = sqlite3.connect(place)
    raw.execute("PRAGMA synchronous=OFF")
    now = time.time()
    track = 0
    for medium in range(media):
        ident = f"{medium:064x}"
        streams = json.dumps([{"kind": "audio", "sample_rate": 16000, "channels": 1}])
        row = (ident, 1000 + medium, 600.0, "mov,mp4", streams, now + medium)
        raw.execute("INSERT INTO medium (id, size, duration, format, streams, added) VALUES (?, ?, ?, ?, ?, ?)", row)
        raw.execute(
            "INSERT INTO medium_path (medium_id, path, seen) VALUES (?, ?, ?)", (ident, f"/media/{medium}.mp4", now)
        )
        for name in TRACKS:
            track += 1
            _run(raw, ident, name, track, blobs[name][medium % VARIANTS], now)
            if name == "speech.transcript":
                said = words(rng, SPANS * 12)
                rows = [(track, 6.0 * n, 6.0 * n + 5, " ".join(said[12 * n : 12 * n + 12])) for n in range(SPANS)]
                raw.executemany("INSERT INTO utterance (track_id, t0, t1, text) VALUES (?, ?, ?, ?)", rows)
        if medium % 500 == 499:
            raw.commit()
    raw.commit()
    raw.close()


def _blobs(name: str, rng: np.random.Generator) -> list[bytes]:
    found = []
    for variant in range(VARIANTS):
        high = 1.0 if variant == 0 else 0.9 * rng.random()
        scores = high * rng.random(SPANS)
        scores[int(rng.integers(SPANS))] = high
        rows = [(6.0 * n, 6.0 * n + 5.0, "label", "", float(scores[n])) for n in range(SPANS)]
        found.append(encode(Spans.of(name, rows)))
    return found


def _run(raw: sqlite3.Connection, medium: str, name: str, track: int, blob: bytes, now: float) -> None:
    run = f"{track:032x}"
    quantity = json.dumps([probability(name.rsplit(".", 1)[-1]).to_dict()])
    values = (
        run,
        medium,
        f"key{track}",
        name,
        "1",
        "{}",
        "{}",
        "cpu",
        "float32",
        "complete",
        0,
        "",
        "[]",
        "",
        now,
        now,
    )
    raw.execute(
        "INSERT INTO run (id, medium_id, key, analyzer, version, params, models, device, precision, status, partial, "
        f"reason, notes, owner, started, finished, used) VALUES ({', '.join('?' * 17)})",
        (*values, now),
    )
    raw.execute(
        "INSERT INTO track (id, run_id, name, kind, quantities, provenance) VALUES (?, ?, ?, 'spans', ?, ?)",
        (track, run, name, quantity, json.dumps({"analyzer": name, "version": "1"})),
    )
    raw.execute(
        "INSERT INTO piece (track_id, seq, rows, t0, t1, data) VALUES (?, ?, ?, 0.0, 599.0, ?)",
        (track, SPANS, SPANS, blob),
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
