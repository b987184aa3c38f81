"""What ``rushes show`` reads from the logs of a stack on this machine."""

import json
from pathlib import Path

from cli.local_logs import log_lines

VIDEO = "0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11"


def write(path: Path, *lines: dict[str, object]) -> None:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def test_the_lines_of_all_parts_are_told_in_the_order_of_their_time(tmp_path: Path) -> None:
    later, earlier, last = (f"2026-11-29T19:4{minute}:00Z" for minute in (7, 6, 8))
    write(tmp_path / "api.log", {"event": "upload accepted", "video_id": VIDEO, "level": "info", "timestamp": earlier})
    failure = [{"exc_type": "StorageFailed", "exc_value": "the disk is full"}]
    write(
        tmp_path / "worker.log",
        {"event": "Processing", "level": "info", "video_id": VIDEO, "timestamp": later},
        {"event": "Processing", "level": "info", "video_id": "another", "timestamp": later},
        {"event": "failed", "level": "warning", "video_id": VIDEO, "exception": failure, "timestamp": last},
    )
    lines = log_lines(tmp_path, VIDEO, most=10)
    assert [line.split()[1] for line in lines] == ["api", "worker", "worker"]
    assert lines[2].endswith("warning failed the disk is full")
    assert log_lines(tmp_path, VIDEO, most=1) == lines[2:]


def test_who_only_looks_is_not_part_of_the_story(tmp_path: Path) -> None:
    asked = {"event": "request", "method": "GET", "path": f"/api/v1/videos/{VIDEO}", "status": 200}
    refused = {**asked, "status": 500}
    moment = {"level": "info", "timestamp": "2026-11-29T19:46:00Z"}
    write(tmp_path / "api.log", {**asked, **moment}, {**refused, **moment})
    assert [line.count("status=500") for line in log_lines(tmp_path, VIDEO, most=10)] == [1]


def test_a_machine_without_logs_has_no_lines(tmp_path: Path) -> None:
    assert log_lines(tmp_path / "nowhere", VIDEO, most=10) == []
