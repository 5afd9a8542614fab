"""Every parser that we own, on anything: a value, or one sentence of our own tree of errors. Never anything else.

With all tests each parser gets the same few dozen examples; `make faults` gives it thousands (`MIEN_EXAMPLES`).
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from mien.tracks import AROUSAL, CONFLICT, Boxes, Curve, Features, Spans

from .fuzzing import Parsers, anything, damaged, made_tests, mixed, objects, text, word

PARSERS = Parsers()
parser = PARSERS.of


_SRT = (
    "1\n",
    "00:00:00,000 --> 00:00:01,000\n",
    "99:99:99,999 --> ",
    "<i>",
    "</i>",
    "<v Ann>",
    "<v.a ",
    "{\\an8}",
    "{\\p1}",
    "\n\n",
)
_ASS = (
    *("[Events]\n", "[Script Info]\n", "[Fonts]\n", "Format: Layer, Start\n", "Dialogue: ", "Comment: ", "&H00FFFFFF,"),
    *(
        "0,0:00:01.00,0:00:02.00,Default,A,0,0,0,,",
        "Style: Default,Arial,20,",
        "fontname: x.ttf\n",
        "\\N",
        "{\\r}",
        "\n",
    ),
)


@parser(
    st.tuples(
        st.sampled_from(["srt", "vtt", "ass", "ssa"]),
        mixed("WEBVTT\n\n", "00:00.100 --> 00:01.000 align:x\n", *_SRT, *_ASS),
    )
)
def _subtitles(example: tuple[str, str], folder: Path) -> None:
    from mien.media.subtitles import parse

    for cue in parse(example[1], example[0]):
        assert 0.0 <= cue.start < cue.end
        assert cue.text.strip()
        assert "\n" not in cue.text + cue.speaker


@parser(st.tuples(st.sampled_from([".srt", ".vtt", ".ass", ".SSA"]), st.one_of(st.binary(max_size=200), damaged(
    "1\n00:00:00,000 --> 00:00:01,000\nÄ<i>b</i>\n".encode(), "WEBVTT\n\n00:00.000 --> 00:01.000\nä\n".encode("utf-16"),
    b"[Events]\nDialogue: 0,0:00:01.00,0:00:01.50,Default,Bob,0,0,0,,hi\n"))))  # fmt: skip
def _subtitle_files(example: tuple[str, bytes], folder: Path) -> object:
    from mien.media.subtitles import read_file

    path = folder / f"x{example[0]}"
    path.write_bytes(example[1])
    return read_file(path)


_HEADINGS = (
    "medium",
    "start",
    "end",
    "time",
    "duration",
    "person",
    "valence",
    "text",
    "start (ms)",
    "end_ms",
    "label",
    "file",
)


@parser(st.tuples(st.sampled_from([",", ";", "\t", "|"]), st.lists(st.sampled_from(_HEADINGS) | word, max_size=6),
                  st.lists(st.lists(word, max_size=7), max_size=6)))  # fmt: skip
def _label_tables(example: tuple[str, list[str], list[list[str]]], folder: Path) -> object:
    from mien.truth.labels import read_labels

    delimiter, *_ = example
    path = folder / "x.csv"
    rows = [example[1], *example[2]]
    path.write_bytes("\n".join(delimiter.join(row) for row in rows).encode("utf-8", "surrogatepass"))
    return read_labels(path)


_EAF = (
    '<?xml version="1.0"?><ANNOTATION_DOCUMENT><HEADER><MEDIA_DESCRIPTOR MEDIA_URL="file:///a%20b.mp4"/></HEADER><TIME_ORDER>'
    '<TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="b"/><TIME_SLOT TIME_SLOT_ID="c" TIME_VALUE="900"/>'
    '</TIME_ORDER><TIER TIER_ID="face person 1 (2)" PARTICIPANT="person 1"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" '
    'TIME_SLOT_REF1="a" TIME_SLOT_REF2="b"><ANNOTATION_VALUE>angry 0.71</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
    '</TIER><TIER TIER_ID="b"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a2" ANNOTATION_REF="a1"><ANNOTATION_VALUE>x'
    "</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>"
)
_PARTS = tuple(part if part.startswith("<") else f"<{part}" for part in _EAF.split("<") if part)


@parser(st.one_of(damaged(_EAF.encode(), _EAF.encode("utf-16")),
                  st.lists(st.sampled_from(_PARTS), max_size=25).map(lambda p: "".join((*_PARTS[:1], *p)).encode()),
                  st.tuples(st.sampled_from(["0", "900", "a1", "a", "angry 0.71", "person 1", "file:///a%20b.mp4"]), word).map(
                      lambda p: _EAF.replace(*p).encode("utf-8", "surrogatepass"))))  # fmt: skip
def _elan_files(example: bytes, folder: Path) -> object:
    from mien.truth.labels import read_labels

    path = folder / "x.eaf"
    path.write_bytes(example)
    return read_labels(path)


_usual = st.sampled_from(["a.wav", "b/c.wav", "0", "1", "0.5", "", "a", "b", "train"])


@parser(st.tuples(st.sampled_from([",", ";", "\t"]),
                  st.just(["path", "start", "end", "split", "valence[-1..1]", "emotion{a|b}"])
                  | st.lists(st.sampled_from(["path", "start", "end", "speaker", "split", "group", "text", "valence[-1..1]",
                                            "emotion{a|b}", "arousal"]) | word, max_size=6),
                  st.lists(st.tuples(st.just("a.wav"), st.just("0"), st.just("1"), st.just(""), _usual, _usual).map(list)
                           | st.lists(_usual | word, max_size=7), min_size=1, max_size=2)))  # fmt: skip
def _manifests(example: tuple[str, list[str], list[list[str]]], folder: Path) -> object:
    from mien.training.manifest_file import read_manifest

    path = folder / "manifest.csv"
    rows = [example[1], *example[2]]
    path.write_bytes("\n".join(example[0].join(row) for row in rows).encode("utf-8", "surrogatepass"))
    return read_manifest(path, files=False)


_REGISTRY: list[Any] = []


def _registry() -> Any:
    from mien.engine.registry import Registry

    if not _REGISTRY:
        _REGISTRY.append(Registry.load())
    return _REGISTRY[0]


_recipe = st.fixed_dictionaries(
    {"mien-recipe": st.just(1), "plugins": st.just({"text": {"version": "VERSION", "params": {}}})},
    optional={"fusion": st.sampled_from(["late", ""]) | anything, "audio_stream": st.none() | anything},
) | st.fixed_dictionaries(
    {"mien-recipe": st.just(1) | anything},
    optional={
        "plugins": st.dictionaries(
            st.sampled_from(["text", "speech.transcript", "conflict", "fusion.late"]) | word,
            st.fixed_dictionaries(
                {}, optional={"version": anything | st.just("VERSION"), "params": objects("offence_by", "step")}
            )
            | anything,
            max_size=3,
        )
        | anything,
        "fusion": st.sampled_from(["late", ""]) | anything,
        "audio_stream": anything,
    },
)


@parser(
    st.one_of(
        _recipe.map(lambda r: json.dumps(r).encode()),
        anything.map(lambda r: json.dumps(r).encode()),
        st.binary(max_size=80),
    )
)
def _recipes(example: bytes, folder: Path) -> object:
    from mien.engine.choice import load_recipe

    path = folder / "recipe.json"
    path.write_bytes(example.replace(b"VERSION", _registry().analyzers["text"].version.encode()))
    return load_recipe(path, _registry())


def _names() -> list[str]:
    every = [*_registry().analyzers.values(), *_registry().fusions.values(), *_registry().exporters.values()]
    return [f"{info.id}.{name}" for info in every for name in info.params.model_fields]


@parser(
    st.lists(
        st.tuples(st.integers(0, 1000), word, st.one_of(word, anything.map(json.dumps)), st.booleans()), max_size=3
    )
)
def _settings_of_plugins(example: list[tuple[int, str, str, bool]], folder: Path) -> object:
    from mien.engine.choice import Choice, parse_settings

    names = _names()
    texts = [f"{names[n % len(names)] if known else name}={value}" for n, name, value, known in example]
    return Choice(settings=parse_settings(_registry(), texts)).checked(_registry())


@parser(
    st.one_of(
        mixed("device = ", '"cuda:0"', "threads = ", "library = ", "offline = true", "\n", "[a]", "fusion=''"), text
    )
)
def _user_settings(example: str, folder: Path) -> object:
    from mien import config

    path = folder / "settings.toml"
    path.write_bytes(example.encode("utf-8", "surrogatepass"))
    return config.load(path, {"MIEN_THREADS": example[:20], "MIEN_DEVICE": example[20:40]})


_QUERY = (
    " ",
    "arousal",
    "conflict",
    " above ",
    " below ",
    " at least ",
    " > ",
    " <= ",
    "0.5",
    " for ",
    "10 s",
    "2 min",
    " and ",
    '"',
)


@parser(mixed(*_QUERY))
def _filters(example: str, folder: Path) -> object:
    from mien.library.query import parse
    from mien.library.readings import known_readings

    tracks = (("emotion.attributes", "curve", (AROUSAL,)), ("conflict.intensity", "curve", (CONFLICT,)))
    return parse(example, known_readings(tracks))  # type: ignore[arg-type]


@parser(mixed("highest ", "lowest ", "mean ", "verdict: ", "label:", *_QUERY))
def _ranks(example: str, folder: Path) -> object:
    from mien.batch.rank import parse_rank
    from mien.library.readings import known_readings

    return parse_rank(example, known_readings((("emotion.attributes", "curve", (AROUSAL,)),)))


@parser(
    mixed(
        "we ",
        "talk",
        " of ",
        '"',
        "*",
        "NEAR(",
        ")",
        " OR ",
        " AND ",
        " NOT ",
        "text:",
        "^",
        "-",
        "+",
        "'",
        "é",
        "日本",
    )
)
def _searches(example: str, folder: Path) -> object:
    from mien.library import Library

    place = folder / "library.db"
    new = not place.exists()
    with Library(place) as library:
        if new:
            _fill(library, folder)
        return library.search(example)


def _fill(library: Any, folder: Path) -> None:
    from dataclasses import make_dataclass

    facts = {"path": folder / "a.mp4", "duration": 9.0, "size_bytes": 1, "format": "mp4", "streams": ()}
    medium = library.add_medium(make_dataclass("Probed", facts)(**facts), "m")
    run = library.begin_run(
        medium.id, key="k", analyzer="a", version="1", params={}, models={}, device="cpu", precision="", outputs=()
    )
    run.write(Spans.of("speech.transcript", [(0.0, 1.0, "x", "we talked of 日本 and of é*", 0.9)]))
    run.complete()


@parser(st.tuples(word | mixed(":", "1", "59", ".5", ",5", "-"), word))
def _times(example: tuple[str, str], folder: Path) -> None:
    from mien.exchange.cut import checked_span
    from mien.truth.labels import number, seconds

    found = seconds(example[0])
    assert found is None or abs(found) <= 1e9
    value = number(example[1])
    assert value is None or np.isfinite(value)
    if found is not None and value is not None:
        start, end = checked_span((found, value), 10.0)
        assert 0.0 <= start < end <= 10.0


_header = st.one_of(
    st.dictionaries(word, st.fixed_dictionaries({"dtype": word, "shape": anything, "data_offsets": anything | st.just([0, 4])})
                    | anything, max_size=3).map(json.dumps),
    anything.map(json.dumps), text,
)  # fmt: skip


@parser(st.tuples(_header, st.integers(0, 1 << 64) | st.none(), st.binary(max_size=8)))
def _headers_of_weights(example: tuple[str, int | None, bytes], folder: Path) -> None:
    from mien.models import files

    content = example[0].encode("utf-8", "surrogatepass")
    length = len(content) if example[1] is None else min(example[1], (1 << 64) - 1)
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", length) + content + example[2])
    assert isinstance(files.problem(path), str)


@parser(st.tuples(objects("title", "task", "licence", "metrics", "data", "limits", "sha256", "headline", "calibration"),
                  objects("files", "source", "left_out", "id", "licence"), objects("sha256", "id", "format")))  # fmt: skip
def _cards_and_records(example: tuple[Any, Any, Any], folder: Path) -> None:
    from safetensors.numpy import save_file

    from mien.exchange.cards import headlines
    from mien.models import store

    model = store.user_models() / "mine"
    model.mkdir(parents=True, exist_ok=True)
    if not (model / "model.safetensors").exists():
        save_file({"weight": np.ones(2, np.float32)}, model / "model.safetensors")
    for name, value in zip(("card.json", "mien.json", "config.json"), example, strict=True):
        (model / name).write_text(json.dumps(value))
    store.available()
    store.verify("mine")
    store.fingerprint("mine")
    headlines(store.describe("mine")["card"])


def _blobs() -> tuple[bytes, ...]:
    from mien.library.codec import encode

    times = np.arange(4.0)
    who = np.zeros(4, np.int32)
    return tuple(
        encode(track)
        for track in (
            Curve("a", times, np.zeros((4, 1), np.float32), (AROUSAL,), who),
            Spans.of("b", [(n, n + 1.0, "label", "some text", 0.5, "Ann") for n in range(4)]),
            Boxes(
                "c", times, who, np.ones((4, 4), np.float32), np.ones(4, np.float32), np.zeros((4, 5, 2), np.float32)
            ),
            Features("d", times, np.zeros((4, 3), np.float32)),
        )
    )


@parser(st.deferred(lambda: damaged(*_blobs())))
def _stored_readings(example: bytes, folder: Path) -> object:
    from mien.library.codec import decode
    from mien.tracks import Provenance

    track = decode(example, Provenance("", ""))
    return [getattr(track, field) for field in ("name", "kind", "extent")]


@parser(
    st.tuples(
        st.sampled_from(["format", "kind", "name", "quantities", "width", "provenance"]), anything, st.integers(0, 3)
    )
)
def _stored_descriptions(example: tuple[str, Any, int], folder: Path) -> object:
    """Readings that are whole, but whose own description says something else."""
    from mien.library.codec import decode, decode_table, encode_table
    from mien.tracks import Provenance

    table = decode_table(_blobs()[example[2]])
    meta = json.loads(table.schema.metadata[b"mien"])
    meta[example[0]] = example[1]
    changed = table.replace_schema_metadata({b"mien": json.dumps(meta).encode()})
    return decode(encode_table(changed), Provenance("", ""))


# -- how many --------------------------------------------------------------------------------------------------------


test_anything_is_a_value_or_a_sentence, test_very_much_of_anything_is_a_value_or_a_sentence = made_tests(PARSERS)
