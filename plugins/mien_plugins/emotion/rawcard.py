"""The cards of the nets on raw samples: what both say of a corpus and of how they were trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.sdk import Params
from mien.training.card import Card, Metric
from mien.training.job import command
from mien_plugins.emotion.rawdata import Corpus


def raw_card(
    params: type[Params],
    config: Mapping[str, Any],
    corpus: Corpus,
    metrics: tuple[Metric, ...],
    *,
    id: str,
    licence: str,
    **own: Any,
) -> Card:
    """The card of a model.

    Args:
        params: the recipe's options, whose defaults the command leaves out.
        config: of the model: seed, quick, options.
        licence: where the corpus is the public one.
        own: what else only this model has: title, task, architecture, parameters, limits.
    """
    defaults = params().model_dump()
    return Card(
        id=id,
        licence="as the corpus' owners state" if corpus.own_data else licence,
        data=corpus.sources,
        split=corpus.split,
        seeds=(int(config["seed"]),),
        metrics=metrics,
        command=command(
            id,
            data="CORPUS" if corpus.own_data else "../shared/data",
            out="OUT",
            quick=bool(config["quick"]),
            seed=int(config["seed"]),
            options={name: value for name, value in config["options"].items() if value != defaults[name]},
        ),
        **own,
    )
