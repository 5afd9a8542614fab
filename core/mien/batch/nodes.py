"""The nodes of a Ray cluster, and which actors they get: by their processors and GPUs, as Ray counts them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mien.batch.devices import CORES_EACH
from mien.engine.backend import check_names
from mien.errors import DeviceError, UsageError


@dataclass(frozen=True)
class Use:
    """How a scan uses a cluster.

    Args:
        address: `HOST:PORT`, `auto` for the Ray that runs on this computer (or a new one), `local` for a new one.
        device: `auto`, `cpu`, `cuda`, or several joined by commas; `auto` is every GPU, and the CPU of a node without one.
        workers: actors for each device, None for one on a GPU and one for each four processors.
        threads: of each actor's models, None to share the node's processors.
    """

    address: str = "auto"
    device: str = "auto"
    workers: int | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Node:
    """A computer of the cluster: its id, name, and how many processors and GPUs Ray may give away there."""

    id: str
    host: str
    cpus: float
    gpus: float


@dataclass(frozen=True)
class Place:
    """Where an actor stands: its node, device, and the share of processors and GPUs that Ray keeps for it."""

    node: Node
    device: str
    threads: int
    cpus: float
    gpus: float = 0.0


def check_use(use: Use, precision: str) -> None:
    """Refuse devices that no node can have, without asking any.

    Raises:
        DeviceError, UsageError: in one sentence.
    """
    for device in _devices(use):
        check_names(device, precision)
        if device not in ("auto", "cpu", "cuda"):
            raise DeviceError(
                f"On Ray each actor gets its device from its node; choose auto, cpu or cuda, not {device}."
            )


def places(nodes: Iterable[Node], use: Use) -> list[Place]:
    """The places of all actors on these nodes."""
    found = []
    for node in nodes:
        kinds = {_kind(device, node) for device in _devices(use)}
        if "cuda" in kinds and node.gpus >= 1:
            found += _on_gpus(node, use)
        if "cpu" in kinds and node.cpus > 0:
            found += _on_cpu(node, use)
    return found


def _devices(use: Use) -> Sequence[str]:
    names = [name.strip() for name in use.device.split(",")]
    if not any(names):
        raise UsageError("Name at least one device.")
    return names


def _kind(device: str, node: Node) -> str:
    if device == "auto":
        return "cuda" if node.gpus >= 1 else "cpu"
    return device


def _on_gpus(node: Node, use: Use) -> list[Place]:
    each = use.workers or 1
    count = int(node.gpus) * each
    cpus = _share(node.cpus, count)
    # An actor sees no GPU but its own, which is the first one to it.
    place = Place(node, "cuda:0", use.threads or max(1, int(cpus)), cpus, _down(1.0 / each))
    return [place] * count


def _on_cpu(node: Node, use: Use) -> list[Place]:
    count = use.workers or max(1, int(node.cpus) // CORES_EACH)
    cpus = _share(node.cpus, count)
    return [Place(node, "cpu", use.threads or max(1, int(cpus)), cpus)] * count


def _share(cpus: float, count: int) -> float:
    share = cpus / count
    return float(int(share)) if share >= 1 else _down(share)


def _down(share: float) -> float:
    """Ray counts fractions in ten-thousandths; rounded up, the last actor would find no room."""
    return math.floor(share * 10_000) / 10_000
