"""``rushes doctor``: what is wrong, and how to mend it."""

import asyncio
from typing import Final

import typer
from rich.table import Table
from rich.text import Text

from cli.console import output
from cli.errors import ExitCode
from cli.findings import Finding, Verdict
from cli.where import find_service

_STYLE: Final = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def doctor() -> None:
    """Check ffmpeg, Temporal, database, folders and api, and say how to mend each. Exits with 1 if one fails."""
    from cli.checks import examine  # noqa: PLC0415 - what it needs takes half a second to import

    service = find_service()

    async def collect() -> list[Finding]:
        return [finding async for finding in examine(service)]

    findings = asyncio.run(collect())
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for finding in findings:
        found = Text(finding.found)
        if finding.mend:
            found.append(f"\n→ {finding.mend}", style=_STYLE[finding.verdict])
        table.add_row(Text(finding.verdict.value, style=_STYLE[finding.verdict]), finding.subject, found)
    output().print(table)
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise typer.Exit(ExitCode.FAILED)
