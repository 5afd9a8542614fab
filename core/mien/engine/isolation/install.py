"""Installs plugins by pip: into Mien's environment, or each into one of its own (`mien plugins install`).

An environment of its own is a virtual environment whose `.pth` file leads to Mien's: what the plugin brings comes first, what it
does not bring, Mien itself among it, is Mien's own. So Mien has the same version there, and nothing is installed twice.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mien
from mien import config
from mien.engine.isolation.environment import FORMAT, installed, python, root
from mien.engine.registry import GROUP, Registry, Source
from mien.errors import MienError, PluginError, StorageError, UnknownPlugin, UsageError, shown

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9,._-]+\])?([=<>!~]=?[A-Za-z0-9.*+!,<>=~-]+)?")
_PATIENCE = 1800.0
_LOOK = 120.0


@dataclass(frozen=True)
class Outcome:
    """What was installed or removed: name and version of the distribution, ids that it offers, and whether it is apart."""

    name: str
    version: str
    offers: tuple[str, ...]
    isolated: bool


def install(source: str, isolated: bool) -> Outcome:
    """Install a plugin from a folder, a file or, where the network may be used, by its name.

    Raises:
        UsageError: there is no such folder, or no such name can be.
        StorageError: Mien's environment or folder cannot be written.
        PluginError: pip failed, or what was installed offers no plugin that can be used; nothing is left of it then.
    """
    place = Path(source).expanduser()
    local = place.exists()
    if not local and (os.sep in source or source.startswith((".", "~")) or source.endswith((".whl", ".zip", ".gz"))):
        raise UsageError(f"There is no such folder or file: {shown(source)}")
    if not local and not _NAME.fullmatch(source):
        raise UsageError(f"{shown(source)!r} is neither a folder nor the name of a package.")
    if not local and config.offline():
        raise UsageError(f"Mien is set to stay offline; name the folder or file of {source}.")
    wanted = str(place.resolve()) if local else source
    return _install_apart(wanted, local) if isolated else _install_beside(wanted, local)


def remove(name: str) -> Outcome:
    """Remove a plugin by the name of its package, of its entry point, or the id of something that it offers.

    Raises:
        UnknownPlugin: there is none. UsageError: it is Mien's own, or was never installed.
        StorageError: it cannot be deleted. PluginError: pip failed.
    """
    registry = Registry.load()
    for there in installed():
        sources = [s for s in registry.sources if s.environment == str(there.environment)]
        if _same(name, there.name) or there.folder.name == name or any(_means(name, s) for s in sources):
            with _storage(there.folder):
                (there.folder / "plugin.json").unlink(missing_ok=True)  # from here on it is no plugin any more
                shutil.rmtree(there.folder)
            return Outcome(there.name, there.version, tuple(i for s in sources for i in s.offers), True)
    found = next((s for s in registry.sources if not s.environment and _means(name, s)), None)
    if found is None:
        raise UnknownPlugin(f"There is no plugin named {shown(name)!r}; `mien plugins` lists what there is.")
    if found.own:
        raise UsageError(f"{shown(name)} is a part of Mien itself and stays; leave it out with --plugins.")
    if not found.distribution:
        raise UsageError(f"{shown(name)} is not installed but named in MIEN_PLUGINS; take it out there.")
    package, _, version = found.distribution.rpartition(" ")
    _writable()
    _pip(["uninstall", "-y", package], sys.executable, f"{package} could not be removed")
    offers = tuple(i for s in registry.sources if s.distribution == found.distribution for i in s.offers)
    return Outcome(package, version, offers, False)


# -- into Mien's environment ------------------------------------------------------------------------------------------


def _install_beside(wanted: str, local: bool) -> Outcome:
    _writable()
    before = {str(s.distribution) for s in Registry.load().sources}
    name, version = _pip_install(wanted, local, sys.executable)
    # What this process knows of its packages is from before.
    told = _describe(sys.executable, name)
    offers = tuple(str(one) for entry in told for one in entry["ids"])
    wrong = _why_not(name, told, offers, lambda source: _same(source.distribution.rpartition(" ")[0], name))
    if wrong:
        if not any(_same(known.rpartition(" ")[0], name) for known in before):
            _pip(["uninstall", "-y", name], sys.executable, f"{name} could not be removed again")
        raise PluginError(wrong)
    return Outcome(name, version, offers, False)


def _writable() -> None:
    if not os.access(sysconfig.get_path("purelib"), os.W_OK):
        raise StorageError(
            "Mien's own environment may not be written here; give --isolated for one of the plugin's own."
        )


# -- into an environment of its own -----------------------------------------------------------------------------------


def _install_apart(wanted: str, local: bool) -> Outcome:
    with _storage(root()):
        root().mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=root()))
    try:
        place = staging / f"environment-{secrets.token_hex(4)}"
        with _storage(place):
            _make_environment(place)
        name, version = _pip_install(wanted, local, python(place))
        told = _describe(python(place), name)
        folder = root() / _canonical(name)
        offers = tuple(str(one["id"]) for entry in told for one in entry["offers"])
        wrong = _why_not(name, told, offers, lambda source: source.environment.startswith(f"{folder}{os.sep}"))
        if wrong:
            raise PluginError(wrong)
        with _storage(folder):
            folder.mkdir(exist_ok=True)
            os.rename(place, folder / place.name)
            _write(folder, {"name": name, "version": version, "environment": place.name, "modules": told})
            for old in folder.glob("environment-*"):
                if old.name != place.name:
                    shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Outcome(name, version, offers, True)


def _make_environment(place: Path) -> None:
    """A virtual environment behind whose own packages come those of this one."""
    import venv

    venv.EnvBuilder(symlinks=os.name != "nt", with_pip=not _has_pip()).create(place)
    scheme = "nt" if os.name == "nt" else "posix_prefix"
    site = Path(sysconfig.get_path("purelib", scheme, {"base": str(place), "platbase": str(place)}))
    there = dict.fromkeys(
        [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(Path(mien.__file__).parents[1])]
    )
    # `addsitedir`, not a bare path: an editable installation of Mien is a .pth file of that folder.
    lines = [f"import site; site.addsitedir({folder!r})\n" for folder in there]
    (site / "zz-mien.pth").write_text("".join(lines), encoding="utf-8")


def _write(folder: Path, told: dict[str, Any]) -> None:
    new = folder / f".plugin-{secrets.token_hex(4)}"
    new.write_text(json.dumps({"format": FORMAT} | told, ensure_ascii=True), encoding="utf-8")
    os.replace(new, folder / "plugin.json")


def _why_not(name: str, told: list[dict[str, Any]], offers: tuple[str, ...], own: Callable[[Source], bool]) -> str:
    """Why what was installed cannot be used, or an empty text. `own` tells the sources that it takes the place of."""
    if not told:
        return f"{name} offers no plugin: it has no entry point in the group {GROUP}."
    for entry in told:
        if entry["error"]:
            return f"{name} could not be loaded: {shown(entry['error'])[:300]}"
    if not offers:
        return f"{name} offers nothing that can be used so."
    taken = {i: s for s in Registry.load().sources if not own(s) and not s.error for i in s.offers}
    for one in offers:
        if one in taken:
            return f"{name} offers {shown(one)}, which {taken[one].distribution or taken[one].module} offers already."
    return ""


# -- pip ---------------------------------------------------------------------------------------------------------------


def _pip_install(wanted: str, local: bool, interpreter: str) -> tuple[str, str]:
    """Install by pip; returns name and version of what was wanted.

    From a folder, first with what is here already: that is quicker, and needs no network.
    """
    failed = f"{shown(wanted)} could not be installed"
    with tempfile.TemporaryDirectory(prefix="mien-") as folder:
        report = Path(folder) / "report.json"
        arguments = ["install", "--quiet", "--report", str(report)]
        attempts = [[*arguments, "--no-index", "--no-build-isolation", wanted]] if local else []
        if not config.offline():
            attempts.append([*arguments, wanted])
        for attempt, last in ((a, a is attempts[-1]) for a in attempts):
            try:
                _pip(attempt, interpreter, failed)
                break
            except PluginError:
                if last:
                    raise
        try:
            entries = json.loads(report.read_text("utf-8"))["install"]
            [found] = [entry["metadata"] for entry in entries if entry["requested"]]
            return str(found["name"]), str(found["version"])
        except (OSError, ValueError, LookupError, TypeError):
            raise PluginError(f"{failed}: it is installed already.") from None


def _pip(arguments: list[str], interpreter: str, failed: str) -> None:
    """Run pip for an environment; what it says goes to the log, and the last error into the sentence."""
    if interpreter == sys.executable and not _has_pip():
        raise PluginError(f"{failed}: there is no pip in Mien's environment; give --isolated.")
    at = [sys.executable, "-m", "pip", "--python", interpreter] if _has_pip() else [interpreter, "-m", "pip"]
    environ = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    try:
        done = subprocess.run(
            [*at, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            env=environ,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PluginError(f"{failed}: pip was not done after half an hour.") from None
    except OSError as error:
        raise PluginError(f"{failed}: pip cannot be started ({error.strerror}).") from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
        said = errors[0].removeprefix("ERROR:").strip() if errors else f"pip ended with {done.returncode}"
        raise PluginError(f"{failed}: {shown(said)[:300]}")


def _has_pip() -> bool:
    return importlib.util.find_spec("pip") is not None


def _describe(interpreter: str, name: str) -> list[dict[str, Any]]:
    """What a distribution in an environment offers, told by a process of that environment."""
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" or interpreter == sys.executable}
    command = [interpreter, "-P", "-m", "mien.engine.isolation.describe", name]
    try:
        done = subprocess.run(command, capture_output=True, env=environ, timeout=_LOOK, check=False)
        told = json.loads(done.stdout)
        if told["mien"] != mien.__version__:
            raise PluginError(
                f"{name} brings Mien {shown(str(told['mien']))[:20]} along, and this is {mien.__version__}."
            )
        return list(told["plugins"])
    except MienError:
        raise
    except subprocess.TimeoutExpired:
        raise PluginError(f"{name} did not say in {_LOOK:g} s what it offers.") from None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise PluginError(f"{name} could not be asked what it offers; its module may end the process.") from None


# -- names -------------------------------------------------------------------------------------------------------------


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _same(one: str, other: str) -> bool:
    return _canonical(one) == _canonical(other)


def _means(name: str, source: Source) -> bool:
    package = source.distribution.rpartition(" ")[0]
    short = f"fusion.{name}"
    return (
        name == source.name or name in source.offers or short in source.offers or bool(package and _same(name, package))
    )


@contextmanager
def _storage(place: Path) -> Iterator[None]:
    """Turns what the system says of a folder into one sentence."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"It cannot be written ({error.strerror or error}): {shown(place)}") from error
