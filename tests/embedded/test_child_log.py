"""The logs of the stack's children."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from embedded.child_log import ChildLog


def test_a_large_log_begins_anew_under_its_writer_and_a_small_one_stays(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "api.log")
    log.rotate()
    with log.path.open("ab", buffering=0) as child:
        child.write(b"x" * 1024)
        log.rotate()
        assert log.path.stat().st_size == 1024
        child.write(b"y" * 11 * 1024 * 1024)
        log.rotate()
        child.write(b"after")
    assert log.path.read_bytes() == b"after"
    assert (tmp_path / "api.log.1").stat().st_size == 1024 + 11 * 1024 * 1024


def test_the_tail_has_only_what_was_written_since_the_mark(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "api.log")
    assert log.tail() == ""
    log.path.write_text("old\n")
    log.mark()
    with log.path.open("a") as file:
        file.write("first\n\nsecond\n")
    assert log.tail() == "first\nsecond"
    assert log.tail(lines=1) == "second"


def test_a_structured_line_becomes_a_sentence_with_its_exception(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "api.log")
    log.path.write_text(
        '{"level": "error", "event": "cannot start", "reason": "no disk", '
        '"exception": [{"exc_type": "OSError", "exc_value": "full", "frames": []}]}\n'
        '{"level": "warn", "msg": "from temporal"}\n'
        '{"no": "event"}\n'
        "[1]\n"
    )
    assert log.tail().splitlines() == [
        "error: cannot start reason=no disk (OSError: full)",
        "warn: from temporal",
        '{"no": "event"}',
        "[1]",
    ]


def told(event: str, reason: str, seconds_ago: float = 0) -> str:
    written = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return json.dumps({"event": event, "reason": reason, "timestamp": f"{written:%Y-%m-%dT%H:%M:%S.%fZ}"}) + "\n"


def test_what_a_process_waits_for_is_what_it_last_said_since_the_mark(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "worker.log")
    assert log.awaited() == ""
    log.path.write_text(told("worker_waits", "of an earlier life"))
    log.mark()
    assert log.awaited() == ""
    with log.path.open("a") as file:
        file.write(told("worker_waits", "for 5 s", 5) + told("worker_waits", "for 10 s"))
        file.write(told("something else", "other") + "no object\n[1]\n")
    assert log.awaited() == "for 10 s"


@pytest.mark.parametrize(
    "then",
    [
        told("worker_waits", "The bucket is silent.") + told("worker_ready", ""),
        told("api waits", "The bucket is silent.", seconds_ago=11),
        '{"event": "worker_waits", "reason": "The bucket is silent."}\n',
    ],
    ids=["it is ready", "not said again for two pauses", "nobody knows when"],
)
def test_what_a_process_has_waited_for_is_not_what_it_waits_for(tmp_path: Path, then: str) -> None:
    log = ChildLog(tmp_path / "worker.log")
    log.path.write_text(told("worker_waits", "for PostgreSQL", seconds_ago=20) + then)
    assert log.awaited() == ""
