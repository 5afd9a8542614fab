"""Corrections stand beside predictions and outlive them."""

from __future__ import annotations

from mien.library import Library


def test_corrections_are_kept_beside_the_prediction(library: Library, medium, transcript) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    run.write(transcript("helo"))
    run.complete()
    made = library.correct(
        medium,
        "speech.transcript",
        start=0.0,
        end=1.5,
        field="text",
        old="helo",
        new="hello",
        author="Ada",
        note="mumbled",
        run=run.run_id,
    )
    library.correct(
        medium, "face.affect", start=3.0, end=4.0, field="valence", old=0.2, new=-0.5, author="Ada", person=2
    )
    assert medium.tracks()["speech.transcript"].text == ("helo",)
    first, second = medium.corrections()
    assert first == made
    assert (first.old, first.new, first.author, first.note, first.run_id) == (
        "helo",
        "hello",
        "Ada",
        "mumbled",
        run.run_id,
    )
    assert (second.new, second.person, second.run_id) == (-0.5, 2, None)
    assert medium.corrections("face.affect") == [second]
    library.withdraw(second)
    assert medium.corrections() == [first]


def test_a_correction_may_clear_a_value(library: Library, medium) -> None:
    library.correct(medium, "t", start=0, end=1, field="label", old="offensive", new=None, author="Ada")
    assert medium.corrections()[0].new is None
