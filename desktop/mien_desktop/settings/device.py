"""What computes: device, precision, threads; and how fast each would be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QProgressBar, QSpinBox, QVBoxLayout

from mien.config import Settings
from mien.engine.backend import PRECISIONS, cores
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label
from mien_desktop.plugins.checks import Combo, RadioButton
from mien_desktop.settings.child import Child
from mien_desktop.settings.page import Page, form, lock, section, show
from mien_desktop.settings.preferences import Preferences
from mien_desktop.settings.speed_table import SpeedTable

SPEED = "mien_desktop.settings.speed"


class DevicePage(Page):
    """Follows and changes `device`, `precision` and `threads` of the settings; the next analysis computes with them."""

    def __init__(self, preferences: Preferences, palette: Palette) -> None:
        super().__init__("device", palette)
        self._preferences = preferences
        self._known: list[tuple[str, str]] = []
        self._finder, self._tester = Child(self), Child(self)
        self._finder.answered.connect(self._found_one)
        self._finder.ended.connect(self._found_all)
        self._looked = False
        self._finding: list[tuple[str, str]] = []

        where, where_box = section("Compute on")
        self._devices = QVBoxLayout()
        self._devices.setSpacing(8)
        self._group = QButtonGroup(self)
        self._override = label(kind="small", wrap=True)
        where_box.addLayout(self._devices)
        where_box.addWidget(self._override)
        self._look = button("Look again", "Find out which devices work here")
        self._look.clicked.connect(self.look_for_devices)
        self._state = label(kind="small")
        row = QHBoxLayout()
        row.addWidget(self._look)
        row.addWidget(self._state, 1)
        where_box.addLayout(row)

        how, how_box = section("Numbers and threads")
        self.precision = Combo()
        for precision in ("auto", *PRECISIONS):
            self.precision.addItem("Automatic" if precision == "auto" else precision, precision)
        self.precision.setMinimumWidth(120)
        self.precision.activated.connect(lambda _: preferences.change(precision=self.precision.currentData()))
        self.threads = QSpinBox()
        self.threads.setRange(0, 1024)
        self.threads.setSpecialValueText(f"All ({cores()})")
        self.threads.setKeyboardTracking(False)
        self.threads.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.threads.setMinimumWidth(120)
        self.threads.valueChanged.connect(lambda count: preferences.change(threads=count))
        rows = form()
        rows.addRow(label("Precision"), self.precision)
        rows.addRow(label("Processor threads"), self.threads)
        how_box.addLayout(rows)

        test, test_box = section(
            "Self-test",
            "Runs the installed models on each device, with generated sound, faces and text, in a process of its own. "
            "Higher is faster; above 1 × real time an analysis keeps up with the medium.",
        )
        self.start = button("Measure the speed", "Measure every device and precision; about a minute", kind="primary")
        self.start.clicked.connect(self.test)
        self.cancel = button("Cancel", "Stop measuring")
        self.cancel.clicked.connect(self.stop_test)
        self._busy = QProgressBar()
        self._busy.setRange(0, 0)
        self._busy.setTextVisible(False)
        self._busy.setAccessibleName("The self-test runs")
        self._busy.setFixedWidth(120)
        self._said = label(kind="small", wrap=True)
        self.table = SpeedTable(palette)
        self._tester.answered.connect(self._measured)
        self._tester.ended.connect(self._test_ended)
        row = QHBoxLayout()
        row.addWidget(self.start)
        row.addWidget(self.cancel)
        row.addWidget(self._busy)
        row.addWidget(self._said, 1)
        test_box.addLayout(row)
        test_box.addWidget(self.table)
        self.table.hide()
        for ground in (where, how, test):
            self.body.addWidget(ground)
        self.body.addStretch(1)
        preferences.applied.connect(self._follow)
        preferences.failed.connect(lambda sentence: self.say(sentence, bad=True))
        self._show_testing(False)
        self._follow(preferences.now)
        self.wear(palette)
        if preferences.problem:
            self.say(preferences.problem, bad=True)

    def entered(self) -> None:
        """Devices are looked for when the page is first seen: that takes seconds and a process."""
        if not self._looked:
            self.look_for_devices()

    def look_for_devices(self) -> None:
        """Find out which devices work here."""
        self._looked, self._finding = True, []
        self._state.setText("Looking for devices…")
        self._look.setEnabled(False)
        self._finder.start(SPEED, ["--devices"])

    def set_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """(device, its real name) of what works here, the best first."""
        self._looked, self._known = True, list(devices)
        self._state.setText("")
        self._look.setEnabled(True)
        self._fill()

    def test(self) -> None:
        """Measure; cancelled by `stop_test`."""
        self.table.clear_results()
        self.table.show()
        self._show_testing(True)
        self._said.setText("Loading…")
        threads = ["--threads", str(self._preferences.now.threads)]
        self._tester.start(SPEED, threads)

    def stop_test(self) -> None:
        """End the measuring process at once; what was measured stays."""
        if self._tester.runs:
            self._tester.stop()
            self._test_over("Cancelled.")

    @property
    def testing(self) -> bool:
        """Whether the self-test runs."""
        return self._tester.runs

    @property
    def test_pid(self) -> int:
        """Process id of the self-test, 0 when it does not run."""
        return self._tester.pid

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        super().wear(palette)
        self.table.wear(palette)

    def shutdown(self) -> None:
        """End both processes."""
        self._finder.stop()
        self._tester.stop()

    # ----------------------------------------------------------------------------------------------------------

    def _follow(self, settings: Settings) -> None:
        self.say("")
        for box, value in ((self.precision, settings.precision),):
            box.setCurrentIndex(max(0, box.findData(value)))
        blocked = self.threads.blockSignals(True)
        self.threads.setValue(settings.threads)
        self.threads.blockSignals(blocked)
        of = self._preferences.overridden
        lock(self.precision, of("precision"), "Precision", "Numbers the models compute with; float16 needs a GPU")
        lock(
            self.threads,
            of("threads"),
            "Processor threads",
            "How many threads the models keep busy; 0 takes every core (Up and Down step)",
        )
        self._fill()

    def _fill(self) -> None:
        """One button per device, the one that is set first among them even where it is not here."""
        chosen = self._preferences.now.device
        chosen = "cuda:0" if chosen == "cuda" else chosen
        variable = self._preferences.overridden("device")
        had_focus = any(b.hasFocus() for b in self._group.buttons())
        while (item := self._devices.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                self._group.removeButton(widget)  # type: ignore[arg-type]
                widget.hide()
                widget.deleteLater()
        known = self._known or [("cpu", f"CPU, {cores()} cores")]
        best = f" – now {known[0][1]}" if self._known else ""
        choices = [("auto", f"Automatic: the best that works{best}"), *((d, f"{n}  ({d})") for d, n in known)]
        if chosen not in [d for d, _ in choices]:
            missing = "not found here" if self._known else "not looked for yet"
            choices.append((chosen, f"{chosen} – {missing}"))
        for device, name in choices:
            choice = RadioButton(name)
            lock(choice, variable, name, "Compute on this device")
            choice.setChecked(device == chosen)
            choice.setProperty("device", device)
            choice.clicked.connect(lambda _=False, device=device: self._preferences.change(device=device))
            self._group.addButton(choice)
            self._devices.addWidget(choice)
            if had_focus and device == chosen:
                choice.setFocus()
        told = f"{variable} in the environment sets {chosen}; unset it to choose here." if variable else ""
        show(self._override, told)

    def _found_one(self, answer: dict[str, Any]) -> None:
        if answer.get("kind") == "device":
            self._finding.append((str(answer["device"]), str(answer["name"])))

    def _found_all(self, problem: str) -> None:
        if self._finding:
            self.set_devices(self._finding)
        else:
            self._look.setEnabled(True)
            self._state.setText(problem or "No device answered.")

    def _measured(self, answer: dict[str, Any]) -> None:
        self.table.take(answer)
        if answer.get("kind") == "measuring":
            self._said.setText(f"{answer['title']}, {answer['device']}, {answer['precision']}")
        if answer.get("kind") == "device" and (device := str(answer["device"])) not in [d for d, _ in self._known]:
            self._known.append((device, str(answer["name"])))
            self._fill()

    def _test_ended(self, problem: str) -> None:
        self._test_over(problem or ("Done." if self.table.results() else "No installed model could be measured."))

    def _test_over(self, told: str) -> None:
        self.table.stopped()
        self._said.setText(told)
        self._show_testing(False)

    def _show_testing(self, testing: bool) -> None:
        self._busy.setVisible(testing)
        self.cancel.setVisible(testing)
        self.start.setVisible(not testing)
        explain(self.cancel, "Cancel the self-test", "Stop measuring; what was measured stays")
