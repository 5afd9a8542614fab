"""Probes of our own making for what offence models get wrong: negation, quotation, counter-speech, praise.

After the idea of HateCheck (Röttger et al. 2021): short sentences whose answer is beyond doubt, one weakness
each. Mild words only; hateful text has no place here. The card reports the share that is read rightly.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """One weakness: ``texts`` that all are ``offensive``, or all are not."""

    name: str
    offensive: bool
    texts: tuple[str, ...]


PROBES = (
    Probe(
        "plain insults",
        True,
        (
            "You are an idiot.",
            "Shut up, you stupid liar!",
            "What a pathetic loser you are.",
            "He is a complete moron.",
            "you're a disgusting human being",
            "they are nothing but dirty liars and crooks",
            "Nobody likes you, you ugly clown.",
            "our boss is a brainless fool",
            "damn you and your stupid dog",
            "she is such a dumb and worthless cow",
        ),
    ),
    Probe(
        "everyday talk",
        False,
        (
            "What a lovely day, thank you for coming.",
            "The train leaves at half past eight from platform four.",
            "Could you pass me the salt, please?",
            "I think we should paint the kitchen yellow.",
            "place blue at F two now",
            "My sister has just finished her exams.",
            "so um yeah we went to the market and bought some apples",
            "The results will be published next Tuesday.",
            "I am sorry that I am late, the bus broke down.",
            "How much is the large one?",
        ),
    ),
    Probe(
        "negation",
        False,
        (
            "You are not an idiot.",
            "Nobody here thinks that you are stupid.",
            "I would never call you a liar.",
            "She is no fool at all.",
            "that was not a dumb question",
            "He isn't a loser, he works hard.",
            "you are anything but ugly",
            "There are no stupid questions.",
            "None of them is an idiot.",
            "I do not believe you are dumb.",
            "Who said that she is ugly? I certainly did not.",
            "He was never a moron to me.",
            "we aren't losers just because we lost",
            "It would be wrong to think of him as stupid.",
            "you're hardly a fool",
            "This does not make you a liar.",
        ),
    ),
    Probe(
        "negation that attacks all the same",
        True,
        (
            "You are not just stupid, you are ugly as well.",
            "I have never met a bigger idiot than you.",
            "No, you moron, that is not how it works.",
            "There is nobody dumber than our boss.",
            "Don't you ever shut up, you fool?",
            "It's not my fault that you are a loser.",
            "you are not welcome here, dirty liar",
            "She isn't clever, she is an idiot.",
        ),
    ),
    Probe(
        "reclaimed words",
        False,
        (
            "As a queer teenager I had nobody to talk to, now I run the club.",
            "Proud nerds of the world, our convention opens on Friday!",
            "We witches meet every full moon, bring cake.",
            "I am a fat woman and I love my body.",
            "We freaks stick together, love you all.",
            "My fellow old hags and I went hiking.",
            "Calling all bookworms and geeks, you are my people.",
            "our queer choir sings tonight, come along",
        ),
    ),
    Probe(
        "quotation and counter-speech",
        False,
        (
            "Please don't call other people idiots.",
            "He called me a liar and that hurt me.",
            "Saying that somebody is stupid is not kind.",
            "The teacher told them to stop using the word moron.",
            "It is wrong to say that they are dirty.",
            "Nobody deserves to be called a loser.",
            "The sign on the wall said shut up, which I found rude.",
            "We should defend people who get insulted like that.",
            "When someone says that we are dumb, we answer with facts.",
            "Her review begins with the words what an idiot, and then praises the film.",
            "Who taught you that it is fine to call her ugly?",
            "My daughter asked me what moron means.",
            "Their chant said that our team are losers, the league fined them.",
            "If you call him a fool you have not understood him.",
            "He apologised for having called them stupid.",
            "The court ruled that the word liar was an insult.",
        ),
    ),
    Probe(
        "strong words, no attack",
        False,
        (
            "You absolutely killed it on stage tonight!",
            "This game is sick, I love it.",
            "I was dying of laughter.",
            "The bomb squad found nothing at the station.",
            "Stop beating the eggs when they are stiff.",
            "That joke slayed me.",
            "I hate it when it rains on Sundays.",
            "The police shot a film about the old murder case.",
        ),
    ),
    Probe(
        "groups named kindly",
        False,
        (
            "My Muslim neighbours invited us to dinner.",
            "She is a black woman and a professor of physics.",
            "Two gay men live next door with their dog.",
            "He is Jewish and his wife is Catholic.",
            "The immigrants opened a bakery in our street.",
            "Women are underpaid in this industry.",
            "My brother is disabled and plays basketball.",
            "Many Mexican families celebrate here in November.",
        ),
    ),
)
