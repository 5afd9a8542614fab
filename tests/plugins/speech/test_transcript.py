"""The transcript by subtitles and by pocketsphinx: words, times, confidences, and when things go wrong."""

from __future__ import annotations

import csv
import os
import re
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.engine.choice import Choice
from mien.engine.plan import make_plan
from mien.engine.registry import Registry
from mien.errors import Cancelled, ModelError, PluginError, UsageError
from mien.evaluation.metrics import wer
from mien.sdk import Cue, MediaInfo, Utterance
from mien_plugins.speech.backends.base import Word, tidy
from mien_plugins.speech.backends.sphinx import SphinxTranscriber
from mien_plugins.speech.backends.sphinx_worker import decode
from mien_plugins.speech.backends.subtitles import heard
from mien_plugins.speech.info import TRANSCRIPT, TranscriptParams
from mien_plugins.speech.transcript import TranscriptAnalyzer

RATE = 16_000
NOISE = (np.random.default_rng(0).standard_normal(RATE) * 0.05).astype(np.float32)
SPHINX = TranscriptParams(backend="pocketsphinx")


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ")).split())


def _check(tracks) -> None:  # type: ignore[no-untyped-def]
    """What holds for every transcript: words in order, inside their utterance, confidences in [0, 1]."""
    words, said = tracks["speech.words"], tracks["speech.transcript"]
    assert set(words.label) == set(said.label)
    assert ((words.score >= 0) & (words.score <= 1)).all()
    assert (words.end[:-1] <= words.start[1:] + 1e-9).all()
    position = 0
    for start, end, _, text, score, _ in said.rows():
        count = len(text.split())
        mine = words.slice(start, end).take(np.arange(count)) if count else words
        inside = slice(position, position + count)
        assert " ".join(words.text[inside]) == text
        assert start <= words.start[inside].min()
        assert words.end[inside].max() <= end
        assert score == pytest.approx(words.score[inside].mean(), abs=1e-5)
        assert len(mine) == count
        position += count
    assert position == len(words)


def test_words_are_kept_in_order_and_inside() -> None:
    rough = [
        Word(0.9, 1.4, "a", 1.2),
        Word(1.2, 1.1, " b ", -0.1),
        Word(1.0, 9.0, "", 1),
        Word(1.0, 9.0, "c", 0.5),
    ]
    assert tidy(rough, 1.0, 2.0) == (
        Word(1.0, 1.2, "a", 1.0),
        Word(1.2, 1.2, "b", 0.0),
        Word(1.2, 2.0, "c", 0.5),
    )


# Subtitles


def test_subtitles_become_the_transcript_and_are_named(tools, ctx) -> None:
    cues = (Cue(1.0, 3.0, "Good morning,\neverybody!", "Ann"), Cue(4.0, 5.0, "Hi.", "Bob"))
    media = MediaInfo(Path("clip.mp4"), duration=6.0, has_audio=True, cues=cues, cue_source="clip.srt")
    tracks = tools.run(TranscriptAnalyzer(), tools.spoken(NOISE, NOISE), TranscriptParams(), ctx, media)
    _check(tracks)
    assert tracks["speech.transcript"].text == ("Good morning, everybody!", "Hi.")
    assert tracks["speech.transcript"].speaker == ("Ann", "Bob")
    assert tracks["speech.words"].text == ("Good", "morning,", "everybody!", "Hi.")
    assert set(tracks["speech.words"].label) == {"subtitles"}
    assert (tracks["speech.words"].score == 1).all()
    lengths = np.diff([*tracks["speech.words"].start[:3], 3.0])
    np.testing.assert_allclose(lengths, np.array([5, 9, 11]) / 25 * 2.0)
    assert "clip.srt" in ctx.notes[0]


def test_subtitles_of_a_silent_medium(tools, ctx) -> None:
    media = MediaInfo(Path("clip.mp4"), has_video=True, cues=(Cue(0.5, 1.0, "one two"),))
    params = TranscriptParams(backend="subtitles")
    assert TRANSCRIPT.inputs_for(params) == ()
    assert tools.run(TranscriptAnalyzer(), [], params, ctx, media)["speech.words"].text == ("one", "two")


