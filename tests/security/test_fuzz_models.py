"""What a model's config.json may ask for: anything, and it is a net or one sentence before any memory is taken.

As in `test_fuzz_readers.py`: few examples with all tests, many with `make faults`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as st

from mien.errors import ModelError
from mien.models import store
from mien.models.damage import UNREADABLE, reason
from mien.models.size import bounded

from .fuzzing import Parsers, Way, anything, at, made_tests, places, spoilt

SHIPPED = sorted(path.parent for path in (store.bundled_models() or Path()).glob("*/config.json"))
SHAPING = ("net", "nets", "gates", "variant", "features", "views", "classes", "family", "max_tokens", "neighbours")
ALIKE = [f"fusion-{name}" for name in ("crossmodal", "hierarchical", "residual", "self", "intra", "intra-cross")]
"""Built as others are, of which one is enough."""
HUGE = 10**9
PATIENCE = 20.0
"""s that no refusal takes; each is a matter of milliseconds."""

PARSERS = Parsers()


def _load(folder: Path) -> object:
    """As analyses load it; those that leave it to their callers to tell do so in the same words."""
    name = folder.name
    if name == "conflictnet":
        from mien_plugins.conflict.model import load_net

        return load_net(folder)
    if name == "emotion-mtl":
        from mien_plugins.emotion.reader import load

        return load(folder)
    if name == "fusion-mml":
        from mien_plugins.fusion.mml_net import Mml

        return Mml.load(folder)
    if name.startswith("fusion-"):
        from mien_plugins.fusion.attention import AttentionFusion
        from mien_plugins.fusion.info import TrainedParams

        context: Any = SimpleNamespace(model=lambda _: folder, device="cpu", precision="float32", note=lambda _: None)
        return AttentionFusion().prepare([], TrainedParams(), context)
    from mien_plugins.face.reader import ExpressionReader
    from mien_plugins.text.model import TextModel

    try:
        return {"face-affect": ExpressionReader.load, "text-offence": TextModel.load}[name](folder)
    except UNREADABLE as error:
        raise ModelError(f"It cannot be read: {reason(error)}") from error


def _fuzz(model: Path) -> None:
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    shaping = [place for place in places(config) if place[0] in SHAPING]
    sizes = st.sampled_from([HUGE, -HUGE, 0, -1, 1, 2, 10**5, 2**31, 2**63, 1e300, [HUGE] * 3])
    changes = st.dictionaries(st.sampled_from(shaping), sizes | anything, min_size=1, max_size=2)

    def parse(example: dict[Way, Any], folder: Path) -> object:
        return _load(spoilt(model, folder, example))

    PARSERS[model.name] = (changes, parse)


for _model in SHIPPED:
    if _model.name not in ALIKE:
        _fuzz(_model)


@pytest.mark.parametrize("model", SHIPPED, ids=lambda path: path.name)
def test_a_billion_channels_are_one_sentence_at_once(model: Path, tmp_path: Path) -> None:
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    sizes = [p for p in places(config) if p[0] == "net" and type(at(config, p)) is int]
    _load(spoilt(model, tmp_path, {}))
    refused = 0
    for place in [*sizes, *([("nets",)] if "nets" in config else [])]:
        begun = time.monotonic()
        told = ""
        try:
            _load(spoilt(model, tmp_path, {place: HUGE}))
            print("loads", model.name, place)
        except ModelError as error:
            told = str(error)
        refused += bool(told)
        assert "\n" not in told
        assert time.monotonic() - begun < PATIENCE, place
    assert refused or not sizes


def test_a_net_is_stopped_before_it_takes_memory_and_is_made_as_ever() -> None:
    import resource

    import torch
    from torch import nn

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    too_large: list[Callable[[], Any]] = [
        lambda: nn.Linear(HUGE, HUGE),
        lambda: nn.Linear(HUGE, 2),
        lambda: nn.LSTM(HUGE, HUGE),
        lambda: nn.Embedding(HUGE, 2),
        lambda: nn.ModuleList(nn.Linear(1, 1) for _ in range(HUGE)),
    ]
    for make in too_large:
        with pytest.raises(ValueError, match="describes"):
            bounded(make)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB
    torch.manual_seed(1)
    plain = nn.LSTM(3, 4).state_dict()
    torch.manual_seed(1)
    for name, value in bounded(lambda: nn.LSTM(3, 4)).state_dict().items():
        assert torch.equal(value, plain[name])


test_any_config_is_a_net_or_a_sentence, test_very_many_configs = made_tests(PARSERS)
