"""Where lanes draw what they know: spectrogram, speakers, words, offence and hate, pixel by pixel. A picture that is empty, or
shifted in time, fails."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from mien.tracks import Spans
from mien_desktop.look.palette import DARK, LIGHT, Palette
from mien_desktop.timeline.colours import oklab, pixel
from mien_desktop.timeline.lanes import Lane, ScoresLane, SpeakersLane, SpectrogramLane, WordsLane
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.spectrum import BANDS, HOP, RATE, Spectrum, frequencies
from mien_desktop.timeline.view import TimelineView
from mien_desktop.timeline.window import Window

HEIGHT, WIDTH, SECONDS = 96, 800, 100.0
PER_SECOND = 8  # columns


def drawn(lane: Lane, start: float = 0.0, end: float = SECONDS, palette: Palette = DARK) -> np.ndarray:
    """(HEIGHT, WIDTH) uint32, the lane's picture of a stretch of time."""
    lane.wear(palette)
    raster = Raster(WIDTH, HEIGHT, palette.panel)
    lane.draw(raster, Window.over(start, end, WIDTH))
    return raster.pixels


def inked(rows: np.ndarray, palette: Palette = DARK) -> list[tuple[int, int]]:
    """Runs [first, last) of columns in which more than half of the rows have something."""
    there = (rows != pixel(palette.panel)).mean(0) > 0.5
    bounds = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in bounds.reshape(-1, 2)]


def columns(*spans: tuple[float, float], start: float = 0.0, per_second: float = PER_SECOND) -> list[tuple[int, int]]:
    """The columns of spans (s), the last of each left free so that neighbours part."""
    return [(round((a - start) * per_second), round((b - start) * per_second) - 1) for a, b in spans]


def lightness(pixels: np.ndarray) -> np.ndarray:
    """How light each pixel is to the eye, from 0 to 1."""
    names = [f"#{value & 0xFFFFFF:06x}" for value in pixels.reshape(-1).tolist()]
    return oklab(names)[:, 0].reshape(pixels.shape)


# -- spectrogram --------------------------------------------------------------------------------------------------


def tone(times: np.ndarray, pitch: float, start: float, end: float, level: float) -> np.ndarray:
    """A sine of so many Hz between two times, dBFS."""
    within = (times >= start) & (times < end)
    return np.where(within, 10 ** (level / 20) * np.sin(2 * np.pi * pitch * times), 0.0)


def spectrogram() -> SpectrogramLane:
    """1 kHz loud from 20 to 30 s and quiet from 60 to 70 s, 4 kHz loud from 80 to 90 s; silence else."""
    times = np.arange(round(SECONDS * RATE)) / RATE
    sound = tone(times, 1000, 20, 30, -6) + tone(times, 1000, 60, 70, -50) + tone(times, 4000, 80, 90, -6)
    made, spectrum = SpectrogramLane(), Spectrum()
    made.begin(0.0, HOP / RATE)
    for piece in np.array_split(sound.astype(np.float32), 7):
        made.append(spectrum.push(piece))
    made.append(spectrum.finish())
    return made


def row_of(pitch: float) -> int:
    """The row of the picture, from the top, on which a frequency lies: the lowest band is at the bottom."""
    band = int(np.abs(np.log(frequencies() / pitch)).argmin())
    return round((BANDS - 1 - band + 0.5) * HEIGHT / BANDS - 0.5)


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_a_tone_is_bright_at_its_time_and_pitch_and_the_louder_the_brighter(palette: Palette) -> None:
    light = lightness(drawn(spectrogram(), palette=palette))
    low, high = row_of(1000), row_of(4000)
    silence = light[low, 320:440].mean()
    loud, quiet = abs(light[low, 165:235] - silence), abs(light[low, 485:555] - silence)
    assert loud.min() > quiet.max() > 0.05
    assert quiet.min() > 0.05
    # Its first and last column are where it begins and ends; a column holds 125 ms, the look at the sound 64 ms.
    told = abs(light[low, :400] - silence) > loud.mean() / 2
    assert np.flatnonzero(told)[0] == pytest.approx(160, abs=1)
    assert np.flatnonzero(told)[-1] == pytest.approx(239, abs=1)
    # One pitch at a time: the other row stays as it is in silence.
    assert abs(light[high, 165:235] - silence).max() < loud.mean() / 4
    assert abs(light[high, 645:715] - silence).min() > loud.mean() / 2
    assert abs(light[low, 645:715] - silence).max() < loud.mean() / 4
    for columns_, row in ((slice(165, 235), low), (slice(645, 715), high)):
        assert abs(light[:, columns_] - silence).mean(1).argmax() == pytest.approx(row, abs=1)


