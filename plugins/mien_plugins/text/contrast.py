"""Sentence pairs that differ in who is attacked, not in their words: negation, quotation and counter-speech.

Offence corpora hold few of them, so models learn that an insult's word decides (Röttger et al. 2021, "HateCheck";
training on such pairs: Gardner et al. 2020, "contrast sets"). The recipe mixes these into the offence task. Mild words
only. Neither the patterns nor the insults are those of `probes`, which measure what was learnt.
"""

from __future__ import annotations

import numpy as np

from mien_plugins.text.data import Texts

NOUNS = (
    "jerk", "creep", "twit", "coward", "weasel", "nitwit", "dimwit", "blockhead", "buffoon", "scumbag", "slob", "snob",
    "brat", "pig", "rat", "snake", "bore", "fraud", "hypocrite", "parasite", "cheat", "bully", "savage", "psycho",
)  # fmt: skip
WORDS = (
    "useless", "lazy", "selfish", "ridiculous", "nasty", "vile", "gross", "awful", "clueless", "hopeless", "greedy",
    "crazy", "rotten", "spineless", "shameless", "filthy", "hideous", "worthless", "mad", "insane",
)  # fmt: skip
WHO = (
    "you",
    "he",
    "she",
    "they",
    "my neighbour",
    "the new guy",
    "your brother",
    "that man",
    "our coach",
    "the minister",
)

QUIET = (
    "{who} {are} not {a} {noun}",
    "{who} {are} not {word} at all",
    "I don't think {who} {are} {word}",
    "I never said that {who} {are} {a} {noun}",
    "it is not true that {who} {are} {word}",
    "{who} {are} no {noun}",
    "{who} {are} neither {word} nor {a} {noun}",
    "nobody called {whom} {a} {noun}",
    "don't say that {who} {are} {word}",
    "why would anyone call {whom} {a} {noun}?",
    "calling someone {a} {noun} helps nobody",
    "they wrote {word} {noun} on her locker and she cried",
    "\"{noun}\" is what they shouted at us in the street",
    "my son was called {a} {word} {noun} at school today",
    "the word {noun} should not be used for people",
    "it hurts to be called {word}",
    "apologise for calling {whom} {a} {noun}",
    "people who say that {who} {are} {word} should be reported",
    "in the play he has to say that {who} {are} {a} {noun}",
    "the article explains why {noun} is an insult",
    "I used to believe that {who} {are} {word}, and I was wrong",
    "not everyone who disagrees with you is {a} {noun}",
    "a comment that said {who} {are} {word} was removed",
    "far from being {word}, {who} {are} kind",
)  # fmt: skip
"""Nobody is attacked, whatever the words."""

LOUD = (
    "{who} {are} {a} {noun}",
    "{who} {are} {word}",
    "{who} {are} such {a} {word} {noun}",
    "{who} {are} not only {word} but {a} {noun} too",
    "don't be {a} {noun}",
    "I can't believe how {word} {who} {are}",
    "it is not a secret that {who} {are} {a} {noun}",
    "nobody is as {word} as {whom}",
    "no wonder they left you, {noun}",
    "shame on {whom}, {word} {noun}",
    "{who} will never stop being {a} {noun}",
    "I called {whom} {a} {noun} because {who} {are} {a} {noun}",
    "stop lying, {word} {noun}",
    "they say {who} {are} {word} and they are right",
    "go away {noun}",
    "what {a} {word} {noun}",
)  # fmt: skip
"""Somebody is attacked, with the same words, negations included."""


def contrast(count: int, rng: np.random.Generator) -> Texts:
    """``count`` different sentences, as many quiet ones (0) as loud ones (1), drawn with ``rng``."""
    found: dict[str, int] = {}
    while len(found) < count:
        label = len(found) % 2
        patterns = LOUD if label else QUIET
        found.setdefault(_fill(str(rng.choice(patterns)), rng), label)
    return Texts(tuple(found), np.array(list(found.values()), np.int64))


def _fill(pattern: str, rng: np.random.Generator) -> str:
    who, noun, word = (str(rng.choice(words)) for words in (WHO, NOUNS, WORDS))
    next_word = word if "{a} {word}" in pattern else noun
    sentence = pattern.format(
        who=who,
        whom={"he": "him", "she": "her", "they": "them"}.get(who, who),
        are="are" if who in ("you", "they") else "is",
        a="an" if next_word[0] in "aeiou" else "a",
        noun=noun,
        word=word,
    )
    return sentence[0].upper() + sentence[1:] + str(rng.choice(["", ".", "!"]))
