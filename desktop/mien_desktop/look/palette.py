"""Colours, light and dark. Everything that is painted takes its colours from here; nothing else names one.

The first of the series are those of Okabe & Ito (2008). Colours that stand for different things in one lane or picture keep
apart for people with any of the common colour blindnesses (as Machado et al. 2009 simulate them), and stand out from the
ground at 3 : 1 (WCAG 2.2, 1.4.11); a test measures both.
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
    series=("#56b4e9", "#e69f00", "#cc79a7", "#4f9a68", "#f3d98a", "#d0602a", "#8666e4", "#d0d1dc"),
    quantities={
        "valence": "#56b4e9",
        "arousal": "#e69f00",
        "dominance": "#cc79a7",
        "angry": "#e0663c",
        "disgust": "#a6d97f",
        "fear": "#c9a0f0",
        "happy": "#f5b82b",
        "sad": "#3b8ef0",
        "surprise": "#5fe0c4",
        "neutral": "#8f98a5",
        "conflict": "#cf851c",
        "offence": "#ec6a63",
        "hate": "#f0b440",
        "hostility": "#f0c674",
        "voice": "#56b4e9",
        "text": "#ec6a63",
        "face": "#a9db5f",
        "sound": "#b8c0cc",
        "attention": "#5fe0c4",
    },
    people=("#ff7a73", "#cadc44", "#4a90f8", "#b377ad", "#8f9410", "#7ddffa", "#a8a7f0", "#f7c6c7"),
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
    series=("#0072b2", "#b56a00", "#a4458a", "#145a2c", "#6a5a08", "#b0795c", "#8f6cf0", "#414750"),
    quantities={
        "valence": "#0072b2",
        "arousal": "#b56a00",
        "dominance": "#a4458a",
        "angry": "#c9603f",
        "disgust": "#4f5210",
        "fear": "#7c2a92",
        "happy": "#a8890a",
        "sad": "#2a83f0",
        "surprise": "#0a5c4c",
        "neutral": "#828a8f",
        "conflict": "#c47705",
        "offence": "#c93a34",
        "hate": "#c47705",
        "hostility": "#8a6414",
        "voice": "#0072b2",
        "text": "#c93a34",
        "face": "#0a5c4c",
        "sound": "#5c6673",
        "attention": "#0a5c4c",
    },
    people=("#c93a34", "#4d8a74", "#2f4a80", "#b367e4", "#c37704", "#1f6152", "#6b2a9c", "#8e1126"),
)
