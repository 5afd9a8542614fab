"""`mien plugins install` and `remove`: into an environment of the plugin's own, and into Mien's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mien.cli.app import run
from mien.cli.plugins_new import new_plugin

PROJECTS = {"analyzer": "loud-curve", "fusion": "loudest", "exporter": "tab-text"}
IDS = ("loud-curve", "fusion.loudest", "tab-text")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of an analyzer, written from the template, that offers a fusion and an exporter of the template too."""
    folder = tmp_path_factory.mktemp("project")
    for kind, name in PROJECTS.items():
        new_plugin(name, kind, folder / name)
    whole = folder / "loud-curve"
    entries = ""
    for name in ("loudest", "tab-text"):
        package = f"mien_{name.replace('-', '_')}"
        (folder / name / "src" / package).rename(whole / "src" / package)
        entries += f'{name} = "{package}.info"\n'
    text = (whole / "pyproject.toml").read_text()
    text = text.replace('loud-curve = "mien_loud_curve.info"\n', f'loud-curve = "mien_loud_curve.info"\n{entries}')
    (whole / "pyproject.toml").write_text(text)
    return whole


@pytest.fixture(scope="module")
def home(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home where that project is installed apart, without a network."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(home))
        patch.setenv("MIEN_OFFLINE", "1")
        patch.setenv("MIEN_PLUGINS", "")
        assert run(["plugins", "install", str(project), "--isolated", "--json"]) == 0
    return home


@pytest.fixture
def installed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(home))
    monkeypatch.setenv("MIEN_PLUGINS", "")
    return home


def wheel(folder: Path, name: str, module: str, text: str) -> Path:
    """A wheel of one module with an entry point, as pip builds them."""
    package = name.replace("-", "_")
    place = folder / f"{package}-1.0-py3-none-any.whl"
    info = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(place, "w") as file:
        file.writestr(f"{module}.py", text)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/entry_points.txt", f"[mien]\n{module} = {module}\n")
        file.writestr(f"{info}/RECORD", "")
    return place


EXPORTER = """
from mien.sdk import ExporterInfo, hookimpl
@hookimpl
def mien_register(registry):
    registry.exporter(ExporterInfo(id="{id}", title="One", version="1", factory="nowhere:Never"))
"""


