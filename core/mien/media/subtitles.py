"""A medium's own subtitles: side-car files beside it (SRT, WebVTT, ASS/SSA), else text streams within it."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av.error
import pysubs2

from mien.errors import MediaError, MienError, shown
from mien.media.medium import Medium, StreamInfo
from mien.media.opening import check_file, open_medium
from mien.media.probe import keep_only
from mien.media.tame import closed, is_drawing, restored, tamed
from mien.sdk.media import Cue

FORMATS = {".srt": "srt", ".vtt": "vtt", ".ass": "ass", ".ssa": "ssa"}
MAX_BYTES = 16 << 20
"""Larger subtitle files are refused: two hours of talk are a few hundred kilobytes."""
MAX_CUES = 100_000
MAX_LINES = 200_000
"""So many lines of an ASS file are read at most where one of them is broken, since each is tried by itself then."""
MAX_TEXT = 4_000
"""Longer texts of one cue are cut, in characters."""

# Streams that hold text; the others are pictures of text.
_TEXT_CODECS = ("subrip", "srt", "webvtt", "ass", "ssa", "mov_text", "text", "ttml")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>\n]{1,80})>")
# Stands for a voice tag while the text passes through pysubs2, which knows none (a private-use character).
_MARK = "\ue000"
_MARKED = re.compile(f"{_MARK}([^{_MARK}]*){_MARK}")


def find_cues(medium: Medium, notes: list[str] | None = None) -> tuple[tuple[Cue, ...], str]:
    """The medium's subtitles and where they are from; nothing and "" if it has none.

    A side-car comes first, then the embedded text stream; among several the one in the language of the sound.

    Args:
        medium: as probed.
        notes: gets one sentence for each subtitle source that was found but cannot be used.
    """
    notes = [] if notes is None else notes
    language = medium.audio.language if medium.audio is not None else ""
    for path in side_cars(medium.path, language):
        try:
            cues = _within(read_file(path), medium.duration)
        except MienError as error:
            notes.append(str(error))
            continue
        if cues:
            return cues, path.name
        notes.append(
            f"All subtitles in the file begin behind the medium's end; check whether it belongs to it: {shown(path)}"
        )
    for stream in _text_streams(medium, language):
        try:
            cues = _within(read_stream(medium, stream.index), medium.duration)
        except MienError as error:
            notes.append(str(error))
            continue
        if cues:
            told = f", {stream.language}" if stream.language else ""
            return cues, f"embedded stream {stream.index} ({stream.codec}{told})"
    if medium.subtitles and not any(s.codec in _TEXT_CODECS for s in medium.subtitles):
        notes.append("The embedded subtitles are pictures of text, which are not read.")
    return (), ""


def side_cars(path: Path, language: str = "") -> list[Path]:
    """Subtitle files that belong to the medium at `path`, the most fitting first.

    `clip.srt` comes before `clip.en.srt`; among those the given language, then English, then by name.
    """
    found: list[tuple[tuple[int, int, str], Path]] = []
    try:
        beside = [p for p in path.parent.iterdir() if p.suffix.lower() in FORMATS and p.is_file()]
    except OSError:
        return []
    for candidate in beside:
        stem = candidate.name[: -len(candidate.suffix)]
        if stem in (path.stem, path.name):
            rank = 0
        elif stem.startswith(path.stem + ".") and _LANGUAGE.fullmatch(tag := stem[len(path.stem) + 1 :]):
            rank = 1 if _same_language(tag, language) else 2 if _same_language(tag, "en") else 3
        else:
            continue
        found.append(((rank, list(FORMATS).index(candidate.suffix.lower()), candidate.name), candidate))
    return [candidate for _, candidate in sorted(found)]


def read_file(path: Path) -> tuple[Cue, ...]:
    """Cues of an SRT, WebVTT, ASS or SSA file, in the order of time.

    Raises:
        MediaError: it is missing, too large, or holds no cue (one sentence).
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise MediaError(f"Subtitles are read from .srt, .vtt, .ass and .ssa files; convert this one: {shown(path)}")
    if check_file(path).stat().st_size > MAX_BYTES:
        raise MediaError(f"The subtitle file is larger than {MAX_BYTES >> 20} MiB; check what it is: {shown(path)}")
    try:
        text = decode_text(path.read_bytes())
    except OSError as error:
        raise MediaError(f"The subtitle file cannot be read; check the disk it is on: {shown(path)}") from error
    cues = parse(text, kind)
    if not cues:
        raise MediaError(f"No subtitle could be read from the file; check or remove it: {shown(path)}")
    return cues


def parse(text: str, kind: str) -> tuple[Cue, ...]:
    """Cues of a text of the kind `srt`, `vtt`, `ass` or `ssa`; what cannot be read in it is left out."""
    text = tamed(text, kind)
    if kind in ("srt", "vtt"):
        text = _VOICE.sub(lambda m: f"{_MARK}{m.group(1).strip()}{_MARK}", text)
    subtitles = _load(text, kind)
    if subtitles is None and kind in ("ass", "ssa"):
        # One broken line costs pysubs2 the whole file: leave out the lines that it cannot read alone.
        lines = text.splitlines()[:MAX_LINES]
        spoken = [line.lstrip().startswith(("Dialogue:", "Comment:")) for line in lines]
        kept = [line for line, says in zip(lines, spoken, strict=True) if not says or _load(f"[Events]\n{line}", kind)]
        subtitles = _load("\n".join(kept), kind)
    return _cues(_spoken(subtitles or (), kind))


