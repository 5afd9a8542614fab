"""What it raises to read a model whose files are damaged, or another's than they should be, and how that is told."""

from __future__ import annotations

from typing import Final

from safetensors import SafetensorError

UNREADABLE: Final = (
    OSError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    SafetensorError,
)
"""A config.json may hold anything, and what it says goes into the making of a net before its weights are compared."""


def reason(error: BaseException) -> str:
    """The first line of what an error says, or its kind where it says nothing."""
    if "ignore_mismatched_sizes" in str(error):  # transformers speaks of its own options, and of a table in the log
        return "the weights have other shapes"
    return (str(error).strip() or type(error).__name__).splitlines()[0]
