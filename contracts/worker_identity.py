"""Who a worker is, as Temporal shows it: which queue, where it runs, its label, and where its files are."""

import os
import re
import socket
from dataclasses import dataclass
from typing import Final, Self

_WRITTEN: Final = re.compile(
    r"(?P<queue>[^@ ]+)@(?P<host>[^ ]+):(?P<pid>\d+)(?: (?P<label>[\w.\-]+))?(?: storage=(?P<storage>[0-9a-f]+))?"
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
    """

    queue: str
    host: str
    pid: int
    label: str = ""
    storage: str = ""

    @classmethod
    def of_this_process(cls, queue: str, *, label: str = "", storage: str = "") -> Self:
        """The identity of a worker in this process."""
        return cls(queue, socket.gethostname(), os.getpid(), label, storage)

    @classmethod
    def read(cls, written: str) -> Self | None:
        """What somebody else's identity says; None where it is not one of ours."""
        found = _WRITTEN.fullmatch(written)
        if found is None:
            return None
        return cls(found["queue"], found["host"], int(found["pid"]), found["label"] or "", found["storage"] or "")

    def __str__(self) -> str:
        """As Temporal gets it."""
        label = f" {self.label}" if self.label else ""
        storage = f" storage={self.storage}" if self.storage else ""
        return f"{self.queue}@{self.host}:{self.pid}{label}{storage}"
