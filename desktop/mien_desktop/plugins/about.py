"""What a parameter model says of one of its fields: kind, bounds, unit, choices. No widgets."""

from __future__ import annotations

import enum
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from mien.sdk.params import Params

Kind = Literal["bool", "choice", "int", "float", "text", "path", "other"]


@dataclass(frozen=True)
class About:
    """One parameter.

    Args:
        name: as settings and recipes spell it; title: as people read it.
        unit: physical unit or empty.
        kind: which editor it wants.
        optional: whether None may be given.
        default: as the model has it.
        choices: values of a `Literal` or an enum.
        low, high: bounds, None where there is none; *_open: whether the bound itself is outside.
        required: whether the model has no default for it.
    """

    name: str
    title: str
    description: str
    unit: str
    kind: Kind
    optional: bool
    default: Any
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    required: bool = False

    @property
    def extent(self) -> str:
        """The bounds in words with the unit: `0.5 … 30 s`, `at least 1`; the unit alone where there are none."""
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            return f"{'over ' * self.low_open}{shown(self.low)} … {'under ' * self.high_open}{shown(self.high)}{unit}"
        if self.low is not None:
            return f"{'over' if self.low_open else 'at least'} {shown(self.low)}{unit}"
        if self.high is not None:
            return f"{'under' if self.high_open else 'at most'} {shown(self.high)}{unit}"
        return self.unit

    def told(self, value: Any) -> str:
        """A value as it is shown, with the unit."""
        return f"{shown(value)} {self.unit}" if self.unit and value is not None else shown(value)


def about(model: type[Params]) -> list[About]:
    """The fields of a parameter model, in its order."""
    return [_about(name, info) for name, info in model.model_fields.items()]


def shown(value: Any) -> str:
    """A value in words: `on`, `0.25`, `none`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        short = f"{value:.10g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, enum.Enum):
        return str(value.value)
    return str(value)


def _about(name: str, info: FieldInfo) -> About:
    kind, choices, optional = _kind(info.annotation)
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    low = high = None
    low_open = high_open = False
    for rule in info.metadata:
        for key in ("ge", "gt"):
            if getattr(rule, key, None) is not None:
                low, low_open = getattr(rule, key), key == "gt"
        for key in ("le", "lt"):
            if getattr(rule, key, None) is not None:
                high, high_open = getattr(rule, key), key == "lt"
    required = info.is_required()
    return About(
        name=name,
        title=info.title or name.replace("_", " ").capitalize(),
        description=(info.description or "").strip(),
        unit=str(extra.get("unit", "") or ""),
        kind=kind,
        optional=optional,
        default=None if required else info.get_default(call_default_factory=True, validated_data={}),
        choices=choices,
        low=low,
        high=high,
        low_open=low_open,
        high_open=high_open,
        required=required,
    )


def _kind(annotation: Any) -> tuple[Kind, tuple[Any, ...], bool]:
    """(editor, choices, whether None is allowed) of a type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in (Union, types.UnionType):
        inner = [a for a in arguments if a is not type(None)]
        optional = len(inner) < len(arguments)
        if len(inner) == 1:
            kind, choices, _ = _kind(inner[0])
            return kind, choices, optional
        if set(inner) == {int, float}:
            return "float", (), optional
        return "other", (), optional
    if origin is Literal:
        return "choice", tuple(a for a in arguments if a is not None), None in arguments
    if isinstance(annotation, type):
        if issubclass(annotation, enum.Enum):
            return "choice", tuple(annotation), False
        simple: tuple[tuple[type, Kind], ...] = (
            (bool, "bool"), (int, "int"), (float, "float"), (str, "text"), (Path, "path")
        )  # fmt: skip
        for known, kind in simple:
            if issubclass(annotation, known):
                return kind, (), False
    return "other", (), False
