"""Who speaks when: by subtitles, and by voices that a tiny ECAPA-TDNN of the published file layout tells apart."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mien.engine.check import check_piece
from mien.engine.choice import Choice, default_analyzers
from mien.engine.plan import make_plan
from mien.engine.registry import Registry
from mien.errors import Cancelled, ModelError, UsageError
from mien.models import store
from mien.models.install import import_folder
from mien.sdk import Cue, MediaInfo
from mien_plugins.speech import diarise
from mien_plugins.speech.ecapa import Ecapa, EcapaConfig, load
from mien_plugins.speech.info import ECAPA, SPEAKERS, SpeakersParams
from mien_plugins.speech.speakers import SpeakersAnalyzer

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny) -> Path:
    return tiny.ecapa(tmp_path_factory.mktemp("models") / ECAPA)


# The net


def test_embeddings_are_those_of_speechbrains_own_chain(folder: Path, tiny) -> None:
    """Filterbank, sentence mean normalisation and ECAPA-TDNN as SpeechBrain's interface strings them together."""
    from speechbrain.lobes.features import Fbank
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
    from speechbrain.processing.features import InputNormalization

    described = dict(tiny.ECAPA_SHAPE)
    bands, width = described.pop("n_mels"), described.pop("width")
    net = ECAPA_TDNN(bands, lin_neurons=width, kernel_sizes=[5, 3, 3, 3, 1], dilations=[1, 2, 3, 4, 1], **described)
    net.load_state_dict(load_file(folder / "model.safetensors"))
    net.eval()
    sound = torch.from_numpy(np.stack([tiny.voice(0, 1.0, seed=7), tiny.voice(2, 1.0, seed=8)]))
    with torch.inference_mode():
        bank = InputNormalization(norm_type="sentence", std_norm=False)(Fbank(n_mels=bands)(sound), torch.ones(2))
        theirs = torch.nn.functional.normalize(net(bank)[:, 0])
        ours = load(folder)(sound)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(ours.norm(dim=1), 1.0, atol=1e-6)


