"""Where models run: the best device that works, the precision that fits it, and what a run's record says of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mien.engine import backend
from mien.engine.backend import Backend, available, select
from mien.errors import DeviceError
from mien.library.library import Library


def test_auto_takes_the_best_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    works = {"mps": "A GPU", "cpu": "A CPU"}
    monkeypatch.setattr(backend, "_candidates", lambda: ["cuda:0", "cuda:1", "mps", "cpu"])
    monkeypatch.setattr(backend, "_try", lambda device: works.get(device, ""))
    assert select("auto").device == "mps"
    assert select().name == "A GPU"
    works["cuda:1"] = "A card"
    assert select("auto") == Backend("cuda:1", "float32", "A card", backend.cores())
    assert [device for device, _ in available()] == ["cuda:1", "mps", "cpu"]
    with pytest.raises(DeviceError, match=r"cuda:0 is not there .*; choose what this machine has: cuda:1, mps, cpu"):
        select("cuda")


def test_a_card_that_is_listed_and_does_not_compute_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_candidates", lambda: ["cuda:77", "cpu"])
    assert select("auto").device == "cpu"
    with pytest.raises(DeviceError, match="choose what this machine has: cpu"):
        select("cuda:77")


def test_precision_is_what_was_asked_for_where_the_device_has_it() -> None:
    assert select("cpu").precision == "float32"
    assert select("cpu", "bfloat16", threads=2) == Backend("cpu", "bfloat16", backend._try("cpu"), 2)
    with pytest.raises(DeviceError, match="float16 needs a GPU"):
        select("cpu", "float16")
    with pytest.raises(DeviceError, match="There is no precision 'float8'"):
        select("cpu", "float8")


@pytest.mark.parametrize(
    ("most", "device", "says"),
    [
        (2, "cuda:0", "cuda:0 ran out of memory; smaller batches were used."),
        (0, "cpu", "cuda:0 ran out of memory; the rest ran on the CPU."),
    ],
)
def test_a_gpu_that_is_too_small_is_in_the_runs_record(
    run: Any, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, device: str, says: str
) -> None:
    """The plugin raises what torch raises where more than so many windows come at once to a card."""
    import tiny_plugins  # type: ignore[import-not-found]
    import torch

    class Hungry(tiny_plugins.Level):  # type: ignore[misc, name-defined]
        def process(self, block: Any) -> Any:
            if self.ctx.device != "cpu" and block.windows is not None and block.windows.starts.size > most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return list(super().process(block))

    plain, _ = run(clip, "level")
    with Library(tmp_path / "library.db") as library:
        expected = library.medium(plain.medium).tracks()["tiny.level"]
        library.remove(plain.medium)
    monkeypatch.setattr(tiny_plugins, "Level", Hungry)
    monkeypatch.setattr("mien.engine.run.select", lambda *asked: Backend("cuda:0", "float16", "A card", 1))
    done, events = run(clip, "level")
    assert done.failed == {}
    with Library(tmp_path / "library.db") as library:
        (record,) = library.medium(done.medium).runs()
        found = library.medium(done.medium).tracks()["tiny.level"]
    assert record.device == device
    assert says in record.notes
    assert next(e for e in events if type(e).__name__ == "Finished").notes == record.notes
    assert found.times.tolist() == expected.times.tolist()
    assert found.values.tolist() == expected.values.tolist()


@pytest.mark.parametrize(
    ("asks", "expected"),
    [((), ("cpu", "float32")), (("device",), ("cuda:0", "float32")), (("device", "precision"), ("cuda:0", "float16"))],
    ids=["nothing", "the device", "both"],
)
def test_the_record_says_what_a_plugin_really_computed_on(
    run: Any, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asks: tuple[str, ...], expected: Any
) -> None:
    """One that never asked for the device was on the CPU, whatever the others were on; and so with the precision."""
    import tiny_plugins  # type: ignore[import-not-found]

    class Asks(tiny_plugins.Level):  # type: ignore[misc, name-defined]
        def prepare(self, media: Any, params: Any, ctx: Any) -> None:
            super().prepare(media, params, ctx)
            for what in asks:
                getattr(ctx, what)

    monkeypatch.setattr(tiny_plugins, "Level", Asks)
    monkeypatch.setattr("mien.engine.run.select", lambda *asked: Backend("cuda:0", "float16", "A card", 1))
    done, _ = run(clip, "level", "loud", fusion="tiny")
    with Library(tmp_path / "library.db") as library:
        records = {r.analyzer: (r.device, r.precision) for r in library.medium(done.medium).runs()}
    assert records == {"tiny.level": expected, "tiny.loud": ("cpu", "float32"), "fusion.tiny": ("cpu", "float32")}
