"""Stand-ins for plugins' objects: the same protocols, the work done in the plugin's own process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from mien.engine.context import RunContext
from mien.engine.isolation import pool
from mien.engine.isolation.codec import Nonsense, decode, encode
from mien.engine.isolation.limits import CLOSING, STARTING, Launch, Limits
from mien.engine.isolation.process import Child
from mien.errors import MienError, PluginError
from mien.sdk.blocks import Block, CropBatch, Windows
from mien.sdk.media import MediaInfo
from mien.sdk.params import Params
from mien.sdk.protocols import Aligned, Analysis, Explanation, FaceExplanation, Fused
from mien.tracks.track import AnyTrack


@dataclass(frozen=True)
class Isolated:
    """A third party's plugin, and the limits that it runs under."""

    launch: Launch
    limits: Limits

    @property
    def plugin(self) -> str:
        """Its id."""
        return self.launch.plugin

    def decoded(self, child: Child, answer: tuple[dict[str, Any], list[npt.NDArray[Any]]], kind: Any) -> Any:
        """What a child answered, as a value of that type; the child is ended if it is none."""
        told, arrays = answer
        try:
            return decode(told.get("value"), kind, arrays)
        except Nonsense as error:
            child.end()
            raise PluginError(f"{self.plugin} returned what cannot be read ({error}).") from None


class _Held:
    """An object that lives in a child from `prepare` to `close`."""

    def __init__(self, isolated: Isolated) -> None:
        self._isolated = isolated
        self._child: Child | None = None

    def close(self) -> None:
        """Free the plugin's object; its process is kept for the next medium if all went well."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.alive:
            with suppress(MienError):
                child.request({"do": "close"}, CLOSING)
            child.leftovers()
        pool.give_back(child, self._isolated.limits)


class IsolatedAnalyzer(_Held):
    """Implements `mien.sdk.Analyzer` in the host."""

    def prepare(self, media: MediaInfo, params: Params, ctx: RunContext) -> None:
        """Load the plugin's class in its process, and prepare it there."""
        self._context = ctx
        self._child = pool.take(self._isolated.launch, self._isolated.limits)
        self._printed = self._child.printed
        message = {"do": "prepare", "media": encode(media, [])} | _told(params, ctx)
        self._child.request(message, "getting ready", ctx)

    def process(self, block: Block) -> Iterator[AnyTrack]:
        """Hand a block over; pieces come as they are known."""
        arrays: list[npt.NDArray[Any]] = []
        told = encode(block, arrays)
        return self._pieces({"do": "process", "block": told}, f"reading from {block.start:.1f} s", arrays)

    def finish(self) -> Iterator[AnyTrack]:
        """Nothing more will come."""
        yield from self._pieces({"do": "finish"}, "finishing", ())
        assert self._child is not None
        lines = self._child.printed - self._printed
        if lines:
            self._context.note(f"It printed {lines} line{'s' * (lines != 1)}, which went to the log.")
        others = self._child.company()
        if others:  # it may still need them, until it is closed
            which = "process of its own, which ends" if others == 1 else "processes of its own, which end"
            self._context.note(f"It still runs {others} {which} with it.")

    def _pieces(self, message: dict[str, Any], doing: str, arrays: Sequence[npt.NDArray[Any]]) -> Iterator[AnyTrack]:
        assert self._child is not None
        for answer in self._child.stream({"arrays": []} | message, doing, self._context, arrays):
            if answer[0]["is"] == "piece":
                yield self._isolated.decoded(self._child, answer, AnyTrack)


class IsolatedFusion(_Held):
    """Implements `mien.sdk.Fusion` in the host; the host closes it."""

    def prepare(self, tracks: Sequence[str], params: Params, ctx: RunContext) -> None:
        """Load the plugin's class in its process, and prepare it there."""
        self._context = ctx
        self._child = pool.take(self._isolated.launch, self._isolated.limits)
        message = {"do": "prepare-fusion", "tracks": list(tracks)} | _told(params, ctx)
        self._child.request(message, "getting ready", ctx)

    def fuse(self, grid: Aligned) -> Fused:
        """Fuse one stretch there."""
        assert self._child is not None
        arrays: list[npt.NDArray[Any]] = []
        message = {"do": "fuse", "grid": encode(grid, arrays), "arrays": []}
        answer = self._child.request(message, "fusing", self._context, arrays)
        fused: Fused = self._isolated.decoded(self._child, answer, Fused)
        return fused


