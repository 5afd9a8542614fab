"""What has to be done: each file looked into, and compared with what the library has of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mien.batch.find import Found
from mien.batch.journal import Journal, Past
from mien.batch.look import PATIENCE, Look, Looked, look_into
from mien.batch.rank import Standing
from mien.engine.choice import Choice
from mien.engine.events import Done, Started
from mien.engine.fuse import FusionPlan, plan_fusion
from mien.engine.plan import Plan, digest, lasts, make_plan
from mien.engine.registry import Registry
from mien.errors import LibraryError, MienError, NotMedia, PluginError, shown
from mien.library.holdings import Complete, complete_runs, make_current, seen_at, sizes
from mien.library.library import Library
from mien.sdk.media import MediaInfo
from mien.tracks import Kind, Quantity
from mien.tracks.quantity import HOSTILITY

State = Literal["todo", "done", "failed"]


@dataclass
class Item:
    """One file of a scan: what is known of it, what was done, and what became of it.

    Args:
        found: the file.
        state: `done` and `failed` are final; a file whose readings are complete but some plugin failed is `done` with `failed`.
        medium: the hash of its content, as far as it is known.
        seconds: its duration, None when unknown.
        side_car: where its subtitles are from, or empty.
        planned: plugin id → `run`, `cached` or `skipped`.
        runs: plugin id → key of the complete run.
        skipped: plugin id → why it does not apply.
        failed: plugin id → why it failed.
        partial: why the readings do not cover all of it, or empty.
        problems: what is wrong with it though it can be read.
        reason: why the whole file failed, or empty.
        earlier: it was done before this scan.
        attempts: how often it was begun in this scan.
        written: exports.
        standing: in the ranking, None where there is nothing to rank it by.
    """

    found: Found
    state: State = "todo"
    medium: str = ""
    seconds: float | None = None
    side_car: str = ""
    planned: Mapping[str, str] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    partial: str = ""
    problems: tuple[str, ...] = ()
    reason: str = ""
    exit_code: int = 0
    earlier: bool = False
    attempts: int = 0
    written: Sequence[Path] = ()
    standing: Standing | None = None

    @property
    def path(self) -> Path:
        return self.found.path

    @property
    def trouble(self) -> str:
        """Why it failed as a whole or in part, in one line, or empty."""
        if self.state == "failed":
            return self.reason
        return "; ".join(
            [*(f"{plugin}: {why}" for plugin, why in self.failed.items()), *[self.reason] * bool(self.reason)]
        )


@dataclass(frozen=True)
class WholePlan:
    """What would be read of a medium that has sound and picture; `digest` differs wherever readings would."""

    plan: Plan
    fusion: FusionPlan | None
    digest: str

    def readings(self) -> list[tuple[str, Kind, tuple[Quantity, ...]]]:
        """Name, kind and quantities of the tracks that there will be."""
        found = [(w.name, w.kind, w.quantities) for node in self.plan.nodes for w in node.info.outputs_for(node.params)]
        if self.fusion is not None:
            found.append(("fusion.score", "curve", (HOSTILITY,)))
        return found

    def plugins(self) -> dict[str, str]:
        """Id → version of all that take part."""
        versions = {node.id: node.info.version for node in self.plan.nodes}
        if self.fusion is not None:
            versions[self.fusion.info.id] = self.fusion.info.version
        return versions


def asked_of(choice: Choice, registry: Registry) -> WholePlan:
    """What of a medium that has everything would be read.

    Raises:
        UsageError, ModelError: the choice cannot be followed on any medium.
    """
    # Whatever determines readings, but the medium, is in the keys of its plan.
    whole = MediaInfo(path=Path(), duration=1.0, has_audio=True, has_video=True)
    plan = make_plan(choice, registry, whole, "")
    fusion = plan_fusion(choice, registry, plan, {})
    keys = [node.key for node in plan.nodes]
    # Which stream a name means differs from medium to medium.
    asked = {"keys": keys, "fusion": fusion.key if fusion is not None else "", "audio_stream": choice.audio_stream}
    return WholePlan(plan, fusion, digest(asked))


class Surveyor:
    """Looks into files and says what of them is to be done.

    Args:
        choice: checked.
        again: trust neither size nor date of a file, but read each anew.
        processes: how many files are looked into at once.
        touch: whether the library and the journal may be changed; what is done is made current then.

    Raises:
        UsageError, ModelError: the choice cannot be followed on any medium.
    """

    def __init__(
        self,
        choice: Choice,
        registry: Registry,
        library: Library,
        journal: Journal,
        *,
        again: bool = False,
        processes: int = 1,
        patience: float = PATIENCE,
        touch: bool = True,
    ) -> None:
        self._choice, self._registry = choice, registry
        self._library, self._journal = library, journal
        self._again, self._processes, self._patience, self._touch = again, processes, patience, touch
        self.whole = asked_of(choice, registry)
        self.asked = self.whole.digest

    def survey(
        self,
        files: Iterable[Found],
        on_item: Callable[[Item], None] = lambda item: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> list[Item]:
        """What of these files is to be done, in their order.

        Args:
            on_item: called with each as it is known, in any order.
            stopped: asked again and again; once it says so the rest is left as it is.

        Raises:
            LibraryError: the library cannot be read.
        """
        items = [Item(found) for found in files]
        unsure = []
        for number, item in enumerate(items):
            if stopped():
                return items
            if self._known(item):
                on_item(item)
            else:
                unsure.append(number)
        held = sizes(self._library)
        alike = Counter(items[number].found.size for number in unsure)
        looks = self._looks(items, unsure, held, alike)
        for looked in look_into(looks, self._processes, self._patience, stopped):
            item = items[looked.number]
            self._take(item, looked)
            on_item(item)
        return items

    def conclude(self, item: Item, started: Started, done: Done) -> None:
        """Take over what a worker made of a file; the library must hold it.

        Raises:
            LibraryError: it does not.
        """
        plan = make_plan(self._choice, self._registry, started.media, done.medium)
        keys = self._keys(plan, done.failed)
        there = complete_runs(self._library, done.medium)
        lost = [plugin for plugin, key in keys.items() if key not in there]
        if lost:
            raise LibraryError(f"The library does not hold what {', '.join(lost)} read; scan again: {shown(item.path)}")
        seen_at(self._library, done.medium, item.path)
        item.state, item.medium, item.seconds, item.runs = "done", done.medium, done.duration, keys
        item.failed, item.partial, item.problems = done.failed, done.partial, started.problems
        item.side_car = started.media.cue_source
        item.skipped = {node.id: node.skipped for node in plan.nodes if node.skipped}
        item.reason, item.exit_code = "", PluginError.exit_code if done.failed else 0
        self.record(item)

    def record(self, item: Item) -> None:
        """Keep in the journal that a file is done, unless some plugin failed on it."""
        if self._touch and item.state == "done" and item.runs and not item.failed:
            past = Past(
                item.medium, dict(item.runs), item.seconds, dict(item.skipped), item.side_car, list(item.problems)
            )
            self._journal.remember(item.path, _signature(item.found), self.asked, past)

    def _known(self, item: Item) -> bool:
        """Whether the journal knows the file and the library still has all that was read of it."""
        if self._again or not item.found.signature:
            return False
        past = self._journal.past(item.path, _signature(item.found), self.asked)
        if past is None or not past.runs:
            return False
        there = _lasting(self._library, past.medium)
        if not all(key in there for key in past.runs.values()):
            return False
        if self._touch:
            make_current(self._library, there, past.runs.values())
        item.state, item.earlier, item.medium, item.seconds = "done", True, past.medium, past.seconds
        item.runs, item.skipped = past.runs, past.skipped
        item.side_car, item.problems = past.side_car, tuple(past.problems)
        item.planned = dict.fromkeys(past.runs, "cached") | dict.fromkeys(past.skipped, "skipped")
        item.partial = next((there[key].partial for key in past.runs.values() if there[key].partial), "")
        return True

    def _looks(
        self, items: Sequence[Item], unsure: Iterable[int], held: set[int], alike: Mapping[int, int]
    ) -> Iterator[Look]:
        for number in unsure:
            found = items[number].found
            # Hashing reads the whole file. What has a size of its own is neither in the library nor there twice.
            identify = self._again or found.size in held or alike[found.size] > 1
            yield Look(number, found.path, self._choice.audio_stream, identify, found.size)

    def _take(self, item: Item, looked: Looked) -> None:
        item.medium, item.problems = looked.medium, looked.problems
        if looked.media is None:
            item.state, item.reason, item.exit_code = "failed", looked.reason, looked.exit_code
            return
        item.seconds, item.side_car = looked.media.duration, looked.media.cue_source
        there = _lasting(self._library, looked.medium) if looked.medium else {}
        try:
            plan = make_plan(self._choice, self._registry, looked.media, looked.medium, there.__contains__)
        except MienError as error:
            item.state, item.reason, item.exit_code = "failed", str(error), error.exit_code
            return
        item.planned = {n.id: "skipped" if n.skipped else "cached" if n.cached else "run" for n in plan.nodes}
        item.skipped = {n.id: n.skipped for n in plan.nodes if n.skipped}
        keys = self._keys(plan, {})
        if not keys:
            why = "; ".join(sorted(set(item.skipped.values())))
            item.state, item.exit_code = "failed", NotMedia.exit_code
            item.reason = f"None of the chosen plugins can read this medium ({why}): {shown(item.path)}"
        elif all(key in there for key in keys.values()):
            if self._touch:
                make_current(self._library, there, keys.values())
                seen_at(self._library, looked.medium, item.path)
            item.state, item.earlier, item.runs = "done", True, keys
            item.partial = next((there[key].partial for key in keys.values() if there[key].partial), "")
            self.record(item)

    def _keys(self, plan: Plan, broken: Mapping[str, str]) -> dict[str, str]:
        """Plugin id → key of every run that a medium with this plan gets, if those plugins fail."""
        keys = {node.id: node.key for node in plan.nodes if not node.skipped and node.id not in broken}
        fusion = plan_fusion(self._choice, self._registry, plan, broken)
        if fusion is not None and fusion.reads and fusion.info.id not in broken:
            keys[fusion.info.id] = fusion.key
        return keys


def _lasting(library: Library, medium: str) -> dict[str, Complete]:
    """Key → complete run of a medium, without those that a plugin which failed then may have more to tell for."""
    return {key: run for key, run in complete_runs(library, medium).items() if lasts(run.partial)}


def _signature(found: Found) -> str:
    return f"{found.signature}/{found.side_cars}"
