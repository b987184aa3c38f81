"""``rushes doctor``: what is wrong, and how to mend it."""

import asyncio
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
_VERDICT_WIDTH: Final = max(len(verdict) for verdict in Verdict) + 2
_SUBJECT_WIDTH: Final = len("Queue video-control") + 2
"""The longest one's."""


def doctor(as_json: AsJson = False) -> None:
    """Check ffmpeg, Temporal, database, folders and api, and say how to mend each. Exits with 1 if one fails."""
    service, console = find_service(), output()
    findings: list[Finding] = []

    async def collect() -> None:
        async for finding in examine(service):
            findings.append(finding)
            if not as_json:
                _print(console, finding)

    asyncio.run(collect())
    if as_json:
        console.print_json(data=[asdict(finding) for finding in findings], indent=2)
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _print(console: Console, finding: Finding) -> None:
    """One finding below the other, as they come; paths and commands stay whole, to be copied."""
    indent = " " * (_VERDICT_WIDTH + _SUBJECT_WIDTH)
    style = _STYLE[finding.verdict]
    found = broken_at_spaces(finding.found, console.width - len(indent))
    mend = broken_at_spaces(f"→ {finding.mend}", console.width - len(indent)) if finding.mend else []
    verdict, subject = finding.verdict.value.ljust(_VERDICT_WIDTH), finding.subject.ljust(_SUBJECT_WIDTH)
    lines = [Text.assemble((verdict, style), (subject, "bold"), found[0])]
    lines += [Text(indent + line) for line in found[1:]]
    lines += [Text.assemble(indent, (line, style)) for line in mend]
    for line in lines:
        console.print(line, soft_wrap=True)
    console.file.flush()  # or nothing of it stands in a file while a later check waits
