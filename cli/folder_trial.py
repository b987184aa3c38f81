"""Tries whether a folder can be written to; a script for a process of its own, which may be left behind.

Whoever waits for a disk that hangs is held by the kernel: neither Ctrl-C nor SIGKILL ends it before the disk is back, a
thread as little as a process. It needs nothing but the standard library, so that it begins at once.
"""

import errno
import json
import shutil
import sys
import tempfile
from pathlib import Path

_SOME_BYTES = bytes(4096)


def tried(folder: Path) -> dict[str, str | int | None]:
    """What stands there of it, why that can't be written to, whether for want of room, and how many bytes are free."""
    place = next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
    refusal, is_full = None, False
    try:
        with tempfile.TemporaryFile(dir=place, buffering=0) as file:
            file.write(_SOME_BYTES)  # a file without any can be made on a full disk
    except OSError as error:
        refusal, is_full = error.strerror or str(error), error.errno in {errno.ENOSPC, errno.EDQUOT}
    free_bytes = shutil.disk_usage(place).free
    return {"place": str(place), "refusal": refusal, "is_full": is_full, "free_bytes": free_bytes}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(tried(Path(sys.argv[1]))))
