"""The gate: a reading comes out when, and only when, its window is known to hold enough speech."""

import numpy as np

from mien.tracks import Spans
from mien_plugins.emotion.gate import Reading, VoiceGate, loud_share


def readings(count, length=4.0):
    return [
        Reading(i + length / 2, float(i), i + length, np.zeros(3, np.float32), np.zeros(510, np.float32))
        for i in range(count)
    ]


def speech(*spans):
    return [Spans.of("speech.voice", [(s, e, "speech") for s, e in spans])]


def test_only_windows_with_enough_speech_come_out():
    gate = VoiceGate(0.25)
    for reading in readings(20):
        gate.hold(reading)
    gate.hear(speech((5.0, 7.0), (15.0, 15.5)))
    # 2 s of speech: a window needs 1 s of it. The second utterance is too short for any.
    assert [r.start for r in gate.release(np.inf)] == [2.0, 3.0, 4.0, 5.0, 6.0]


def test_nothing_is_decided_before_it_is_known():
    gate = VoiceGate(0.25)
    for reading in readings(3):
        gate.hold(reading)
    assert gate.release(10.0) == []  # an utterance may be going on and be announced later
    gate.hear(speech((0.0, 3.0)))
    assert [r.start for r in gate.release(10.0)] == [0.0, 1.0, 2.0]


def test_order_is_kept_when_an_earlier_window_is_still_open():
    gate = VoiceGate(0.5)
    for reading in readings(8):
        gate.hold(reading)
    gate.hear(speech((2.0, 3.0)))
    gate.hear(speech((6.0, 9.0)))
    times = [r.time for r in gate.release(12.0)]
    assert times == sorted(times)


def test_memory_stays_flat_in_a_long_silence():
    gate = VoiceGate(0.2)
    for i, reading in enumerate(readings(7200)):
        gate.hold(reading)
        gate.release(i + 4.0)
    assert len(gate._held) < 60


def test_share_of_loud_frames():
    rng = np.random.default_rng(0)
    sound = np.concatenate([np.zeros(16000), 0.1 * rng.standard_normal(16000)]).astype(np.float32)
    assert loud_share(sound, 16000, -50.0) == 0.5
    assert loud_share(np.zeros(5, np.float32), 16000, -50.0) == 0.0
