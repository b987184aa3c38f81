"""How sizes, times and facts look."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from cli.console import duration_text, print_facts, size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (500 * 1024**2, "500.0 MiB"),
        (5 * 1024**4, "5120.0 GiB"),
    ],
)
def test_a_size_has_the_unit_that_people_read(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.052, "0.05 s"), (8.24, "8.2 s"), (59.9, "59.9 s"), (185.4, "3 min 05 s")]
)
def test_a_duration_has_the_precision_that_people_read(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text


def test_paths_are_never_broken_and_sentences_are_broken_at_words() -> None:
    written = io.StringIO()
    path = "/a path/" + "x" * 60
    facts = [("Path", path), ("Nothing", None), ("Reason", Text("The file ends early: it has an index"))]
    print_facts(Console(file=written, width=30), facts)
    lines = [line.rstrip() for line in written.getvalue().splitlines()]
    assert lines == [f"Path    {path}", "Reason  The file ends early:", "        it has an index"]
