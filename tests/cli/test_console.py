"""How sizes, times and facts look."""

import io
import json
import re

import pytest
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cli.console import HarmlessConsole, duration_text, plain_table, print_facts, print_table
from cli.videos import table_of
from client.views import VideoView
from contracts.sizes import size_text
from contracts.status import VideoStatus
from tests.client.test_waiting import video


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


def long_video() -> VideoView:
    """One with a title that fills a line, and the longest of codes."""
    return video(VideoStatus.ERROR).model_copy(update={"title": "t" * 100, "error_code": "database_unavailable"})


def test_where_there_is_no_room_the_title_of_a_video_gives_way_and_nothing_else() -> None:
    written = io.StringIO()
    Console(file=written, width=80).print(table_of([long_video()], whole_ids=False))
    line = written.getvalue().splitlines()[1]
    assert re.match(r"[0-9a-f]{8}  error   \d{4}-\d\d-\d\d \d\d:\d\d  database_unavailable  t{20,}…", line), line


def test_what_no_terminal_reads_is_neither_cut_nor_broken(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(table_of([long_video()], whole_ids=True))
    table = plain_table("ID", "URL")
    table.add_row("1", "https://app.example.com/" + "x" * 200)
    print_table(table)
    of_videos, of_others = (lines.splitlines() for lines in capsys.readouterr().out.split("ID", 2)[1:])
    assert of_videos[1].rstrip().endswith("  " + "t" * 100)
    assert of_others[1].rstrip().endswith("x" * 200)


def test_what_strangers_have_named_steers_no_terminal() -> None:
    named = "a\x1b]0;pwned\x07b\x9b2J\u202ec"
    written = io.StringIO()
    console = HarmlessConsole(file=written, width=200, force_terminal=True, markup=False)
    table = plain_table("Title")
    table.add_row(named)
    print_facts(console, [("Title", named), ("Metadata", Text(f"k={named}"))])
    console.print(named)
    console.print(Text(named, style="red"))
    console.print(table)
    console.print_json(data={"title": named})
    with Live(console=console) as live:
        live.update(Text(named), refresh=True)
    shown = written.getvalue()
    ours = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert re.findall("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", ours) == []
    assert shown.count("\\u001b]0;pwned") == 6
    assert json.loads(ours[ours.index("{") : ours.index("}") + 1]) == {"title": named}
