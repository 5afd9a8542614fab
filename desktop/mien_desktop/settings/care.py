"""Checks or compacts a library, which may take minutes: in a process of its own, which can be ended at any moment.

    python -m mien_desktop.settings.care check|compact

The library is that of the settings; MIEN_LIBRARY names another. Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys

from mien import config
from mien.errors import MienError
from mien_desktop.settings import places


def main(task: str) -> dict[str, object]:
    """What is wrong with the library, or its bytes before and after; or why neither can be said, a sentence."""
    try:
        place = config.load().place()
        if task == "check":
            return {"problems": places.check(place)}
        before, after = places.compact(place)
        return {"before": before, "after": after}
    except MienError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1])) + "\n")
