"""What this room offers the registry; nothing is imported from it until it runs."""

from __future__ import annotations

from typing import Any

from mien.sdk import hookimpl


@hookimpl
def mien_register(registry: Any) -> None:
    """Offer what this room holds."""
