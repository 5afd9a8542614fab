"""The entry point of `mien`: what is stopped while the command line still loads says so, too."""

from __future__ import annotations

import sys


def main() -> None:
    """Load the command line and run it."""
    try:
        from mien.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("mien: Stopped.\n")
        sys.exit(130)
