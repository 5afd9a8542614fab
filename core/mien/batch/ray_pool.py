"""The Ray engine: an actor for each device of each node, with a medium at a time. One thread talks to all of them."""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import mien
from mien.batch.cluster import Cluster
from mien.batch.nodes import Node, Place, Use, places
from mien.batch.seat import UNSEEN, Seat, Terms
from mien.batch.workers import Said, stalled
from mien.engine.analyze import failure
from mien.engine.events import Done, Event, MediumFailed
from mien.errors import ClusterError, MediaMissing, MienError, shown

_log = logging.getLogger(__name__)
_WAIT = 5.0  # s that an actor waits for news before it answers that there are none
_LOOK = 2.0  # s between two looks at the nodes
_AGAIN = 2.0  # s before another actor takes a dead one's place, longer each time
_DEATHS = 4  # actors in a row that may die at a place without finishing a medium
_ENDED = 6.0  # s after which a cancelled medium counts as ended though its actor said nothing
_NOBODY = 60.0  # s that a scan waits for an actor when there is none
_State = Literal["starting", "free", "busy", "gone"]


class RayPool:
    """Analyses media on the nodes of a cluster. Nodes that join are used, actors and nodes that die are replaced. Nothing is
    started before the first call of `next`.

    Args:
        cluster: connected; stays open.
        use: devices and how many actors each gets.
        terms: what a node must have. One of the first nodes that has not ends the scan, one that joins later is left out.
        patience: s without a sign of life after which a medium is given up, None for never.
        note: told what the user should know, one sentence each.
        nobody: s that is waited for an actor when there is none.
    """

    def __init__(
        self,
        cluster: Cluster,
        use: Use,
        terms: Terms,
        patience: float | None = None,
        note: Callable[[str], None] = lambda text: None,
        nobody: float = _NOBODY,
    ) -> None:
        self._cluster, self._ray, self._use, self._terms = cluster, cluster.ray, use, terms
        self._patience, self._note, self._nobody = patience, note, nobody
        self._class = self._ray.remote(Seat)
        self._seats: list[_Actor] = []
        self._known: set[str] = set()  # nodes that have, or had, seats
        self._said: deque[Said] = deque()
        self._lost: dict[Path, set[str]] = defaultdict(set)  # nodes that a medium was lost on
        self._running = 0
        self._looked = self._asked = -1e9
        self._nobody_since: float | None = None
        self._why = ""  # there is no actor
        self._late = False  # were the first nodes seen?

    def __enter__(self) -> RayPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def free(self) -> int:
        return sum(seat.state == "free" for seat in self._seats)

    @property
    def busy(self) -> int:
        return self._running

    def submit(self, number: int, path: Path) -> None:
        free = [seat for seat in self._seats if seat.state == "free"]
        # What was lost on one node is tried on another, if there is a choice.
        seat = min(free, key=lambda one: one.place.node.id in self._lost.get(path, ()))
        self._running += 1
        seat.begin(number, path)

    def next(self, timeout: float = 0.2) -> Said | None:
        if not self._said:
            self._look_at_nodes()
            self._watch()
            self._listen(timeout)
        if not self._said:
            self._check_that_somebody_is_there()
            return None
        number, event = self._said.popleft()
        if isinstance(event, Done | MediumFailed):
            self._running -= 1
        return number, event

    def cancel(self, number: int | None = None) -> None:
        for seat in self._seats:
            if seat.state == "busy" and number in (None, seat.number):
                seat.cancel()

    def close(self) -> None:
        """End all actors and with them their workers."""
        seats, self._seats = self._seats, []
        if self._cluster.lost:
            return  # they end with it
        try:
            last = [seat.actor.close.remote() for seat in seats if seat.state != "starting"]
            if last:
                self._ray.wait(last, num_returns=len(last), timeout=_ENDED)
        except Exception:  # noqa: BLE001 - the cluster may be gone
            _log.info("the actors could not be asked to end", exc_info=True)
        for seat in seats:
            seat.kill()

    def _look_at_nodes(self) -> None:
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        try:
            nodes = {node.id: node for node in self._cluster.nodes()}
        except ClusterError:
            for seat in list(self._seats):
                self._lose(seat, "The Ray cluster was lost", again=False)
            raise
        for seat in [seat for seat in self._seats if seat.place.node.id not in nodes]:
            self._lose(seat, f"The node {seat.place.node.host} left the Ray cluster")
        for place in places([node for node in nodes.values() if node.id not in self._known], self._use):
            self._add(place, 0)
        self._known |= nodes.keys()
        self._late = True

    def _add(self, place: Place, deaths: int) -> None:
        wait = _WAIT if self._patience is None else min(_WAIT, self._patience / 2)
        self._seats.append(_Actor(self._cluster, self._class, place, self._terms, wait, deaths, late=self._late))

    def _listen(self, timeout: float) -> None:
        """Take what the first actor with news has to say."""
        for seat in self._seats:
            seat.start_if_due()
        refs = {seat.ref: seat for seat in self._seats if seat.ref is not None}
        if not refs:
            time.sleep(timeout)
            return
        ready, _ = self._ray.wait(list(refs), num_returns=1, timeout=timeout)
        for ref in ready:
            self._take(refs[ref], ref)

    def _take(self, seat: _Actor, ref: Any) -> None:
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.ActorUnavailableError:
            seat.ask_again()
        except self._ray.exceptions.RayTaskError as error:
            _log.error("an actor failed", exc_info=error)
            self._lose(seat, f"The actor on the node {seat.place.node.host} failed ({type(error.cause).__name__})")
        except self._ray.exceptions.RayError as error:
            _log.info("an actor is gone", exc_info=error)
            if seat.state == "starting" and "failed to import" in str(error):
                self._leave_out(
                    seat.place.node, ClusterError(
                        f"The node {seat.place.node.host} has no Mien {mien.__version__} with which it could take part; "
                        f"install the same there: pip install 'mien[ray]=={mien.__version__}'"
                    ), seat.late,
                )  # fmt: skip
            else:
                self._lose(seat, f"The actor on the node {seat.place.node.host}, or the node itself, died")
        else:
            if seat.state == "starting":
                kind, sentence = answer
                if sentence:
                    self._leave_out(seat.place.node, failure(MediumFailed("", sentence, 1, kind)), seat.late)
                else:
                    seat.ready()
            else:
                self._hear(seat, *seat.took(answer))

    def _hear(self, seat: _Actor, number: int, events: list[Event]) -> None:
        path = seat.path
        for event in events:
            if not isinstance(event, Done | MediumFailed):
                self._said.append((number, event))
                continue
            seat.state, seat.ref, seat.deaths = "free", None, 0
            if isinstance(event, Done):
                self._lost.pop(path, None)
            elif seat.stalled:
                assert self._patience is not None
                event = stalled(path, self._patience)
            elif event.kind == UNSEEN:
                self._unseen(number, seat.place.node, path, event.reason)
                return
            self._said.append((number, event))
            return
        seat.listen()

    def _unseen(self, number: int, node: Node, path: Path, reason: str) -> None:
        """A node does not see a file. If it is here, that is the node's fault, and the next file would fare no better."""
        if not path.is_file():
            reason = f"The file is not there any more: {shown(path)}"
            self._said.append((number, MediumFailed(str(path), reason, MediaMissing.exit_code, "MediaMissing")))
            return
        self._lost[path].add(node.id)
        self._said.append((number, MediumFailed(str(path), reason, ClusterError.exit_code, "ClusterError")))
        self._leave_out(node, ClusterError(reason), late=True)

    def _leave_out(self, node: Node, error: MienError, late: bool) -> None:
        """Use a node no longer. If it is the last, or one of the first that may not serve, the scan ends.

        Raises:
            MienError: that it does.
        """
        for seat in [seat for seat in self._seats if seat.place.node.id == node.id]:
            self._lose(seat, str(error).rstrip("."), again=False)
        if not late or not self._seats:
            raise error
        self._why = str(error)
        self._note(str(error))

    def _lose(self, seat: _Actor, why: str, again: bool = True) -> None:
        """An actor is gone: its medium is told as lost, and another one takes its place if the node lives."""
        busy, place = seat.state == "busy", seat.place
        seat.kill()
        self._seats.remove(seat)
        if busy:
            self._lost[seat.path].add(place.node.id)
            kind = "Cancelled" if seat.cancelled is not None and not seat.stalled else "ClusterError"
            event = MediumFailed(str(seat.path), f"{why} while it analysed the file: {shown(seat.path)}", 9, kind)
            if seat.stalled:
                assert self._patience is not None
                event = stalled(seat.path, self._patience)
            self._said.append((seat.number, event))
        if again and place.node.id in {node.id for node in self._cluster.nodes()}:
            if seat.deaths + 1 < _DEATHS:
                self._add(place, seat.deaths + 1)
            else:
                self._why = f"Actors on the node {place.node.host} die again and again; its Ray log says why."
                self._note(self._why)

    def _watch(self) -> None:
        """Give up what has shown no sign of life for too long, and what does not end though it was cancelled."""
        now = time.monotonic()
        for seat in [seat for seat in self._seats if seat.state == "busy"]:
            if self._patience is not None and not seat.stalled and now - seat.heard > self._patience:
                seat.stalled = True
                seat.cancel()
            if seat.cancelled is not None and now - seat.cancelled > _ENDED:
                self._lose(seat, f"The actor on the node {seat.place.node.host} was ended")

    def _check_that_somebody_is_there(self) -> None:
        """Without anybody who works or could, a scan waits for a while, and no longer.

        Raises:
            ClusterError: nobody came.
        """
        now, before = time.monotonic(), self._asked
        self._asked = now
        if any(seat.state in ("free", "busy") for seat in self._seats):
            self._nobody_since = None
        elif self._nobody_since is None or now - before > _WAIT:  # nobody asked in between: nothing was to be done
            self._nobody_since = now
        elif now - self._nobody_since > self._nobody:
            if self._seats:
                raise ClusterError(
                    f"No node of the Ray cluster had room for an actor for {self._nobody:.0f} s (see: ray status); "
                    "wait for what else runs there, or take fewer --workers."
                )
            raise ClusterError(
                self._why or "The Ray cluster has no node that can analyse; add one, and the same command goes on."
            )


