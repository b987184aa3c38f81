"""``docs/media.md`` says what the tests and the code say."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from media.commands import INPUT_FORMATS
from settings import Settings

_ROOT: Final = Path(__file__).resolve().parents[2]
_PAGE: Final = (_ROOT / "docs" / "media.md").read_text(encoding="utf-8")
_SECTION: Final = _PAGE.partition("## Copied, encoded, dropped")[2].partition("\n## ")[0]
_ANYTHING: Final = "\N{HORIZONTAL ELLIPSIS}"


def reasons() -> list[str]:
    """What ``media/copying.py`` may say of a stream, with dots for what differs."""
    tree = ast.parse((_ROOT / "media" / "copying.py").read_text(encoding="utf-8"))
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Yield)]
    return sorted({_written(value) for value in values if value is not None})


def _written(value: ast.expr) -> str:
    parts = value.values if isinstance(value, ast.JoinedStr) else [value]
    text = "".join(str(part.value) if isinstance(part, ast.Constant) else _ANYTHING for part in parts)
    return re.sub(f"{_ANYTHING}+", _ANYTHING, text)


def test_the_tables_are_what_make_docs_writes() -> None:
    command = [sys.executable, str(_ROOT / "docs" / "make_media.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("reason", reasons())
def test_every_rule_of_copying_is_there(reason: str) -> None:
    assert f"| `{reason}` |" in _SECTION


def test_no_rule_is_there_that_the_code_does_not_have() -> None:
    told = re.findall(r"^\| [^|`]+ \| `([^`]+)` \|", _SECTION, re.MULTILINE)
    assert set(told) == set(reasons())


@pytest.mark.parametrize("name", INPUT_FORMATS)
def test_every_container_that_is_read_is_there(name: str) -> None:
    assert f"(`{name}`)" in _PAGE


def test_what_is_allowed_by_default_is_marked_so() -> None:
    rows = [line.split(" | ") for line in _PAGE.splitlines() if re.match(r"\| .*\(`\w+`\).* \| `\.", line)]
    marked = {
        name
        for _, names, allowed in rows
        if not allowed.startswith("no")
        for name in re.findall(r"`(\.\w+)`", names if allowed.startswith("yes") else allowed)
    }
    assert marked == set(Settings.model_fields["allowed_extensions"].default)
