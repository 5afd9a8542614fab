"""The parts of the classical pipeline: features, selection, classifiers kept as plain numbers, the hard vote."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mien.errors import CorpusError
from mien_plugins.classical import features, models, select
from mien_plugins.classical.features import Vocabulary
from mien_plugins.classical.material import Material
from mien_plugins.classical.model import Model, Reader, Settings, of_clips
from mien_plugins.classical.vote import majority


@pytest.mark.parametrize(
    ("votes", "decision"),
    [
        ((0, 0, 0), 0), ((0, 0, 1), 0), ((0, 1, 0), 0), ((0, 1, 1), 1),
        ((1, 0, 0), 0), ((1, 0, 1), 1), ((1, 1, 0), 1), ((1, 1, 1), 1),
        ((1, 0, -1), 0), ((1, 1, -1), 1), ((-1, 1, -1), 1), ((-1, -1, 0), 0), ((-1, -1, -1), -1),
    ],
)  # fmt: skip
def test_two_of_three_decide(votes: tuple[int, ...], decision: int) -> None:
    assert majority(np.array([votes])).tolist() == [decision]


def test_a_clip_is_what_most_of_its_pictures_are() -> None:
    assert of_clips(np.array([1, 1, 0, 1, 0]), np.array([0, 0, 0, 2, 2]), 4).tolist() == [1, -1, 0, -1]


def test_pictures_become_2500_pixels() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[:, 100:] = (255, 255, 255)
    got = features.image(picture)
    assert got.shape == (2500,)
    assert got.reshape(50, 50)[:, :25].max() == 0.0
    assert got.reshape(50, 50)[:, 25:].min() == 1.0


def test_sound_becomes_33_means() -> None:
    assert len(features.SOUND) == 33
    t = np.arange(features.RATE) / features.RATE
    low, high = (features.sound(np.sin(2 * np.pi * f * t).astype(np.float32)) for f in (200, 4000))
    assert low is not None
    assert high is not None
    centroid, crossings = features.SOUND.index("spectral_centroid"), features.SOUND.index("zcr")
    assert high[centroid] * features.RATE / 2 == pytest.approx(4000, rel=0.05)
    assert high[crossings] == pytest.approx(2 * 4000 / features.RATE, rel=0.02)
    assert low[crossings] < high[crossings]
    assert features.sound(np.zeros(500, np.float32)) is None
    assert np.isfinite(features.sound(np.zeros(5000, np.float32))).all()


def test_words_are_counted_as_the_paper_says() -> None:
    assert features.words("Look at https://a.b/c THIS, 3 red   houses!") == ["look", "red", "houses"]
    texts = ["red house", "red red tree", "green tree bird", "bird bird"]
    both = Vocabulary.fit(texts, "both", least=1)
    assert both.terms == ("bird", "green", "house", "red", "tree")
    assert both.idf.tolist() == pytest.approx([math.log(2), math.log(4), math.log(4), math.log(2), math.log(2)])
    row = both.read(["red red bird unknown"])[0]
    assert row[:5].tolist() == [1, 0, 0, 2, 0]
    assert row[5:].tolist() == pytest.approx([math.log(2) / 4, 0, 0, 2 * math.log(2) / 4, 0])
    assert Vocabulary.fit(texts, "counts", least=2).terms == ("bird", "red", "tree")
    assert Vocabulary.fit(texts, "tfidf", least=1, most=2).terms == ("bird", "red")
    assert both.read(["", "!"]).sum() == 0


def _planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes; feature 3 tells them, 7 repeats it, 11 tells something of its own, 13 is constant."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 300)
    x = rng.standard_normal((300, 20))
    x[:, 3] += 2.0 * y
    x[:, 7] = x[:, 3] + 0.05 * rng.standard_normal(300)
    x[:, 11] += 1.2 * y
    x[:, 13] = 4.0
    return x, y


def test_selection_finds_what_tells_the_classes_apart() -> None:
    x, y = _planted()
    assert set(select.select(x, y, 3, "rfe").tolist()) & {3, 7}
    assert 11 in select.select(x, y, 4, "rfe")
    order = select.mrmr(np.delete(x, 13, axis=1), y, 2).tolist()
    assert order[0] in (3, 7)
    assert order[1] == 11  # not the copy, however much that tells
    every = select.select(x, y, 100, "mrmr")
    assert every.tolist() == [n for n in range(20) if n != 13]
    assert select.select(x, y, 2, "none").tolist() == every.tolist()


def test_what_never_changes_is_not_selected_whatever_rounding_says() -> None:
    rng = np.random.default_rng(2)
    x = np.full((1000, 6), 37 / 255, np.float32)  # a station's logo: its deviation in float32 is 1e-8, not 0
    y = rng.integers(0, 2, 1000)
    x[:, 2] = rng.random(1000) + y
    assert select.select(x, y, 3, "rfe").tolist() == [2]
    fitted = Reader.fit(x, y, 3, Settings(), ("lr",))
    assert (fitted.read("lr", x) == y).mean() > 0.7


def test_a_modality_that_never_changes_is_left_out() -> None:
    y = np.arange(20) % 2
    frames = np.full((40, 2500), 37, np.uint8)  # a still cover
    sound = np.random.default_rng(3).random((20, 33)).astype(np.float32) + y[:, None]
    model = Model.fit(Material(frames, np.repeat(np.arange(20), 2), sound, ("",) * 20), y, Settings(), ("lr",))
    assert set(model.readers) == {"audio"}
    with pytest.raises(CorpusError, match="nothing can be learnt"):
        Model.fit(Material(frames, np.repeat(np.arange(20), 2), 0 * sound, ("",) * 20), y, Settings(), ("lr",))


def test_neighbours_of_many_rows_are_sought_a_few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = _planted()
    arrays = models.fit("knn", x, y, 0)
    whole, sizes = models.predict("knn", arrays, x), []
    squared = models._squared

    def watched(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        sizes.append(len(a) * len(b))
        return squared(a, b)

    monkeypatch.setattr(models, "_squared", watched)
    monkeypatch.setattr(models, "_DISTANCES", 3000)
    assert (models.predict("knn", arrays, x) == whole).all()
    assert max(sizes) <= 3000


def _spoilt(name: str, **changes: np.ndarray) -> dict[str, np.ndarray]:
    x, y = _planted()
    return {**models.fit(name, x, y, 0), **changes}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("dt", {"left": np.zeros(1, np.int32)}),
        ("dt", {"root": np.array([-1], np.int32)}),
        ("rf", {"root": np.array([10**6], np.int32)}),
        ("svm", {"coef": np.zeros(3)}),
        ("lr", {"coef": np.zeros(19)}),
        ("nb", {"var": np.zeros((2, 3))}),
        ("knn", {"k": np.array([0])}),
        ("knn", {"k": np.array([301])}),
    ],
)
def test_numbers_that_are_no_classifier_are_refused(name: str, changes: dict[str, np.ndarray]) -> None:
    models.check(name, _spoilt(name), 20)
    with pytest.raises(ValueError, match=name):
        models.check(name, _spoilt(name, **changes), 20)


@pytest.mark.parametrize("part", ["left", "right"])
def test_a_tree_that_leads_back_is_refused_rather_than_walked_for_ever(part: str) -> None:
    arrays = _spoilt("dt")
    inner = int(np.flatnonzero(arrays["left"] != np.arange(len(arrays["left"])))[1])
    arrays[part][inner] = 0
    with pytest.raises(ValueError, match="dt"):
        models.check("dt", arrays, 20)
    arrays = _spoilt("dt")
    arrays["feature"][0] = 20
    with pytest.raises(ValueError, match="dt"):
        models.check("dt", arrays, 20)


def test_mutual_information_is_that_of_the_library() -> None:
    from sklearn.metrics import mutual_info_score

    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 4, 500), rng.integers(0, 3, 500)
    b[:200] = a[:200] % 3
    assert select.information(a, b) == pytest.approx(mutual_info_score(a, b))
    assert select.information(a, a) == pytest.approx(mutual_info_score(a, a))


def test_there_are_the_papers_seven_classifiers() -> None:
    made = {name: type(models.make(name, 0)).__name__ for name in models.NAMES}
    assert made == {
        "svm": "SVC",
        "rf": "RandomForestClassifier",
        "lr": "LogisticRegression",
        "adaboost": "AdaBoostClassifier",
        "knn": "KNeighborsClassifier",
        "nb": "GaussianNB",
        "dt": "DecisionTreeClassifier",
    }


@pytest.mark.parametrize("name", models.NAMES)
def test_plain_numbers_read_as_the_library_does(name: str) -> None:
    x, y = _planted()
    x = np.delete(x, 13, axis=1).astype(np.float32)
    learn, read = x[:200], x[200:]
    model = models.make(name, 3).fit(learn, y[:200])
    arrays = models.fit(name, learn, y[:200], 3)
    assert (models.predict(name, arrays, read) == model.predict(read)).all()
    assert (models.predict(name, arrays, learn) == model.predict(learn)).all()
    assert all(isinstance(value, np.ndarray) and value.dtype != object for value in arrays.values())
    assert (models.predict(name, models.fit(name, learn, y[:200], 3), read) == models.predict(name, arrays, read)).all()
    assert models.predict(name, arrays, read[:0]).shape == (0,)


def test_few_neighbours_are_an_odd_number() -> None:
    x, y = np.array([[0.0], [1.0], [5.0], [6.0]]), np.array([0, 0, 1, 1])
    arrays = models.fit("knn", x, y, 0)
    assert arrays["k"].tolist() == [3]
    assert models.predict("knn", arrays, np.array([[0.4], [5.4]])).tolist() == [0, 1]


@pytest.mark.parametrize("name", models.NAMES)
def test_classes_that_lie_apart_are_told(name: str) -> None:
    x = np.concatenate([np.full((6, 2), -1.0), np.full((6, 2), 1.0)]) + np.arange(24).reshape(12, 2) / 100
    y = np.repeat([0, 1], 6)
    assert models.predict(name, models.fit(name, x, y, 0), x).tolist() == y.tolist()
