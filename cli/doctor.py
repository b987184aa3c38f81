"""``rushes doctor``: what is wrong, and how to mend it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from cli.arguments import AsJson
from cli.checks import examine
from cli.console import broken_at_spaces, output
from cli.errors import ExitCode
from cli.findings import Finding, Verdict
from cli.where import find_service

_STYLE: Final = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def doctor(as_json: AsJson = False) -> None:
    """Check ffmpeg, Temporal, database, folders and api, and say how to mend each. Exits with 1 if one fails."""
    service = find_service()

    async def collect() -> list[Finding]:
        return [finding async for finding in examine(service)]

    findings = asyncio.run(collect())
    if as_json:
        output().print_json(data=[asdict(finding) for finding in findings], indent=2)
    else:
        _print(output(), findings)
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _print(console: Console, findings: Sequence[Finding]) -> None:
    """One finding below the other; paths and commands stay whole, to be copied."""
    widths = max(len(verdict) for verdict in Verdict) + 2, max(len(finding.subject) for finding in findings) + 2
    indent = " " * sum(widths)
    for finding in findings:
        style = _STYLE[finding.verdict]
        found = broken_at_spaces(finding.found, console.width - len(indent))
        mend = broken_at_spaces(f"→ {finding.mend}", console.width - len(indent)) if finding.mend else []
        verdict, subject = finding.verdict.value.ljust(widths[0]), finding.subject.ljust(widths[1])
        lines = [Text.assemble((verdict, style), (subject, "bold"), found[0])]
        lines += [Text(indent + line) for line in found[1:]]
        lines += [Text.assemble(indent, (line, style)) for line in mend]
        for line in lines:
            console.print(line, soft_wrap=True)
