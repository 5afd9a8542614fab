"""Playing: pictures and sound started together on one course, the clock led by what is heard."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from mien.media.medium import Medium, StreamInfo
from mien_desktop.player.clock import Course, PlayClock
from mien_desktop.player.frames import FrameSource
from mien_desktop.player.output import STOPPED, Output
from mien_desktop.player.picture import Frame
from mien_desktop.player.sound import SoundSource

# Sound is begun when so much of it waits, or after so long without it; a device that does not begin is given
# up, s.
_PRIMED, _PATIENCE, _DEVICE_PATIENCE = 0.12, 0.5, 2.0


class Playback:
    """One medium's pictures, sound and clock. All of it is called from the thread of the windows.

    Args:
        frames: makes the pictures, if there are any, given the clock's `now`.
    """

    def __init__(self, frames: Callable[[Callable[[], float]], FrameSource | None]) -> None:
        self.clock = PlayClock()
        self.frames = frames(self.clock.now)
        self.course = Course(0.0)
        self.sound_problem = ""
        self._rate = 1.0
        self._sound: SoundSource | None = None
        self._output: Output | None = None
        self._sounding = False
        self._begun = 0.0

    def add_sound(self, medium: Medium, stream: StreamInfo, output: Output, trouble: Callable[[str], None]) -> None:
        """Play a sound stream on a device; both are let go of in `close`."""
        self._output = output
        self._sound = SoundSource(medium, stream, output.rate, trouble)

    def set_gain(self, gain: float) -> None:
        """Loudness as a factor."""
        if self._sound is not None:
            self._sound.ring.set_gain(gain)

    @property
    def place(self) -> float:
        """Where in the medium it is, s."""
        return self.course.media(self.clock.now())

    def begin(self, course: Course, rate: float) -> None:
        """Play along a course; the clock stands until sound is there."""
        self.hold(course.begin)
        self.course, self._rate = course, rate
        self._begun = monotonic()
        if self.frames is not None:
            self.frames.play(course, rate)
        if self._sound is not None:
            self._sound.play(course, rate)
        else:
            self.clock.run(rate)

    def hold(self, place: float) -> None:
        """Stand still and silent at a place, s."""
        if self._output is not None:
            self._output.stop()
        if self._sound is not None:
            self._sound.stop()
        self._sounding = False
        self.course = Course(place)
        self.clock.hold(place)

    def advance(self) -> tuple[float, Frame | None]:
        """Play time (s), and the picture that has come due since the last call."""
        self._follow_sound()
        play = self.clock.now()
        return play, self.frames.take(play) if self.frames is not None else None

    def wait(self, play: float) -> float | None:
        """Real seconds until the next picture, None where that is not known."""
        due = self.frames.due() if self.frames is not None and self.clock.running else None
        return None if due is None else max(0.0, (due - play) / self._rate)

    def end(self, duration: float | None) -> float | None:
        """Play time (s) at which all of it is over, None while that is not known or never.

        Args:
            duration: of the medium, where that is known.
        """
        if self.course.wraps:
            return None
        ends = []
        if self.frames is not None:
            ends.append(self.frames.ended)
        if self._sound is not None:
            total = self._sound.ring.ended
            ends.append(None if total is None else self.course.begin + total / self._sound.rate * self._rate)
        through = [end for end in ends if end is not None]
        if not ends or len(through) < len(ends):
            return duration
        # A file that breaks off is over where it breaks off, whatever it announces.
        last = max(*through, self.course.begin)
        return last if duration is None else min(last, duration)

    def dismiss(self) -> tuple[FrameSource | SoundSource, ...]:
        """Let go of the device; what still has a thread was told to stop, and is to be closed by the caller."""
        self.hold(0.0)
        if self._output is not None:
            self._output.close()
        left = tuple(part for part in (self.frames, self._sound) if part is not None)
        for part in left:
            part.dismiss()
        self.frames = self._sound = self._output = None
        return left

    def _follow_sound(self) -> None:
        """Begin the sound when enough of it waits; then let the clock follow it."""
        if self._sound is None or self._output is None:
            return
        waited, ring = monotonic() - self._begun, self._sound.ring
        if not self._sounding:
            if ring.ahead >= _PRIMED * self._sound.rate or ring.ended is not None or waited > _PATIENCE:
                self._output.start(ring)
                self._sounding, self._begun = True, monotonic()
            return
        heard = self._output.heard()
        if heard is None or (not self.clock.running and heard <= 0.0 and waited > _DEVICE_PATIENCE):
            self._lose_sound()
        elif heard > 0.0:
            if not self.clock.running:
                self.clock.run(self._rate)
            self.clock.correct(self.course.begin + heard * self._rate)

    def _lose_sound(self) -> None:
        """The device has failed: go on without."""
        for part in (self._output, self._sound):
            if part is not None:
                part.close()
        self._sound = self._output = None
        self.sound_problem = STOPPED
        self.clock.run(self._rate)
