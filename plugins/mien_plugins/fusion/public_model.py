"""An attention fusion that was trained on the public corpora: calibrated, and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mien.errors import ModelError, shown
from mien.training.card import Card, load_model, save_model, write_card
from mien_plugins.fusion.attention import build
from mien_plugins.fusion.crossfit import Fold, cross_fitted, folds, joined, rescaled
from mien_plugins.fusion.draw import Pools
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.items import Budget, Items, read_items, voices_of
from mien_plugins.fusion.measure import HELD, Heard, calibrate, on_sample, read_all, remembered
from mien_plugins.fusion.plan import Plan
from mien_plugins.fusion.public_card import make_card
from mien_plugins.fusion.timed import TimedNet
from mien_plugins.fusion.trained import BANK, check_remembered


@dataclass(frozen=True)
class PublicModel:
    """A model that was trained on the public corpora: its net, what imputes, and how it was made."""

    net: TimedNet
    imputer: KnnImputer
    config: dict[str, Any]
    plan: Plan

    @classmethod
    def load(cls, folder: Path, *, serves: bool = True) -> PublicModel:
        """Read a model's folder.

        Args:
            serves: whether what it remembers must serve to impute.

        Raises:
            ModelError: the folder holds no attention fusion; what it remembers does not serve.
        """
        try:
            weights, config = load_model(folder)
            net = build(config)
            bank = {n.removeprefix(BANK): weights.pop(n).float().numpy() for n in list(weights) if n.startswith(BANK)}
            net.load_state_dict({n: v.float() for n, v in weights.items()})
            if serves:
                check_remembered(f"fusion-{config['strategy']}", net, config, folder)
            imputer = KnnImputer({name: bank[name] for name in net.modalities})
            fields = dict(config["plan"])
            budget: dict[str, Any] = {
                name: tuple(v) if isinstance(v, list) else v for name, v in fields.pop("budget").items()
            }
            plan = replace(Plan(**fields), budget=Budget(**budget))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"This is no attention fusion, or it is damaged ({error}): {shown(folder)}") from error
        return cls(net.eval(), imputer, config, plan)

    def card(self, items: Mapping[str, Items], read: Sequence[tuple[Fold, Heard]], data: Path) -> Card:
        """What it is, and how well it does: `read` as of `folds`."""
        pools = Pools({name: of.of("test") for name, of in items.items()})
        strangers = [heard for fold, heard in read if fold.part != "test"]
        tested = rescaled(read_all(self.net, pools, self.plan.held, HELD["test"], self.imputer), strangers)
        sample = on_sample(self.net, pools, self.plan.repeats, str(self.config["moddrop"]))
        parameters = sum(p.numel() for p in self.net.parameters())
        held = cross_fitted([heard for _, heard in read])
        return make_card(self.config, tested, held, sample, voices_of(data), parameters)

    def folds(self, items: Mapping[str, Items]) -> list[tuple[Fold, Heard]]:
        """What it reads of each fold's sequences, what is absent left out or imputed."""
        count = max(1, self.plan.held * 2 // 3)
        return [(f, read_all(self.net, f.pools, count, f.seed, self.imputer)) for f in folds(items)]


def recalibrate(model: Path, data: Path, device: str, features: Path) -> Card:
    """Fit the calibration of a model to all folds of the held-out parts and write it into config.json; measure it, write the
    card.

    Nothing is trained: the net's weights stay as they are, and what it remembers, too, if that is what it imputes from today.
    """
    _remember(model, data, device, features)
    before = PublicModel.load(model)
    items = read_items(data, features, before.plan.budget, device)
    read = before.folds(items)
    save_model(model, load_model(model)[0], before.config | calibrate(joined([heard for _, heard in read])))
    card = PublicModel.load(model).card(items, read, data)
    write_card(model, card)
    return card


def _remember(model: Path, data: Path, device: str, features: Path) -> None:
    """Have a model remember what its net imputes, where it remembers something else."""
    read = PublicModel.load(model, serves=False)
    if read.config.get("imputes", "encoded") == read.net.imputes:
        return
    items = read_items(data, features, read.plan.budget, device)
    memory = remembered(read.net, Pools({name: of.of("train") for name, of in items.items()}), read.plan)
    weights = {name: value for name, value in load_model(model)[0].items() if not name.startswith(BANK)}
    save_model(model, weights | memory, read.config | {"imputes": read.net.imputes})


def evaluate(model: Path, data: Path, device: str, features: Path) -> Card:
    """Measure a model on the held-out parts."""
    read = PublicModel.load(model)
    items = read_items(data, features, read.plan.budget, device)
    return read.card(items, read.folds(items), data)