def _spoken(events: Iterable[pysubs2.SSAEvent], kind: str) -> Iterator[tuple[float, float, str, str]]:
    for event in events:
        event.text = closed(event.text)  # pysubs2 may have taken away a tag with a closing brace in it
        if not event.is_comment and not is_drawing(event.text):
            yield event.start / 1000.0, event.end / 1000.0, _one_cue(event.plaintext, kind), event.name


def _load(text: str, kind: str) -> pysubs2.SSAFile | None:
    """What pysubs2 makes of a text, or None: it raises many things at a broken one, all meaning that."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pysubs2.SSAFile.from_string(text, format_=kind)
    except (pysubs2.exceptions.Pysubs2Error, ValueError, KeyError, IndexError, AttributeError, TypeError):
        return None


def _one_cue(text: str, kind: str) -> str:
    """In WebVTT a blank line ends a cue; pysubs2 adds to it the name of the next."""
    return text.split("\n\n", 1)[0] if kind == "vtt" else text


def decode_text(data: bytes) -> str:
    """Text in an encoding nobody wrote down: by byte order mark, else UTF-8, UTF-16, Latin-1 (as cp1252)."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    zeros = data[:2048].count(0)
    if zeros > len(data[:2048]) // 4:
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_stream(medium: Medium, index: int) -> tuple[Cue, ...]:
    """Cues of an embedded text stream; the file is read through without decoding sound or pictures.

    Raises:
        MediaError: the file cannot be opened.
    """
    with open_medium(medium.path) as container:
        stream: Any = container.streams[index]
        keep_only(container, [stream])
        return _cues(_rows(container.demux(stream), stream, medium.start))


def _rows(packets: Iterator[Any], stream: Any, beginning: float) -> Iterator[tuple[float, float, str, str]]:
    codec = stream.codec_context.codec.canonical_name
    try:
        for packet in packets:
            if packet.pts is None or not packet.size:
                continue
            start = float(packet.pts * packet.time_base) - beginning
            length = float((packet.duration or 0) * packet.time_base)
            if codec == "webvtt":  # FFmpeg's decoder drops who speaks
                raw = tamed(bytes(packet).decode("utf-8", "replace"), "vtt")
                speakers = _VOICE.findall(raw)
                text = html.unescape(re.sub(r"<[^>\n]*>", "", raw))
                yield start, start + length, text, speakers[0].strip() if speakers else ""
                continue
            try:
                subtitle = stream.codec_context.decode2(packet)
            except av.error.FFmpegError:
                continue
            if subtitle is None:
                continue
            if not length and 0 < subtitle.end_display_time < 0xFFFFFFFF:
                length = subtitle.end_display_time / 1000.0
            for rect in subtitle.rects:
                if getattr(rect, "type", b"") in (b"ass", b"text"):
                    yield start, start + length, *_dialogue(rect)
    except av.error.FFmpegError:
        return  # a damaged file: what was read is kept


def _dialogue(rect: Any) -> tuple[str, str]:
    """Text and speaker of FFmpeg's form of a subtitle: `order,layer,style,name,margins ×3,effect,text`."""
    line = rect.ass.decode("utf-8", "replace")
    fields = line.split(",", 8)
    if len(fields) < 9:
        return rect.text.decode("utf-8", "replace"), ""
    event = pysubs2.SSAEvent(text=tamed(fields[8], "ass"))
    return ("" if is_drawing(event.text) else event.plaintext), fields[3]


def _cues(rows: Iterable[tuple[float, float, str, str]]) -> tuple[Cue, ...]:
    """Clean cues in the order of time; empty, backward and surplus ones are left out."""
    cues = []
    for start, end, text, name in rows:
        speaker = " ".join(name.split())
        if marked := _MARKED.search(text):
            speaker = speaker or " ".join(marked.group(1).split())
            text = _MARKED.sub("", text)
        text = " ".join(restored(html.unescape(text)).replace(_MARK, "").replace("\0", "").split())[:MAX_TEXT]
        start = max(0.0, start)
        if text and end > start:
            cues.append(Cue(start, end, text, speaker))
        if len(cues) >= MAX_CUES:
            break
    return tuple(sorted(cues, key=lambda cue: (cue.start, cue.end)))


def _within(cues: tuple[Cue, ...], duration: float | None) -> tuple[Cue, ...]:
    """The cues that begin inside the medium, cut at its end."""
    if duration is None:
        return cues
    return tuple(Cue(c.start, min(c.end, duration), c.text, c.speaker) for c in cues if c.start < duration)


def _text_streams(medium: Medium, language: str) -> list[StreamInfo]:
    streams = [s for s in medium.subtitles if s.codec in _TEXT_CODECS and s.readable]
    return sorted(streams, key=lambda s: (not _same_language(s.language, language), not s.default, s.index))


def _same_language(one: str, other: str) -> bool:
    """Whether two tags name one language as far as their first two letters tell (`en`, `eng`, `en-GB`)."""
    return bool(one and other) and one[:2].casefold() == other[:2].casefold()
