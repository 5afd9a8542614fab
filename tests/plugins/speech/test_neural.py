"""Whisper and SpeechBrain: real loading and decoding, with tiny models of the same architectures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mien.errors import Cancelled, ModelError
from mien.sdk import Cue, MediaInfo
from mien_plugins.speech.backends.align import group_words, token_frames, warp
from mien_plugins.speech.backends.ctc import CtcTranscriber, best_path
from mien_plugins.speech.backends.whisper import WhisperTranscriber
from mien_plugins.speech.info import TranscriptParams
from mien_plugins.speech.transcript import TranscriptAnalyzer

RATE = 16_000


# Alignment


def test_the_cheapest_path_is_found() -> None:
    rng = np.random.default_rng(0)
    bounds = np.array([0, 4, 5, 11])
    cost = rng.random((4, 15)).astype(np.float32)
    for row, (first, last) in enumerate(zip(bounds, [*bounds[1:], 15], strict=True)):
        cost[row, first:last] -= 5
    assert warp(cost).tolist() == bounds.tolist()


def test_warping_more_rows_than_columns_and_single_cells() -> None:
    assert warp(np.zeros((1, 1), np.float32)).tolist() == [0]
    assert warp(np.zeros((1, 9), np.float32)).tolist() == [0]
    rows = warp(np.random.default_rng(0).random((7, 3)).astype(np.float32))
    assert (np.diff(rows) >= 0).all()
    assert rows.max() <= 2


def test_attention_that_walks_along_the_sound_gives_its_times() -> None:
    rng = np.random.default_rng(0)
    attention = rng.random((3, 5, 60)).astype(np.float32) * 0.1
    starts = [0, 12, 24, 36, 48]
    for row, first in enumerate(starts):
        attention[:2, row, first : first + 12] += 1.0  # the third head knows nothing
    np.testing.assert_allclose(token_frames(attention), starts, atol=1)


def _bytes(ids: list[int]) -> str:
    return bytes(ids).decode("utf-8", errors="replace")


def test_tokens_become_words() -> None:
    text = " It's a naïve “test”, isn't it?"
    words = group_words(list(text.encode()), _bytes)
    assert [word for word, _ in words] == text.split()
    assert [p for _, positions in words for p in positions] == list(range(len(text.encode())))


def test_languages_without_spaces_go_by_the_character() -> None:
    words = group_words(list("你好。再见".encode()), _bytes, "zh")
    assert [word for word, _ in words] == ["你", "好。", "再", "见"]


def test_a_broken_last_character_is_dropped() -> None:
    assert [word for word, _ in group_words([*b" ok", 0xE4], _bytes)] == ["ok"]


# Whisper and who comes before it


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory, tiny) -> Path:
    return tiny.whisper(tmp_path_factory.mktemp("models") / "whisper-tiny")


def test_whisper_is_preferred_named_and_right(whisper: Path, tiny, tools, ctx) -> None:
    ctx.folders = {"whisper-tiny": whisper}
    low, high = tiny.tones()
    tracks = tools.run(TranscriptAnalyzer(), tools.spoken(low, high, low), TranscriptParams(), ctx)
    words, said = tracks["speech.words"], tracks["speech.transcript"]
    assert said.text == (tiny.PHRASES[0], tiny.PHRASES[1], tiny.PHRASES[0])
    assert words.text == tuple(" ".join(said.text).split())
    assert set(words.label) == set(said.label) == {"whisper"}
    assert (words.score > 0.5).all()
    assert (words.score <= 1.0).all()
    assert (np.diff(words.start) >= 0).all()
    assert (words.end >= words.start).all()
    assert said.start.tolist() == [0.0, 2.0, 4.0]
    assert (words.start[3:6] >= 2.0).all()
    assert (words.end[3:6] <= 3.5).all()
    assert any("whisper-tiny" in note for note in ctx.notes)


def test_batches_give_the_same_words(whisper: Path, tiny, ctx) -> None:
    low, high = tiny.tones()
    from mien.sdk import Utterance

    found = []
    for batch in (1, 3):
        transcriber = WhisperTranscriber("whisper-tiny", whisper, "en", ctx)
        transcriber._batch = batch
        for i, sound in enumerate((low, high[: RATE // 2], high)):
            transcriber.submit(Utterance(3.0 * i, 3.0 * i + len(sound) / RATE, RATE, sound))
        found.append(transcriber.ready())
    for one, three in zip(*found, strict=True):
        assert one.text == three.text
        assert one.confidence == pytest.approx(three.confidence, abs=1e-3)


def test_a_gpu_that_is_too_small_goes_in_smaller_parts_then_to_the_cpu(whisper: Path, tiny, ctx) -> None:
    from mien.sdk import Utterance

    transcriber = WhisperTranscriber("whisper-tiny", whisper, "en", ctx)
    transcriber._batch, transcriber._device = 4, "cuda:0"
    real, sizes = transcriber._transcribe, []

    def small(batch: list[Utterance]) -> object:
        if transcriber._device != "cpu":
            sizes.append(len(batch))
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return real(batch)

    transcriber._transcribe = small  # type: ignore[method-assign]
    low, high = tiny.tones()
    for i, sound in enumerate((low, high, low, high)):
        transcriber.submit(Utterance(2.0 * i, 2.0 * i + 1.5, RATE, sound))
    assert [heard.text for heard in transcriber.drain()] == [*tiny.PHRASES, *tiny.PHRASES]
    assert sizes == [4, 2, 1]
    assert any("smaller" in n or "batches of" in n for n in ctx.notes)
    assert any("on the CPU" in n for n in ctx.notes)


def test_the_language_is_heard_or_given(whisper: Path, tiny, tools, ctx) -> None:
    ctx.folders = {"whisper-tiny": whisper}
    low, _ = tiny.tones(3.0)
    tools.run(TranscriptAnalyzer(), tools.spoken(*[low] * 11), TranscriptParams(backend="whisper"), ctx)
    assert any("took the language to be 'en'" in note for note in ctx.notes)
    with pytest.raises(ModelError, match="does not know the language 'fr'"):
        tools.run(TranscriptAnalyzer(), [], TranscriptParams(language="fr"), ctx)


def test_whisper_stops_when_cancelled(whisper: Path, tiny, tools, ctx) -> None:
    ctx.folders = {"whisper-tiny": whisper}
    ctx.cancelled = True
    with pytest.raises(Cancelled):
        tools.run(TranscriptAnalyzer(), tools.spoken(tiny.tones()[0]), TranscriptParams(), ctx)


def test_a_damaged_whisper_is_one_sentence(whisper: Path, tmp_path: Path, ctx) -> None:
    for name, damage in (
        ("model.safetensors", b"not safetensors"),
        ("config.json", b"{"),
        ("tokenizer.json", b"{}"),
    ):
        folder = tmp_path / name
        shutil.copytree(whisper, folder)
        (folder / name).write_bytes(damage)
        with pytest.raises(ModelError, match="cannot be loaded") as failure:
            WhisperTranscriber("whisper-tiny", folder, "auto", ctx)
        assert "\n" not in str(failure.value)


def described_as(model: Path, folder: Path, change: dict[str, Any]) -> Path:
    """A copy of a model whose config.json says something else."""
    shutil.copytree(model, folder)
    described = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(described | change), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "change", [{"d_model": 7}, {"vocab_size": "many"}, {"decoder_layers": []}, {"encoder_attention_heads": 0}]
)
def test_a_whisper_of_sizes_that_cannot_be_is_one_sentence(whisper: Path, tmp_path: Path, ctx, change: Any) -> None:
    folder = described_as(whisper, tmp_path / "changed", change)
    with pytest.raises(ModelError, match="cannot be loaded") as failure:
        WhisperTranscriber("whisper-tiny", folder, "auto", ctx)
    assert "\n" not in str(failure.value)


def test_a_whisper_that_lacks_weights_never_reads_with_random_ones(whisper: Path, tmp_path: Path, ctx) -> None:
    folder = tmp_path / "part"
    shutil.copytree(whisper, folder)
    weights = load_file(folder / "model.safetensors")
    lacking = "model.decoder.layers.0.fc1.weight"
    save_file({k: v for k, v in weights.items() if k != lacking}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="1 tensors missing"):
        WhisperTranscriber("whisper-tiny", folder, "auto", ctx)
    # More layers than the file has.
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    described = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    described["decoder_layers"] += 1
    (folder / "config.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(ModelError, match="tensors missing"):
        WhisperTranscriber("whisper-tiny", folder, "auto", ctx)


def test_pickled_weights_are_refused(whisper: Path, tmp_path: Path, ctx) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(whisper, folder)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError):
        WhisperTranscriber("whisper-tiny", folder, "auto", ctx)


# SpeechBrain


@pytest.fixture(scope="module")
def crdnn(tmp_path_factory: pytest.TempPathFactory, tiny) -> Path:
    return tiny.crdnn(tmp_path_factory.mktemp("models") / "speechbrain-asr-crdnn")


@pytest.fixture(scope="module")
def conformer(tmp_path_factory: pytest.TempPathFactory, tiny) -> Path:
    return tiny.conformer(tmp_path_factory.mktemp("models") / "speechbrain-asr-conformer")


@pytest.mark.parametrize("kind", ["crdnn", "conformer"])
def test_speechbrain_is_named_and_right(kind: str, request: pytest.FixtureRequest, tiny, tools, ctx) -> None:
    ctx.folders = {f"speechbrain-asr-{kind}": request.getfixturevalue(kind)}
    low, high = tiny.tones()
    tracks = tools.run(TranscriptAnalyzer(), tools.spoken(low, high, low[:500]), TranscriptParams(), ctx)
    words, said = tracks["speech.words"], tracks["speech.transcript"]
    assert said.text == tiny.PHRASES
    assert set(words.label) == {"speechbrain"}
    assert ((words.score > 0.3) & (words.score <= 1.0)).all()
    assert (np.diff(words.start) >= 0).all()
    # Each word is where its tone is (the first fifth of it is blank).
    np.testing.assert_allclose(words.start, [0.1, 0.6, 1.1, 2.1, 2.6, 3.1], atol=0.06)
    np.testing.assert_allclose(words.end, [0.5, 1.0, 1.5, 2.5, 3.0, 3.5], atol=0.06)
    assert any("SpeechBrain" in note for note in ctx.notes)


def test_speechbrain_is_passed_over_for_languages_that_it_does_not_know(crdnn: Path, tools, ctx) -> None:
    ctx.folders = {"speechbrain-asr-crdnn": crdnn}
    with pytest.raises(ModelError, match="knows the language 'de'"):
        tools.run(TranscriptAnalyzer(), [], TranscriptParams(backend="speechbrain", language="de"), ctx)
    with pytest.raises(ModelError, match="pocketsphinx knows English only"):
        tools.run(TranscriptAnalyzer(), [], TranscriptParams(language="de"), ctx)


def test_backends_come_in_their_order(whisper: Path, crdnn: Path, tiny, tools, ctx) -> None:
    """The medium's own subtitles, Whisper, SpeechBrain, pocketsphinx: the first that is there speaks, and is named."""
    installed = {"whisper-tiny": whisper, "speechbrain-asr-crdnn": crdnn}
    ctx.folders = dict(installed)
    low, _ = tiny.tones()
    subtitled = MediaInfo(Path("a.mp4"), has_audio=True, cues=(Cue(0.0, 1.5, "as it is written"),), cue_source="a.srt")
    for media, expected in ((subtitled, "subtitles"), (None, "whisper")):
        tracks = tools.run(TranscriptAnalyzer(), tools.spoken(low), TranscriptParams(), ctx, media)
        assert set(tracks["speech.transcript"].label) == set(tracks["speech.words"].label) == {expected}
    # Whoever asks for another one gets it, subtitles or not.
    for wish in ("whisper", "speechbrain"):
        tracks = tools.run(TranscriptAnalyzer(), tools.spoken(low), TranscriptParams(backend=wish), ctx, subtitled)
        assert set(tracks["speech.transcript"].label) == {wish}
    del ctx.folders["whisper-tiny"]
    tracks = tools.run(TranscriptAnalyzer(), tools.spoken(low), TranscriptParams(), ctx)
    assert set(tracks["speech.transcript"].label) == {"speechbrain"}
    ctx.folders, ctx.notes = {}, []
    tools.run(TranscriptAnalyzer(), tools.spoken(low[:100]), TranscriptParams(), ctx)
    assert ["pocketsphinx" in note for note in ctx.notes] == [True]