def test_the_spectrogram_keeps_its_time_however_near_one_looks() -> None:
    pixels = lightness(drawn(spectrogram(), 29.0, 31.0))  # 400 columns a second
    row = pixels[row_of(1000)]
    over = abs(row - row[-100:].mean()) > abs(row[:100] - row[-100:].mean()).mean() / 2
    assert over[:100].all()
    assert np.flatnonzero(over)[-1] == pytest.approx(
        400, abs=16
    )  # within the 64 ms that are looked at, and half a step


# -- speakers -----------------------------------------------------------------------------------------------------

ANNA, BO = ((0.0, 10.0), (20.0, 30.0), (55.5, 60.25)), ((10.0, 20.0), (70.0, 99.0))


def speakers() -> SpeakersLane:
    lane = SpeakersLane("speakers", "Speakers")
    turns = [(a, b, "turn", "", 1.0, "Anna") for a, b in ANNA] + [(a, b, "turn", "", 1.0, "Bo") for a, b in BO]
    lane.set_track(Spans.of("speech.speakers", sorted(turns)))
    return lane


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_each_speaker_has_a_row_with_the_own_turns(palette: Palette) -> None:
    lane = speakers()
    pixels = drawn(lane, palette=palette)
    upper, lower = pixels[10 : HEIGHT // 2 - 6], pixels[HEIGHT // 2 + 6 : -10]
    assert inked(upper, palette) == columns(*ANNA)
    assert inked(lower, palette) == columns(*BO)
    anna, bo = upper[:, 0:70], lower[:, 90:150]
    assert len(np.unique(anna)) == 1
    assert len(np.unique(bo)) == 1
    assert anna[0, 0] != bo[0, 0]


def test_turns_are_where_they_are_in_a_part_of_the_medium() -> None:
    pixels = drawn(speakers(), 50.0, 75.0)
    assert inked(pixels[10:42], DARK) == columns((55.5, 60.25), start=50.0, per_second=32)
    assert inked(pixels[54:86], DARK) == [(640, 800)]  # it goes on


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_turns_of_a_second_run_stand_below_in_rows_of_their_own(palette: Palette) -> None:
    lane = speakers()
    plain = drawn(lane, palette=palette)
    other, new = ((40.0, 50.0), (62.0, 69.0)), ((90.0, 95.0),)
    turns = [(a, b, "turn", "", 1.0, "Anna") for a, b in other] + [(a, b, "turn", "", 1.0, "Cy") for a, b in new]
    lane.set_comparison(Spans.of("speech.speakers", turns))
    pixels, edge = drawn(lane, palette=palette), round(lane.first_row(HEIGHT))
    room = (edge - 8) // 2, (HEIGHT - 4 - edge) // 2
    tops = 4, 4 + room[0], edge, edge + room[1]
    rows = [pixels[top + 3 : top + room[n // 2] - 3] for n, top in enumerate(tops)]
    assert min(len(row) for row in rows) > 3
    assert [inked(row, palette) for row in rows] == [columns(*one) for one in (ANNA, BO, other, new)]
    # The same person, another shade: the second run is the paler one.
    one, two = rows[0][0, 20], rows[2][0, round(45 * PER_SECOND)]
    ground = lightness(np.array([pixel(palette.panel)]))
    assert abs(lightness(two) - ground) < abs(lightness(one) - ground)
    lane.compare_nothing()
    assert np.array_equal(drawn(lane, palette=palette), plain)


# -- words --------------------------------------------------------------------------------------------------------

WORDS = ((5.0, 10.0, "calm"), (10.0, 15.0, "stupid"), (40.0, 48.0, "again"))


def words() -> WordsLane:
    lane = WordsLane("words", "Words")
    lane.set_track(Spans.of("speech.words", [(a, b, "w", text, 0.9) for a, b, text in WORDS]))
    return lane


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_words_lie_at_their_times_and_what_scores_is_coloured(palette: Palette) -> None:
    lane = words()
    plain = drawn(lane, palette=palette)[12:-12]
    assert inked(plain, palette) == columns(*((a, b) for a, b, _ in WORDS))
    lane.set_scores(Spans.of("text.attention", [(10.0, 15.0, "", "stupid", 0.9), (40.0, 48.0, "", "again", 0.3)]))
    scored = drawn(lane, palette=palette)[12:-12]
    assert inked(scored, palette) == inked(plain, palette)
    assert (scored[:, 40:79] == plain[:, 40:79]).all()
    changed = (scored != plain).all(0)
    assert [int(x) for x in np.flatnonzero(np.diff(changed.astype(int), prepend=0, append=0))] == [80, 119, 320, 383]

    def near(column: int) -> float:
        """How far a word's ground is from the colour of offence."""
        names = [f"#{int(scored[20, column]) & 0xFFFFFF:06x}", palette.quantity("offence")]
        return float(np.linalg.norm(np.subtract(*oklab(names))))

    assert near(100) < near(350) < near(60)  # the higher the score, the nearer


def test_words_are_written_inside_their_places(qtbot: QtBot) -> None:
    view = TimelineView()
    qtbot.addWidget(view)
    view.resize(1000, 200)
    lane = WordsLane("words", "Words")
    lane.height = 60
    view.add_lane(lane)
    view.set_duration(SECONDS)
    view.show()
    qtbot.waitExposed(view)
    images = []
    for written in (False, True):
        lane.set_track(Spans.of("speech.words", [(a, b, "w", text if written else "", 0.9) for a, b, text in WORDS]))
        images.append(view.grab().toImage())
    ink = [x for x in range(images[0].width()) if _differ(*images, x)]  # columns with letters in them
    places = [tuple(view.plot.left() + view.offset(t) for t in (a, b)) for a, b, _ in WORDS]
    found = [[x for x in ink if left <= x <= right] for left, right in places]
    assert sum(map(len, found)) == len(ink)
    for (left, right), letters in zip(places, found, strict=True):
        assert len(letters) > 10
        assert (letters[0] + letters[-1]) / 2 == pytest.approx((left + right) / 2, abs=3)  # in the middle


def _differ(one: QImage, other: QImage, x: int) -> bool:
    return any(one.pixel(x, y) != other.pixel(x, y) for y in range(one.height()))


# -- offence and hate ---------------------------------------------------------------------------------------------

OFFENCE, HATE = ((10.0, 20.0, 0.9), (30.0, 40.0, 0.3), (60.0, 61.5, 0.6)), ((35.0, 50.0, 0.8),)


def scores() -> ScoresLane:
    lane = ScoresLane("text", "Offence · hate", {"text.offence": "offence", "text.hate": "hate"})
    for name, rows in (("text.offence", OFFENCE), ("text.hate", HATE)):
        lane.set_track(Spans.of(name, [(a, b, "u", "said", value) for a, b, value in rows]))
    return lane


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_scores_are_bars_at_their_times_as_high_as_they_are(palette: Palette) -> None:
    pixels = drawn(scores(), palette=palette)
    for (top, bottom), rows, quantity in (((0, 46), OFFENCE, "offence"), ((50, 94), HATE, "hate")):
        part = pixels[top:bottom]
        bars = part != pixel(palette.panel)
        high = bars[:-3].sum(0)  # above the line that it stands on
        there = high > 4
        runs = np.flatnonzero(np.diff(there.astype(int), prepend=0, append=0)).reshape(-1, 2)
        assert [(int(a), int(b)) for a, b in runs] == columns(*((a, b) for a, b, _ in rows))
        for a, b, value in rows:
            middle = round((a + b) / 2 * PER_SECOND)
            assert high[middle] == pytest.approx(value * 42, abs=4)
            assert bars[bottom - top - 4 - round(value * 20), middle]  # from the bottom up
        # Each has its own colour, the fuller the higher the score.
        full = [f"#{int(part[-8, round((a + b) / 2 * PER_SECOND)]) & 0xFFFFFF:06x}" for a, b, _ in rows]
        away = [float(np.linalg.norm(np.subtract(*oklab([name, palette.quantity(quantity)])))) for name in full]
        values = [value for *_, value in rows]
        assert np.argsort(away).tolist() == np.argsort(values)[::-1].tolist()


def test_what_was_not_scored_is_no_bar() -> None:
    lane = scores()
    lane.clear()
    pixels = drawn(lane)
    assert (pixels == pixels[:, :1]).all()  # two level lines, nothing else
