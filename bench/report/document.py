"""``docs/benchmarks.md`` and its plots, from a report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.aims import value_text, verdicts
from bench.report.plots import plots
from bench.report.table import figure_rows
from bench.result import CaseResult, Machine, Report

PAGE: Final = "benchmarks.md"
FOLDER: Final = "benchmarks"
_GIBI: Final = 1024**3

_HEAD: Final = """\
# Benchmarks

Made by `make bench-docs` from what `make bench` measured; do not edit by hand. Three systems get the same clips, over
HTTP, one system at a time, with the same ffmpeg on the same machine:

- **rushes**: `rushes up`, every setting at its default.
- **celery**: the system that Rushes replaces. FastAPI, Celery with two processes, Redis, PostgreSQL; each task runs
  `ffmpeg -i input -c:v libx264 -c:a aac output.mp4` and `ffmpeg -i input -ss 00:00:01 -vframes 1 thumbnail.jpg`.
- **naive**: the same api and the same two commands, as one activity of one Temporal workflow, two at a time.

The clips are drawn by ffmpeg, always the same: a zoom into a fractal, a moving test picture and grain. Each system is
sent one tiny clip first, which does not count.
"""


def write_document(report: Report, docs: Path) -> list[Path]:
    """Write the page and its plots below ``docs``; gives what was written. Plots of cases that are gone are removed."""
    folder = docs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    drawn = {folder / f"{letter}.svg": svg for letter, svg in plots(report).items()}
    page = docs / PAGE
    for path, content in {**drawn, page: document(report)}.items():
        path.write_text(content, encoding="utf-8")
    return [page, *drawn]


def document(report: Report) -> str:
    """The page."""
    drawn = plots(report)
    parts = [_HEAD, _where(report), _aims(report), *(_case(case, case.letter in drawn) for case in report.cases)]
    return "\n".join(parts)


def where(machine: Machine, began: str, command: str, versions: Mapping[str, str]) -> str:
    """The table that says on what, when and by which command something was measured."""
    memory = f"{machine.memory_bytes / _GIBI:.0f} GiB"
    rows = [
        ("Machine", f"{machine.processor}, {machine.cores} cores, {memory}, {machine.kernel}"),
        ("Date", began),
        ("Command", f"`{command}`"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return "\n".join(table(("", ""), rows)) + "\n"


def _where(report: Report) -> str:
    quick = "\nThis was the quick form: small clips and few rounds, for a first look only.\n" if report.quick else ""
    return where(report.machine, report.began, report.command, report.versions) + quick


def _aims(report: Report) -> str:
    rows = [
        (
            verdict.aim.letter,
            verdict.aim.text,
            "" if verdict.measured is None else value_text(verdict.measured, verdict.aim.unit),
            verdict.text,
        )
        for verdict in verdicts(report)
    ]
    missed = [
        verdict.aim
        for verdict in verdicts(report)
        if verdict.measured is not None and not verdict.is_met and verdict.aim.why
    ]
    why = ["", "Where one is missed, and why:\n", *(f"- ({aim.letter}) {aim.why}" for aim in missed)] if missed else []
    known = [verdict.aim for verdict in verdicts(report) if verdict.measured is not None and verdict.aim.holds_for]
    holds = ["", "What one holds for:\n", *(f"- ({aim.letter}) {aim.holds_for}" for aim in known)] if known else []
    return "\n".join(["## Aims\n", *table(("", "aim", "measured", ""), rows), *why, *holds, ""])


def _case(case: CaseResult, has_plot: bool) -> str:
    lines = [f"## ({case.letter}) {case.title}\n"]
    if has_plot:
        lines.append(f"![{case.title}]({FOLDER}/{case.letter}.svg)\n")
    lines += [*(f"- {sentence}" for sentence in case.conditions), ""]
    rows = list(figure_rows(case))
    if rows:
        lines += [*table(("", "system", "median", "p95", "least", "most", "n", "x rushes"), rows), ""]
    lines += [f"- {finding.system}: {finding.text}" for finding in case.findings]
    lines += [f"- {skipped.system}, not measured: {_one_line(skipped.reason)}" for skipped in case.skipped]
    return "\n".join(lines).rstrip() + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown, line by line."""
    yield _line(head)
    yield _line(["---"] * len(head))
    for row in rows:
        yield _line(row)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _one_line(text: str) -> str:
    return " ".join(text.split())
