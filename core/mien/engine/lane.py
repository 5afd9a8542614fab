"""The thread of one branch, fed through a bounded queue so that memory stays flat."""

from __future__ import annotations

import logging
import queue
import threading

from mien.engine.branch import Branch
from mien.engine.share import Share
from mien.errors import MienError, PluginError
from mien.media.pieces import AudioPiece, FramePiece

_log = logging.getLogger(__name__)
ROOM = 96 * 2**20
"""Bytes of decoded sound or pictures that may wait for a branch: nearly 250 pictures of 512×512, 7 of 4K video. While the
branch that sees still loads its libraries, the one that hears gets its first seconds, and its recognisers have work."""
PIECES = 512
"""So many pieces may wait at most, however small they are."""
_POLL = 0.1


class _Waiting(queue.Queue["AudioPiece | FramePiece | None"]):
    """A queue that is full by what its pieces weigh, not by their number."""

    def __init__(self) -> None:
        self._weight = 0
        super().__init__(ROOM)

    def _qsize(self) -> int:
        return self._weight

    def _put(self, item: AudioPiece | FramePiece | None) -> None:
        self._weight += _weight(item)
        super()._put(item)

    def _get(self) -> AudioPiece | FramePiece | None:
        item = super()._get()
        self._weight -= _weight(item)
        return item


def _weight(item: AudioPiece | FramePiece | None) -> int:
    """Bytes, but never less than a `PIECES`th of the room."""
    size = 0
    if isinstance(item, AudioPiece):
        size = item.samples.nbytes
    elif item is not None:
        size = item.frame.width * item.frame.height * 3 // 2  # 4:2:0, as nearly all video is
    return max(size, ROOM // PIECES)


class BranchThread:
    """Runs a branch in a thread of its own.

    Attributes:
        fault: what stopped the branch as a whole (a cancel, a full disk), or None.
    """

    def __init__(self, branch: Branch, cancel: threading.Event, share: Share) -> None:
        self.fault: MienError | None = None
        self._branch = branch
        self._share = share
        self._cancel = cancel
        self._queue = _Waiting()
        self._thread = threading.Thread(target=self._work, name="mien-branch", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def put(self, item: AudioPiece | FramePiece) -> None:
        """Hand over what was decoded, if the branch wants it; waits while its queue is full."""
        if self._branch.wants(item):
            self._offer(item)

    def end(self) -> None:
        """Say that nothing more will come."""
        self._offer(None)

    def join(self) -> None:
        """Wait until the branch has finished."""
        self._thread.join()

    def _offer(self, item: AudioPiece | FramePiece | None) -> None:
        while self._thread.is_alive():
            try:
                self._queue.put(item, timeout=_POLL)
                return
            except queue.Full:
                if self._cancel.is_set() and item is not None:
                    return

    def _work(self) -> None:
        try:
            self._branch.prepare()
            while True:
                item = self._queue.get()
                if item is None or self._cancel.is_set():
                    break
                self._share.take()
                self._branch.push(item)
            if not self._cancel.is_set():
                self._share.take()
                self._branch.finish()
        except MienError as error:
            self.fault = error
        except Exception as error:  # noqa: BLE001 - a fault of the engine itself must not look like an analysis that is complete
            _log.exception("a branch stopped")
            self.fault = PluginError(f"The analysis stopped with {type(error).__name__}; details are in the log.")
        finally:
            self._share.leave()
            self._branch.close()
