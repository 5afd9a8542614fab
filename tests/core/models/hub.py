"""As much of the Hugging Face hub as downloads need, on this machine: files at a revision, ranges, redirects, faults, and what
its API states of them."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

COMMIT = "5f6c1d0e2a3b4c5d6e7f8091a2b3c4d5e6f70819"


@dataclass
class Hub:
    """What the server has and does.

    Args:
        files: name → content.
        breaks: the connection ends after so many bytes of each answer with weights, None never.
        ranges: whether it heeds `Range`.
        status: answers this instead of files, 0 for files.
        redirect: weights are at this address.
        endless: weights come without a length, twice.
        sha: the commit that every name points to.
        answer: what the API answers with, None for what it states of the files.
        asked: (path, Range) of every request.
    """

    files: dict[str, bytes]
    breaks: int | None = None
    ranges: bool = True
    status: int = 0
    redirect: str = ""
    endless: bool = False
    sha: str = COMMIT
    answer: bytes | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""

    def begins(self) -> list[str]:
        """The ranges that were asked for of the weights."""
        return [wanted for path, wanted in self.asked if path.endswith("model.safetensors")]

    def states(self, repo: str) -> dict[str, Any]:
        """What the API answers of a repository: large files with their SHA-256, small ones by Git's SHA-1."""
        siblings: list[dict[str, Any]] = []
        for name, content in self.files.items():
            facts: dict[str, Any] = {"rfilename": name, "size": len(content)}
            if name.endswith((".safetensors", ".bin")):
                pointer = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
                facts |= {"blobId": "0" * 40, "lfs": pointer}
            else:
                facts["blobId"] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            siblings.append(facts)
        return {"id": repo, "modelId": repo, "sha": self.sha, "private": False, "gated": False, "siblings": siblings}


@contextlib.contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """The hub, answering at `hub.address`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            hub.asked.append((self.path, wanted))
            if self.path.startswith("/api/models/") and not hub.status:
                repo = self.path.removeprefix("/api/models/").partition("/revision/")[0]
                answer = json.dumps(hub.states(repo)).encode() if hub.answer is None else hub.answer
                self._send(answer, 0, False)
                return
            name = self.path.rsplit("/", 1)[1]
            content = hub.files.get(name)
            weights = name.endswith(".safetensors")
            if hub.status or content is None:
                self._head(hub.status or 404, 0)
            elif weights and hub.endless:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(2 * content)
                self.close_connection = True
            elif weights and hub.redirect and "/resolve/" in self.path:
                self.send_response(302)
                self.send_header("Location", hub.redirect + "/elsewhere/model.safetensors")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._send(content, int(wanted[6:-1]) if wanted and hub.ranges else 0, weights)

        def _send(self, content: bytes, begin: int, weights: bool) -> None:
            if begin >= len(content) > 0 and begin:
                self._head(416, 0, f"bytes */{len(content)}")
                return
            place = f"bytes {begin}-{len(content) - 1}/{len(content)}" if begin else ""
            self._head(206 if begin else 200, len(content) - begin, place)
            if weights and hub.breaks is not None:
                self.wfile.write(content[begin : begin + hub.breaks])
                self.close_connection = True
                return
            self.wfile.write(content[begin:])

        def _head(self, status: int, length: int, place: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            if place:
                self.send_header("Content-Range", place)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
