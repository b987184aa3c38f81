"""The table, the page and the plots of a report."""

import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console

from bench.report.document import document, write_document
from bench.report.plots import plots
from bench.report.table import print_report
from tests.bench.reports import REPORT


def test_the_table_has_every_figure_its_ratio_and_what_was_skipped() -> None:
    output = io.StringIO()
    print_report(Console(file=output, width=120), REPORT)
    lines = [re.sub(r"\s+", " ", line) for line in output.getvalue().splitlines()]
    assert "│ answer to ready │ celery │ 25.5 s │ 25.9 s │ 25.0 s │ 26.0 s │ 2 │ 51.0 │" in lines
    assert "celery: lost: its video stayed in processing" in lines
    assert any(line.startswith("naive skipped: it did") for line in lines)
    assert any("met" in line and "0.020 x" in line for line in lines)


def test_the_page_names_machine_versions_and_command_and_shows_each_plot(tmp_path: Path) -> None:
    written = write_document(REPORT, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "A Processor \\| 3000, 2 cores, 8 GiB, Linux 6.1" in page
    assert "rushes 0.1.0, ffmpeg 9.0" in page
    assert "`python -m bench run`" in page
    assert "- naive, not measured: it did not start" in page
    shown = {tmp_path / name for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page)}
    assert shown == {path for path in written if path.suffix == ".svg"}
    assert {path.stem for path in shown} == {"a", "b", "c", "e", "f", "g"}


def test_a_quick_run_says_so_on_the_page() -> None:
    assert "quick form" in document(replace(REPORT, quick=True))
    assert "quick form" not in document(REPORT)


def test_a_plot_of_a_case_that_is_gone_goes_too(tmp_path: Path) -> None:
    write_document(REPORT, tmp_path)
    write_document(replace(REPORT, cases=REPORT.cases[:1]), tmp_path)
    assert [path.name for path in (tmp_path / "benchmarks").iterdir()] == ["a.svg"]


def test_plots_are_xml_always_the_same_and_stay_within_their_width() -> None:
    drawn = plots(REPORT)
    assert drawn == plots(REPORT)
    for svg in drawn.values():
        root = ET.fromstring(svg)  # noqa: S314 - it is our own
        width = float(root.attrib["width"])
        bars = [part for part in root if part.tag.endswith("rect")]
        assert max(float(bar.attrib.get("x", "0")) + float(bar.attrib["width"]) for bar in bars) <= width


def test_a_lost_video_has_a_row_and_no_bar() -> None:
    killed = plots(REPORT)["e"]
    assert "lost: its video stayed in processing" in killed
    assert killed.count('rx="2"') == 1