def test_an_srt_file_word_by_word(tmp_path: Path, tools, ctx) -> None:
    import pysubs2

    (tmp_path / "a.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,500\nfirst line\n\n2\n00:00:03,000 --> 00:00:04,000\nsecond\n"
    )
    lines = pysubs2.load(str(tmp_path / "a.srt"))
    cues = tuple(Cue(line.start / 1000, line.end / 1000, line.plaintext) for line in lines)
    media = MediaInfo(Path("a.mp4"), has_audio=True, cues=cues)
    tracks = tools.run(TranscriptAnalyzer(), [], TranscriptParams(), ctx, media)
    _check(tracks)
    assert tracks["speech.transcript"].text == ("first line", "second")
    np.testing.assert_allclose(tracks["speech.transcript"].start, [1.0, 3.0])


def test_what_is_no_speech_in_subtitles_is_left_out() -> None:
    cues = [
        Cue(0, 1, "[door slams]"),
        Cue(1, 2, "♪ la la ♪"),
        Cue(2, 3, "(laughter)\n- Stop it!"),
        Cue(5, 4, "backwards"),
        Cue(9, 12, "cut at the end"),
        Cue(13, 14, "behind the end"),
    ]
    found = heard(cues, duration=10.0)
    assert [h.text for h in found] == ["la la", "Stop it!", "cut at the end"]
    assert found[-1].end == 10.0


def test_scrolling_captions_are_said_once() -> None:
    cues = [
        Cue(0.0, 2.0, "hello there"),
        Cue(2.0, 2.01, "hello there"),
        Cue(2.01, 4.0, "hello there\nhow are you"),
        Cue(4.0, 4.01, "how are you"),
        Cue(5.0, 6.0, "no"),
        Cue(6.0, 7.0, "no"),
    ]
    assert [h.text for h in heard(cues)] == ["hello there", "how are you", "no", "no"]


def test_overlapping_cues_keep_pieces_in_order(tools, ctx) -> None:
    cues = tuple(Cue(i * 0.5, i * 0.5 + 3.0, f"voice {i} says something") for i in range(8))
    media = MediaInfo(Path("a.mp4"), has_audio=True, cues=cues)
    tracks = tools.run(TranscriptAnalyzer(), tools.spoken(*[NOISE] * 4), TranscriptParams(), ctx, media)
    assert len(tracks["speech.words"]) == 8 * 4


# Who transcribes


