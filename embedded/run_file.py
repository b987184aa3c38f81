"""``run.json``: where the parts of a running stack are, for tools."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

RUN_FILE_NAME: Final = "run.json"


@dataclass(frozen=True)
class RunFile:
    """A running stack.

    Attributes:
        api: Base URL of the api.
        temporal: ``host:port`` of Temporal's front end.
        temporal_ui: Base URL of Temporal's Web UI; empty where it is not known.
        database: URL of PostgreSQL, with its password.
        uploads: Folder of the originals and the published files.
        pids: Process ids by name: ``stack``, ``api``, ``worker``, and ``temporal`` and ``postgres`` where the stack
            runs them itself.
        namespace: Temporal's.
        scratch: Folder of the work files.
        storage: The bucket, as ``RUSHES_STORAGE`` has it; empty where files are in folders.
        profiles: The operator's file of encoding profiles; empty for none.
    """

    api: str
    temporal: str
    temporal_ui: str
    database: str
    uploads: str
    pids: Mapping[str, int]
    namespace: str = "default"
    scratch: str = ""
    storage: str = ""
    profiles: str = ""

    def write(self, home: Path) -> None:
        """Write the file all at once; readers see the old one or the new one. It holds a password: only we read it."""
        partial = home / f"{RUN_FILE_NAME}.{os.getpid()}.part"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
            file.write("\n")
        partial.replace(home / RUN_FILE_NAME)

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """The stack that runs on ``home``, or None: no file, not one of ours, or its stack is gone."""
        try:
            fields: Any = json.loads((home / RUN_FILE_NAME).read_text(encoding="utf-8"))
            found = cls(
                **{name: str(fields[name]) for name in ("api", "temporal", "temporal_ui", "database", "uploads")},
                pids={str(name): int(pid) for name, pid in fields["pids"].items()},
                **{name: str(fields[name]) for name in ("namespace", "scratch", "storage", "profiles")},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return found if is_alive(found.pids.get("stack", 0)) else None


def remove_run_file(home: Path) -> None:
    """Remove the file; one that is gone already is a success."""
    (home / RUN_FILE_NAME).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
