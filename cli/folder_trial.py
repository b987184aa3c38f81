"""Tries whether a folder can be written to; a script for a process of its own, which may be left behind.

Whoever waits for a disk that hangs is held by the kernel: neither Ctrl-C nor SIGKILL ends it before the disk is back, a
thread as little as a process. It needs nothing but the standard library, so that it begins at once.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path


def tried(folder: Path) -> dict[str, str | int | None]:
    """What stands there of it, why that can't be written to, and how many bytes are free."""
    place = next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
    refusal = None
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        refusal = error.strerror or str(error)
    return {"place": str(place), "refusal": refusal, "free_bytes": shutil.disk_usage(place).free}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(tried(Path(sys.argv[1]))))
