"""The tables of ``docs/architecture.md`` say what the code says."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from api.problems import PROBLEMS, Code, ProblemCode
from contracts.errors import ErrorCode, VideoError
from workflows import activity_options as options

_ROOT: Final = Path(__file__).resolve().parents[2]
_LINES: Final = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()

_LENGTH: Final = timedelta(minutes=1)
_FULL_HD: Final = 1920 * 1080
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_NONE: Final = "\N{EN DASH}"
_FAILURES: Final = "Failures, and their codes"


def cells(first: str, section: str) -> list[str]:
    """The cells of the one row of a section that starts with ``first``."""
    begin = _LINES.index(f"## {section}")
    end = next((at for at, line in enumerate(_LINES) if at > begin and line.startswith("## ")), len(_LINES))
    rows = [line for line in _LINES[begin:end] if line.startswith(f"| {first} |")]
    assert len(rows) == 1, first
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


@pytest.mark.parametrize("code", [*ErrorCode, *ProblemCode])
def test_every_code_is_there_with_its_http_status(code: Code) -> None:
    row = cells(f"`{code}`", _FAILURES)
    statuses = [cell for cell in row if cell.isdecimal()]
    expected = [str(PROBLEMS[code].status)] if code in PROBLEMS else []
    assert statuses == expected


@pytest.mark.parametrize("error", VideoError.__subclasses__(), ids=lambda error: error.__name__)
def test_what_is_said_to_be_retried_is_retried(error: type[VideoError]) -> None:
    assert cells(f"`{error.code}`", _FAILURES)[2] == ("yes" if error.retryable else "final")


def words(span: timedelta) -> str:
    """As people write it."""
    for unit, name in ((timedelta(days=1), "day"), (timedelta(minutes=1), "min"), (timedelta(seconds=1), "s")):
        count, rest = divmod(span, unit)
        if count and not rest:
            return f"{count} {name}{'s' if name == 'day' and count > 1 else ''}"
    raise ValueError(span)


@pytest.mark.parametrize(
    ("activities", "chosen"),
    [
        ("`validate_video`", options.VALIDATE),
        ("`transcode_video`", options.transcode_options(_LENGTH.total_seconds(), _FULL_HD)),
        ("`create_thumbnail`", options.THUMBNAIL),
        ("`verify_output`", options.verify_options(_LENGTH.total_seconds(), _FULL_HD)),
        ("`publish_files`", options.PUBLISH),
        ("`mark_ready`, `mark_error`", options.MARK),
        ("`withdraw_files`, `clean_scratch`", options.CLEAN),
    ],
)
def test_timeouts_and_retries_are_those_of_the_code(activities: str, chosen: Mapping[str, Any]) -> None:
    _, queue, attempt, heartbeat, in_all, attempts, pause = cells(activities, "Timeouts and retries")
    retries = chosen["retry_policy"]
    assert queue == f"`{chosen['task_queue']}`"
    assert one_attempt(attempt) == chosen["start_to_close_timeout"]
    if "heartbeat_timeout" in chosen:
        grows = f" {_TIMES} size" if "size" in attempt else ""
        assert heartbeat == words(chosen["heartbeat_timeout"]) + grows
    else:
        assert heartbeat == _NONE
    assert in_all == words(chosen["schedule_to_close_timeout"])
    assert attempts == (str(retries.maximum_attempts) if retries.maximum_attempts else "no limit")
    assert pause == f"{words(retries.initial_interval)}, doubling to {words(retries.maximum_interval)}"
    assert retries.backoff_coefficient == 2


def one_attempt(cell: str) -> timedelta:
    """What the cell comes to for a minute of 1920x1080."""
    fixed, _, scaled = cell.partition(" + ")
    number, unit = fixed.split()
    times = float(scaled.split(_TIMES)[0]) if scaled else 0.0
    return float(number) * {"min": timedelta(minutes=1), "s": timedelta(seconds=1)}[unit] + times * _LENGTH
