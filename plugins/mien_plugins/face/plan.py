"""How long, on which pictures and at which rates the face net learns."""

from __future__ import annotations

from dataclasses import dataclass, replace

SIDE_READ = 48
"""Side, in pixels, of the pictures that trained nets read: that of FER2013's."""


@dataclass(frozen=True)
class Plan:
    """One training.

    phases: (epochs, side of the pictures in pixels); the last side is the one the net reads faces at.
    fall: the last epochs, over which the rate falls to 0 in a straight line; it is constant before (after `warm_up`
    updates), so that how long a training goes on need not be known when it begins.
    batch: faces per update. rate: of Muon's matrices. rest_rate: of what AdamW trains.
    average: decay of the mean of the weights, which is what is measured and kept.
    faces: at most so many faces to learn from and a quarter of them to choose by; None takes all.
    views: (net, zoom): which net reads faces at which share of their side; as many nets are trained as are named here.
    precision: of the net's passes; its weights and the optimiser stay in float32. Updates take two thirds of the time
    in bfloat16 where the processor computes in it (AVX-512 BF16, AMX, CUDA), and longer where it does not.
    """

    phases: tuple[tuple[int, int], ...]
    fall: int
    batch: int = 64
    rate: float = 0.02
    rest_rate: float = 2e-3
    decay: float = 0.02
    smoothing: float = 0.1
    average: float = 0.998
    warm_up: int = 200
    faces: int | None = None
    views: tuple[tuple[int, float], ...] = ((0, 1.0), (0, 1.1))
    precision: str = "bf16"

    @property
    def nets(self) -> int:
        """Nets that are trained, each from a seed of its own."""
        return 1 + max(net for net, _ in self.views)

    @property
    def epochs(self) -> int:
        """Epochs in all."""
        return sum(epochs for epochs, _ in self.phases)

    @property
    def side(self) -> int:
        """Side of the pictures that the trained net reads."""
        return self.phases[-1][1]

    def side_at(self, epoch: int) -> int:
        """Side of the pictures in this epoch, counted from 1."""
        last = 0
        for epochs, side in self.phases:
            last += epochs
            if epoch <= last:
                return side
        return self.side

    def rate_at(self, step: int, per_epoch: int) -> float:
        """Factor on the rates after so many updates, with so many of them per epoch."""
        warm = min(1.0, (step + 1) / min(self.warm_up, self.epochs * per_epoch))
        left = (self.epochs * per_epoch - step) / max(1, self.fall * per_epoch)
        return warm * max(0.0, min(1.0, left))


# Two nets with a view each cost what one with both does, and read 0.664 of the validation part rightly instead of 0.655.
# Small pictures first (progressive resizing): at 32 pixels an epoch costs less than half of one at 48.
FULL = Plan(phases=((18, 32), (26, SIDE_READ)), fall=12, views=((0, 1.0), (1, 1.1)))
QUICK = Plan(phases=((4, 32), (2, SIDE_READ)), fall=2)


def at_side(plan: Plan, side: int) -> Plan:
    """The same on pictures that grow to `side` pixels, each a multiple of 16, by which the coarsest branch shrinks them."""
    return replace(
        plan, phases=tuple((epochs, 16 * round(seen * side / plan.side / 16)) for epochs, seen in plan.phases)
    )


def own_plan(begun: bool, quick: bool, epochs: int | None = None, batch: int = 32) -> Plan:
    """How the net learns from a user's own faces, of which there are few.

    begun: from trained weights, which large steps would undo: a tenth of the rates, reached soon; all pictures at full size.
    epochs: in all.
    """
    if begun:
        whole = epochs or (4 if quick else 20)
        usual = replace(
            FULL, phases=((whole, SIDE_READ),), rate=FULL.rate / 10, rest_rate=FULL.rest_rate / 10, warm_up=10
        )
    else:
        usual = QUICK if quick else FULL
        whole = epochs or usual.epochs
        small = whole * usual.phases[0][0] // usual.epochs
        usual = replace(usual, phases=(*(((small, 32),) if small else ()), (whole - small, SIDE_READ)))
    return replace(usual, fall=max(1, round(usual.phases[-1][0] / 2)), batch=batch)
