"""Files of a public model over HTTP(S), at a pinned revision; what is here already does not come again.

A file that is not complete lies beside its place as `NAME.part`, and the next attempt asks for the rest of it only. Nothing
is read but bytes, and no more than the file may have: whether they are the right ones is checked by their hashes afterwards.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mien import __version__
from mien.errors import ModelError, StorageError
from mien.models import files
from mien.models.catalogue import Entry

Report = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all (0 when unknown)."""

HUB = "https://huggingface.co"
ATTEMPTS = 4
"""Times that a connection may break off without bringing anything."""

TIMEOUT_S = 20.0
HEADERS = {"User-Agent": f"mien/{__version__}", "Accept-Encoding": "identity"}
SMALL = files.MAX_JSON
"""Bytes that a file of a model may have of which nobody says how long it is: all but its weights."""

_PAUSE_S = 0.5
_CHUNK = 1 << 20
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Broken(Exception):
    """The connection ended before the file did; asking again goes on from there."""


class Absent(Exception):
    """The repository has no such file at that revision."""


class TooLong(Exception):
    """More comes than the file has."""


def endpoint() -> str:
    """Address of the hub, or of the mirror that `HF_ENDPOINT` names."""
    return os.environ.get("HF_ENDPOINT") or HUB


def fetch(
    known: Entry,
    folder: Path,
    progress: Report | None = None,
    address: str | None = None,
    sizes: Mapping[str, int] | None = None,
) -> list[Path]:
    """Download a catalogue entry's files into a folder; gives their paths.

    Small files that the repository does not have, and that nothing needs, are left out: not every size of a family has
    every one.

    Args:
        sizes: bytes of each file where the hub stated them; then none may be lacking.

    Raises:
        ModelError: no network, no such file, or the hub refuses; the parts that came stay for the next attempt.
        StorageError: the disk is full, or has not the room.
        TooLong: a file, which the argument names, is longer than it may be.
    """
    done, found, web = 0, [], opener()

    def report(count: int) -> None:
        if progress is not None:
            progress(done + count, known.size)

    for name in known.files:
        url = f"{(address or endpoint()).rstrip('/')}/{known.repo}/resolve/{known.revision}/{urllib.parse.quote(name)}"
        target = folder / name
        limit = (sizes or {}).get(name) or (known.size if name in known.sha256 else SMALL)
        try:
            _file(web, url, target, report, limit)
        except Absent:
            if sizes or name in known.sha256 or name in known.needed:
                remedy = f"ask anew with 'mien models pull {known.id} --ask-again'" if sizes else "update Mien"
                raise ModelError(f"{known.repo} has no file {name} at the pinned revision; {remedy}") from None
            continue
        except (urllib.error.URLError, http.client.HTTPException, _Broken) as error:
            raise unreachable(known, error) from error
        done += target.stat().st_size
        found.append(target)
    return found


def _file(
    web: urllib.request.OpenerDirector, url: str, target: Path, report: Callable[[int], None], limit: int
) -> None:
    if target.is_file():
        report(target.stat().st_size)
        return
    part = target.with_name(f"{target.name}.part")
    before, failures = -1, 0
    while True:
        try:
            _rest(web, url, part, report, limit)
            break
        except (_Broken, http.client.IncompleteRead, TimeoutError, ConnectionError, ssl.SSLError) as error:
            here = part.stat().st_size if part.exists() else 0
            failures = 0 if here > before else failures + 1
            before = here
            if failures >= ATTEMPTS:
                raise _Broken(f"the connection broke off after {here} bytes") from error
            time.sleep(min(2.0**failures, 8.0) * _PAUSE_S)
    part.replace(target)


def _rest(web: urllib.request.OpenerDirector, url: str, part: Path, report: Callable[[int], None], limit: int) -> None:
    """Ask for what is missing of a file, once."""
    have = part.stat().st_size if part.exists() else 0
    headers = HEADERS | ({"Range": f"bytes={have}-"} if have else {})
    try:
        response = web.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                raise Absent(url) from error
            if error.code == 416:  # there is nothing after what is here
                if (length := _length(error.headers)) == have:
                    return
                part.unlink()
                raise _Broken(f"{have} bytes are here of {length}") from error
            raise
    with response:
        if have and (response.status != 206 or _begin(response.headers) != have):
            have = 0  # the server sends it all again
        size = have + int(response.headers.get("Content-Length") or 0)
        if size > limit:
            raise TooLong(part.name.removesuffix(".part"))
        _require_room(part, size - have)
        with part.open("ab" if have else "wb") as file:
            report(have)
            while chunk := response.read(_CHUNK):
                have += len(chunk)
                if have > limit:  # of a server that does not say how much it sends
                    raise TooLong(part.name.removesuffix(".part"))
                file.write(chunk)
                report(have)
            file.flush()
            os.fsync(file.fileno())
    if have < size:
        raise _Broken(f"{have} bytes came of {size}")


def _begin(headers: Any) -> int | None:
    found = _RANGE.match(headers.get("Content-Range") or "")
    return int(found[1]) if found and found[1] else None


def _length(headers: Any) -> int | None:
    found = _RANGE.match(headers.get("Content-Range") or "")
    return int(found[2]) if found and found[2] != "*" else None


def _require_room(part: Path, missing: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise StorageError(
            f"The disk has {free / 1e6:.1f} MB free and the model needs {missing / 1e6:.1f} MB more; free space, or "
            f"set MIEN_HOME to another place: {part.parent.parent}"
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to other hosts, but never from an encrypted connection to a plain one."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.type == "https" and not newurl.startswith("https:"):
            raise urllib.error.URLError(f"refused to follow to {newurl[:80]}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener() -> urllib.request.OpenerDirector:
    """Speaks HTTP and HTTPS and nothing else (urllib's own also opens files and FTP); proxies as the system says."""
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_certificates()),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        made.add_handler(handler)
    return made


def _certificates() -> ssl.SSLContext:
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not (paths.cafile or paths.capath):  # a system without certificates of its own
        try:
            import certifi
        except ModuleNotFoundError:
            return context
        context.load_verify_locations(certifi.where())
    return context


def unreachable(known: Entry, error: Exception) -> ModelError:
    """The error for a hub that does not answer, or refuses, with what to do about it."""
    if isinstance(error, urllib.error.HTTPError):
        refused = error.code in (401, 403)
        detail = f"the hub answered {error.code}" + (" and asks for an account" if refused else "")
    else:
        cause = getattr(error, "reason", None) or error
        detail = " ".join(str(cause).split())[:120] or type(cause).__name__
    return ModelError(
        f"The model {known.id} could not be downloaded ({detail}); check the network and try again, what came is kept, "
        f"or fetch {known.page} elsewhere and use 'mien models import {known.id} DIR'"
    )


def is_full(error: OSError) -> bool:
    """Whether an error says that there is no more room for files."""
    return error.errno in _FULL