def test_the_published_size_needs_no_description(tmp_path: Path) -> None:
    """`embedding_model.ckpt` converted: 20.8 million numbers, and the publisher's config.json, which says no sizes."""
    model = Ecapa(EcapaConfig())
    assert sum(p.numel() for p in model.net.parameters()) == 20_767_552
    save_file({k: v.contiguous() for k, v in model.net.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"speechbrain_interface": "SpeakerRecognition"}')
    sound = 0.1 * torch.randn(1, RATE // 2)
    with torch.inference_mode():
        assert load(tmp_path)(sound).shape == (1, 192)


def test_the_published_weights_come_in_as_the_guide_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of docs/models.md on a checkpoint with the published names, then `mien models import`."""
    guide = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    lines = guide.split("**SpeechBrain's ECAPA-TDNN**")[1].split("```python\n")[1].split("```")[0]
    net = Ecapa(EcapaConfig()).net
    torch.save(net.state_dict(), tmp_path / "embedding_model.ckpt")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    exec(compile(lines, "docs/models.md", "exec"), {})  # our own guide
    import_folder(ECAPA, tmp_path / ECAPA)
    assert store.is_installed(ECAPA)
    assert not store.verify(ECAPA)
    came = load(store.resolve(ECAPA)).net.state_dict()
    torch.testing.assert_close(came["fc.conv.weight"], net.state_dict()["fc.conv.weight"])


def test_a_model_that_does_not_fit_is_one_sentence(folder: Path, tmp_path: Path, tiny) -> None:
    weights = load_file(folder / "model.safetensors")
    changes: list[tuple[Any, Any, str]] = [
        ({**tiny.ECAPA_SHAPE, "width": 25}, weights, "cannot be loaded"),
        ({**tiny.ECAPA_SHAPE, "channels": 5}, weights, "cannot be loaded"),
        ({**tiny.ECAPA_SHAPE, "res2net_scale": 0}, weights, "res2net_scale"),
        ({**tiny.ECAPA_SHAPE, "n_mels": 10**9}, weights, "n_mels"),
        ({**tiny.ECAPA_SHAPE, "channels": [10**6] * 5}, weights, "channels"),
        ({**tiny.ECAPA_SHAPE, "dilations": [1] * 10_000}, weights, "dilations"),
        ({**tiny.ECAPA_SHAPE, "dilations": [1]}, weights, "cannot be loaded"),
        ([], weights, "no JSON object"),
        (tiny.ECAPA_SHAPE, {k: v for k, v in weights.items() if not k.startswith("fc.")}, "2 tensors missing"),
        (tiny.ECAPA_SHAPE, weights | {"weight": torch.zeros(2)}, "1 unknown"),
    ]
    for number, (config, tensors, says) in enumerate(changes):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "config.json").write_text(json.dumps(config))
        save_file(tensors, place / "model.safetensors")
        with pytest.raises(ModelError, match=says) as failure:
            load(place)
        assert "\n" not in str(failure.value)
    (place / "model.safetensors").unlink()
    torch.save({}, place / "embedding_model.ckpt")  # there is a pickle, which is not looked at
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(place)


def test_hyperparams_are_never_read(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "evil"
    shutil.copytree(folder, place)
    marker = tmp_path / "it-ran"
    touch = f"a: !apply:pathlib.Path.touch\n    - !apply:pathlib.Path [{marker}]\n"
    (place / "hyperparams.yaml").write_text(touch)
    load(place)
    assert not marker.exists()


# Windows, groups, turns


def test_windows_cover_an_utterance_evenly() -> None:
    assert diarise.cut(10, 30, 15) == [(0, 10)]
    assert diarise.cut(30, 30, 15) == [(0, 30)]
    assert diarise.cut(60, 30, 15) == [(0, 30), (15, 45), (30, 60)]
    for count in range(31, 200, 7):
        windows = diarise.cut(count, 30, 15)
        assert windows[0][0] == 0
        assert windows[-1][1] == count
        assert all(stop - first == 30 for first, stop in windows)
        assert all(0 < after[0] - before[0] <= 16 for before, after in pairwise(windows))


def _clouds(counts: tuple[int, ...], width: int = 16, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around orthogonal directions, in random order; and which direction each is of."""
    rng = np.random.default_rng(0)
    owner = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    vectors = np.eye(width)[owner] + noise * rng.standard_normal((len(owner), width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), owner


def _same(groups: np.ndarray, owner: np.ndarray) -> bool:
    """Whether two groupings are one but for the groups' names."""
    pairs = set(zip(groups.tolist(), owner.tolist(), strict=True))
    return len(pairs) == len(set(groups.tolist())) == len(set(owner.tolist()))


def test_groups_are_found_by_distance_or_by_number() -> None:
    vectors, owner = _clouds((5, 9, 2))
    assert _same(diarise.group(vectors, 0.6), owner)
    assert len(set(diarise.group(vectors, 1.2))) == 1
    assert len(set(diarise.group(vectors, 0.6, speakers=2))) == 2
    assert diarise.group(vectors[:1], 0.6, speakers=3).tolist() == [0]


def test_more_than_can_be_compared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, owner = _clouds((150, 90, 60))
    monkeypatch.setattr(diarise, "AT_ONCE", 40)
    assert _same(diarise.group(vectors, 0.6), owner)
    assert _same(diarise.group(vectors, 0.6, speakers=3), owner)


def test_speakers_are_numbered_as_they_appear_and_short_sounds_make_none() -> None:
    axes = np.eye(4, dtype=np.float32)
    vectors = np.stack([axes[2], axes[3], axes[0], axes[2]])
    vectors[1] = (0.9 * axes[0] + 0.4 * axes[3]) / np.hypot(0.9, 0.4)
    lengths = np.array([3.0, 0.4, 3.0, 3.0], np.float32)
    owner, likeness = diarise.tell_apart(vectors, lengths, 0.3, shortest=1.0)
    assert owner.tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(likeness, [1.0, 0.9 / np.hypot(0.9, 0.4), 1.0, 1.0], atol=1e-6)
    alone, _ = diarise.tell_apart(vectors, np.full(4, 0.4, np.float32), 0.05)
    assert alone.tolist() == [0, 1, 2, 0]  # all are short: better these than nobody
    assert diarise.tell_apart(vectors[:0], lengths[:0], 0.3)[0].size == 0


def test_turns_change_halfway_between_windows() -> None:
    windows = [diarise.Window(0, 0, 3), diarise.Window(0, 1.5, 4.5), diarise.Window(0, 3, 6), diarise.Window(1, 8, 9)]
    found = diarise.turns(windows, np.array([0, 0, 1, 1], np.int32), np.array([0.8, 0.6, 0.9, 0.5], np.float32))
    assert [(t.start, t.end, t.speaker) for t in found] == [(0, 3.75, 0), (3.75, 6, 1), (8, 9, 1)]
    assert [t.likeness for t in found] == pytest.approx([0.7, 0.9, 0.5])


def test_letters_go_on_after_z() -> None:
    assert [diarise.letters(n) for n in (0, 1, 25, 26, 27, 701, 702)] == ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]


# The analyzer


def _drive(tools, ctx, feed: Any, media: MediaInfo | None = None, **params: Any) -> dict[str, Any]:
    found = tools.run(SpeakersAnalyzer(), feed, SpeakersParams(**params), ctx, media)
    return {name: check_piece(SPEAKERS, track, None) for name, track in found.items()}


def test_voices_are_told_apart(folder: Path, tiny, tools, ctx) -> None:
    ctx.folders = {ECAPA: folder}
    who = (1, 1, 0, 2, 1, 0, 0)
    feed = tools.spoken(*(tiny.voice(w, 1.5, seed=100 + i) for i, w in enumerate(who)))
    found = _drive(tools, ctx, feed)
    spans, voices = found["speech.speakers"], found["speech.voices"]
    assert spans.speaker == ("A", "A", "B", "C", "A", "B", "B")
    assert set(spans.label) == {"voice"}
    np.testing.assert_allclose(spans.start, np.arange(7) * 2.0)
    np.testing.assert_allclose(spans.end, spans.start + 1.5)
    assert (spans.score > 0.7).all()
    np.testing.assert_allclose(voices.times, np.arange(7) * 2.0 + 0.75)
    assert voices.vectors.shape == (7, tiny.ECAPA_SHAPE["width"])
    assert voices.person.tolist() == [1, 1, 2, 3, 1, 2, 2]
    assert any("3 voices" in note for note in ctx.notes)


def test_a_change_within_an_utterance_is_found(folder: Path, tiny, tools, ctx) -> None:
    ctx.folders = {ECAPA: folder}
    both = np.concatenate([tiny.voice(0, 4.0, seed=50), tiny.voice(2, 5.0, seed=51)])
    spans = _drive(tools, ctx, tools.spoken(both), window=1.0, hop=0.5)["speech.speakers"]
    assert spans.speaker == ("A", "B")
    assert spans.end[0] == spans.start[1] == pytest.approx(4.0, abs=0.4)
    assert (spans.start[0], spans.end[1]) == (0.0, 9.0)


def test_parameters_are_honoured(folder: Path, tiny, tools, ctx) -> None:
    ctx.folders = {ECAPA: folder}

    def speakers(**params: Any) -> int:
        feed = tools.spoken(*(tiny.voice(w, 1.2, seed=60 + w) for w in (0, 1, 2)))
        return len(set(_drive(tools, ctx, feed, **params)["speech.speakers"].speaker))

    assert speakers() == 3
    assert speakers(speakers=2) == 2
    assert speakers(threshold=2.0) == 1


def test_odd_sound_is_survived(folder: Path, tiny, tools, ctx) -> None:
    ctx.folders = {ECAPA: folder}
    broken = tiny.voice(0, 1.5)
    broken[100:300] = np.nan
    found = _drive(tools, ctx, tools.spoken(broken, np.zeros(RATE), broken[:800], tiny.voice(0, 0.3)))
    assert len(found["speech.speakers"]) == 3  # a twentieth of a second tells nothing
    assert _drive(tools, ctx, tools.spoken(broken[:800])) == {}
    assert _drive(tools, ctx, []) == {}
    ctx.cancelled = True
    with pytest.raises(Cancelled):
        _drive(tools, ctx, tools.spoken(broken))


def test_a_call_that_ran_out_of_memory_can_be_repeated(folder: Path, tiny, ctx, monkeypatch) -> None:
    from mien.sdk import Block, Utterance

    ctx.folders = {ECAPA: folder}
    said = tuple(Utterance(2.0 * i, 2.0 * i + 1.2, RATE, tiny.voice(i % 2, 1.2, seed=i)) for i in range(4))
    analyzer = SpeakersAnalyzer()
    analyzer.prepare(MediaInfo(Path("a.wav"), has_audio=True), SpeakersParams(), ctx)
    real, calls = analyzer._vectors, []

    def cramped(utterance: Utterance, parts: Any) -> Any:
        calls.append(utterance.start)
        if len(calls) == 3:
            raise torch.OutOfMemoryError("no room")
        return real(utterance, parts)

    monkeypatch.setattr(analyzer, "_vectors", cramped)
    with pytest.raises(torch.OutOfMemoryError):
        analyzer.process(Block(0.0, 8.0, utterances=said))
    for half in (said[:2], said[2:]):
        assert analyzer.process(Block(0.0, 8.0, utterances=half)) == []
    analyzer.move("cpu")
    spans, _ = analyzer.finish()
    assert spans.speaker == ("A", "B", "A", "B")  # type: ignore[union-attr]


CUES = (
    Cue(0.0, 2.0, "Good morning.", "Ada"),
    Cue(2.5, 4.0, "[door slams]"),
    Cue(4.0, 5.0, "Hello!", "Bob"),
    Cue(6.0, 7.0, "Who is there?"),
)


def test_subtitles_that_name_who_speaks_need_no_model(tools, ctx) -> None:
    media = MediaInfo(Path("a.mp4"), duration=10.0, has_audio=True, cues=CUES, cue_source="a.vtt")
    found = _drive(tools, ctx, [], media)
    assert set(found) == {"speech.speakers"}
    rows = [(start, end, label, who) for start, end, label, _, _, who in found["speech.speakers"].rows()]
    assert rows == [(0.0, 2.0, "subtitles", "Ada"), (4.0, 5.0, "subtitles", "Bob")]
    assert np.isnan(found["speech.speakers"].score).all()
    assert "Who speaks is told by the subtitles (a.vtt): 2 of 3 name somebody." in ctx.notes


def test_subtitles_come_as_the_medium_goes_by(tools, ctx) -> None:
    from mien.sdk import Block

    analyzer = SpeakersAnalyzer()
    media = MediaInfo(Path("a.mp4"), duration=10.0, cues=CUES)
    analyzer.prepare(media, SpeakersParams(by="subtitles"), ctx)
    (first,) = analyzer.process(Block(0.0, 3.0))
    assert first.speaker == ("Ada",)  # type: ignore[union-attr]
    assert analyzer.process(Block(3.0, 4.0)) == []
    (last,) = analyzer.finish()
    assert last.speaker == ("Bob",)  # type: ignore[union-attr]


def test_few_names_are_not_enough(folder: Path, tiny, tools, ctx) -> None:
    few = (*CUES[2:], Cue(7.0, 8.0, "I am."), Cue(8.0, 9.0, "So?"))
    media = MediaInfo(Path("a.mp4"), duration=10.0, has_audio=True, cues=few)
    with pytest.raises(ModelError, match="mien models import ecapa-voxceleb DIR"):
        _drive(tools, ctx, [], media)
    ctx.folders = {ECAPA: folder}
    assert _drive(tools, ctx, tools.spoken(tiny.voice(0, 1.2)), media)["speech.speakers"].speaker == ("A",)
    assert _drive(tools, ctx, [], media, by="subtitles")["speech.speakers"].speaker == ("Bob",)
    with pytest.raises(UsageError, match="no subtitles that name who speaks"):
        _drive(tools, ctx, [], MediaInfo(Path("a.mp4"), has_audio=True, cues=few[1:]), by="subtitles")
    silent = MediaInfo(Path("a.mp4"), has_video=True, cues=few[1:])
    assert _drive(tools, ctx, [], silent) == {}
    assert any("Nothing tells who speaks" in note for note in ctx.notes)


# Its place among the others


def test_it_runs_only_when_it_is_asked_for() -> None:
    registry = Registry.load()
    assert "speech.speakers" in registry.analyzers
    assert "speech.speakers" not in default_analyzers(registry)
    choice = Choice(analyzers=("speech.speakers",), fusion="").checked(registry)
    plan = make_plan(choice, registry, MediaInfo(Path("a.mp4"), has_audio=True), "hash")
    assert [node.id for node in plan.nodes] == ["speech.voice", "speech.speakers"]
    alone = Choice(("speech.speakers",), "", {"speech.speakers": {"by": "subtitles"}}).checked(registry)
    plan = make_plan(alone, registry, MediaInfo(Path("a.mp4"), cues=CUES), "hash")
    assert [node.id for node in plan.nodes] == ["speech.speakers"]


def test_the_model_is_part_of_the_key_once_it_is_imported(folder: Path) -> None:
    registry = Registry.load()
    choice = Choice(analyzers=("speech.speakers",), fusion="").checked(registry)
    media = MediaInfo(Path("a.mp4"), has_audio=True)
    before = make_plan(choice, registry, media, "hash").node("speech.speakers")
    import_folder(ECAPA, folder)
    after = make_plan(choice, registry, media, "hash").node("speech.speakers")
    assert before.key != after.key
    assert load(store.resolve(ECAPA))
