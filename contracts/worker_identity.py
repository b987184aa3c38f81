"""Who a worker is, as Temporal shows it: which queue, where it runs, its label, its files' place, what guards it."""

import os
import re
import socket
from dataclasses import dataclass
from typing import Final, Self

_WRITTEN: Final = re.compile(
    r"(?P<queue>[^@ ]+)@(?P<host>[^ ]+):(?P<pid>\d+)(?: (?P<label>[\w.\-]+))?(?: storage=(?P<storage>[0-9a-f]+))?"
    r"(?: sandbox=(?P<sandbox>[a-z]+))?"
)


@dataclass(frozen=True)
class WorkerIdentity:
    """What Temporal's pollers and histories say of a worker.

    Attributes:
        queue: The task queue that it serves.
        host: Name of its machine or container.
        pid: Its process there.
        label: What its operator calls it; empty for none.
        storage: Identity of the place that it keeps files in; empty where it does not say.
        sandbox: What is around the programs that it runs; empty where it runs none, or does not say.
    """

    queue: str
    host: str
    pid: int
    label: str = ""
    storage: str = ""
    sandbox: str = ""

    @classmethod
    def of_this_process(cls, queue: str, *, label: str = "", storage: str = "", sandbox: str = "") -> Self:
        """The identity of a worker in this process."""
        return cls(queue, socket.gethostname(), os.getpid(), label, storage, sandbox)

    @classmethod
    def read(cls, written: str) -> Self | None:
        """What somebody else's identity says; None where it is not one of ours."""
        found = _WRITTEN.fullmatch(written)
        if found is None:
            return None
        said = (found[name] or "" for name in ("label", "storage", "sandbox"))
        return cls(found["queue"], found["host"], int(found["pid"]), *said)

    def __str__(self) -> str:
        """As Temporal gets it."""
        label = f" {self.label}" if self.label else ""
        storage = f" storage={self.storage}" if self.storage else ""
        sandbox = f" sandbox={self.sandbox}" if self.sandbox else ""
        return f"{self.queue}@{self.host}:{self.pid}{label}{storage}{sandbox}"
