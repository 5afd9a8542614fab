"""Colours, light and dark. Everything that is painted takes its colours from here; nothing else names one.

Series colours are those of Okabe & Ito (2008), which people with any of the common colour blindnesses tell apart; on a
light ground they are darkened until they stand out from it (contrast of 3 : 1, WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """Colours as `#rrggbb`.

    Args:
        window: behind everything; panel: of panels and lanes; raised: of buttons and fields; hover: under the pointer.
        line: between parts; grid: of time in the lanes.
        text, dim, faint: from what is read to what is only there; on_accent: upon the accent.
        accent: what is chosen or to be done first; focus: ring round what the keyboard is on; selection: of time.
        good, warn, bad: accepted, doubtful, rejected or over the threshold.
        playhead: the line that moves.
        series: colours of readings that stand beside each other, in order.
        quantities: colours of readings by name, the same wherever they are drawn.
        people: colours of persons and speakers, in order of appearance.
    """

    dark: bool
    window: str
    panel: str
    raised: str
    hover: str
    line: str
    grid: str
    text: str
    dim: str
    faint: str
    on_accent: str
    accent: str
    focus: str
    selection: str
    good: str
    warn: str
    bad: str
    playhead: str
    series: tuple[str, ...]
    quantities: dict[str, str]
    people: tuple[str, ...]

    def quantity(self, name: str, fallback: int = 0) -> str:
        """Colour of a reading by its quantity's name, else the series colour of that number."""
        return self.quantities.get(name, self.series[fallback % len(self.series)])


DARK = Palette(
    dark=True,
    window="#0f1216",
    panel="#181c22",
    raised="#252b34",
    hover="#303844",
    line="#2b313b",
    grid="#262c35",
    text="#e8ebef",
    dim="#a3abb7",
    faint="#727b88",
    on_accent="#ffffff",
    accent="#2f6df6",
    focus="#7fb0ff",
    selection="#2f6df6",
    good="#35a46a",
    warn="#e8b23a",
    bad="#ec6a63",
    playhead="#ffffff",
    series=("#56b4e9", "#e69f00", "#cc79a7", "#00b98a", "#f0e442", "#e8743b", "#9aa8ff", "#b8c0cc"),
    quantities={
        "valence": "#56b4e9",
        "arousal": "#e69f00",
        "dominance": "#cc79a7",
        "angry": "#ec6a63",
        "disgust": "#8fbf5a",
        "fear": "#b18be0",
        "happy": "#f0c94a",
        "sad": "#5b9bd5",
        "surprise": "#43c6ba",
        "neutral": "#8f98a5",
        "conflict": "#ff8a66",
        "offence": "#ec6a63",
        "hate": "#e8743b",
        "hostility": "#f0c674",
        "voice": "#56b4e9",
        "text": "#ec6a63",
        "face": "#8fbf5a",
        "sound": "#b8c0cc",
    },
    people=("#ff7a73", "#9ecb6b", "#6bb8f0", "#e3a7d6", "#f0c94a", "#5cc9bd", "#b7a3f2", "#d7b38c"),
)

LIGHT = Palette(
    dark=False,
    window="#eef0f3",
    panel="#ffffff",
    raised="#f4f5f8",
    hover="#e6e9ef",
    line="#d4d8df",
    grid="#e5e8ed",
    text="#1a1e24",
    dim="#545d6a",
    faint="#7b8491",
    on_accent="#ffffff",
    accent="#1f5fe0",
    focus="#1f5fe0",
    selection="#1f5fe0",
    good="#1f8a52",
    warn="#a36a00",
    bad="#c93a34",
    playhead="#11151a",
    series=("#0072b2", "#b56a00", "#a4458a", "#00805e", "#8a7a00", "#c2501a", "#5660c9", "#5c6673"),
    quantities={
        "valence": "#0072b2",
        "arousal": "#b56a00",
        "dominance": "#a4458a",
        "angry": "#c93a34",
        "disgust": "#4f7d1f",
        "fear": "#7a4fc0",
        "happy": "#9a7400",
        "sad": "#2a6cb0",
        "surprise": "#0f7f77",
        "neutral": "#6b7480",
        "conflict": "#c2501a",
        "offence": "#c93a34",
        "hate": "#c2501a",
        "hostility": "#8a6414",
        "voice": "#0072b2",
        "text": "#c93a34",
        "face": "#4f7d1f",
        "sound": "#5c6673",
    },
    people=("#c93a34", "#4f7d1f", "#1f6fb8", "#a4458a", "#9a7400", "#0f7f77", "#6a4fc0", "#8a5a2a"),
)
