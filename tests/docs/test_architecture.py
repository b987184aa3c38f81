"""The tables of ``docs/architecture.md`` say what the code says."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityConfig

from api.problems import PROBLEMS, Code, ProblemCode
from contracts.errors import ErrorCode, VideoError
from contracts.event_types import EventType
from contracts.refusals import RefusalCode
from contracts.temporal_names import MEDIA_QUEUE
from workflows import activity_options as options

_ROOT: Final = Path(__file__).resolve().parents[2]
_LINES: Final = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()

_USER: Final = "ann"
_MINUTE: Final = 60.0
_LONG: Final = 7200.0
_FULL_HD: Final = 1920 * 1080
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_NONE: Final = "\N{EN DASH}"
_FAILURES: Final = "Failures, and their codes"
_TIMEOUTS: Final = "Timeouts and retries"


def section(title: str) -> list[str]:
    """The lines of a section."""
    begin = _LINES.index(f"## {title}")
    end = next((at for at, line in enumerate(_LINES) if at > begin and line.startswith("## ")), len(_LINES))
    return _LINES[begin:end]


def cells(first: str, title: str) -> list[str]:
    """The cells of the one row of a section that starts with ``first``."""
    rows = [line for line in section(title) if line.startswith(f"| {first} |")]
    assert len(rows) == 1, first
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


@pytest.mark.parametrize("code", [*ErrorCode, *RefusalCode, *ProblemCode])
def test_every_code_is_there_with_its_http_status(code: Code) -> None:
    row = cells(f"`{code}`", _FAILURES)
    statuses = [cell for cell in row if cell.isdecimal()]
    expected = [str(PROBLEMS[code].status)] if code in PROBLEMS else []
    assert statuses == expected


@pytest.mark.parametrize("kind", EventType)
def test_every_event_is_told_by_the_document_of_the_api_by_the_architecture_and_by_the_readme(kind: EventType) -> None:
    document = json.loads((_ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert f"`{kind}`" in document["paths"]["/api/v1/events"]["get"]["description"]
    assert f"`{kind}`" in "\n".join(_LINES)
    assert f"`{kind}`" in (_ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("error", VideoError.__subclasses__(), ids=lambda error: error.__name__)
def test_what_is_said_to_be_tried_again_is(error: type[VideoError]) -> None:
    expected = "final" if not error.retryable else "counted" if error.counted else "retried"
    assert cells(f"`{error.code}`", _FAILURES)[2] == expected


def words(span: timedelta) -> str:
    """As people write it."""
    for unit, name in ((timedelta(days=1), "day"), (timedelta(minutes=1), "min"), (timedelta(seconds=1), "s")):
        count, rest = divmod(span, unit)
        if count and not rest:
            return f"{count} {name}{'s' if name == 'day' and count > 1 else ''}"
    raise ValueError(span)


ROWS: Final[Mapping[str, ActivityConfig]] = {
    "`validate_video`": options.look_options(_USER),
    "`create_thumbnail`": options.look_options(_USER, _MINUTE),
    "`encode_chunk`": options.encode_options(_USER, _MINUTE, 3 * _FULL_HD, _LONG),
    "`encode_sound`": options.encode_options(_USER, _MINUTE, 0, _LONG),
    "`hash_original`, `join_streams`, `verify_output`": options.finish_options(_USER, _MINUTE),
    "`fetch_original`": options.FETCH,
    "`retry_videos`, `reprocess_videos`": options.RETRY_VIDEOS,
    "`publish_files`, `withdraw_files`, `publish_edition`, `withdraw_edition`": options.PUBLISH,
    "`claim_video`, `count_minutes`, `mark_ready`, `mark_error`": options.ROW,
    "`claim_reprocessing`, `mark_reprocessed`, `fail_reprocessing`": options.ROW,
    "`clean_scratch`": options.CLEAN,
    "`stop_run`": options.STOP,
    "`remove_files`": options.REMOVE,
    "`remove_row`": options.REMOVE_ROW,
    "`send_webhook`": options.send_options("a webhook", 1),
    "`give_up_webhook`": options.GIVE_UP,
}
"""What each row of the table is about: for a minute, three times as large as 1920x1080."""


@pytest.mark.parametrize(("activities", "chosen"), ROWS.items())
def test_timeouts_and_retries_are_those_of_the_code(activities: str, chosen: ActivityConfig) -> None:
    _, queue, attempt, heartbeat, in_all, attempts, pause = cells(activities, _TIMEOUTS)
    retries = chosen["retry_policy"]
    silence, whole = chosen.get("heartbeat_timeout"), chosen.get("schedule_to_close_timeout")
    assert isinstance(retries, RetryPolicy)
    assert retries.maximum_interval is not None
    assert queue == f"`{chosen['task_queue']}`"
    assert one_attempt(attempt) == chosen["start_to_close_timeout"]
    assert heartbeat == (words(silence) if silence is not None else _NONE)
    assert in_all == (words(whole) if whole is not None else "no limit")
    assert attempts == (str(retries.maximum_attempts) if retries.maximum_attempts else "no limit")
    assert pause == f"{words(retries.initial_interval)}, doubling to {words(retries.maximum_interval)}"
    assert retries.backoff_coefficient == 2


def one_attempt(cell: str) -> timedelta:
    """What the cell comes to for a minute of three times 1920x1080."""
    fixed, _, scaled = cell.partition(" + ")
    number, unit = fixed.split()
    units = {"h": timedelta(hours=1), "min": timedelta(minutes=1), "s": timedelta(seconds=1)}
    span = float(number) * units[unit]
    if scaled:
        times, what, *size = scaled.split(f" {_TIMES} ")
        assert what in {"length", "part"}
        assert size in ([], ["size"])
        span += float(times) * (3 if size else 1) * timedelta(seconds=_MINUTE)
    return span


def test_every_activity_has_its_row() -> None:
    rows = re.findall(r"`(\w+)`", " ".join(ROWS))
    modules = [path.read_text(encoding="utf-8") for path in (_ROOT / "activities").glob("*.py")]
    defined = re.findall(r"@activity\.defn\n    async def (\w+)\(", "\n".join(modules))
    assert sorted(rows) == sorted(defined)


@pytest.mark.parametrize(
    ("priority", "chosen"),
    [
        (1, options.look_options(_USER)),
        (2, options.finish_options(_USER, _LONG)),
        (3, options.encode_options(_USER, _MINUTE, _FULL_HD, _MINUTE)),
        (4, options.encode_options(_USER, _MINUTE, _FULL_HD, 599)),
        (5, options.encode_options(_USER, _MINUTE, _FULL_HD, 601)),
    ],
)
def test_priorities_are_those_of_the_code(priority: int, chosen: ActivityConfig) -> None:
    assert cells(str(priority), _TIMEOUTS)[0] == str(priority)
    assert chosen["priority"] == Priority(priority_key=priority, fairness_key=_USER)


def test_every_activity_of_the_media_queue_has_its_priority() -> None:
    table = [line for line in section(_TIMEOUTS) if re.match(r"\| \d \|", line)]
    media = [name for name, chosen in ROWS.items() if chosen["task_queue"] == MEDIA_QUEUE]
    assert set(re.findall(r"`(\w+)`", " ".join(table))) == set(re.findall(r"`(\w+)`", " ".join(media)))


@pytest.mark.parametrize(
    ("page", "pattern"),
    [
        ("decisions/0015-failures-are-counted.md", r"On `video-media` (\d+) times at most"),
        ("decisions/0015-failures-are-counted.md", r"Up to (\d+) restarts for one step"),
        ("operations.md", r"MaximumAttempts +(\d+)"),
    ],
)
def test_other_pages_name_as_many_attempts(page: str, pattern: str) -> None:
    retries = options.finish_options(_USER, _LONG)["retry_policy"]
    assert isinstance(retries, RetryPolicy)
    named = re.findall(pattern, (_ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert {int(number) for number in named} == {retries.maximum_attempts}


def test_the_words_name_the_counts_of_the_code() -> None:
    text = " ".join(section(_TIMEOUTS))
    pauses = [options.pause_after(failures).total_seconds() for failures in range(1, options.MOST_FAILURES)]
    assert options.MOST_FAILURES == 5
    assert "five times in all, after {:g}, {:g}, {:g} and {:g} s".format(*pauses) in text
