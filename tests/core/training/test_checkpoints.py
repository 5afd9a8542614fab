"""Checkpoints and logs of a training of which something was damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from mien.errors import TrainingError
from mien.training.checkpoints import WholeCheckpointer
from mien.training.log import logged, shorten


@pytest.fixture
def saved(tmp_path: Path) -> WholeCheckpointer:
    made = WholeCheckpointer(tmp_path)
    made.add_recoverable("net", nn.Linear(2, 2))
    for loss in (0.5, 0.4):
        made.save_checkpoint(meta={"loss": loss}, name=str(loss))
    return made


@pytest.mark.parametrize("damaged", ["", "[1, 2]", "loss: [1", "end-of-epoch: true\nunixtime: now\nloss: 0.4\n"])
def test_a_checkpoint_whose_description_is_damaged_leaves_the_one_before(
    saved: WholeCheckpointer, damaged: str
) -> None:
    last = saved.find_checkpoint(min_key="loss")
    (last.path / "CKPT.yaml").write_text(damaged, encoding="utf-8")
    found = saved.find_checkpoint(min_key="loss")
    assert found.meta["loss"] == 0.5
    saved.load_checkpoint(found)
    assert last.path.is_dir()  # nobody took it away


def test_a_checkpoint_whose_weights_are_damaged_is_told_in_a_sentence(saved: WholeCheckpointer) -> None:
    last = saved.find_checkpoint(min_key="loss")
    (last.path / "net.ckpt").write_bytes(b"PK nothing")
    with pytest.raises(TrainingError, match=r"take its folder away .* --fresh to begin anew: .*0\.4"):
        saved.load_checkpoint(last)


def test_a_log_that_was_cut_short_loses_only_its_last_line(tmp_path: Path) -> None:
    log, line = (
        tmp_path / "log.jsonl",
        '{{"epoch": {}, "valid": {{"loss": 0.5}}, "train_loss": 1, "lr": 0.1, "seconds": 2}}\n',
    )
    log.write_text(line.format(1) + line.format(2) + line.format(3)[:20], encoding="utf-8")
    assert [epoch["epoch"] for epoch in logged(log)] == [1, 2]
    shorten(log, 1)
    assert [epoch["epoch"] for epoch in logged(log)] == [1]
    log.write_text("so it is\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="log of the training that was begun is damaged; add --fresh"):
        logged(log)
