"""The context that the host gives each plugin: device, models, progress, cancellation, log, notes and a seeded generator."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mien.engine.backend import Backend
from mien.errors import Cancelled, ModelError


@dataclass
class RunContext:
    """Implements `mien.sdk.Context` for one run of one plugin."""

    plugin: str
    backend: Backend
    cancel: threading.Event
    seed: int = 0
    models: tuple[str, ...] = ()
    optional_models: tuple[str, ...] = ()
    on_progress: Callable[[float], None] | None = None
    on_note: Callable[[str], None] | None = None
    threads: int = 1
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = logging.getLogger(f"mien.plugin.{self.plugin}")
        self.rng = np.random.default_rng(self.seed)
        self._asked: set[str] = set()
        self._tells = self._told = False
        self._finishes_from = 0.0
        self.reached = 0.0

    @property
    def device(self) -> str:
        self._asked.add("device")
        return self.backend.device

    @property
    def precision(self) -> str:
        self._asked.add("precision")
        return self.backend.precision

    @property
    def computed_on(self) -> tuple[str, str]:
        """Device and precision for the run's record: who never asked for a device computed on the CPU, and who never asked for
        a precision in float32."""
        device = self.backend.device if "device" in self._asked else "cpu"
        return device, self.backend.precision if "precision" in self._asked else "float32"

    @property
    def cancelled(self) -> bool:
        return self.cancel.is_set()

    def check_cancelled(self) -> None:
        if self.cancel.is_set():
            raise Cancelled("The analysis was cancelled.")

    def progress(self, fraction: float) -> None:
        self._tells = True
        self._advance(self._finishes_from + (1.0 - self._finishes_from) * fraction)

    def passed(self, fraction: float) -> None:
        """The host's word on how far the plugin is; it does not count once the plugin tells itself."""
        if not self._tells:
            self._advance(fraction)

    def finishing(self) -> None:
        """`finish` begins: who tells only now how far it is begins at 0, and goes on from what the host has told."""
        if not self._tells:
            self._finishes_from = self.reached

    def _advance(self, fraction: float) -> None:
        """Tell it, if it is further than before: nothing that was done is undone."""
        fraction = min(fraction, 1.0)
        if fraction > self.reached or not self._told:
            self._told, self.reached = True, max(fraction, self.reached)
            if self.on_progress is not None:
                self.on_progress(self.reached)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            if self.on_note is not None:
                self.on_note(text)

    def model(self, model_id: str) -> Path:
        from mien.models.store import resolve

        if model_id not in self.models and model_id not in self.optional_models:
            raise ModelError(f"{self.plugin} asks for the model {model_id}, which its descriptor does not name.")
        return resolve(model_id)

    def optional_model(self, model_id: str) -> Path | None:
        try:
            return self.model(model_id)
        except ModelError:
            if model_id not in self.models and model_id not in self.optional_models:
                raise
            return None
