"""``run.json`` and the lock."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from embedded.lock import HomeLock, HomeTaken
from embedded.run_file import RunFile, is_alive, remove_run_file

RUN = RunFile(
    api="http://127.0.0.1:8000",
    temporal="127.0.0.1:7233",
    temporal_ui="http://127.0.0.1:8233",
    database="postgresql://rushes:secret@127.0.0.1:5432/rushes",
    uploads="/var/uploads",
    pids={"stack": os.getpid(), "api": 2, "worker": 3, "temporal": 4, "postgres": 5},
)


def test_what_is_written_is_read_again_and_only_by_its_owner(tmp_path: Path) -> None:
    RUN.write(tmp_path)
    assert RunFile.read(tmp_path) == RUN
    file = tmp_path / "run.json"
    assert json.loads(file.read_text())["pids"]["worker"] == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_a_file_of_a_dead_stack_tells_of_no_stack(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    replace(RUN, pids={"stack": ended.pid}).write(tmp_path)
    assert RunFile.read(tmp_path) is None


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"pids": 3}', "\0"])
def test_a_file_that_is_not_ours_tells_of_no_stack(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert RunFile.read(tmp_path) is None


def test_removing_twice_is_a_success(tmp_path: Path) -> None:
    RUN.write(tmp_path)
    remove_run_file(tmp_path)
    remove_run_file(tmp_path)
    assert not (tmp_path / "run.json").exists()


def test_a_process_that_nobody_waited_for_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(ended.pid)


async def test_a_second_stack_on_the_same_home_is_told_who_is_there(tmp_path: Path) -> None:
    first, second = HomeLock(tmp_path), HomeLock(tmp_path)
    await first.acquire(within_seconds=1)
    with pytest.raises(HomeTaken, match=rf"A stack already runs on .* \(process {os.getpid()}\)"):
        await second.acquire(within_seconds=1)
    first.release()
    await second.acquire(within_seconds=1)
    second.release()


async def test_a_killed_stack_s_children_hold_the_home_until_they_are_gone(tmp_path: Path) -> None:
    first, second = HomeLock(tmp_path), HomeLock(tmp_path)
    await first.acquire(within_seconds=1)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import sys; sys.stdin.read()"),
        stdin=asyncio.subprocess.PIPE,
        pass_fds=[first.descriptor],
    )
    first.release()  # as the kernel does when the stack is killed; the child's copy stays
    told: list[str] = []
    with pytest.raises(HomeTaken, match="Processes of a stack that ended still hold"):
        await second.acquire(within_seconds=0.3, announce=told.append, tell_seconds=0.05)
    assert told[0].startswith("Waiting for processes of a stack that ended")
    assert told[0].endswith("for 0 s now, 0.3 s at most.")
    waiting = asyncio.ensure_future(second.acquire(within_seconds=20))
    assert child.stdin is not None
    child.stdin.close()
    await child.wait()
    await waiting
    second.release()
