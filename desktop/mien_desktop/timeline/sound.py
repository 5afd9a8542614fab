"""Reads a medium's sound in a thread of its own and hands out what waveform and spectrogram are drawn from."""

from __future__ import annotations

import threading

import numpy as np
from PySide6.QtCore import QObject, Signal

from mien.errors import MienError
from mien.media.decode import Decoder
from mien.media.pieces import AudioPiece
from mien.media.resample import Resampler
from mien_desktop.timeline.lanes.spectrogram import SpectrogramLane
from mien_desktop.timeline.lanes.waveform import WaveformLane
from mien_desktop.timeline.pyramid import Array, FloatArray
from mien_desktop.timeline.spectrum import HOP, RATE, Spectrum
from mien_desktop.work.aside import Aside

PEAK = 16
"""Samples that share one pair of peaks: a millisecond."""
BATCH = 10.0
"""s of sound in one message."""


class Sound(QObject):
    """The sound of one medium. Signals arrive in the thread that made this object.

    Args:
        path: of the medium.
    """

    begun = Signal(float)
    """s, where the sound begins."""
    piece = Signal(object, object, object)
    """Minima and maxima (n,) int16 of every PEAK samples, columns (m, BANDS) uint8."""
    failed = Signal(str)
    """Why it cannot be read, in one sentence."""
    ended = Signal()
    """Everything was handed out, or nothing more will come."""

    def __init__(self, path: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._halt, self._turn = threading.Event(), threading.Event()
        self._patience = 0.0
        self._thread = Aside(target=self._run, name="timeline sound", daemon=True)

    def feed(self, waveform: WaveformLane, spectrogram: SpectrogramLane) -> None:
        """Show in these lanes what comes."""

        def begin(start: float) -> None:
            if self._halt.is_set():
                return  # sent before `stop`: the lanes belong to another sound by now
            waveform.begin(start, RATE / PEAK)
            spectrogram.begin(start, HOP / RATE)

        def add(low: Array, high: Array, columns: Array) -> None:
            if not self._halt.is_set():
                waveform.append(low, high)
                spectrogram.append(columns)

        self.begun.connect(begin)
        self.piece.connect(add)

    def start(self, patience: float = 0.0) -> None:
        """Begin to read with `begin`, at the latest after so many s."""
        self._patience = patience
        self._thread.start()

    def begin(self) -> None:
        """Read now."""
        self._turn.set()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def dismiss(self) -> None:
        """Stop reading without waiting for the thread; nothing more is handed out."""
        self._halt.set()
        self._turn.set()

    def stop(self) -> None:
        """Stop reading and wait until the thread has let go of the file."""
        self.dismiss()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._turn.wait(self._patience)
        try:
            self._read()
        except MienError as error:
            self.failed.emit(str(error))
        except Exception as error:  # noqa: BLE001 - told to the user; the thread ends here
            self.failed.emit(f"The sound cannot be drawn: {error}")
        finally:
            self.ended.emit()

    def _read(self) -> None:
        if self._halt.is_set():
            return
        resampler, spectrum = Resampler(RATE), Spectrum()
        waiting: list[FloatArray] = []
        told = False
        with Decoder(self._path, video=None) as decoder:
            if decoder.audio is None:
                return
            for piece in decoder:
                if self._halt.is_set():
                    return
                if not isinstance(piece, AudioPiece):
                    continue
                chunk = resampler.push(piece)
                if chunk is None:
                    continue
                if not told:
                    self.begun.emit(chunk.start)
                    told = True
                waiting.append(chunk.samples)
                if sum(map(len, waiting)) >= BATCH * RATE:
                    waiting = self._hand_out(waiting, spectrum)
            chunk = resampler.flush()
            if chunk is not None:
                waiting.append(chunk.samples)
            if waiting and not self._halt.is_set():
                if not told:
                    self.begun.emit(0.0)
                self._hand_out(waiting, spectrum, last=True)

    def _hand_out(self, waiting: list[FloatArray], spectrum: Spectrum, *, last: bool = False) -> list[FloatArray]:
        """Send the sound off; what does not fill a pair of peaks stays for the next time."""
        sound = np.concatenate(waiting).reshape(-1)
        whole = -(-sound.size // PEAK) * PEAK if last else sound.size // PEAK * PEAK
        now, rest = sound[:whole], sound[whole:]
        columns = spectrum.push(now)
        if last:
            columns = np.concatenate([columns, spectrum.finish()])
            now = np.pad(now, (0, whole - now.size), mode="edge") if now.size else now
        peaks = np.clip(now.reshape(-1, PEAK) * 32767, -32768, 32767).astype(np.int16)
        if peaks.size:
            self.piece.emit(peaks.min(1), peaks.max(1), columns)
        return [rest]
