"""A maker of tiny media, so that every container and oddity is tested without a file in the repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

Sound = np.ndarray


def tone(seconds: float, rate: int, frequency: float = 440.0, level: float = 0.5) -> Sound:
    """(n,) float32 sine."""
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def clicks(seconds: float, rate: int, every: float = 0.5) -> Sound:
    """Silence with a short loud burst at 0.25 s, 0.25 + every, …: its place in time can be measured."""
    sound = np.zeros(round(seconds * rate), np.float32)
    burst = 0.9 * np.hanning(round(0.004 * rate)).astype(np.float32)
    for time in np.arange(0.25, seconds - 0.1, every):
        at = round(time * rate) - len(burst) // 2
        sound[at : at + len(burst)] = burst
    return sound


@dataclass
class Maker:
    """Writes media with PyAV."""

    folder: Path

    def __call__(
        self,
        name: str,
        *,
        times: Sequence[float] | None = None,
        size: tuple[int, int] = (64, 48),
        vcodec: str = "mpeg4",
        sounds: Sequence[Sound] = (),
        rate: int = 16_000,
        acodec: str = "aac",
        layout: str = "mono",
        shift: float = 0.0,
        late: float = 0.0,
        languages: Sequence[str] = (),
        options: dict[str, str] | None = None,
        interleave: bool = True,
        rotation: int = 0,
        base: Fraction = Fraction(1, 90_000),
        noisy: bool = False,
        aspect: Fraction | None = None,
    ) -> Path:
        """A file with a grey picture at each of `times` (brightness 10·n) and the given sounds.

        Args:
            times: presentation times of the pictures in seconds; None writes no video.
            sounds: (n,) or (n, channels) float32, one for each audio stream.
            shift: added to all timestamps.
            late: added to the sound's timestamps.
            noisy: pictures of noise, so that packets are large (MPEG-PS times not every small one).
            interleave: False writes all pictures first, then all sound.
        """
        path = self.folder / name
        with av.open(f"file:{path}", "w", options=options or {}) as out:
            packets = []
            streams = []
            rng = np.random.default_rng(0)
            if times is not None:
                video = out.add_stream(vcodec, rate=25)
                video.width, video.height = size
                video.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(vcodec, "yuv420p")
                video.codec_context.time_base = video.time_base = base
                if vcodec in ("mpeg1video", "mpeg2video", "mpeg4", "gif"):
                    video.codec_context.time_base = video.time_base = Fraction(1, 100 if vcodec == "gif" else 25)
                if aspect is not None:
                    video.codec_context.sample_aspect_ratio = aspect
                if rotation:
                    video.set_display_rotation(rotation)
            for n, sound in enumerate(sounds):
                channels = 1 if sound.ndim == 1 else sound.shape[1]
                stream = out.add_stream(acodec, rate=rate, layout=layout if channels > 1 else "mono")
                if n < len(languages):
                    stream.metadata["language"] = languages[n]
                streams.append((stream, sound.reshape(-1, channels)))
            if times is not None:
                for n, time in enumerate(times):
                    picture = np.full((size[1], size[0], 3), (n * 10) % 250, np.uint8)
                    if noisy:
                        picture = rng.integers(0, 255, picture.shape, np.uint8)
                    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                    unit = video.codec_context.time_base
                    frame.time_base, frame.pts = unit, round((time + shift) / unit)
                    packets += [(time, p) for p in video.encode(frame.reformat(format=video.pix_fmt))]
                packets += [(times[-1], p) for p in video.encode(None)]
            for stream, sound in streams:
                packets += self._encode(stream, sound, rate, layout, shift + late)
            if interleave:
                packets.sort(key=lambda entry: entry[0])
            for _, packet in packets:
                out.mux(packet)
        return path

    def _encode(self, stream: av.AudioStream, sound: Sound, rate: int, layout: str, shift: float) -> list:
        channels = sound.shape[1]
        context = stream.codec_context
        wanted = context.format.name if context.format else "s16"
        resampler = av.AudioResampler(format=wanted, layout=layout if channels > 1 else "mono", rate=rate)
        packets, step = [], 1024
        for at in range(0, len(sound), step):
            part = np.ascontiguousarray(sound[at : at + step]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout=layout if channels > 1 else "mono")
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = at + round(shift * rate)
            for piece in resampler.resample(frame):
                packets += [(at / rate, p) for p in stream.encode(piece)]
        return packets + [(len(sound) / rate, p) for p in stream.encode(None)]


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    """Write a tiny medium into the test's folder."""
    return Maker(tmp_path)


@pytest.fixture
def sine() -> Callable[..., Sound]:
    """`tone`."""
    return tone


@pytest.fixture
def bursts() -> Callable[..., Sound]:
    """`clicks`."""
    return clicks
