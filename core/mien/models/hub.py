"""Asking the Hugging Face hub for the commit that a name points to, and size and hash of each file there.

What it states stands in where the catalogue has no pin of its own. The API is the one that the hub's own client reads
(`model_info` with `files_metadata`): `GET /api/models/REPO/revision/NAME?blobs=true` answers with the commit (`sha`) and with
`siblings`; of these, files in Git LFS have `lfs.sha256`, and small ones `blobId`, Git's SHA-1 of "blob SIZE\\0" and the content.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.errors import ModelError
from mien.models import download, files
from mien.models.catalogue import Entry
from mien.models.statement import Stated, Statement

_MAX_ANSWER = 16 << 20
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HERE = ("127.0.0.1", "::1", "localhost")


def ask(known: Entry, address: str | None = None) -> Statement:
    """Ask the hub for the files of a catalogue entry. Opens connections.

    Raises:
        ModelError: no network, an answer that cannot be used, no weights that are safe to read, or a file without a hash.
    """
    base = (address or download.endpoint()).rstrip("/")
    url = urllib.parse.urlsplit(base)
    host = url.hostname or base
    if url.scheme != "https" and host not in _HERE:
        raise ModelError(
            f"What {host} states of {known.id} can be trusted over https only; set HF_ENDPOINT to an https address, or "
            f"import the model with 'mien models import {known.id} DIR'"
        )
    name = known.branch or known.revision or "main"
    answer = _get(known, f"{base}/api/models/{known.repo}/revision/{urllib.parse.quote(name, safe='')}?blobs=true")
    revision, repo = answer.get("sha"), answer.get("id", known.repo)
    siblings = answer.get("siblings")
    if not (isinstance(revision, str) and _COMMIT.fullmatch(revision) and isinstance(siblings, list)):
        raise _useless(known, host, "names no commit or no files")
    if str(repo).casefold() != known.repo.casefold():
        raise _useless(known, host, f"is about {str(repo)[:80]}, not about {known.repo}")
    if _COMMIT.fullmatch(name) and revision != name:
        raise _useless(known, host, f"is about the commit {revision}, not about {name}")
    listed = {s["rfilename"]: s for s in siblings if isinstance(s, Mapping) and isinstance(s.get("rfilename"), str)}
    _require(known, listed, revision)
    chosen = tuple(_stated(known, host, file, listed[file]) for file in known.files if file in listed)
    asked = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return Statement(known.repo, host, name, revision, asked, chosen)


def _get(known: Entry, url: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers=download.HEADERS)
    try:
        with download.opener().open(request, timeout=download.TIMEOUT_S) as response:
            content = response.read(_MAX_ANSWER + 1)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                raise ModelError(
                    f"The hub has no {known.repo} under {urllib.parse.unquote(url.rpartition('/')[2].partition('?')[0])}; "
                    f"update Mien, or import the model with 'mien models import {known.id} DIR'"
                ) from None
            raise download.unreachable(known, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise download.unreachable(known, error) from error
    try:
        value = json.loads(content) if len(content) <= _MAX_ANSWER else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _useless(known, urllib.parse.urlsplit(url).hostname or url, "cannot be read")
    return value


def _require(known: Entry, listed: Mapping[str, Any], revision: str) -> None:
    """Refuse a repository without weights that are safe to read, or without what they cannot be read without."""
    if not any(Path(name).suffix in files.WEIGHTS for name in known.files if name in listed):
        pickled = any(Path(name).suffix.lower() in files.PICKLES for name in listed)
        raise ModelError(
            f"{known.repo} has no weights in safetensors or ONNX at {revision}"
            + (", only pickles, which Mien never opens" if pickled else "")
            + "; convert them on a machine you trust (docs/models.md) and use "
            f"'mien models import {known.id} DIR'"
        )
    if lacking := [name for name in known.needed if name not in listed]:
        raise ModelError(
            f"{known.repo} has no file {lacking[0]} at {revision}, without which it cannot be read; import the model "
            f"with 'mien models import {known.id} DIR'"
        )


def _stated(known: Entry, host: str, name: str, facts: Mapping[str, Any]) -> Stated:
    lfs, weights = facts.get("lfs"), Path(name).suffix in files.WEIGHTS
    large = lfs if isinstance(lfs, Mapping) else {}
    size, sha256 = large.get("size", facts.get("size")), large.get("sha256", "")
    # Of a file in LFS the blob is the pointer to it: it says nothing of the content.
    blob = "" if lfs else facts.get("blobId", "")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _useless(known, host, f"states no size of {name}")
    if not weights and size > download.SMALL:
        raise _useless(known, host, f"states {size:,} bytes of {name}, too many for a description")
    if isinstance(sha256, str) and _SHA256.fullmatch(sha256):
        return Stated(name, size, sha256=sha256)
    if not weights and isinstance(blob, str) and _COMMIT.fullmatch(blob):
        return Stated(name, size, blob=blob)
    raise _useless(known, host, f"states no {'SHA-256' if weights else 'hash'} of {name}")


def _useless(known: Entry, host: str, why: str) -> ModelError:
    return ModelError(
        f"The model {known.id} cannot be held to what {host} states, for its answer {why}; try again later, or import the "
        f"model from a folder you trust with 'mien models import {known.id} DIR'"
    )