@pytest.mark.parametrize(
    ("params", "error", "says"),
    [
        (TranscriptParams(backend="subtitles"), UsageError, "no subtitles"),
        (TranscriptParams(backend="whisper"), ModelError, "mien models pull whisper"),
        (TranscriptParams(backend="speechbrain"), ModelError, "mien models import speechbrain"),
        (TranscriptParams(language="de"), ModelError, "English only"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_heard(tools, ctx, params, error, says) -> None:
    with pytest.raises(error, match=says):
        tools.run(TranscriptAnalyzer(), [], params, ctx)


def test_pocketsphinx_is_named_and_doubts_other_languages(tools, ctx) -> None:
    media = MediaInfo(Path("a.wav"), has_audio=True, language="ger")
    assert tools.run(TranscriptAnalyzer(), tools.spoken(NOISE[:100]), TranscriptParams(), ctx, media) == {}
    assert "pocketsphinx" in ctx.notes[0]
    assert "'ger'" in ctx.notes[0]


# pocketsphinx


class _Segment:
    def __init__(self, word: str, start: int, end: int, prob: float) -> None:
        self.word, self.start_frame, self.end_frame, self.prob = word, start, end, prob


def test_fillers_and_variants_are_normalised() -> None:
    class Decoder:
        def hyp(self) -> object:
            return object()

        def seg(self) -> list[_Segment]:
            names = ("<s>", "the(2)", "<sil>", "[NOISE]", "++UH++", "cat", "</s>")
            return [_Segment(name, 10 * i, 10 * i + 9, 1.0003) for i, name in enumerate(names)]

        reinit_feat = start_utt = end_utt = lambda self: None

        def process_raw(self, data: bytes, full_utt: bool) -> None:
            assert full_utt

    assert decode(Decoder(), bytes(2000)) == [("the", 0.1, 0.2, 1.0), ("cat", 0.5, 0.6, 1.0)]


def test_silence_noise_and_the_shortest_sounds_are_survived(tools, ctx) -> None:
    sounds = [
        np.zeros(RATE),
        NOISE[:0],
        NOISE[:1],
        NOISE[:409],
        NOISE[:410],
        NOISE[:900],
        np.full(RATE, np.nan),
    ]
    tracks = tools.run(TranscriptAnalyzer(), tools.spoken(*sounds), SPHINX, ctx)
    assert len(tracks.get("speech.words", ())) <= 3


def test_read_speech_is_understood(shared: Path, tools, ctx) -> None:
    folder = shared / "media" / "asr"
    with (folder / "transcripts.csv").open(encoding="utf-8", newline="") as file:
        said = {row["file"].split("/")[-1]: _plain(row["transcript"]) for row in csv.DictReader(file)}
    names = [f"sense_and_sensibility_01_austen_64kb-0{n}.flac" for n in (880, 930)] + ["spk1_snt5.flac"]
    sounds = [tools.read(folder / name) for name in names]
    tracks = tools.run(TranscriptAnalyzer(), tools.spoken(*sounds, sounds[0]), SPHINX, ctx)
    _check(tracks)
    found = tracks["speech.transcript"]
    assert wer([said[name] for name in names], list(found.text[:3])) <= 0.25
    assert set(found.label) == {"pocketsphinx"}
    # The same sound gives the same words wherever it stands: nothing leaks from one utterance into the next.
    count = len(found.text[0].split())
    words = tracks["speech.words"]
    assert found.text[3] == found.text[0]
    np.testing.assert_allclose(words.score[-count:], words.score[:count], atol=1e-6)
    assert ctx.fractions[-1] == pytest.approx(1.0)
    assert ctx.fractions == sorted(ctx.fractions)  # by what was answered, not by what was handed over
    assert len(set(ctx.fractions)) > 2


def test_grid_words_are_heard_where_they_are_said(shared: Path, tools, ctx) -> None:
    sound = tools.read(shared / "media" / "real" / "grid_lrwp9a.mpg")
    tracks = tools.run(TranscriptAnalyzer(), tools.spoken(sound), SPHINX, ctx)
    _check(tracks)
    words = tracks["speech.words"]
    assert {"red", "with", "nine", "again"} & set(words.text)
    assert words.start[0] > 0.3, "the sentence begins after a silence"


def test_denoising_goes_through(shared: Path, tools, ctx) -> None:
    sound = tools.read(shared / "media" / "asr" / "spk1_snt5.flac")
    params = TranscriptParams(backend="pocketsphinx", denoise=True)
    assert "sunday" in tools.run(TranscriptAnalyzer(), tools.spoken(sound), params, ctx)["speech.words"].text


class _Recorder:
    """Takes utterances and recognises nothing."""

    name = "recorder"

    def __init__(self) -> None:
        self.heard: list[Utterance] = []

    def submit(self, utterance: Utterance) -> None:
        self.heard.append(utterance)

    def ready(self) -> list[object]:
        return []

    drain = ready

    def close(self) -> None:
        pass


def test_noise_is_taken_out_before_recognition_only_on_request(tools, ctx, monkeypatch) -> None:
    from mien_plugins.speech.denoise import gate

    noise = np.tile(NOISE, 4)
    taken = []
    for denoise in (False, True):
        recorder = _Recorder()
        monkeypatch.setattr("mien_plugins.speech.transcript._choose", lambda *_, recorder=recorder: recorder)
        tools.run(TranscriptAnalyzer(), tools.spoken(noise), TranscriptParams(denoise=denoise), ctx)
        (utterance,) = recorder.heard
        taken.append(utterance.samples)
    np.testing.assert_array_equal(taken[0], noise)
    np.testing.assert_array_equal(taken[1], gate(noise, RATE))
    assert np.std(taken[1]) < 0.7 * np.std(noise)


def _utterances(count: int, seconds: float = 5.0) -> list[Utterance]:
    noise = np.tile(NOISE, int(seconds))
    return [Utterance(i * seconds, (i + 1) * seconds, RATE, noise) for i in range(count)]


def test_submitting_does_not_wait_for_the_words(ctx) -> None:
    transcriber = SphinxTranscriber(ctx.check_cancelled)
    try:
        known = 0
        for utterance in _utterances(30):
            transcriber.submit(utterance)
            known += len(transcriber.ready())
        assert known < 30
    finally:
        transcriber.close()


def test_several_helpers_answer_in_the_order_of_the_utterances(ctx) -> None:
    utterances = [u for n in range(4) for u in _utterances(1, seconds=8.0 - 2 * n)]
    utterances = [replace(u, start=10.0 * n, end=10.0 * n + u.end) for n, u in enumerate(utterances)]
    found = []
    for helpers in (1, 3):
        transcriber = SphinxTranscriber(ctx.check_cancelled, helpers=helpers)
        try:
            for utterance in utterances:
                transcriber.submit(utterance)
            found.append(list(transcriber.drain()))
        finally:
            transcriber.close()
    assert found[0] == found[1]
    assert [heard.start for heard in found[0]] == [0.0, 10.0, 20.0, 30.0]


def test_too_long_a_queue_waits(ctx, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien_plugins.speech.backends import sphinx

    monkeypatch.setattr(sphinx, "BACKLOG", 0.5)
    transcriber = SphinxTranscriber(ctx.check_cancelled)
    try:
        for utterance in _utterances(4, seconds=1.0):
            transcriber.submit(utterance)
        assert transcriber._waiting <= 2.0
    finally:
        transcriber.close()


def test_cancelling_takes_effect_at_once(ctx) -> None:
    transcriber = SphinxTranscriber(ctx.check_cancelled)
    for utterance in _utterances(20):
        transcriber.submit(utterance)
    ctx.cancelled = True
    began = time.perf_counter()
    with pytest.raises(Cancelled):
        list(transcriber.drain())
    transcriber.close()
    assert time.perf_counter() - began < 2.0
    with pytest.raises(ProcessLookupError):
        os.kill(transcriber.pids[0], 0)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_helper_that_dies_is_one_sentence(tools, ctx) -> None:
    analyzer = TranscriptAnalyzer()
    analyzer.prepare(MediaInfo(Path("a.wav"), has_audio=True), SPHINX, ctx)
    try:
        list(analyzer.process(next(tools.spoken(np.tile(NOISE, 10)))))
        os.kill(analyzer._transcriber.pids[0], signal.SIGKILL)  # type: ignore[union-attr]
        with pytest.raises(PluginError, match=r"pocketsphinx process ended by itself \(signal 9\)") as failure:
            list(analyzer.finish())
        assert "\n" not in str(failure.value)
    finally:
        analyzer.close()


def test_the_helper_ends_when_its_parent_does(ctx) -> None:
    transcriber = SphinxTranscriber(ctx.check_cancelled)
    helper = transcriber._helpers[0].process
    assert helper.stdin is not None
    assert transcriber._inbox.get(timeout=60.0)[1] == {"ready": True}
    helper.stdin.close()
    assert helper.wait(timeout=60) == 0
    transcriber.close()


def test_settings_that_the_decoder_refuses_are_one_sentence(ctx) -> None:
    transcriber = SphinxTranscriber(ctx.check_cancelled, {"lm": "nowhere.lm"})
    try:
        transcriber.submit(_utterances(1, 1.0)[0])
        with pytest.raises(PluginError, match="pocketsphinx failed"):
            list(transcriber.drain())
    finally:
        transcriber.close()


def test_closing_twice_and_without_work(ctx) -> None:
    analyzer = TranscriptAnalyzer()
    analyzer.close()
    analyzer.prepare(MediaInfo(Path("a.wav"), has_audio=True), SPHINX, ctx)
    analyzer.close()
    analyzer.close()


def test_closing_with_much_still_queued_ends_at_once() -> None:
    """A helper that is killed may still take what its thread writes next; the thread must not wait for an answer then."""
    for _ in range(3):
        transcriber = SphinxTranscriber(lambda: None, helpers=2)
        for n in range(40):
            transcriber.submit(Utterance(n, n + 0.5, RATE, NOISE[: RATE // 2]))
        while not transcriber.ready():  # both have greeted, and are fed
            time.sleep(0.01)
        closing = threading.Thread(target=transcriber.close, daemon=True)
        closing.start()
        closing.join(20)
        assert not closing.is_alive()


def test_the_recognisers_get_work_before_the_plugins_beside_them_load() -> None:
    media = MediaInfo(Path("a.mp4"), has_audio=True, has_video=True, duration=10.0)
    plan = make_plan(Choice(fusion=""), Registry.load(), media, "hash")
    (branch,) = ([n.id for n in nodes] for nodes in plan.branches() if any(n.id == "speech.transcript" for n in nodes))
    assert branch[:2] == ["speech.voice", "speech.transcript"]
    assert {"emotion", "text"} <= set(branch[2:])
