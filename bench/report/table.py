"""The figures at a terminal."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.aims import RUSHES, Verdict, value_text, verdicts
from bench.result import CaseResult, Figure, Report
from bench.samples import Statistic

_NO_RATIO: Final = ("share", "")


def print_report(console: Console, report: Report) -> None:
    """Print a table for each case, and one of the aims."""
    for case in report.cases:
        console.print(case_table(case))
        for finding in case.findings:
            console.print(f"{finding.system}: {finding.text}", soft_wrap=True)
        for skipped in case.skipped:
            console.print(Text(f"{skipped.system} skipped: {skipped.reason}", style="yellow"), soft_wrap=True)
    console.print(aims_table(verdicts(report)))
    if report.quick:
        console.print(Text("This was the quick form: small clips, few rounds. `make bench` measures.", style="yellow"))


def case_table(case: CaseResult) -> Table:
    """One case: a row for each figure, with its ratio to the same figure of Rushes."""
    table = Table(title=f"({case.letter}) {case.title}", title_justify="left")
    for name in ("", "system", "median", "p95", "least", "most", "n", "x rushes"):
        table.add_column(name, justify="left" if name in ("", "system") else "right")
    for row in figure_rows(case):
        table.add_row(*row)
    return table


def figure_rows(case: CaseResult) -> Iterable[tuple[str, ...]]:
    """The cells of each row: figures of one name stand together."""
    names = dict.fromkeys(figure.name for figure in case.figures)
    for name in names:
        for figure in (one for one in case.figures if one.name == name):
            yield (name, figure.system, *_numbers(figure), str(len(figure.values)), ratio_text(case, figure))


def ratio_text(case: CaseResult, figure: Figure) -> str:
    """How many times Rushes' figure it is; empty for Rushes itself, and where that has none."""
    own = case.figure(RUSHES, figure.name)
    if own is None or figure.system == RUSHES or figure.unit in _NO_RATIO or not own.by(Statistic.MEDIAN):
        return ""
    return value_text(figure.by(Statistic.MEDIAN) / own.by(Statistic.MEDIAN), "")


def aims_table(found: Iterable[Verdict]) -> Table:
    """Each aim, what was measured, and whether that is enough."""
    table = Table("", "aim", "measured", "", title="Aims", title_justify="left")
    for verdict in found:
        measured = "" if verdict.measured is None else value_text(verdict.measured, verdict.aim.unit)
        style = "green" if verdict.is_met else "red"
        table.add_row(verdict.aim.letter, verdict.aim.text, measured, Text(verdict.text, style=style))
    return table


def _numbers(figure: Figure) -> tuple[str, str, str, str]:
    values = (
        figure.by(Statistic.MEDIAN),
        figure.by(Statistic.P95),
        min(figure.values),
        max(figure.values),
    )
    median, p95, least, most = (value_text(value, figure.unit) for value in values)
    return (median, p95, least, most) if len(figure.values) > 1 else (median, "", "", "")
