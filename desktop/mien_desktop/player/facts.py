"""What is known of a player: where the playhead is, what is shown, what the medium is. The player itself acts."""

from __future__ import annotations

from PySide6.QtCore import QObject

from mien.media.damage import Damage
from mien.media.medium import Medium
from mien_desktop.player.frames import FrameSource
from mien_desktop.player.index import FrameIndex
from mien_desktop.player.picture import Frame
from mien_desktop.player.session import Session


class Facts(QObject):
    """One medium, or none, and one playhead, as they stand."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self._position = 0.0
        self._frame: Frame | None = None
        self._playing = False
        self._rate = 1.0
        self._loop: tuple[float, float] | None = None
        self._volume, self._muted = 1.0, False

    @property
    def medium(self) -> Medium | None:
        """What is open."""
        return self._session.medium if self._session is not None else None

    @property
    def index(self) -> FrameIndex:
        """What is known of the frames' times."""
        return self._session.index if self._session is not None else FrameIndex()

    @property
    def position(self) -> float:
        """Where the playhead is, s."""
        return self._position

    @property
    def duration(self) -> float:
        """Length of the medium, s; 0 while it is not known."""
        return self._session.duration if self._session is not None else 0.0

    @property
    def frame(self) -> Frame | None:
        """The picture shown."""
        return self._frame

    @property
    def frame_time(self) -> float | None:
        """Presentation time of the picture shown, s."""
        return self._frame.time if self._frame else None

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._playing

    @property
    def rate(self) -> float:
        """Speed, 1 for real time."""
        return self._rate

    @property
    def loop(self) -> tuple[float, float] | None:
        """What is looped, s."""
        return self._loop

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright picture in its own pixels; (0, 0) without one."""
        return self._session.size if self._session is not None else (0, 0)

    @property
    def frame_rate(self) -> float:
        """Frames a second on average; 0 without a picture."""
        return self._session.frame_rate if self._session is not None else 0.0

    @property
    def has_picture(self) -> bool:
        """Whether there are pictures."""
        return self._frames is not None

    @property
    def has_sound(self) -> bool:
        """Whether the medium has sound, heard or not."""
        return self._session is not None and self._session.audio is not None

    @property
    def sound_problem(self) -> str:
        """Why the medium's sound is not heard, in one sentence; empty when it is, or has none."""
        return self._session.sound_problem if self._session is not None else ""

    @property
    def volume(self) -> float:
        """From 0 to 1."""
        return self._volume

    @property
    def muted(self) -> bool:
        """Whether it is silent by choice."""
        return self._muted

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What of the pictures could not be read so far."""
        return self._session.damage if self._session is not None else ()

    @property
    def _frames(self) -> FrameSource | None:
        return self._session.frames if self._session is not None else None