class IsolatedExplainer:
    """What an analyzer has besides its protocol: explanations, made in its process.

    It has the attributes `explain`, `explain_face` and `explains` exactly if the plugin's class has them.
    """

    def __init__(self, isolated: Isolated) -> None:
        self._isolated = isolated
        answer, _ = self._once({"do": "construct"}, STARTING, None, ())
        hooks = answer.get("hooks")
        for hook in ("explain", "explain_face"):
            if isinstance(hooks, list) and hook in hooks:
                setattr(self, hook, getattr(self, f"_{hook}"))
        names = answer.get("explains")
        self.explains = tuple(str(name)[:80] for name in names) if isinstance(names, list) else ()

    def _explain(self, window: Windows, params: Params, ctx: RunContext, of: str = "") -> Explanation:
        found: Explanation = self._ask("explain", window, params, ctx, of, Explanation)
        return found

    def _explain_face(self, faces: CropBatch, params: Params, ctx: RunContext) -> FaceExplanation:
        found: FaceExplanation = self._ask("explain_face", faces, params, ctx, "", FaceExplanation)
        return found

    def _ask(self, hook: str, of_what: Any, params: Params, ctx: RunContext, of: str, kind: type) -> Any:
        arrays: list[npt.NDArray[Any]] = []
        message = {"do": "explain", "hook": hook, "of": of, "of_what": encode(of_what, arrays)} | _told(params, ctx)
        return self._once(message, "explaining", ctx, arrays, kind)[1]

    def _once(
        self,
        message: dict[str, Any],
        doing: str,
        ctx: RunContext | None,
        arrays: Sequence[npt.NDArray[Any]],
        kind: type | None = None,
    ) -> tuple[dict[str, Any], Any]:
        return once(self._isolated, message, doing, ctx, arrays, kind)


class IsolatedExporter:
    """Implements `mien.sdk.Exporter` in the host; the files are written by the plugin's process."""

    def __init__(self, isolated: Isolated) -> None:
        self._isolated = isolated

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """Have it written."""
        arrays: list[npt.NDArray[Any]] = []
        message = {
            "do": "export",
            "analysis": encode(analysis, arrays),
            "target": str(target.absolute()),
            "params": params.model_dump(mode="json"),
        }
        answer, _ = once(self._isolated, message, "writing", None, arrays)
        paths = answer.get("paths")
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise PluginError(f"{self._isolated.plugin} did not say what it wrote.")
        whole = target.absolute()  # the target may be relative to this process' folder; so is the answer then
        return [
            target / Path(path).relative_to(whole) if Path(path).is_relative_to(whole) else Path(path) for path in paths
        ]


def once(
    isolated: Isolated,
    message: dict[str, Any],
    doing: str,
    ctx: RunContext | None,
    arrays: Sequence[npt.NDArray[Any]],
    kind: type | None = None,
) -> tuple[dict[str, Any], Any]:
    """One question to a plugin's process, with its answer and the value in it."""
    child = pool.take(isolated.launch, isolated.limits)
    try:
        answer = child.request({"arrays": []} | message, doing, ctx, arrays)
        value = None if kind is None else isolated.decoded(child, answer, kind)
        child.leftovers()
        return answer[0], value
    finally:
        pool.give_back(child, isolated.limits)


def _told(params: Params, ctx: RunContext) -> dict[str, Any]:
    backend = ctx.backend
    context = {
        "device": ctx.device,
        "precision": ctx.precision,
        "name": backend.name,
        "threads": ctx.threads,
        "seed": ctx.seed,
    }
    return {"params": params.model_dump(mode="json"), "context": context}
