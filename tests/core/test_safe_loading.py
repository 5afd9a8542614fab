"""Nothing is unpickled and no remote code runs: no call in the sources could do it, whatever file it is given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for room in ("core", "plugins", "desktop") for path in (ROOT / room).rglob("*.py"))
FORBIDDEN = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "dill.load", "cloudpickle.load", "joblib.load"),
    *("marshal.load", "marshal.loads", "shelve.open", "torch.jit.load", "torch.hub.load", "yaml.unsafe_load"),
    *("yaml.full_load", "load_hyperpyyaml", "hyperpyyaml.load_hyperpyyaml", "eval", "exec"),
}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """(dotted name, call) of every call in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def given(call: ast.Call, name: str) -> str:
    """What a call passes for a keyword, as source; empty when it does not."""
    return next((ast.unparse(k.value) for k in call.keywords if k.arg == name), "")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_call_can_run_what_a_file_says(path: Path) -> None:
    for name, call in calls(path):
        where = f"{path.name}:{call.lineno}"
        assert name not in FORBIDDEN, where
        assert given(call, "trust_remote_code") in ("", "False"), where
        assert given(call, "allow_pickle") in ("", "False"), where
        if name == "torch.load":
            assert given(call, "weights_only") == "True", where
        if name.endswith("yaml.load"):
            assert "SafeLoader" in given(call, "Loader"), where
        if name.endswith(".from_pretrained"):
            assert given(call, "local_files_only") == "True", f"{where} could go to the network"
            assert given(call, "use_safetensors") in ("", "True"), where
