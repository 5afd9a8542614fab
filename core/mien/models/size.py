"""Nets that a description (`config.json`) asks for: nothing is allocated before it is known how much that would be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from mien.models.damage import reason

MOST: Final = 1 << 27
"""Numbers that a net may have: 512 MiB as float32, five times what the largest that comes with Mien has."""
PUBLIC: Final = 16 * MOST
"""Of the public models in the catalogue: the largest has 809 million, and may be counted twice, made and filled."""
_PARTS: Final = 20_000

Net = TypeVar("Net")


def bounded(make: Callable[[], Net], most: int = MOST) -> Net:
    """What `make` gives, which is stopped as soon as it has made too much.

    Layers take their memory untouched and fill it once it is registered: what is too large is refused before that.

    Args:
        most: numbers that it may have, parameters and buffers together.

    Raises:
        ValueError: it would be larger, or has a part without any numbers.
    """
    import torch
    from torch.nn.modules import module

    thread, parts, numbers = threading.get_ident(), 0, 0

    def count(_module: Any, _name: str, value: Any) -> None:
        nonlocal parts, numbers
        if threading.get_ident() != thread:
            return  # the hooks are all threads', and another may be making a net of its own
        if isinstance(value, torch.nn.Parameter) and not value.numel():
            raise ValueError("its config.json describes a net with a part of no numbers")
        parts += 1
        numbers += value.numel() if isinstance(value, torch.Tensor) else 0
        if numbers > most or parts > _PARTS:
            raise ValueError(f"its config.json describes a net of more than {most} numbers or {_PARTS} parts")

    hooks = [
        module.register_module_parameter_registration_hook(count),
        module.register_module_buffer_registration_hook(count),
        module.register_module_module_registration_hook(count),
    ]
    try:
        net = make()
    except (RuntimeError, MemoryError) as error:  # one part alone is more than the machine has, or can count
        raise ValueError(f"its config.json describes no net that can be made: {reason(error)}") from error
    finally:
        for hook in hooks:
            hook.remove()
    # What was copied as a whole was not registered part by part.
    if isinstance(net, torch.nn.Module) and sum(p.numel() for p in net.parameters()) > most:
        raise ValueError(f"its config.json describes a net of more than {most} numbers")
    return net
