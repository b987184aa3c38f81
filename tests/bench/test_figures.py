"""What is said of measurements: which number stands for them, and whether it is good enough."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.aims import AIMS, value_text, verdicts
from bench.cases.every import CASES
from bench.result import read_report, write_report
from bench.samples import Statistic, percentile, summary
from tests.bench.reports import REPORT


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0], 0.95, 3.0), ([1, 2, 3, 4], 0.5, 2.5), ([4, 1, 3, 2], 0, 1), ([1, 2], 1, 2), (range(101), 0.95, 95)],
)
def test_a_percentile_lies_between_its_neighbours(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == pytest.approx(expected)


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.1)])
def test_there_is_no_percentile_of_nothing(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, share)


def test_a_median_is_not_moved_by_one_bad_round_and_the_most_is() -> None:
    values = [1.0, 1.1, 1.2, 1.3, 50.0]
    assert (summary(values, Statistic.MEDIAN), summary(values, Statistic.MOST)) == (1.2, 50.0)


def test_each_aim_says_what_is_met_and_by_how_much_the_rest_is_missed() -> None:
    found = [(verdict.aim.letter, verdict.is_met, verdict.text) for verdict in verdicts(REPORT)]
    assert found == [
        ("a", True, "met"),
        ("a", True, "met"),
        ("b", False, "missed by 0.020 x"),
        ("c", False, "not measured"),
        ("e", True, "met"),
        ("f", True, "met"),
        ("g", False, "missed by 0.150 x"),
        ("g", False, "missed by 8.00 MiB"),
    ]


def test_every_aim_is_of_a_case_that_there_is() -> None:
    assert {aim.letter for aim in AIMS} == {case.letter for case in CASES}


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.04, "x", "0.040 x"), (1.234, "s", "1.23 s"), (52.34, "MB/s", "52.3 MB/s"), (1234.5, "1/min", "1234 1/min"),
     (1, "share", "100 %"), (0.99651, "", "0.997")],
)  # fmt: skip
def test_a_value_is_written_with_the_digits_that_matter(value: float, unit: str, expected: str) -> None:
    assert value_text(value, unit) == expected


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"
    write_report(REPORT, path)
    assert read_report(path) == REPORT
    assert [one.name for one in path.parent.iterdir()] == ["results.json"]


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('{"began": "now"}')
    with pytest.raises(ValidationError):
        read_report(path)
