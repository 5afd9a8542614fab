"""The lanes of the timeline, one kind a file."""

from mien_desktop.timeline.lanes.base import Badge, Lane
from mien_desktop.timeline.lanes.curves import CurvesLane, FilledLane
from mien_desktop.timeline.lanes.events import EventsLane
from mien_desktop.timeline.lanes.fused import FusedLane
from mien_desktop.timeline.lanes.scores import ScoresLane
from mien_desktop.timeline.lanes.speakers import SpeakersLane
from mien_desktop.timeline.lanes.spectrogram import SpectrogramLane
from mien_desktop.timeline.lanes.strips import StripsLane
from mien_desktop.timeline.lanes.waveform import WaveformLane
from mien_desktop.timeline.lanes.words import WordsLane

__all__ = [
    "Badge",
    "CurvesLane",
    "EventsLane",
    "FilledLane",
    "FusedLane",
    "Lane",
    "ScoresLane",
    "SpeakersLane",
    "SpectrogramLane",
    "StripsLane",
    "WaveformLane",
    "WordsLane",
]
