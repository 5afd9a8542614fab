"""A plugin of others, as the template makes it, is in the window like ours: list, form, fusions, export formats, lanes."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from mien.cli.plugins_new import new_plugin
from mien.engine.registry import Registry
from mien.tracks import Curve
from mien_desktop.document import Document
from mien_desktop.export.formats import Formats
from mien_desktop.look.palette import DARK
from mien_desktop.plugins.chooser import PluginChooser
from mien_desktop.plugins.fields import Field
from mien_desktop.shell.lanes import LaneSet
from mien_desktop.shell.toolbar import ToolBar

NAMES = {"analyzer": "loud-curve", "fusion": "loudest", "exporter": "tab-text"}


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """All that there is once the three projects of the template are there too."""
    folder = tmp_path_factory.mktemp("projects")
    with pytest.MonkeyPatch.context() as patch:
        for kind, name in NAMES.items():
            patch.syspath_prepend(str(new_plugin(name, kind, folder / name) / "src"))
        patch.setenv("MIEN_PLUGINS", ",".join(f"mien_{name.replace('-', '_')}.info" for name in NAMES.values()))
        yield Registry.load()
    for module in [m for m in sys.modules if m.startswith(("mien_loud", "mien_tab"))]:
        sys.modules.pop(module)


def test_its_parameters_are_a_form_and_its_fusion_can_be_chosen(others: Registry, qtbot: QtBot) -> None:
    assert others.broken == ()
    chooser = PluginChooser(others, DARK)
    qtbot.addWidget(chooser)
    chooser.show()
    assert chooser._items["loud-curve"].checkState(0) == Qt.CheckState.Checked
    chooser.select("loud-curve")
    form = chooser.form("loud-curve")
    fields = {field.about.name: field for field in form.findChildren(Field)}
    assert {name: field.about.extent for name, field in fields.items()} == {
        "window": "0.02 … 10 s", "hop": "0.01 … 10 s", "floor": "-120 … -20 dB"
    }  # fmt: skip
    line = fields["hop"].focusProxy()
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, "0.5")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    bar = ToolBar(others, DARK)
    qtbot.addWidget(bar)
    assert "Loudest" in [combo.itemText(n) for combo in bar.findChildren(QComboBox) for n in range(combo.count())]
    chooser.use_fusion("fusion.loudest")
    choice = chooser.choice().checked(others)
    assert choice.settings["loud-curve"] == {"hop": 0.5}
    assert choice.fusion == "fusion.loudest"
    assert choice.analyzers is None  # all that runs unasked, this one among them


def test_what_it_reads_has_a_lane_and_its_format_is_offered(others: Registry, qtbot: QtBot) -> None:
    document = Document()
    lanes = LaneSet(document, DARK)
    (loudness,) = others.analyzers["loud-curve"].outputs
    times = np.arange(5.0)
    document.load({loudness.name: Curve(loudness.name, times, np.full((5, 1), -9.0), loudness.quantities)})
    lane = next(one for one in lanes.lanes if one.id == "loud-curve.loudness")
    assert not lane.empty
    (value,) = lane.values_at(2.0)
    assert (value.name, value.value, value.unit) == ("loudness", -9.0, "dB")
    formats = Formats(others.exporters, DARK)
    qtbot.addWidget(formats)
    formats.want("tab-text")
    assert formats.wanted == ["tab-text"]
