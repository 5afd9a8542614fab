"""Makes a large library: `python large.py PLACE MEDIA [SHARE]`. Ten runs a medium, a track of a hundred spans each; that share
of the media (a half, if nothing is said) speaks in a script without spaces.

The rows are written as the library writes them, but in bulk: a hundred thousand runs one by one would take an hour.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import sqlalchemy as sa

from mien.library import Library, schema, search
from mien.library.codec import encode
from mien.tracks import Spans
from mien.tracks.quantity import probability

SPANS = 100
TRACKS = ("speech.transcript", "text.hate", "text.offence", *(f"more.reading{n}" for n in range(7)))
TABLES = ("medium", "medium_path", "run", "track", "piece", "utterance")
AT_ONCE = 100  # media in one transaction
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


def letters(rng: np.random.Generator, count: int) -> str:
    """The same for letters of a script without spaces."""
    return "".join(LETTERS[rank] for rank in rng.choice(len(LETTERS), count, p=_SHARES / _SHARES.sum()))


WORDS = [word(rank) for rank in range(20_000)]
LETTERS = [chr(0x4E00 + rank * 7919 % 20_000) for rank in range(4_000)]
_SHARES = 1.0 / np.arange(1, len(LETTERS) + 1)


def make(place: str, media: int, share: float = 0.5) -> None:
    """Fill a new library, in a file or on PostgreSQL."""
    rng = np.random.default_rng(6)
    blobs = {name: _blobs(name, rng) for name in TRACKS}
    now = time.time()
    with Library(place) as library:
        for first in range(0, media, AT_ONCE):
            rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
            for medium in range(first, min(first + AT_ONCE, media)):
                _medium(rows, medium, blobs, rng, now, medium % 100 < 100 * share)
            with library._database.write() as connection:
                for table in TABLES:
                    if table == "utterance":
                        search.insert(connection, rows[table])
                    else:
                        connection.execute(sa.insert(schema.metadata.tables[table]), rows[table])
        if place.startswith("postgresql:"):  # as autovacuum does after a while; the tests' server has none
            library._database.outside("VACUUM ANALYZE")


def _medium(
    rows: dict[str, list[dict[str, Any]]],
    medium: int,
    blobs: dict[str, list[bytes]],
    rng: np.random.Generator,
    now: float,
    spaceless: bool,
) -> None:
    ident = f"{medium:064x}"
    streams = [{"kind": "audio", "sample_rate": 16000, "channels": 1}]
    what = {"size": 1000 + medium, "duration": 600.0, "format": "mov,mp4", "streams": streams, "added": now + medium}
    rows["medium"].append({"id": ident, **what})
    rows["medium_path"].append({"medium_id": ident, "path": f"/media/{medium}.mp4", "seen": now})
    for n, name in enumerate(TRACKS):
        track = medium * len(TRACKS) + n + 1
        _run(rows, ident, name, track, blobs[name][medium % VARIANTS], now)
        if name == "speech.transcript":
            if spaceless:
                texts = [letters(rng, 20) for _ in range(SPANS)]
            else:
                said = words(rng, SPANS * 12)
                texts = [" ".join(said[12 * n : 12 * n + 12]) for n in range(SPANS)]
            rows["utterance"] += [
                {"track_id": track, "t0": 6.0 * n, "t1": 6.0 * n + 5, "text": text} for n, text in enumerate(texts)
            ]


def _blobs(name: str, rng: np.random.Generator) -> list[bytes]:
    found = []
    for variant in range(VARIANTS):
        high = 1.0 if variant == 0 else 0.9 * rng.random()
        scores = high * rng.random(SPANS)
        scores[int(rng.integers(SPANS))] = high
        rows = [(6.0 * n, 6.0 * n + 5.0, "label", "", float(scores[n])) for n in range(SPANS)]
        found.append(encode(Spans.of(name, rows)))
    return found


def _run(rows: dict[str, list[dict[str, Any]]], medium: str, name: str, track: int, blob: bytes, now: float) -> None:
    run = f"{track:032x}"
    made = {"id": run, "medium_id": medium, "key": f"key{track}", "analyzer": name, "version": "1"}
    how = {"params": {}, "models": {}, "device": "cpu", "precision": "float32", "status": "complete", "notes": []}
    rows["run"].append(made | how | {"owner": "", "started": now, "finished": now, "used": now})
    quantities = [probability(name.rsplit(".", 1)[-1]).to_dict()]
    about = {"kind": "spans", "quantities": quantities, "provenance": {"analyzer": name, "version": "1"}}
    rows["track"].append({"id": track, "run_id": run, "name": name, **about})
    rows["piece"].append({"track_id": track, "seq": SPANS, "rows": SPANS, "t0": 0.0, "t1": 599.0, "data": blob})


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:]))
