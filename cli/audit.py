"""Log lines about who was let in, for what is done at a terminal, beside those that the api writes."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path


def audit(home: Path, event: str, **facts: str | int | None) -> None:
    """Append one JSON line to ``logs/audit.log`` of the stack's home; to standard error where there is no such stack.

    Args:
        home: ``RUSHES_HOME``.
        event: What was done.
        facts: To whom, and by which id; never a secret.
    """
    line = json.dumps({"logger": "audit", "event": event, **facts, "timestamp": datetime.now(UTC).isoformat()})
    logs = home / "logs"
    if logs.is_dir():
        with (logs / "audit.log").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    else:
        sys.stderr.write(line + "\n")
