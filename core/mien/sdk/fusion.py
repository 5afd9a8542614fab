"""Parameters that every fusion has: the grid it works on and how its curve becomes verdicts."""

from __future__ import annotations

import pydantic

from mien.sdk.params import Params, param


class FusionParams(Params):
    """Base of a fusion's parameters. A verdict begins where the fused score reaches `threshold` and ends where it falls
    below `threshold − hysteresis`; verdicts nearer than `merge_gap` become one, shorter ones than `min_length` are dropped.
    """

    hop: float = param(0.25, "spacing of the common time grid", unit="s", ge=0.02, le=10)
    threshold: float = param(0.7, "fused score at which a verdict begins", ge=0, le=1)
    hysteresis: float = param(0.1, "how far the score may fall back before the verdict ends", ge=0, le=1)
    min_length: float = param(0.5, "shortest verdict", unit="s", ge=0, le=60)
    merge_gap: float = param(0.5, "verdicts nearer than this are one", unit="s", ge=0, le=60)

    @pydantic.model_validator(mode="after")
    def _release_above_zero(self) -> FusionParams:
        if self.hysteresis > self.threshold:
            raise ValueError("hysteresis must not be larger than threshold")
        return self
