"""``docs/configuration.md`` says what ``configuration/`` says."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from settings import Settings

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_the_page_is_what_make_docs_writes() -> None:
    command = [sys.executable, str(ROOT / "docs" / "make_configuration.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_one_row_and_a_meaning(name: str) -> None:
    alias = Settings.model_fields[name].validation_alias
    variable = alias if isinstance(alias, str) else f"RUSHES_{name.upper()}"
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| `{variable}` |")]
    assert len(rows) == 1
    default, meaning = rows[0].split(" | ")[1:3]
    assert default.strip()
    assert len(meaning.strip(" |")) > 10


@pytest.mark.parametrize("variable", ["TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_TLS"])
def test_temporals_own_variables_are_there(variable: str) -> None:
    assert f"| `{variable}` |" in PAGE
