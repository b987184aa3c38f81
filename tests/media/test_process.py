"""The process runner: drained, waited for, and gone when its caller is."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from media import process
from media.ffmpeg import Ffmpeg
from media.process import ProcessFailed, TooMuchOutput, guard, run_process
from tests.media.processes import children_of, first_child_of, gone, is_alive

ENDLESS = "import time; print('begun', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + ENDLESS


def _python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


async def test_a_result_has_the_exit_code_and_what_was_said() -> None:
    result = await run_process(_python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (result.return_code, result.stdout, result.stderr_tail) == (3, "out\n", "err\n")


async def test_a_program_ended_by_a_signal_has_its_negative_number() -> None:
    result = await run_process(_python("import os; os.kill(os.getpid(), 9)"))
    assert result.return_code == -9
    assert "was ended by signal 9" in str(ProcessFailed("x", result))


@pytest.mark.parametrize("name", ["nothing", "a_text"])
async def test_a_program_that_is_not_there_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "a_text").write_text("not executable")
    with pytest.raises(FileNotFoundError, match=name):
        await run_process([str(tmp_path / name)])


async def test_a_flood_on_both_pipes_neither_blocks_nor_is_kept() -> None:
    flood = "import sys\nfor _ in range(2000): sys.stderr.write('e' * 1000); sys.stdout.write('o' * 1000 + '\\n')"
    lines: list[int] = []
    result = await run_process(_python(flood), on_line=lambda line: lines.append(len(line)))
    assert lines == [1000] * 2000
    assert result.stderr_tail == "e" * process.STDERR_TAIL_BYTES
    assert result.stdout == ""


async def test_a_line_without_end_comes_in_pieces() -> None:
    lines: list[str] = []
    await run_process(_python("print('x' * 1_000_000); print('last', end='')"), on_line=lines.append)
    assert sum(len(line) for line in lines[:-1]) == 1_000_000
    assert lines[-1] == "last"


async def test_output_that_no_one_takes_is_limited() -> None:
    before = children_of(os.getpid())
    with pytest.raises(TooMuchOutput):
        await run_process(_python("while True: print('x' * 1000)"))
    assert children_of(os.getpid()) == before


async def test_nothing_is_read_from_our_own_input() -> None:
    result = await run_process(_python("import sys; print(repr(sys.stdin.read()))"))
    assert result.stdout == "''\n"


@pytest.mark.parametrize("program", [ENDLESS, STUBBORN], ids=["willing", "stubborn"])
async def test_cancelled_work_is_gone_within_five_seconds(program: str) -> None:
    before = children_of(os.getpid())
    begun = asyncio.Event()
    task = asyncio.create_task(run_process(_python(program), on_line=lambda _: begun.set()))
    await asyncio.wait_for(begun.wait(), 20)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert children_of(os.getpid()) == before


async def test_who_cancels_twice_does_not_wait_and_leaves_nothing() -> None:
    before = children_of(os.getpid())
    begun = asyncio.Event()
    task = asyncio.create_task(run_process(_python(STUBBORN), on_line=lambda _: begun.set()))
    await asyncio.wait_for(begun.wait(), 20)
    task.cancel()
    await asyncio.wait({task}, timeout=0.2)
    assert not task.done(), "the program ignores SIGTERM, so this was too quick"
    task.cancel()
    async with asyncio.timeout(process.KILL_AFTER_SECONDS / 2):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert children_of(os.getpid()) == before


async def test_cancelling_at_once_leaves_nothing() -> None:
    before = children_of(os.getpid())
    for turns in range(12):
        task = asyncio.create_task(run_process(_python(ENDLESS)))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert children_of(os.getpid()) == before


async def test_whoever_fails_on_a_line_ends_the_program() -> None:
    before = children_of(os.getpid())

    def fail(line: str) -> None:
        raise LookupError(line)

    with pytest.raises(LookupError, match="begun"):
        await run_process(_python(ENDLESS), on_line=fail)
    assert children_of(os.getpid()) == before


async def test_a_stubborn_flood_that_no_one_reads_any_more_is_ended_too() -> None:
    before = children_of(os.getpid())
    flood = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: print('x' * 1000)"

    def fail(line: str) -> None:
        raise LookupError(line)

    async with asyncio.timeout(process.KILL_AFTER_SECONDS + 2):
        with pytest.raises(LookupError):
            await run_process(_python(flood), on_line=fail)
    assert children_of(os.getpid()) == before


async def test_what_the_program_started_itself_is_ended_with_it() -> None:
    begun = asyncio.Event()
    grandchildren: list[int] = []

    def note(line: str) -> None:
        grandchildren.append(int(line))
        begun.set()

    stubborn = ["sh", "-c", "(trap '' TERM; while :; do sleep 1; done) & echo $!; wait"]
    task = asyncio.create_task(run_process(stubborn, on_line=note))
    await asyncio.wait_for(begun.wait(), 20)
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    await gone(grandchildren[0], within_seconds=5)


PARENT = """
import asyncio, sys
from media.process import run_process
asyncio.run(run_process(sys.argv[1:]))
"""


@pytest.mark.skipif(not guard(), reason="util-linux's setpriv is not on this machine")
async def test_ffmpeg_dies_with_a_parent_that_is_killed(ffmpeg: Ffmpeg) -> None:
    endless = [
        str(ffmpeg.ffmpeg_path),
        "-v",
        "quiet",
        "-nostdin",
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2",
        "-f",
        "null",
        "-",
    ]
    project = Path(__file__).parents[2]
    parent = await asyncio.create_subprocess_exec(*_python(PARENT), *endless, cwd=project)
    try:
        child = await asyncio.wait_for(first_child_of(parent.pid), 20)
        await _becomes(child, "ffmpeg")
        assert os.getpgid(child) == child != os.getpgid(parent.pid), "a kill of the parent's group would be no test"
    finally:
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
    try:
        await gone(child, within_seconds=5)
    finally:
        if is_alive(child):
            os.kill(child, signal.SIGKILL)


async def _becomes(pid: int, program: str) -> None:
    """Wait until the guard has turned into the program."""
    async with asyncio.timeout(10):
        while program not in Path(f"/proc/{pid}/comm").read_text():  # noqa: ASYNC240  procfs does not block
            await asyncio.sleep(0.01)
