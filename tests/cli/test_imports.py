"""A command loads what it needs and no more: who asks the api does not wait for the database's tables."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from cli.command_line import loaded
from cli.commands import COMMANDS, GROUPS, CommandEntry

ROOT: Final = Path(__file__).resolve().parents[2]
SERVICE: Final = {"sqlalchemy", "sqlmodel", "alembic", "psycopg", "temporalio", "fastapi", "uvicorn", "aiobotocore"}
"""What takes longest to import, and only parts of the service need."""
ASK_THE_API: Final = {
    *("status", "upload", "import", "list", "show", "cancel", "retry", "reprocess", "edit", "delete"),
    *("cohort", "webhooks"),
}
NOBODY: Final = "http://127.0.0.1:9"


def entries() -> Iterator[tuple[str, CommandEntry]]:
    """Every command, with the first word that calls it."""
    for _, commands in COMMANDS:
        yield from ((entry.name, entry) for entry in commands)
    for group in GROUPS:
        yield from ((group.name, entry) for entry in group.commands)


def loaded_by(code: str, *arguments: Sequence[str], **environment: str) -> set[str]:
    """The packages that a new process has loaded after it ran the code, which finds ``arguments``."""
    script = (
        f"import json, sys; arguments = json.loads(sys.argv[1])\n{code}\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, json.dumps(arguments)]
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return {module.partition(".")[0] for module in json.loads(ended.stderr.splitlines()[-1])}


def running(*command_lines: Sequence[str], **environment: str) -> set[str]:
    """The same for the ``rushes`` command, called with each of these in turn."""
    return loaded_by("from cli.main import main\nfor given in arguments: main(given)", *command_lines, **environment)


@pytest.mark.parametrize("entry", [entry for _, entry in entries()], ids=lambda entry: entry.function)
def test_what_the_list_says_of_a_command_is_the_beginning_of_its_own_help(entry: CommandEntry) -> None:
    assert (loaded(entry).help or "").startswith(entry.says.rstrip("."))


@pytest.mark.parametrize("entry", [entry for _, entry in entries()], ids=lambda entry: entry.function)
def test_no_help_breaks_a_word_at_eighty_columns(
    entry: CommandEntry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    loaded(entry).main(["--help"], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    assert {len(line) for line in lines} <= {0, 80}
    broken = [line for line in lines if re.search(r"\s<[^>\s]+\s{2}", line)]
    assert broken == [], "values are told by the help, where there are many, and not by the placeholder"


def test_the_version_and_the_lists_of_commands_load_nothing_of_the_service() -> None:
    told = running(["--version"], ["--help"], ["keys", "--help"], ["webhooks", "--help"])
    assert told & {*SERVICE, "httpx", "settings"} == set()


def test_a_shell_that_completes_a_command_loads_nothing_of_the_service() -> None:
    asked = {"_RUSHES_COMPLETE": "complete_bash", "COMP_WORDS": "rushes de", "COMP_CWORD": "1"}
    told = loaded_by("sys.argv = ['rushes']\nfrom cli.main import main\nmain()", **asked)
    assert told & {*SERVICE, "httpx", "settings"} == set()


def test_commands_that_ask_the_api_load_neither_database_nor_temporal(tmp_path: Path) -> None:
    modules = {f"cli.{entry.function.partition('.')[0]}" for name, entry in entries() if name in ASK_THE_API}
    told = loaded_by("import importlib\nfor name in arguments: importlib.import_module(name)", *modules)
    assert told & SERVICE == set()
    environment = {"RUSHES_HOME": str(tmp_path), "RUSHES_API_URL": NOBODY}
    assert running(["list"], ["show", "0b7f4a52"], ["status"], **environment) & SERVICE == set()


def test_a_worker_of_ffmpeg_alone_loads_no_table() -> None:
    assert loaded_by("import worker, workers.media") & {"sqlalchemy", "sqlmodel", "psycopg"} == set()
