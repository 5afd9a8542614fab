"""ELAN .eaf (EAF 2.8) by pympi: one tier a reading, times in milliseconds, time slots in time order."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

from pympi.Elan import Eaf

from mien.exchange.corrections import correction_tiers, of_tracks
from mien.exchange.params import ElanParams
from mien.exchange.text import chosen, clean
from mien.exchange.tiers import Layout, Tier, renamed, tiers
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis

_MS = 1000

# The names that ELAN itself gives the media types it knows; for others it has the two general ones.
_MIME = {
    ".wav": "audio/x-wav",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
}


class ElanExporter:
    """Writes one .eaf file."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """Overlapping spans go to a second tier of the same name with (2); nothing is cut off."""
        import mien

        assert isinstance(params, ElanParams)
        layout = Layout(_MS, params.step, params.levels, params.scores, params.curves)
        eaf = Eaf(author=f"Mien {mien.__version__}")
        eaf.remove_tier("default")
        _link(eaf, analysis, target.parent)
        found = tiers(chosen(analysis.tracks, params.tracks), layout)
        if params.corrections:
            said = correction_tiers(of_tracks(analysis.corrections, params.tracks), _MS)
            found = renamed([*found, *said])
        for tier in found:
            eaf.add_tier(tier.name, part=tier.participant or None, ann=tier.analyzer or None)
        _annotate(eaf, found)
        for plugin, notes in (analysis.notes or {}).items():
            eaf.add_property("mien:note", clean(f"{plugin}: {' · '.join(notes)}"))
        if analysis.partial:
            eaf.add_property("mien:partial", clean(analysis.partial))
        target.unlink(missing_ok=True)  # pympi would keep the old one as .bak
        eaf.to_file(str(target))
        return [target]


def _annotate(eaf: Eaf, found: list[Tier]) -> None:
    """Add the annotations; the format wants its time slots in time order, which pympi's own counter does not
    give.
    """
    ends = [(t, n, which) for n, (_, m) in enumerate(_flat(found)) for which, t in enumerate((m.start, m.end))]
    slots: dict[tuple[int, int], str] = {}
    for time, n, which in sorted(ends):
        slots[n, which] = eaf.generate_ts_id(time)
    for n, (tier, mark) in enumerate(_flat(found)):
        annotation = eaf.generate_annotation_id()
        eaf.annotations[annotation] = tier.name
        eaf.tiers[tier.name][0][annotation] = (slots[n, 0], slots[n, 1], mark.text, None)
    eaf.properties[:] = [("lastUsedAnnotationId", eaf.maxaid)]


def _flat(found: list[Tier]):  # type: ignore[no-untyped-def]
    return ((tier, mark) for tier in found for mark in tier.marks)


def _link(eaf: Eaf, analysis: Analysis, folder: Path) -> None:
    """Link the medium, absolute and relative, unescaped as ELAN writes it itself."""
    medium = Path(os.path.abspath(analysis.media.path))
    try:
        relative = Path(os.path.relpath(medium, os.path.abspath(folder))).as_posix()
    except ValueError:  # another drive
        relative = medium.name
    if not relative.startswith("."):
        relative = f"./{relative}"
    url = "file:///" + medium.as_posix().lstrip("/")
    eaf.add_linked_file(clean(url), clean(relative), _mime(medium, analysis))


def _mime(medium: Path, analysis: Analysis) -> str:
    suffix = medium.suffix.lower()
    guess = mimetypes.guess_type(medium.name)[0] or ""
    general = "video/*" if analysis.media.has_video or guess.startswith("video/") else "audio/*"
    return _MIME.get(suffix, general)
