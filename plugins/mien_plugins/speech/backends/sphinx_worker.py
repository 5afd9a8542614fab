"""The process that runs pocketsphinx. Started by its path (`python -P sphinx_worker.py`), it imports nothing
of ours.

Standard input: a JSON object of settings on one line, then for each utterance a line of JSON
`{"id": n, "bytes": m}` and m bytes of 16-bit little-endian mono sound at 16 kHz.
Standard output: one JSON object a line: `{"ready": true}`, then for each utterance
`{"id": n, "words": [[text, start_s, end_s, posterior], ...]}` with times from the utterance's start,
or `{"fault": "..."}`. It ends when its input ends.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import Any, BinaryIO

_FILLER = re.compile(r"^[<\[+]")  # <sil>, <s>, [NOISE], ++UH++
_VARIANT = re.compile(r"\(\d+\)$")  # the dictionary's second, third … pronunciation
_FRAMES = 100.0  # a second
_WINDOW = 820  # bytes of one analysis window (410 samples); the decoder cannot take less


def decode(decoder: Any, sound: bytes) -> list[tuple[str, float, float, float]]:
    """The words in `sound`: text, start and end in seconds, posterior probability."""
    if len(sound) < _WINDOW:
        return []
    decoder.reinit_feat()  # else the end of the last utterance leaks into this one's features
    decoder.start_utt()
    decoder.process_raw(sound, full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:
        return []
    words = []
    for segment in decoder.seg() or ():
        if not _FILLER.match(segment.word):
            text = _VARIANT.sub("", segment.word)
            words.append(
                (
                    text,
                    segment.start_frame / _FRAMES,
                    (segment.end_frame + 1) / _FRAMES,
                    min(segment.prob, 1.0),
                )
            )
    return words


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer utterances from `source` on `sink` until it ends."""

    def answer(message: dict[str, Any]) -> None:
        sink.write(json.dumps(message).encode() + b"\n")
        sink.flush()

    import pocketsphinx

    pocketsphinx.set_loglevel("FATAL")
    settings = json.loads(source.readline())
    try:
        decoder = pocketsphinx.Decoder(pocketsphinx.Config(**settings))
    except (RuntimeError, ValueError, KeyError) as error:
        answer({"fault": f"{type(error).__name__}: {error}"})
        return
    answer({"ready": True})
    while line := source.readline():
        head = json.loads(line)
        sound = source.read(head["bytes"])
        if len(sound) < head["bytes"]:
            return  # the parent has gone
        try:
            answer({"id": head["id"], "words": decode(decoder, sound)})
        except RuntimeError as error:
            answer({"fault": f"{type(error).__name__}: {error}"})
            return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        sys.stderr.close()