def test_it_is_listed_without_its_code(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["broken"] == []
    found = {entry["id"]: entry for group in ("analyzers", "fusions", "exports") for entry in listed[group]}
    for plugin in IDS:
        assert found[plugin]["isolated"] is True
        assert found[plugin]["package"] == "mien-loud-curve 0.1.0"
    assert found["text"]["isolated"] is False
    window = found["loud-curve"]["params"]["properties"]["window"]
    assert (window["minimum"], window["maximum"], window["unit"], window["default"]) == (0.02, 10, "s", 0.4)
    assert not [name for name in sys.modules if name.startswith(("mien_loud", "mien_tab"))]
    assert run(["plugins", "loud-curve"]) == 0
    assert "in an environment of its own" in capsys.readouterr().out


def test_the_list_starts_no_environment_and_loads_nothing_heavy(installed: Path) -> None:
    """What was written down when it was installed is read, which takes no time to speak of."""
    program = (
        "import sys\n"
        "started = []\n"
        "sys.addaudithook(lambda event, _: started.append(event) if event in ('subprocess.Popen', 'os.fork') else None)\n"
        "from mien.cli.app import run\n"
        "assert run(['plugins']) == 0\n"
        "assert not started, started\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'sqlalchemy', 'mien_loud_curve'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert all(plugin in done.stdout for plugin in IDS)


def test_it_runs_in_its_environment(installed: Path, tmp_path: Path, clip: Path, project: Path) -> None:
    """With parameters that its inputs depend on, fused by its fusion, written in its format."""
    from mien.engine.choice import Choice
    from mien.engine.registry import Registry
    from mien.engine.results import analysis_of
    from mien.engine.run import analyze_medium
    from mien.exchange.write import export
    from mien.library.library import Library

    registry = Registry.load()
    clip.with_suffix(".srt").write_text("1\n00:00:00,200 --> 00:00:02,000\nso what did you see\n", encoding="utf-8")
    names, settings = ("loud-curve", "text"), {"loud-curve": {"hop": 0.5}}
    choice = Choice(analyzers=names, fusion="fusion.loudest", settings=settings, device="cpu", threads=1)
    with Library(tmp_path / "library.db") as library:
        done = analyze_medium(clip, choice, registry, library, lambda event: None, threading.Event())
        assert done.failed == {}
        loudness, fused = (library.tracks(done.medium)[name] for name in ("loud-curve.loudness", "fusion.score"))
        assert loudness.times[:2].tolist() == pytest.approx([0.2, 0.7])
        # The clip's tone has half of full scale for every other second: −9 dB, and next to nothing between.
        assert loudness.values[1, 0] == pytest.approx(-9.0, abs=0.5)
        offence = library.tracks(done.medium)["text.offence"].score.max()
        assert fused.values.max() == pytest.approx(offence, abs=1e-3)  # the highest decides, and nothing else was read
        entry = library.medium(str(clip))
        [written] = export(analysis_of(library, entry), ["tab-text"], tmp_path / "out", registry.exporters)
    assert written.read_text().startswith("track\tstart\t")
    assert not [name for name in sys.modules if name.startswith(("mien_loud", "mien_tab"))]


def test_the_conformance_kit_runs_it_there(installed: Path) -> None:
    from mien.engine.conformance.find import Found, check_light
    from mien.sdk.conformance import Level

    assert check_light(Found.by_id("loud-curve").source).level <= Level.WARNING  # a busy machine may make it late


def test_another_that_offers_the_same_is_refused_and_leaves_nothing(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = wheel(tmp_path, "mien-two", "mien_two_tiny", EXPORTER.format(id="tab-text"))
    assert run(["plugins", "install", str(two), "--isolated"]) == 8
    assert "mien-two offers tab-text, which mien-loud-curve 0.1.0 offers already." in capsys.readouterr().err
    assert [path.name for path in (installed / "plugins").iterdir()] == ["mien-loud-curve"]


def test_without_its_environment_it_is_broken_and_removed_it_is_gone(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(installed / "plugins", tmp_path / "plugins", symlinks=True)
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    folder = tmp_path / "plugins" / "mien-loud-curve"
    [environment] = folder.glob("environment-*")
    environment.rename(folder / "elsewhere")
    assert run(["plugins"]) == 0
    said = "could not be loaded: mien-loud-curve (): its environment is gone; install it again"
    assert said in capsys.readouterr().out
    (folder / "elsewhere").rename(environment)
    assert run(["plugins", "remove", "fusion.loudest"]) == 0
    assert "Removed: mien-loud-curve 0.1.0." in capsys.readouterr().out
    assert not folder.exists()
    assert run(["plugins", "remove", "mien_loud_curve"]) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 9}', "[" * 5000, '"\\ud800"'])
def test_what_was_written_down_may_be_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    (tmp_path / "plugins" / "odd").mkdir(parents=True)
    (tmp_path / "plugins" / "odd" / "plugin.json").write_text(text)
    assert run(["plugins"]) == 0
    out = capsys.readouterr().out
    assert "could not be loaded: odd (): its plugin.json cannot be read" in out
    assert "\n  text " in out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is": "table"}, "a descriptor is none"),
        ({"id": "Not An Id"}, "is no plugin id"),
        ({"factory": "os.system"}, "must read 'package.module:Class'"),
        ({"inputs": [{"is": "Path"}]}, "is none of what may be there"),
        ({"schema": 3}, "cannot be read"),
        ({"outputs": [{"name": 1, "kind": "curve", "quantities": [], "asks": False}]}, "is not str"),
    ],
)
def test_a_descriptor_that_cannot_be_is_that_plugins_error(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    from mien.engine.registry import Registry

    told = json.loads((installed / "plugins" / "mien-loud-curve" / "plugin.json").read_text())
    folder = tmp_path / "plugins" / "mien-loud-curve"
    (folder / told["environment"] / "bin").mkdir(parents=True)
    (folder / told["environment"] / "bin" / "python").touch()
    next(entry for entry in told["modules"] if entry["name"] == "loud-curve")["offers"][0].update(change)
    (folder / "plugin.json").write_text(json.dumps(told))
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    registry = Registry.load()
    [broken] = registry.broken
    assert said in broken.error
    assert "tab-text" in registry.exporters  # the others that came with it are whole


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["install", "./nowhere"], 2, "There is no such folder or file: ./nowhere"),
        (["install", "--isolated", "some-plugin"], 2, "Mien is set to stay offline"),
        (["install", "--isolated", "git+https://example.org/x"], 2, "There is no such folder"),
        (["install", "--isolated", "a; rm"], 2, "neither a folder nor the name of a package"),
        (["install", "--isolated", "empty"], 8, "empty could not be installed: "),
        (["remove", "text"], 2, "text is a part of Mien itself"),
        (["remove", "mien"], 2, "mien is a part of Mien itself"),
        (["remove", "nothing"], 2, "There is no plugin named 'nothing'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any, arguments: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    refused(["plugins", *arguments], code, said)
    home = Path(os.environ["MIEN_HOME"])
    assert not list((home / "plugins").glob("*")) if (home / "plugins").exists() else True


def test_beside_mien_where_its_environment_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In an environment made for it, whose Mien is ours."""
    from mien.engine.isolation.environment import python
    from mien.engine.isolation.install import _make_environment

    _make_environment(tmp_path / "venv")
    one = wheel(tmp_path, "mien-one", "mien_one_tiny", EXPORTER.format(id="one"))

    def call(*arguments: str) -> Any:
        command = [python(tmp_path / "venv"), "-m", "mien.cli", "plugins", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done

    assert "which offers one." in call("install", str(one)).stdout
    assert '"id": "one"' in call("--json").stdout
    assert call("remove", "one").stdout == "Removed: mien-one 1.0.\n"
    assert not list((tmp_path / "venv").rglob("mien_one_tiny*"))

    monkeypatch.setattr("sysconfig.get_path", lambda *arguments: str(tmp_path / "not-there"))
    assert run(["plugins", "install", str(one)]) == 6
    assert "may not be written here; give --isolated" in capsys.readouterr().err