class _Actor:
    """An actor as it is seen from here, and the call that it has yet to answer."""

    def __init__(
        self, cluster: Cluster, actor: Any, place: Place, terms: Terms, wait: float, deaths: int, late: bool
    ) -> None:
        self.place, self.late, self.deaths = place, late, deaths
        self._wait = wait  # s that it may keep a question for news
        self.state: _State = "starting"
        self.ref: Any = None
        self.actor: Any = None
        self.path = Path()
        self.number = -1
        self.heard = 0.0
        self.stalled = False
        self.cancelled: float | None = None
        self._cluster, self._class, self._terms = cluster, actor, terms
        self._have = 0  # events of this medium
        self._begun = False
        self._told = 0.0
        self._due = time.monotonic() + _AGAIN * deaths
        self.start_if_due()

    def start_if_due(self) -> None:
        """Ask Ray for the actor, a while after the one before it died."""
        if self.actor is not None or time.monotonic() < self._due:
            return
        on = self._cluster.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        self.actor = self._class.options(
            num_cpus=self.place.cpus,
            num_gpus=self.place.gpus,
            max_restarts=0,
            max_concurrency=4,
            scheduling_strategy=on(self.place.node.id, soft=False),
        ).remote(self.place.node.host)
        self.ref = self.actor.take_part.remote(mien.__version__, self._terms)

    def ready(self) -> None:
        self.state, self.ref = "free", None

    def begin(self, number: int, path: Path) -> None:
        self.state, self.number, self.path = "busy", number, path
        self.heard, self.stalled, self.cancelled = time.monotonic(), False, None
        self._have, self._begun = 0, False
        self._call_begin()

    def _call_begin(self) -> None:
        try:
            size = self.path.stat().st_size
        except OSError:
            size = -1
        self.ref = self.actor.begin.remote(self.number, self.path, size, self.place.device, self.place.threads)

    def listen(self) -> None:
        """Ask for news."""
        self.ref = self.actor.hear.remote(self.number, self._have, self._wait)

    def ask_again(self) -> None:
        """The call did not get through."""
        if self.state == "starting":
            self.ref = self.actor.take_part.remote(mien.__version__, self._terms)
        elif self._begun:
            self.listen()
        else:
            self._call_begin()

    def took(self, answer: Any) -> tuple[int, list[Event]]:
        """The number of the task and what is new of it."""
        if not self._begun:  # that was only the answer to `begin`
            self._begun = True
            return self.number, []
        events, silent = answer
        self._have += len(events)
        self.heard = max(self.heard, time.monotonic() - silent)
        return self.number, events

    def cancel(self) -> None:
        """To be called again and again: the job may just have been on its way."""
        now = time.monotonic()
        if self.cancelled is None:
            self.cancelled = now
        elif now - self._told < 1.0:
            return
        self._told = now
        self.actor.cancel.remote()

    def kill(self) -> None:
        self.state, self.ref = "gone", None
        if self.actor is not None and not self._cluster.lost:  # else Ray would wait for it
            try:
                self._cluster.ray.kill(self.actor)
            except Exception:  # noqa: BLE001 - it is dead, or the cluster is
                _log.info("an actor could not be ended", exc_info=True)
