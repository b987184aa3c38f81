"""What was measured for the capacity model, as it is kept in JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from bench.capacity.usage import Sample, Usage
from bench.result import Machine


@dataclass(frozen=True)
class Loaded:
    """How a load run went that sent more than the machine can do.

    Attributes:
        seconds: From the first arrival to the last.
        sent: Videos.
        failed: That did not become ready.
        came: When each came, in seconds since the first.
        kinds: Which of the clips each was, as a place in ``clips``.
        clips: The clips as way and length in seconds.
        ready: When each became ready, in the order in which they did.
        waits: From arrival to ready of each, in seconds, in the order in which they came.
        backlog: Videos that were there and not ready: seconds, count.
        used: By the stack, until the last was ready.
        client_seconds: Of a processor, by the client that sent.
        others_seconds: By everything else on the machine: neither the stack nor the client.
        idle_seconds: Of its cores.
        whole_seconds: By the clock, until the last was ready.
        load_before: Load average when it began.
    """

    seconds: float
    sent: int
    failed: int
    came: tuple[float, ...]
    kinds: tuple[int, ...]
    clips: tuple[tuple[str, float], ...]
    ready: tuple[float, ...]
    waits: tuple[float, ...]
    backlog: tuple[tuple[float, int], ...]
    used: Usage
    client_seconds: float
    others_seconds: float
    idle_seconds: float
    whole_seconds: float
    load_before: float

    @property
    def cores_free(self) -> float:
        """Cores that the stack had or could have had, the mean of the time until the last arrival was ready."""
        return (self.used.processor_seconds + self.idle_seconds) / self.whole_seconds


@dataclass(frozen=True)
class Findings:
    """All that was measured.

    Attributes:
        began: When, in ISO 8601 with its zone.
        command: That was run.
        machine: Where.
        versions: Of every program that took part.
        idle: What the stack uses a second while nothing happens; it is not in the samples.
        samples: What videos use.
        load: The load run.
    """

    began: str
    command: str
    machine: Machine
    versions: Mapping[str, str]
    idle: Usage
    samples: tuple[Sample, ...]
    load: Loaded


_JSON: Final = TypeAdapter(Findings)


def write_findings(findings: Findings, path: Path) -> None:
    """Write them; the folder is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_JSON.dump_json(findings, indent=1) + b"\n")


def read_findings(path: Path) -> Findings:
    """Read them.

    Raises:
        OSError: The file can't be read.
        pydantic.ValidationError: It holds no findings.
    """
    return _JSON.validate_json(path.read_bytes())
