"""Speed of the text model that ships: utterances of 15 words on two cores, together beside one at a time (`make bench`)."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mien_plugins.text.info import TextParams
from mien_plugins.text.model import TextModel

pytestmark = pytest.mark.benchmark(group="text")
MODEL = Path(__file__).resolve().parents[2] / "resources" / "models" / "text-offence"
WORDS, COUNT, ALONE, AT_LEAST = 15, 300, 60, 150.0
COMMON = (
    "the of to and a in that it is was he for on are with they be at one have this from or had by but what some we can out "
    "other were all there when up use your how said each she which do their time if will way about many then them would like"
)


@pytest.fixture(scope="module")
def utterances():
    """Three hundred utterances of fifteen of the commonest English words, as a recogniser writes them."""
    pick = random.Random(0)
    words = COMMON.split()
    return [" ".join(pick.choices(words, k=WORDS)) for _ in range(COUNT)]


def test_reading_utterances_on_two_cores(utterances, benchmark):
    model, tokens = TextModel.load(MODEL), TextParams().batch_tokens
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        together = model.read(utterances, max_batch_tokens=tokens)
        benchmark.pedantic(model.read, (utterances,), {"max_batch_tokens": tokens}, rounds=5)
        alone, begun = [], time.perf_counter()
        for text in utterances[:ALONE]:
            alone.append(model.read([text]).offence[0])
        each_alone = (time.perf_counter() - begun) / ALONE
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(together.offence[:ALONE], alone, atol=1e-3)
    each = benchmark.stats.stats.median / COUNT
    benchmark.extra_info.update(
        {
            "utterances": COUNT,
            "words each": WORDS,
            "utterances a second": round(1 / each, 1),
            "times one at a time": round(each_alone / each, 2),
        }
    )
    print(
        f"{1 / each:.0f} utterances of {WORDS} words a second, {each_alone / each:.2f} times as fast as one at a time"
    )
    assert 1 / each >= AT_LEAST
