"""What a plugin can declare that it needs. The host conditions it, from one decode."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Input:
    """Base of the declarations."""

    def implied_reads(self) -> tuple[Reads, ...]:
        """The tracks that this input depends on."""
        return ()


@dataclass(frozen=True, slots=True)
class Reads(Input):
    """Pieces of a track that another analyzer writes.

    Args:
        track: its name.
        optional: run without it when nobody writes it or its writer failed.
    """

    track: str
    optional: bool = False

    def implied_reads(self) -> tuple[Reads, ...]:
        return (self,)


@dataclass(frozen=True, slots=True)
class Audio(Input):
    """The sound, resampled.

    Args:
        rate: Hz.
        mono: mixed down to one channel.
        window: s; None gives contiguous chunks (`Block.audio`), a number gives windows (`Block.windows`).
        hop: s between window starts; by default the window itself.

    The last window may be short: it is padded with zeros, and `Windows.valid` counts the real samples.
    A medium that is shorter than one window gives one padded window. No window is made for a rest of at most a tenth of the
    hop (or of the window, if that is shorter), nor for a medium as short as that.
    """

    rate: int
    mono: bool = True
    window: float | None = None
    hop: float | None = None

    def __post_init__(self) -> None:
        if not 1_000 <= self.rate <= 384_000:
            raise ValueError(f"a sampling rate of {self.rate} Hz cannot be meant")
        if self.window is not None and self.window <= 0:
            raise ValueError("a window must be longer than zero")
        if self.hop is not None and (self.window is None or self.hop <= 0):
            raise ValueError("a hop needs a window and must be longer than zero")


@dataclass(frozen=True, slots=True)
class Utterances(Input):
    """The sound of each utterance of a spans track, cut out and resampled to mono.

    Args:
        rate: Hz.
        track: the spans that are cut out.
    """

    rate: int
    track: str = "speech.voice"

    def implied_reads(self) -> tuple[Reads, ...]:
        return (Reads(self.track),)


@dataclass(frozen=True, slots=True)
class Frames(Input):
    """Pictures at up to `rate` a second, each with the true time of its frame.

    Args:
        rate: Hz; None gives every frame. Slower media give what they have.
        size: longest side in pixels after down-scaling (never up-scaled); None keeps the size.
    """

    rate: float | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Crops(Input):
    """Square pictures of the faces of a boxes track, cut from the full upright picture.

    Args:
        size: pixels of the square.
        margin: added around the box, as a share of its longer side.
        aligned: rotated so that the eyes are level (needs landmarks).
        track: the boxes that are cut out; crops come for the frames that it has boxes at.
    """

    size: int
    margin: float = 0.1
    aligned: bool = False
    track: str = "face.boxes"

    def implied_reads(self) -> tuple[Reads, ...]:
        return (Reads(self.track),)
