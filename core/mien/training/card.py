"""A trained model on disk: weights as safetensors, their settings and a card that says what was measured."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.evaluation.metrics import Interval
from mien.models import files

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS, CONFIG = "model.safetensors", "config.json"
CARD_JSON, CARD_MD = "card.json", "CARD.md"


@dataclass(frozen=True)
class Metric:
    """One measured figure with its 95 % interval, on `n` items of `subset`."""

    name: str
    value: float
    low: float
    high: float
    n: int
    subset: str = "test"
    note: str = ""

    @classmethod
    def of(cls, name: str, interval: Interval, n: int, subset: str = "test", note: str = "") -> Metric:
        """A metric from what `bootstrap_ci` gave."""
        return cls(name, interval.value, interval.low, interval.high, n, subset, note)


@dataclass(frozen=True)
class DataSource:
    """A corpus the weights were trained or measured on. `use`: what of it, and for what."""

    name: str
    licence: str
    use: str
    citation: str = ""


@dataclass(frozen=True)
class Plot:
    """A picture that belongs to a card.

    Args:
        name: its heading.
        file: name of the file it is written to, beside the card.
        svg: the picture, self-contained.
        alt: what it shows, in words.
        data: the numbers it was drawn from, JSON-ready; they go into `card.json`.
    """

    name: str
    file: str
    svg: str
    alt: str
    data: Any = None


@dataclass(frozen=True)
class Card:
    """What a reader must know of a model before believing its numbers.

    `command` is the exact line that trained it, with paths relative to the repository root. `calibration`
    says how scores become probabilities, with its error. `licence` is that of the weights, which the data's
    may restrict.
    """

    id: str
    title: str
    task: str
    licence: str
    data: tuple[DataSource, ...]
    split: str
    seeds: tuple[int, ...]
    metrics: tuple[Metric, ...]
    limits: tuple[str, ...]
    command: str
    calibration: Mapping[str, Any] = field(default_factory=dict)
    architecture: str = ""
    parameters: int = 0
    notes: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_model(folder: Path, state_dict: Mapping[str, Tensor], config: Mapping[str, Any]) -> str:
    """Write `model.safetensors` and `config.json` (with the weights' sha256, also returned) into `folder`.

    `config` must be JSON: what the net is built from, and what inference needs. Tensors that share memory are
    cloned.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().clone().contiguous() for name, value in state_dict.items()}
    partial = folder / (WEIGHTS + ".part")
    save_file(tensors, partial)
    partial.chmod(0o644)  # safetensors writes for the owner alone
    partial.replace(folder / WEIGHTS)
    digest = sha256_of(folder / WEIGHTS)
    _write_json(folder / CONFIG, {**config, "sha256": digest})
    return digest


def load_model(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_model` wrote; ValueError if the weights are not those the config describes."""
    from safetensors.torch import load_file

    config = files.read_json(folder / CONFIG)
    if sha256_of(folder / WEIGHTS) != config.get("sha256"):
        raise ValueError(
            f"{folder / WEIGHTS} is not the file {CONFIG} describes (sha256 differs): train or fetch it again"
        )
    return load_file(folder / WEIGHTS), config


def write_card(folder: Path, card: Card) -> None:
    """Write `card.json`, `CARD.md` and the plots beside the weights; hash and size are read from those."""
    weights = folder / WEIGHTS
    for plot in card.plots:
        (folder / plot.file).write_text(plot.svg, encoding="utf-8")
    facts = {
        **asdict(replace(card, plots=())),
        "metrics": [{k: _known(v) for k, v in asdict(metric).items()} for metric in card.metrics],
        "plots": [{"name": p.name, "file": p.file, "alt": p.alt, "data": p.data} for p in card.plots],
        "sha256": sha256_of(weights),
        "bytes": weights.stat().st_size,
        "created": dt.datetime.now(dt.UTC).date().isoformat(),
    }
    _write_json(folder / CARD_JSON, facts)
    (folder / CARD_MD).write_text(_markdown(card, facts), encoding="utf-8")


def _known(value: Any) -> Any:
    """None for what is no number: JSON has none of these."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _written(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _markdown(card: Card, facts: Mapping[str, Any]) -> str:
    lines = [f"# {card.title}", "", card.task, ""]
    lines += ["| | |", "|---|---|", f"| id | `{card.id}` |"]
    if card.architecture:
        lines.append(f"| architecture | {card.architecture} |")
    if card.parameters:
        lines.append(f"| parameters | {card.parameters:,} |")
    lines += [
        f"| weights | {facts['bytes']:,} bytes, sha256 `{facts['sha256']}` |",
        f"| licence of the weights | {card.licence} |",
        f"| measured | {facts['created']} |",
        f"| seeds of the training | {', '.join(map(str, card.seeds))} |",
        "",
        "## Measured",
        "",
        "95 % intervals by bootstrap.",
        "",
        "| on | metric | value | 95 % interval | n | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {m.subset} | {m.name} | {_written(m.value)} | {_written(m.low)} … {_written(m.high)} | {m.n} | {m.note} |"
        for m in card.metrics
    ]
    lines += ["", f"Split: {card.split}", "", "## Data", "", "| corpus | licence | use |", "|---|---|---|"]
    for source in card.data:
        name = f"{source.name} ({source.citation})" if source.citation else source.name
        lines.append(f"| {name} | {source.licence} | {source.use} |")
    if card.calibration:
        lines += ["", "## Calibration", ""]
        lines += [f"- {key}: {value}" for key, value in card.calibration.items()]
    for plot in card.plots:
        lines += ["", f"## {plot.name}", "", f"![{plot.alt}]({plot.file})"]
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in card.limits)]
    if card.notes:
        lines += ["", "## Notes", "", *(f"- {note}" for note in card.notes)]
    lines += ["", "## How to make it again", "", "```", card.command, "```", ""]
    return "\n".join(lines)
