"""Parameters: a pydantic model per plugin, frozen, nothing unknown accepted, a unit and bounds on every field."""

from __future__ import annotations

from typing import Any

import pydantic


class Params(pydantic.BaseModel):
    """Base of every plugin's parameters.

    Give each field a default, a description, bounds, and its unit as `json_schema_extra={"unit": "s"}`.
    """

    # Descriptors are listed far more often than parameters are checked: the validator is built when first needed.
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class NoParams(Params):
    """For plugins that have none."""


def param(default: Any, description: str, *, unit: str = "", **bounds: Any) -> Any:
    """A field of `Params` with its description, unit and bounds (`ge`, `gt`, `le`, `lt`)."""
    return pydantic.Field(default, description=description, json_schema_extra={"unit": unit}, **bounds)