def test_the_best_path_joins_pieces_and_skips_blanks() -> None:
    path = [0, 1, 1, 0, 2, 0, 3, 3, 0, 3]
    chances = np.full((len(path), 4), -9.0, np.float32)
    chances[np.arange(len(path)), path] = np.log([0.9, 0.5, 0.8, 0.9, 0.9, 0.9, 0.6, 0.4, 0.9, 0.7])
    (first, second, third) = best_path(chances, ("", "▁he", "llo", "▁you"), 0)
    assert first[:3] == (1, 5, "hello")
    assert first[3] == pytest.approx((0.8 * 0.9) ** 0.5)
    assert second[:3] == (6, 8, "you")
    assert third[:3] == (9, 10, "you")


def test_a_speechbrain_model_that_does_not_fit_is_one_sentence(crdnn: Path, tmp_path: Path, ctx) -> None:
    described = json.loads((crdnn / "config.json").read_text(encoding="utf-8"))
    changes: tuple[dict[str, Any], ...] = ({"dnn_neurons": 16}, {"blank": 99}, {"rnn_layers": "two"})
    changes += ({"rnn_neurons": 10**7}, {"cnn_channels": [8] * 10_000}, {"cnn_channels": []}, {"time_pooling_size": 0})
    changes += ({"tokens": list(range(len(described["tokens"])))}, {"tokens": "abc"}, {"n_fft": 0}, {"n_mels": 0})
    for number, config in enumerate([{}, *(described | change for change in changes)]):
        folder = tmp_path / str(number)
        shutil.copytree(crdnn, folder)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        with pytest.raises(ModelError, match="cannot be loaded") as failure:
            CtcTranscriber(folder, ctx)
        assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    "change", [{"nhead": 7}, {"kernel_size": 0}, {"d_model": 0}, {"cnn_channels": []}, {"layers": 10**6}]
)
def test_a_conformer_that_does_not_fit_is_one_sentence(conformer: Path, tmp_path: Path, ctx, change: Any) -> None:
    folder = described_as(conformer, tmp_path / "changed", change)
    with pytest.raises(ModelError, match="cannot be loaded") as failure:
        CtcTranscriber(folder, ctx)
    assert "\n" not in str(failure.value)


