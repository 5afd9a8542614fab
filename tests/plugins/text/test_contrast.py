"""Contrast pairs: as many quiet ones as loud ones, the same words in both, and nothing that the probes measure."""

import numpy as np

from mien_plugins.text.clean import as_spoken
from mien_plugins.text.contrast import LOUD, NOUNS, QUIET, WORDS, contrast
from mien_plugins.text.probes import PROBES


def test_half_of_them_attack_nobody():
    found = contrast(600, np.random.default_rng(0))
    assert len(set(found.text)) == 600
    assert found.target.sum() == 300
    insults = set(NOUNS) | set(WORDS)
    for label in (0, 1):
        words = {w for text, own in zip(found.text, found.target, strict=True) if own == label for w in text.split()}
        assert len({w.strip('".!?,').lower() for w in words} & insults) > 0.9 * len(insults)


def test_they_are_the_same_for_the_same_seed():
    one, other = (contrast(50, np.random.default_rng(7)) for _ in range(2))
    assert one.text == other.text
    assert contrast(50, np.random.default_rng(8)).text != one.text


def test_articles_and_verbs_fit():
    text = " ".join(contrast(800, np.random.default_rng(1)).text).lower()
    text = text.replace("disagrees with you is", "")  # rightly so
    for wrong in ("you is", "they is", "he are", "a awful", "an jerk", "a insane", "{"):
        assert wrong not in text


def test_the_probes_measure_other_sentences_and_other_insults():
    probed = {as_spoken(text) for probe in PROBES for text in probe.texts}
    assert not probed & {as_spoken(text) for text in contrast(3000, np.random.default_rng(2)).text}
    attacked = {w for probe in PROBES if probe.name in ("negation", "quotation and counter-speech") for w in
                " ".join(as_spoken(t) for t in probe.texts).split()}  # fmt: skip
    assert not attacked & (set(NOUNS) | set(WORDS))
    assert len(QUIET) >= len(LOUD) > 10
