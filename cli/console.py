"""The two consoles, and how sizes, times and states look on them."""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from contracts import durations
from contracts.printable import printable
from contracts.status import VideoStatus

_STATUS_STYLE: Final = {
    VideoStatus.UPLOADING: "cyan",
    VideoStatus.PROCESSING: "yellow",
    VideoStatus.READY: "green",
    VideoStatus.ERROR: "red",
    VideoStatus.DELETING: "dim",
}
Facts = Sequence[tuple[str, str | Text | None]]
SHORT_ID: Final = 8
"""Digits of an id that are shown where there is no room for all; a unique beginning is enough for any command."""

_WITHOUT_LIMIT: Final = 100_000
"""Columns of what is no terminal."""


class HarmlessConsole(Console):
    """Shows what strangers have named, such as titles and metadata, without obeying it."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is printed, piece by piece; only our own colours and cursor steer the terminal."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def output() -> Console:
    """What was asked for: standard output. Text is shown as it is; square brackets mean nothing."""
    return HarmlessConsole(markup=False, highlight=False, emoji=False)


def messages() -> Console:
    """What else a person should know: standard error."""
    return HarmlessConsole(stderr=True, markup=False, highlight=False, emoji=False)


def status_text(status: VideoStatus) -> Text:
    """The status in its colour."""
    return Text(status.value, style=_STATUS_STYLE[status])


def duration_text(seconds: float | None) -> str:
    """Seconds as people read them; empty for None."""
    return "" if seconds is None else durations.duration_text(seconds)


def time_text(moment: datetime) -> str:
    """A moment in this machine's time zone, to the minute."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def plain_table(*columns: str) -> Table:
    """A table of these columns, the ones with ``>`` to the right; none is broken over lines or cut where others are."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(
            column.lstrip(">"), justify="right" if column.startswith(">") else "left", no_wrap=True, overflow="fold"
        )
    return table


def print_table(table: Table) -> None:
    """Print it within the terminal; in a pipe or a file nothing is cut, and every row is one line."""
    console = output()
    if not console.is_terminal:
        console.width = _WITHOUT_LIMIT
    console.print(table)


def print_facts(console: Console, facts: Facts) -> None:
    """Print names and what they are, below each other; nothing for None.

    A string is never broken or cut, so that paths and URLs can be copied and clicked; a ``Text`` is broken at spaces.
    """
    for line in fact_lines(facts, console.width):
        console.print(line, soft_wrap=True)


def fact_lines(facts: Facts, width: int) -> list[Text]:
    """The same as lines, to be shown beside other things."""
    told = [(name, fact) for name, fact in facts if fact]
    indent = max((len(name) for name, _ in told), default=0) + 2
    lines: list[Text] = []
    for name, fact in told:
        parts = broken_at_spaces(fact.plain, width - indent) if isinstance(fact, Text) else [fact]
        style = fact.style if isinstance(fact, Text) else ""
        lines.append(Text.assemble((name.ljust(indent), "bold"), (parts[0], style)))
        lines += [Text.assemble(" " * indent, (part, style)) for part in parts[1:]]
    return lines


def broken_at_spaces(text: str, width: int) -> list[str]:
    """Lines of at most so many columns; a word that is longer, such as a path, stays whole."""
    wrap = partial(textwrap.wrap, width=max(width, 1), break_long_words=False, break_on_hyphens=False)
    return [line for paragraph in text.splitlines() for line in wrap(paragraph)] or [""]
