"""Forms made from parameter models: every kind of field, what is refused, the way back."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QSlider
from pytestqt.qtbot import QtBot

from mien.engine.choice import build_params
from mien.engine.registry import Registry
from mien.errors import ParameterError
from mien.sdk.params import Params, param
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.plugins.about import about
from mien_desktop.plugins.fields import Field
from mien_desktop.plugins.form import ParamsForm


class Mode(enum.Enum):
    FAST = "fast"
    EXACT = "exact"


class Everything(Params):
    """One parameter of each kind."""

    on: bool = param(True, "Whether it runs")
    count: int = param(3, "How many", ge=1, le=9)
    share: float = param(0.25, "How much of it", gt=0, le=1)
    length: float = param(2.0, "How long", unit="s", ge=0.5)
    mode: Mode = param(Mode.FAST, "How well")
    way: Literal["left", "right_hand"] = param("left", "Which way")
    name: str = param("mine", "What it is called", min_length=2)
    limit: float | None = param(None, "At most this", ge=0, le=100)
    choice: Literal["a", "b"] | None = param(None, "One or none")
    maybe: bool | None = param(None, "Yes, no or as it comes")
    places: tuple[str, ...] = param(("here",), "Where")
    folder: Path = param(Path("out"), "Into which folder")


class Ends(Params):
    """Two parameters that must fit each other."""

    low: float = param(0.2, "Lower end", ge=0, le=1)
    high: float = param(0.8, "Upper end", ge=0, le=1)

    @pydantic.model_validator(mode="after")
    def _ordered(self) -> Ends:
        if self.low >= self.high:
            raise ValueError("the lower end must lie below the upper one")
        return self


class Named(Params):
    """A parameter without a default."""

    name: str = pydantic.Field(description="Whose")
    rate: Annotated[int, pydantic.Field(ge=1)] = 5


@pytest.fixture
def form(qtbot: QtBot) -> ParamsForm:
    made = ParamsForm("odd", Everything, DARK)
    qtbot.addWidget(made)
    made.show()
    return made


def _field(form: ParamsForm, name: str) -> Field:
    return next(f for f in form.findChildren(Field) if f.about.name == name)


def _type(qtbot: QtBot, form: ParamsForm, name: str, text: str) -> None:
    """As a user does: all of it replaced, then Tab."""
    line = _field(form, name).focusProxy()
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text) if text else qtbot.keyClick(line, Qt.Key.Key_Delete)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def test_each_kind_has_its_editor_and_words() -> None:
    told = {a.name: (a.kind, a.optional, a.extent) for a in about(Everything)}
    assert told["on"] == ("bool", False, "")
    assert told["count"] == ("int", False, "1 … 9")
    assert told["share"] == ("float", False, "over 0 … 1")
    assert told["length"] == ("float", False, "at least 0.5 s")
    assert told["mode"] == told["way"] == ("choice", False, "")
    assert told["limit"] == ("float", True, "0 … 100")
    assert told["maybe"] == ("bool", True, "")
    assert told["places"] == ("other", False, "")
    assert told["folder"] == ("path", False, "")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "7", 7),
        ("share", "0,5", 0.5),
        ("length", "12.5", 12.5),
        ("length", ".75", 0.75),
        ("name", "yours", "yours"),
        ("limit", "40", 40.0),
        ("places", '["here", "there"]', ["here", "there"]),
        ("folder", "else/where", "else/where"),
    ],
)
def test_what_is_typed_is_taken(form: ParamsForm, qtbot: QtBot, name: str, text: str, value: Any) -> None:
    with qtbot.waitSignal(form.changed):
        _type(qtbot, form, name, text)
    assert form.problem == ""
    assert form.values() == {name: value}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("count", "10", "less than or equal to 9"),
        ("count", "two", "integer"),
        ("count", "2.5", "integer"),
        ("share", "0", "greater than 0"),
        ("share", "NaN", "number"),
        ("length", "", "number"),
        ("name", "x", "at least 2 characters"),
        ("places", "here", "tuple"),
        ("limit", "-1", "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_told_beside_it_and_counts_for_nothing(
    form: ParamsForm, qtbot: QtBot, name: str, text: str, told: str
) -> None:
    with qtbot.waitSignal(form.refused), qtbot.assertNotEmitted(form.changed):
        _type(qtbot, form, name, text)
    assert told in form.problem
    assert "\n" not in form.problem
    assert "Input" not in form.problem
    assert form.params() == Everything()
    row = next(r for r in form._rows if r.about.name == name)
    assert row._error.isVisible()
    assert row._error.text() == form.problem
    form.reset()
    assert form.problem == ""
    assert not row._error.isVisible()


def test_switches_and_lists(form: ParamsForm, qtbot: QtBot) -> None:
    box = _field(form, "on").focusProxy()
    with qtbot.waitSignal(form.changed):
        qtbot.keyClick(box, Qt.Key.Key_Space)
    for name, text in (("mode", "exact"), ("way", "right hand"), ("choice", "b"), ("maybe", "off")):
        box = _field(form, name).focusProxy()
        assert isinstance(box, QComboBox)
        with qtbot.waitSignal(form.changed):
            box.setCurrentIndex(box.findText(text))
            box.activated.emit(box.currentIndex())
    assert form.values() == {"on": False, "mode": "exact", "way": "right_hand", "choice": "b", "maybe": False}
    assert form.params() == Everything(on=False, mode=Mode.EXACT, way="right_hand", choice="b", maybe=False)


def test_arrow_keys_step_inside_the_bounds(form: ParamsForm, qtbot: QtBot) -> None:
    line = _field(form, "count").focusProxy()
    for _ in range(9):
        qtbot.keyClick(line, Qt.Key.Key_Up)
    assert form.values() == {"count": 9}
    for _ in range(20):
        qtbot.keyClick(line, Qt.Key.Key_Down)
    assert form.values() == {"count": 1}
    slider = _field(form, "share").findChild(QSlider)
    assert slider is not None
    slider.setValue(slider.maximum())
    assert form.values() == {"count": 1, "share": 1.0}


def test_one_goes_back_and_all_go_back(form: ParamsForm, qtbot: QtBot) -> None:
    form.take({"count": 5, "length": 4.0, "limit": 1.0})
    row = next(r for r in form._rows if r.about.name == "length")
    assert row._extent.text() == "at least 0.5 s · changed, default 2 s"
    with qtbot.waitSignal(form.changed):
        row._back.click()
    assert form.values() == {"count": 5, "limit": 1.0}
    with qtbot.waitSignal(form.changed):
        form._reset.click()
    assert form.values() == {}
    assert not form._reset.isEnabled()
    with pytest.raises(ParameterError):
        form.take({"count": 99})
    assert form.values() == {}


def test_parameters_that_do_not_fit_each_other(qtbot: QtBot) -> None:
    form = ParamsForm("odd", Ends, LIGHT)
    qtbot.addWidget(form)
    with qtbot.waitSignal(form.refused):
        _type(qtbot, form, "low", "0.9")
    assert "the lower end must lie below the upper one" in form.problem.lower()
    assert form.params() == Ends()
    with qtbot.waitSignal(form.changed):
        _type(qtbot, form, "high", "1")
    assert form.values() == {"low": 0.9, "high": 1.0}


def test_a_parameter_without_a_default_is_awaited(qtbot: QtBot) -> None:
    form = ParamsForm("odd", Named, DARK)
    qtbot.addWidget(form)
    assert form.params() is None
    assert form.values() == {}
    with qtbot.waitSignal(form.changed):
        _type(qtbot, form, "name", "Anna")
    assert form.values() == {"name": "Anna"}


def test_every_built_in_plugin_comes_back_as_it_went_in(registry: Registry, qtbot: QtBot) -> None:
    """Each parameter set away from its default survives the form, and the engine takes what the form gives."""
    infos = {**registry.analyzers, **registry.fusions, **registry.exporters}
    assert len(infos) > 15
    for plugin, info in infos.items():
        given = {a.name: v for a in about(info.params) if (v := _other(a)) is not None}
        form = ParamsForm(plugin, info.params, DARK)
        assert form.params() == info.params(), plugin
        try:
            wanted = info.params.model_validate(given)
        except pydantic.ValidationError:
            continue  # parameters that must fit each other
        form.take(given)
        assert form.params() == wanted, plugin
        form._edited()  # as if every field had been typed in anew
        assert form.problem == "", plugin
        assert form.params() == wanted, plugin
        if plugin in registry.analyzers or plugin in registry.fusions:
            assert build_params(registry, plugin, form.values()) == wanted
        form.reset()
        assert form.values() == {}, plugin
        form.deleteLater()


def _other(a: Any) -> Any:
    """A value of a parameter that is not its default."""
    if a.kind == "bool":
        return not a.default
    if a.kind == "choice":
        return next((c for c in a.choices if c != a.default), None)
    if a.kind in ("int", "float"):
        low = a.low if a.low is not None else 0
        high = a.high if a.high is not None else low + 10
        middle = (low + high) / 2
        value = round(middle) if a.kind == "int" else middle
        return value if value != a.default else None
    return "speech.*" if a.name == "tracks" else None


@pytest.mark.parametrize("typed", ["9" * 400, "-" + "9" * 400, "1e999", "NaN"])
def test_a_number_beyond_all_scales_is_refused_and_can_be_stepped_from(
    qtbot: QtBot, form: ParamsForm, typed: str
) -> None:
    for name in ("count", "share", "length", "limit"):
        _type(qtbot, form, name, typed)
        line = _field(form, name).focusProxy()
        assert isinstance(line, QLineEdit)
        assert line.text() == typed
        qtbot.keyClick(line, Qt.Key.Key_Up)
        assert len(line.text()) < 10  # a number inside the bounds again
