"""The two consoles, and how sizes, times and states look on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts import durations
from contracts.status import VideoStatus

_STATUS_STYLE: Final = {
    VideoStatus.UPLOADING: "cyan",
    VideoStatus.PROCESSING: "yellow",
    VideoStatus.READY: "green",
    VideoStatus.ERROR: "red",
    VideoStatus.DELETING: "dim",
}
Facts = Sequence[tuple[str, str | Text | None]]
_KIBI: Final = 1024


def output() -> Console:
    """What was asked for: standard output. Text is shown as it is; square brackets mean nothing."""
    return Console(markup=False, highlight=False, emoji=False)


def messages() -> Console:
    """What else a person should know: standard error."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def status_text(status: VideoStatus) -> Text:
    """The status in its colour."""
    return Text(status.value, style=_STATUS_STYLE[status])


def size_text(size_bytes: int) -> str:
    """Bytes as people read them: ``1.9 MiB``."""
    size = float(size_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < _KIBI or unit == "GiB":
            break
        size /= _KIBI
    return f"{size_bytes} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def duration_text(seconds: float | None) -> str:
    """Seconds as people read them; empty for None."""
    return "" if seconds is None else durations.duration_text(seconds)


def time_text(moment: datetime) -> str:
    """A moment in this machine's time zone, to the minute."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def print_facts(console: Console, facts: Facts) -> None:
    """Print names and what they are, below each other; nothing for None.

    A string is never broken or cut, so that paths and URLs can be copied and clicked; a ``Text`` is folded at words.
    """
    for line in fact_lines(facts):
        console.print(line, soft_wrap=isinstance(line, Text))


def fact_lines(facts: Facts) -> list[Text | Table]:
    """The same as something to print beside other things."""
    told = [(name, fact) for name, fact in facts if fact]
    width = max((len(name) for name, _ in told), default=0)
    lines: list[Text | Table] = []
    for name, fact in told:
        label = Text(name.ljust(width), style="bold")
        if isinstance(fact, Text):
            row = Table.grid(padding=(0, 2))
            row.add_column(no_wrap=True)
            row.add_row(label, fact)
            lines.append(row)
        else:
            lines.append(Text.assemble(label, "  ", fact))
    return lines
