"""`python -m mien.engine.conformance NAME`: checks in a process of its own, and tells each finding as a line of JSON.

The process is one that a plugin may take with it: `mien plugins check` reads what it said until then.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from mien.engine.conformance.find import Found
from mien.sdk.conformance import Finding, Level


def main() -> None:
    """Check one plugin."""
    # What plugins print goes nowhere: standard output is for findings alone.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    found = Found.by_id(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
    for finding in _findings(found):
        told.write(json.dumps(finding.to_dict()) + "\n")
        told.flush()
    told.write('{"end": true}\n')
    told.flush()
    os._exit(0)  # threads of a plugin that does not stop are not waited for


def _findings(found: Found) -> Iterator[Finding]:
    from mien.sdk.conformance.descriptor import check_descriptor
    from mien.sdk.descriptors import AnalyzerInfo, FusionInfo

    yield from check_descriptor(found.info)
    reached = _watch_network()
    info = found.info
    needs = getattr(info, "needs_training", "")
    if needs:
        yield Finding(Level.NOTE, "model", f"It has no weights here and was not run; {needs} makes them.")
    elif isinstance(info, AnalyzerInfo | FusionInfo):
        from mien.engine.conformance.checks import check_running
        from mien.engine.conformance.host import AnalyzerHost, FusionHost

        host = AnalyzerHost if isinstance(info, AnalyzerInfo) else FusionHost
        yield from check_running(host(info, found.registry))  # type: ignore[arg-type]
    else:
        from mien.engine.conformance.exporters import check_exporter

        yield from check_exporter(info)
    if reached:
        yield Finding(Level.ERROR, "no-network", f"It reached for the network: {reached[0]}")
    else:
        yield Finding(Level.PASS, "no-network", "It opened no connection and asked for no host.")


def _watch_network() -> list[str]:
    """From now on every attempt to reach another host is noted, and fails."""
    reached: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
            return
        local = isinstance(arguments[0], socket.socket) and arguments[0].family not in (
            socket.AF_INET,
            socket.AF_INET6,
        )
        if not local:
            reached.append(f"{event} {arguments[-1] if isinstance(arguments[0], socket.socket) else arguments[0]}")
            raise OSError("the conformance kit lets nothing reach the network")

    sys.addaudithook(watch)
    return reached


if __name__ == "__main__":
    main()
