"""Small models to import."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder with one small model."""

    def make(name: str = "source", value: float = 1.0, **extra: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        save_file({"weight": np.full((4, 4), value, np.float32)}, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps({"hidden": 4}))
        (folder / "LICENSE").write_text("as you like")
        for file, text in extra.items():
            (folder / file.replace("__", ".")).write_text(text)
        return folder

    return make


@pytest.fixture(autouse=True)
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Resources of the test's own in place of the installed ones: a package without models so far."""
    root = tmp_path / "site" / "mien_resources"
    (root / "models").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(root.parent))
    monkeypatch.delitem(sys.modules, "mien_resources", raising=False)
    yield root / "models"
    sys.modules.pop("mien_resources", None)
