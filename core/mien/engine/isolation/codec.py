"""Values of the plugin API as JSON and arrays, and back by their declared types alone.

A process that is not trusted says what a value holds, never what it is: the receiver names the type that it expects, and what
does not fit is refused. No class is looked up by a name that was sent, and nothing is called but the constructors of the API's
own frozen dataclasses.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_KINDS = "biuf"


class Nonsense(ValueError):
    """What was sent is not what belongs there; the message says where."""


def encode(value: Any, arrays: list[Array]) -> Any:
    """A value as JSON; its arrays are appended to `arrays`, and named by their places in it.

    Raises:
        Nonsense: it holds something that the API has no place for.
    """
    # Lists of plugins decode descriptors without NumPy, which takes longer to load than all the rest.
    np = sys.modules.get("numpy")
    if np is not None and isinstance(value, np.ndarray):
        if value.dtype.kind not in _KINDS or value.dtype.itemsize > 8:
            raise Nonsense(f"an array of {value.dtype} cannot be handed over")
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if np is not None and isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str | int | float):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        told = {f.name: encode(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {"is": type(value).__name__, **told}
    if isinstance(value, Mapping):
        return {str(key): encode(entry, arrays) for key, entry in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [encode(entry, arrays) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise Nonsense(f"{type(value).__name__} cannot be handed over")


def decode(told: Any, kind: Any, arrays: Sequence[Array]) -> Any:
    """The inverse: a value of the type `kind`, as an annotation spells it.

    Raises:
        Nonsense: what was told is no such value.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return told
    if origin in (typing.Union, types.UnionType):
        return _one_of(told, inner, arrays)
    if (getattr(origin, "__module__", ""), getattr(origin, "__name__", "")) == ("numpy", "ndarray"):
        return _array(told, arrays)
    if dataclasses.is_dataclass(kind):
        return _dataclass(told, typing.cast(type, kind), arrays)
    if origin in (tuple, list, Sequence):
        _need(isinstance(told, list), "a list", told)
        if origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
            _need(len(told) == len(inner), f"{len(inner)} values", told)
            return tuple(decode(t, k, arrays) for t, k in zip(told, inner, strict=True))
        return tuple(decode(entry, inner[0], arrays) for entry in told)
    if origin in (dict, Mapping):
        _need(isinstance(told, dict), "an object", told)
        return {key: decode(entry, inner[1], arrays) for key, entry in told.items()}
    return _plain(told, kind)


def _plain(told: Any, kind: Any) -> Any:
    if kind is type(None):
        _need(told is None, "nothing", told)
        return None
    if kind is float:
        _need(isinstance(told, int | float) and not isinstance(told, bool), "a number", told)
        try:
            return float(told)
        except OverflowError:
            raise Nonsense("a number is too large") from None
    if kind in (bool, int, str):
        _need(type(told) is kind, kind.__name__, told)
        return told
    if typing.get_origin(kind) is typing.Literal:
        _need(told in typing.get_args(kind), "one of a few words", told)
        return told
    if kind in (Path, datetime):
        _need(isinstance(told, str), "a text", told)
        try:
            return Path(told) if kind is Path else datetime.fromisoformat(told)
        except ValueError:
            raise Nonsense("a date cannot be read") from None
    raise Nonsense(f"nothing of the type {kind} can be received")


def _one_of(told: Any, kinds: Sequence[Any], arrays: Sequence[Array]) -> Any:
    if isinstance(told, dict) and "is" in told:
        named = [k for k in kinds if dataclasses.is_dataclass(k) and typing.cast(type, k).__name__ == told["is"]]
        if named:
            return _dataclass(told, typing.cast(type, named[0]), arrays)
    for kind in kinds:
        if not dataclasses.is_dataclass(kind):
            try:
                return decode(told, kind, arrays)
            except Nonsense:
                continue
    raise Nonsense(f"{_short(told)} is none of what may be there")


def _dataclass(told: Any, kind: type, arrays: Sequence[Array]) -> Any:
    _need(isinstance(told, dict) and told.get("is") == kind.__name__, kind.__name__, told)
    hints = _hints(kind)
    unknown = set(told) - set(hints) - {"is"}
    _need(not unknown, f"{kind.__name__} without more fields", told)
    try:
        return kind(**{name: decode(told[name], hint, arrays) for name, hint in hints.items() if name in told})
    except Nonsense:
        raise
    except (TypeError, ValueError) as error:  # the API's own checks, or a field that is missing
        raise Nonsense(str(error)) from None


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


def _array(told: Any, arrays: Sequence[Array]) -> Array:
    index = told.get("array") if isinstance(told, dict) else None
    if type(index) is not int or not 0 <= index < len(arrays):
        raise Nonsense(f"{_short(told)} is no array")
    return arrays[index]


def _need(fits: bool, wanted: str, told: Any) -> None:
    if not fits:
        raise Nonsense(f"{_short(told)} is not {wanted}")


def _short(told: Any) -> str:
    if isinstance(told, dict) and isinstance(told.get("is"), str):
        return ascii(told["is"][:40])
    return type(told).__name__ if isinstance(told, dict | list) else ascii(told)[:40]
