"""Make the demo clip: a public-domain portrait moved before the camera, two synthetic voices in an argument.

    python packaging/make_demo_clip.py --portrait astronaut.png --out resources/demo

The portrait is `skimage/data/astronaut.png` of scikit-image's wheel (`pip download --no-deps scikit-image`,
then unzip); the voices need the program espeak-ng. Neither is needed to use Mien. The result depends on the
versions of espeak-ng and x264 only.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from mien.media.resample import resample

SIZE = (640, 480)
FPS = 25
RATE = 44_100


@dataclass(frozen=True)
class Line:
    """What one voice says; `gap` s after the end of the line before, negative where it interrupts."""

    voice: str
    text: str
    gap: float
    speed: int
    pitch: int
    level: float


ANNA, BEN = "en-us+f3", "en-gb+m3"
TALK = (
    Line(ANNA, "Good morning. Did you use the printer yesterday?", 0.4, 150, 50, 0.30),
    Line(BEN, "Yes, and it was working well when I left.", 0.4, 150, 40, 0.30),
    Line(ANNA, "Nobody else was here after you.", 0.4, 150, 50, 0.31),
    Line(BEN, "Maybe. I am not sure.", 0.4, 150, 40, 0.30),
    Line(ANNA, "It is broken now, and my report is due today.", 0.4, 155, 52, 0.33),
    Line(BEN, "Why do you always blame me?", 0.3, 165, 45, 0.40),
    Line(ANNA, "Because you break everything you touch!", 0.05, 180, 65, 0.60),
    Line(BEN, "That is not true, and you know it!", -0.9, 185, 60, 0.65),
    Line(ANNA, "You are an idiot! You never listen!", -0.9, 195, 75, 0.80),
    Line(BEN, "Oh shut up! Fix the stupid thing yourself!", -1.2, 200, 70, 0.85),
    Line(ANNA, "No! You broke it, you fix it!", -1.1, 205, 80, 0.90),
)  # fmt: skip


def main() -> None:
    """Write demo.mp4 and demo.en.srt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portrait", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    picture = cv2.imread(str(args.portrait))
    if picture is None:
        parser.error(f"no picture at {args.portrait}")
    args.out.mkdir(parents=True, exist_ok=True)
    sound, starts, ends = talk()
    write_video(args.out / "demo.mp4", picture, sound)
    write_subtitles(args.out / "demo.en.srt", starts, ends)
    print(f"{len(sound) / RATE:.2f} s, {(args.out / 'demo.mp4').stat().st_size / 1e6:.2f} MB")


def talk() -> tuple[np.ndarray, list[float], list[float]]:
    """The argument as (n, 2) float32 at RATE, Anna left, Ben right; starts and ends of the lines in s."""
    spoken = [say(line) for line in TALK]
    starts: list[float] = []
    ends: list[float] = []
    for line, samples in zip(TALK, spoken, strict=True):
        starts.append(max(0.0, (ends[-1] if ends else 0.0) + line.gap))
        ends.append(starts[-1] + len(samples) / RATE)
    mix = np.zeros((round((max(ends) + 0.6) * RATE), 2), np.float32)
    for line, samples, start in zip(TALK, spoken, starts, strict=True):
        left = 0.62 if line.voice == ANNA else 0.38
        at = round(start * RATE)
        mix[at : at + len(samples)] += samples[:, None] * np.asarray([left, 1 - left], np.float32) * 1.4
    room = np.random.default_rng(11).standard_normal(mix.shape).astype(np.float32)
    mix += 0.0008 * room
    return np.clip(mix, -0.99, 0.99), starts, ends


def say(line: Line) -> np.ndarray:
    """One line as (n,) float32 at RATE, without the silence around it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        command = [
            "espeak-ng",
            "-v",
            line.voice,
            "-s",
            str(line.speed),
            "-p",
            str(line.pitch),
            "-w",
            str(path),
            line.text,
        ]
        subprocess.run(command, check=True)
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    samples = samples[loud[0] : loud[-1] + 1]
    rms = float(np.sqrt(np.mean(samples**2)))
    return resample(samples * (0.28 * line.level / rms), rate, RATE)


def view(picture: np.ndarray, time: float, length: float) -> np.ndarray:
    """What the camera sees: it drifts around the face, comes nearer, and is restless as the talk heats up."""
    heat = np.clip((time - 0.45 * length) / (0.35 * length), 0, 1)
    x = 224 + 26 * np.sin(2 * np.pi * time / 7.3) + 6 * heat * np.sin(2 * np.pi * 1.1 * time)
    y = 122 + 14 * np.sin(2 * np.pi * time / 5.1 + 1) + 5 * heat * np.sin(2 * np.pi * 1.7 * time + 2)
    width = 330 - 70 * heat + 30 * np.sin(2 * np.pi * time / 9.7)
    tilt = 5 * np.sin(2 * np.pi * time / 6.1) + 3 * heat * np.sin(2 * np.pi * 0.9 * time)
    scale = SIZE[0] / width
    matrix = cv2.getRotationMatrix2D((float(x), float(y)), float(tilt), float(scale))
    matrix[:, 2] += np.asarray(SIZE) / 2 - (x, y) + np.asarray([0, -20])
    return cv2.warpAffine(picture, matrix, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def write_video(path: Path, picture: np.ndarray, sound: np.ndarray) -> None:
    """H.264 and AAC in MP4, index first."""
    length = len(sound) / RATE
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        video = out.add_stream("libx264", rate=FPS, options={"crf": "24", "preset": "slow"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = out.add_stream("aac", rate=RATE, layout="stereo", bit_rate=128_000)
        audio.metadata["language"] = "eng"
        at = 0
        for n in range(int(length * FPS)):
            frame = av.VideoFrame.from_ndarray(view(picture, n / FPS, length), format="bgr24")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            out.mux(video.encode(frame.reformat(format="yuv420p")))
            while at < min(len(sound), (n + 1) / FPS * RATE):
                part = np.ascontiguousarray(sound[at : at + 1024].T)
                piece = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
                piece.sample_rate, piece.pts, piece.time_base = RATE, at, Fraction(1, RATE)
                out.mux(audio.encode(piece))
                at += 1024
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def write_subtitles(path: Path, starts: list[float], ends: list[float]) -> None:
    """What is said, as SRT."""
    blocks = [
        f"{n}\n{stamp(start)} --> {stamp(end)}\n{line.text}\n"
        for n, (line, start, end) in enumerate(zip(TALK, starts, ends, strict=True), 1)
    ]
    path.write_text("\n".join(blocks), encoding="utf-8")


def stamp(seconds: float) -> str:
    """SRT's way to write a time."""
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"


if __name__ == "__main__":
    main()
