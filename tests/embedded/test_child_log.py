"""The logs of the stack's children."""

from pathlib import Path

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


def test_what_a_process_waits_for_is_what_it_last_said_since_the_mark(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "worker.log")
    assert log.awaited() == ""
    log.path.write_text('{"event": "worker_waits", "reason": "of an earlier life"}\n')
    log.mark()
    with log.path.open("a") as file:
        file.write('{"event": "worker_waits", "reason": "for 5 s"}\n{"event": "worker_waits", "reason": "for 10 s"}\n')
        file.write('{"event": "something else", "reason": "other"}\nno object\n[1]\n')
    assert log.awaited() == "for 10 s"
