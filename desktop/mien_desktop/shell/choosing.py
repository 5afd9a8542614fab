"""What runs, how it is fused, what it is compared with and on which device: chosen in the window, steps to undo but the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from mien.engine.choice import Choice
from mien.errors import MienError
from mien_desktop.work import chosen

if TYPE_CHECKING:
    from mien_desktop.shell.window import MainWindow

Value = TypeVar("Value")
FUSED = "fusion.score"
"""The track that says which fusion made what is drawn."""


class Choosing:
    """Hands what was chosen to the conductor, shows it everywhere and keeps it for the next start. What is wrong with it is told
    in the window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._wished = window.conductor.choice.fusion
        self._unseen = False
        window.document.opened.connect(self._opened)
        window.document.replaced.connect(self._drawn)

    def choose_fusion(self, fusion: str) -> None:
        """Fuse by another fusion, by its id."""
        window = self._window
        before = window.conductor.choice
        try:
            title = window.registry.fusion(replace(before, fusion=fusion).checked(window.registry).fusion).title
        except MienError as error:
            window.message.tell(str(error))
            return
        if fusion == before.fusion:
            self._telling(self._fuse)(fusion)
        else:
            self._step(f"Fusion {title}", object(), before.fusion, fusion, self._fuse)

    def compare_with(self, other: str) -> None:
        """Compare with another fusion or an earlier run (see `Conductor.choose_comparison`); empty for nothing."""
        text = f"Compare with {self._window.tools.compare.currentText()}"
        self._step(text, object(), self._window.conductor.compare, other, self._compare)

    def choose_device(self, device: str) -> None:
        """For the next job at once, and kept for the next start where no environment variable decides it."""
        window = self._window
        self.choose(replace(window.conductor.choice, device=device))
        preferences = window.rooms.settings_made().preferences
        if not preferences.overridden("device"):
            preferences.change(device=device)

    def choose(self, choice: Choice) -> None:
        """Analyse so from now on."""
        before = _what_runs(self._window.conductor.choice)
        self._telling(self._take)(choice)
        self._step(
            "Plugins and their parameters",
            "plugins",
            before,
            _what_runs(self._window.conductor.choice),
            lambda parts: self._take(replace(self._window.conductor.choice, **parts)),
        )

    def _opened(self) -> None:
        """Another medium is fused as was wished, unless it has been fused before."""
        self._unseen = True
        self._name(self._wished)

    def _drawn(self, track: str) -> None:
        """The fusion that made what is loaded is the one that is named, and not offered for a comparison with itself."""
        window = self._window
        score = window.document.readings.get(FUSED) if track == FUSED and self._unseen else None
        if score is None or score.provenance is None:
            return
        self._unseen = False
        if not window.document.analysing and window.tools.offers(score.provenance.analyzer):
            self._name(score.provenance.analyzer)

    def _name(self, fusion: str) -> None:
        window = self._window
        if fusion != window.conductor.choice.fusion:
            window.conductor.choose(replace(window.conductor.choice, fusion=fusion))
            window.tools.set_fusion(fusion)
            window.rooms.take_choice(window.conductor.choice)

    def _fuse(self, fusion: str) -> None:
        self._window.conductor.choose_fusion(fusion)
        self._window.tools.set_fusion(fusion)
        self._shown(fusion)

    def _compare(self, other: str) -> None:
        self._window.tools.set_compared(other)
        self._window.conductor.choose_comparison(other)

    def _take(self, choice: Choice) -> None:
        window = self._window
        before = window.conductor.choice.fusion
        window.conductor.choose(choice)
        window.tools.set_fusion(choice.fusion)
        window.tools.set_device(choice.device)
        self._shown(choice.fusion if choice.fusion != before else self._wished)

    def _shown(self, wished: str) -> None:
        """Tell the settings, and keep it."""
        choice = self._window.conductor.choice
        self._wished, self._unseen = wished, False
        self._window.rooms.take_choice(choice)
        chosen.save(replace(choice, fusion=wished), self._window.registry)

    def _step(self, text: str, what: object, before: Value, after: Value, put: Callable[[Value], None]) -> None:
        self._window.workspace.steps.change(text, what, before, after, self._telling(put))

    def _telling(self, call: Callable[[Value], None]) -> Callable[[Value], None]:
        """The call, its MienError told in the window."""

        def telling(value: Value) -> None:
            try:
                call(value)
            except MienError as error:
                self._window.message.tell(str(error))

        return telling


def _what_runs(choice: Choice) -> Mapping[str, Any]:
    """What of a choice can be undone: which plugins run, how, and how they are fused; not what they compute on."""
    return {"analyzers": choice.analyzers, "settings": choice.settings, "fusion": choice.fusion}
