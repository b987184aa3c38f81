"""What a run of the benchmark found, as it is kept in JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from bench.samples import Statistic, summary


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, once or several times.

    Attributes:
        system: Whose: ``rushes``, ``celery``, ``naive`` or what else a case compares with.
        name: What was measured, such as ``answer to ready``.
        unit: ``s``, ``ms``, ``MB``, ``MB/s``, ``MiB``, ``1/min``, ``x``, ``share``, or nothing.
        values: In that unit, in the order in which they were measured.
    """

    system: str
    name: str
    unit: str
    values: tuple[float, ...]

    def by(self, statistic: Statistic) -> float:
        """The one number that stands for the values."""
        return summary(self.values, statistic)


@dataclass(frozen=True)
class Finding:
    """What was found and is no number."""

    system: str
    text: str


@dataclass(frozen=True)
class Skipped:
    """What could not be measured, and why."""

    system: str
    reason: str


@dataclass(frozen=True)
class CaseResult:
    """One case.

    Attributes:
        letter: By which ``--only`` chooses it.
        title: What it is about, in a line.
        conditions: How it was measured, in sentences.
        figures: What was measured.
        findings: What else was found.
        skipped: What was not measured.
        seconds: How long the case took in all.
    """

    letter: str
    title: str
    conditions: tuple[str, ...]
    figures: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    seconds: float = 0.0

    def figure(self, system: str, name: str) -> Figure | None:
        """The figure of that system and name, or None."""
        found = (one for one in self.figures if (one.system, one.name) == (system, name))
        return next(found, None)


@dataclass(frozen=True)
class Machine:
    """Where it ran.

    Attributes:
        processor: The model, as the kernel names it.
        cores: How many this process may use.
        memory_bytes: In all.
        kernel: Name and release.
    """

    processor: str
    cores: int
    memory_bytes: int
    kernel: str


@dataclass(frozen=True)
class Report:
    """A whole run.

    Attributes:
        began: When, in ISO 8601 with its zone.
        quick: Whether it was the short form, whose figures are only a first look.
        command: That was run.
        machine: Where.
        versions: Of every program that took part, by name.
        cases: In the order in which they ran.
    """

    began: str
    quick: bool
    command: str
    machine: Machine
    versions: Mapping[str, str]
    cases: tuple[CaseResult, ...] = field(default=())

    def case(self, letter: str) -> CaseResult | None:
        """The case of that letter, or None."""
        return next((one for one in self.cases if one.letter == letter), None)


_JSON: Final = TypeAdapter(Report)


def write_report(report: Report, path: Path) -> None:
    """Write it as JSON, all at once; the folder is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(_JSON.dump_json(report, indent=2) + b"\n")
    partial.replace(path)


def read_report(path: Path) -> Report:
    """Read what ``write_report`` wrote.

    Raises:
        OSError: The file can't be read.
        pydantic.ValidationError: It is no report.
    """
    return _JSON.validate_json(path.read_bytes())
