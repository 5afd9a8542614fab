"""`docs/plugins.md` says what the API's docstrings say, with a heading for every hook and method."""

from __future__ import annotations

from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs" / "plugins.md"


def test_the_reference_is_what_the_docstrings_say() -> None:
    """If not: replace it by what `python -m mien.sdk.conformance.reference` prints."""
    from mien.sdk.conformance.reference import HEADING, reference

    text = DOCS.read_text(encoding="utf-8")
    assert text[text.index(f"\n{HEADING}\n") + 1 :] == reference()


@pytest.mark.parametrize(
    "heading",
    [
        "Hooks.mien_register(registry: Registry) -> None",
        "Analyzer.process(block: Block) -> Iterable[AnyTrack]",
        "Fusion.fuse(grid: Aligned) -> Fused",
        "Exporter.export(analysis: Analysis, target: Path, params: Params) -> list[Path]",
        "Context.rng: np.random.Generator",
    ],
)
def test_signatures_are_exact(heading: str) -> None:
    assert f"\n#### `{heading}`\n" in DOCS.read_text(encoding="utf-8")


def test_every_hook_and_protocol_is_in_it() -> None:
    """A protocol or hook that is added later must get its heading too."""
    from mien.sdk import hooks, protocols
    from mien.sdk.conformance.reference import members, signature

    text = DOCS.read_text(encoding="utf-8")
    found = [
        (owner, name)
        for module in (hooks, protocols)
        for owner in vars(module).values()
        if isinstance(owner, type)
        and owner.__module__ == module.__name__
        and (getattr(owner, "_is_protocol", False) or owner is hooks.Hooks)
        for name in members(owner)
    ]
    assert len(found) >= 25
    for owner, name in found:
        assert f"\n#### `{signature(owner, name)}`\n" in text
        entry = vars(owner)[name]
        assert (entry.fget if isinstance(entry, property) else entry).__doc__, f"{owner.__name__}.{name} says nothing"


def test_every_type_that_a_plugin_can_meet_is_in_it() -> None:
    """What `mien.sdk` offers, and what its signatures name."""
    from mien import sdk
    from mien.sdk.correction import Correction

    text = DOCS.read_text(encoding="utf-8")
    reference = text[text.index("\n## Reference\n") :]
    types = [one for name in sdk.__all__ if isinstance(one := getattr(sdk, name), type)]
    assert len(types) >= 30
    for one in (*types, Correction):
        assert f"`{one.__name__}`\n" in reference, f"{one.__name__} has no heading"
        assert one.__doc__