def test_a_conformer_under_its_published_names(conformer: Path, tiny, tmp_path: Path, ctx) -> None:
    """As SpeechBrain saves it: modules by number, with a decoder that is left aside."""
    folder = tmp_path / "published"
    shutil.copytree(conformer, folder)
    numbers = {"cnn": "0", "transformer": "1", "ctc": "3"}
    published = {"2.w.weight": torch.zeros(3), "1.decoder.norm.weight": torch.zeros(2)}
    for name, value in load_file(conformer / "model.safetensors").items():
        module, _, rest = name.partition(".")
        published[f"{numbers[module]}.{rest}"] = value
    save_file(published, folder / "model.safetensors")
    sound = torch.from_numpy(tiny.tones()[0])[None]
    read, expected = (CtcTranscriber(place, ctx)._run(sound) for place in (folder, conformer))
    np.testing.assert_array_equal(read, expected)
    del published["3.w.weight"]
    save_file(published, folder / "model.safetensors")
    with pytest.raises(ModelError, match="1 tensors missing"):
        CtcTranscriber(folder, ctx)


def test_an_architecture_that_nobody_knows(crdnn: Path, tmp_path: Path, ctx) -> None:
    folder = tmp_path / "strange"
    shutil.copytree(crdnn, folder)
    (folder / "config.json").write_text(json.dumps({"architecture": "magic", "tokens": ["a"]}))
    with pytest.raises(ModelError, match="no architecture that is known here: 'magic'"):
        CtcTranscriber(folder, ctx)


def test_speechbrain_yaml_is_never_read(crdnn: Path, tmp_path: Path, ctx) -> None:
    folder = tmp_path / "evil"
    shutil.copytree(crdnn, folder)
    marker = tmp_path / "it-ran"
    touch = f"a: !apply:pathlib.Path.touch\n    - !apply:pathlib.Path [{marker}]\n"
    (folder / "hyperparams.yaml").write_text(touch)
    CtcTranscriber(folder, ctx)
    assert not marker.exists()
