"""A tiny plugin written for API 1, frozen: this file is never changed, and must load and run in every version to come."""

from mien.sdk import (
    Analysis,
    AnalyzerInfo,
    Audio,
    Block,
    Context,
    ExporterInfo,
    Fused,
    FusionInfo,
    FusionParams,
    MediaInfo,
    Params,
    Reads,
    Writes,
    hookimpl,
    param,
)
from mien.tracks import Curve, Quantity, Spans, probability

PEAK = Quantity("peak", "", 0.0, 1.0, "silent", "full scale")
LOUD = probability("loud")


class PeakParams(Params):
    window: float = param(0.5, "length of a window", unit="s", gt=0, le=10)


def peak_inputs(params):
    return (Audio(8000, window=params.window),)


class Peak:
    def prepare(self, media: MediaInfo, params: PeakParams, ctx: Context) -> None:
        self.duration = media.duration
        self.params = params
        assert (ctx.device, ctx.precision) == ("cpu", "float32")
        assert ctx.threads >= 1
        ctx.rng.random()
        ctx.log.debug("prepared")
        ctx.note("The loudest sample of each window.")

    def process(self, block: Block):
        if block.windows is not None:
            w = block.windows
            values = abs(w.samples).max(axis=1, keepdims=True).clip(0, 1)
            yield Curve("frozen.peak", w.starts + w.valid / w.rate / 2, values, (PEAK,))

    def finish(self):
        return ()

    def close(self) -> None:
        pass


class Loud:
    def prepare(self, media, params, ctx) -> None:
        self.ctx = ctx

    def process(self, block):
        self.ctx.check_cancelled()
        for piece in block.tracks.get("frozen.peak", ()):
            rows = zip(piece.times, piece.values[:, 0], strict=True)
            found = [(t, t, "loud", "", float(v)) for t, v in rows if v > 0.2]
            yield Spans.of("frozen.loud", found)

    def finish(self):
        self.ctx.progress(1.0)
        return ()

    def close(self) -> None:
        pass


class Only:
    def prepare(self, tracks, params, ctx) -> None:
        self.tracks = tracks

    def fuse(self, grid) -> Fused:
        import numpy as np

        there = grid.mask.get("frozen.peak", np.zeros(grid.times.size, bool))
        said = grid.values["frozen.peak"][:, 0] if there.any() else np.zeros(grid.times.size)
        score = np.where(there, said, np.nan).astype(np.float32)
        return Fused(score, there[:, None].astype(np.float32), ("sound",), score[:, None])


class Names:
    def export(self, analysis: Analysis, target, params) -> list:
        target.write_text("\n".join(sorted(analysis.tracks)))
        return [target]


@hookimpl
def mien_register(registry) -> None:
    registry.analyzer(
        AnalyzerInfo(
            id="frozen.peak",
            title="Peak",
            version="1",
            factory="frozen_api1:Peak",
            params=PeakParams,
            description="The loudest sample of each window.",
            licence="Apache-2.0",
            api=1,
            modality="sound",
            inputs=peak_inputs,
            outputs=(Writes("frozen.peak", "curve", (PEAK,)),),
            devices=("cpu",),
            default=False,
        )
    )
    registry.analyzer(
        AnalyzerInfo(
            id="frozen.loud",
            title="Loud",
            version="1",
            factory="frozen_api1:Loud",
            api=1,
            modality="sound",
            inputs=(Reads("frozen.peak"),),
            outputs=(Writes("frozen.loud", "spans", (LOUD,)),),
            default=False,
        )
    )
    registry.fusion(
        FusionInfo(
            id="fusion.frozen",
            title="Only",
            version="1",
            factory="frozen_api1:Only",
            params=FusionParams,
            api=1,
            accepts=("frozen.peak",),
        )
    )
    registry.exporter(
        ExporterInfo(id="frozen", title="Names", version="1", factory="frozen_api1:Names", api=1, suffix=".txt")
    )
