"""The supervisor, with tiny Python programs as children."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from embedded.child import ChildFailed, ChildPlan
from embedded.run_file import is_alive
from embedded.supervisor import Pauses, Supervisor

FOREVER = "import signal; signal.pause()"
STUBBORN = "import signal, pathlib, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "


class Record:
    """What the supervisor told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.changes = 0

    def changed(self) -> None:
        self.changes += 1


async def ready_at_once(_started_at: datetime) -> str | None:
    return None


def plan(name: str, program: str, **details: object) -> ChildPlan:
    fields: dict[str, object] = {"ready": ready_at_once, "stop_within_seconds": 5.0, **details}
    return ChildPlan(name=name, command=(sys.executable, "-c", program), environment=os.environ, **fields)  # type: ignore[arg-type] # the fields that a test sets


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
async def supervisor(tmp_path: Path, record: Record) -> AsyncIterator[Supervisor]:
    pauses = Pauses(first=0.05, longest=0.2, steady_after=60)
    made = Supervisor(tmp_path, announce=record.said.append, changed=record.changed, pauses=pauses, tell_seconds=0.05)
    yield made
    made.kill()
    await made.stop()


async def test_children_run_in_sessions_of_their_own_and_are_gone_after_stop(supervisor: Supervisor) -> None:
    await supervisor.start(plan("one", FOREVER), plan("two", FOREVER))
    pids = supervisor.pids
    assert set(pids) == {"one", "two"}
    assert all(os.getsid(pid) == pid for pid in pids.values())
    await supervisor.stop()
    assert not any(is_alive(pid) for pid in pids.values())
    assert supervisor.pids == {}


async def test_a_dead_child_is_started_again_and_it_is_said(supervisor: Supervisor, record: Record) -> None:
    await supervisor.start(plan("worker", FOREVER))
    first = supervisor.pids["worker"]
    os.kill(first, signal.SIGKILL)
    await until(lambda: len(record.said) == 2)
    assert supervisor.pids["worker"] != first
    assert record.changes == 1
    assert "worker was ended by SIGKILL; it is started again in 0.05 s." in record.said[0]
    assert record.said[1] == f"worker runs again (process {supervisor.pids['worker']})."


@pytest.mark.parametrize(
    ("writes", "told"),
    [
        ({}, "Waiting for worker, for 0 s now: no worker polls."),
        ({"event": "worker_waits", "reason": "The bucket is silent."}, "worker: The bucket is silent."),
    ],
)
async def test_what_a_child_waits_for_is_told_meanwhile_and_at_the_end(
    supervisor: Supervisor, record: Record, writes: dict[str, str], told: str
) -> None:
    async def nobody_polls(_started_at: datetime) -> str | None:
        return "no worker polls."

    line = json.dumps({**writes, "timestamp": datetime.now(UTC).isoformat()})
    program = f"print({line!r}, flush=True); {FOREVER}"
    with pytest.raises(ChildFailed) as failed:
        await supervisor.start(plan("worker", program, ready=nobody_polls, ready_within_seconds=2))
    assert told in record.said
    assert told.rpartition(": ")[2] in str(failed.value).splitlines()[0]


async def test_what_a_child_that_only_has_to_end_waits_for_is_told_as_well(
    supervisor: Supervisor, record: Record
) -> None:
    waits = plan("migrate", FOREVER, ready=None, awaits="PostgreSQL does not answer.")
    with pytest.raises(ChildFailed, match=r"migrate did not end in 0\.5 s\. PostgreSQL does not answer\."):
        await supervisor.run_to_end(waits, within_seconds=0.5)
    assert "Waiting for migrate, for 0 s now: PostgreSQL does not answer." in record.said


def pauses_of(record: Record) -> list[str]:
    return [said.split("again in ")[1].split(" s.")[0] for said in record.said if "is started again" in said]


async def test_the_pause_grows_up_to_its_limit_while_a_child_does_not_come_to_its_work(
    supervisor: Supervisor, record: Record, tmp_path: Path
) -> None:
    flag = tmp_path / "fail"

    async def ready_without_the_flag(_started_at: datetime) -> str | None:
        return "it fails." if flag.exists() else None

    program = f"import pathlib, signal, sys; sys.exit(3) if pathlib.Path({str(flag)!r}).exists() else signal.pause()"
    await supervisor.start(plan("api", program, ready=ready_without_the_flag))
    flag.touch()
    os.kill(supervisor.pids["api"], signal.SIGTERM)
    await until(lambda: len(pauses_of(record)) >= 5)
    assert pauses_of(record)[:5] == ["0.05", "0.1", "0.2", "0.2", "0.2"]
    assert any("ended with exit code 3" in said for said in record.said)


async def test_a_child_that_did_its_work_each_time_is_back_after_the_same_short_pause(
    supervisor: Supervisor, record: Record
) -> None:
    await supervisor.start(plan("postgres", FOREVER))
    for deaths in (1, 2, 3):
        os.kill(supervisor.pids["postgres"], signal.SIGTERM)
        await until(lambda deaths=deaths: sum("runs again" in said for said in record.said) == deaths)  # type: ignore[misc] # a bound default
    assert pauses_of(record) == ["0.05"] * 3


async def test_what_a_child_needs_is_made_ready_before_each_of_its_starts(
    supervisor: Supervisor, record: Record
) -> None:
    prepared: list[int] = []

    async def prepare() -> None:
        prepared.append(len(supervisor.pids))
        if len(prepared) == 2:
            raise ChildFailed("An earlier server is still running.")

    await supervisor.start(plan("postgres", FOREVER, prepare=prepare))
    os.kill(supervisor.pids["postgres"], signal.SIGKILL)
    await until(lambda: any("runs again" in said for said in record.said))
    assert prepared == [0, 0, 0], "never while it runs, and again after it failed"
    assert "An earlier server is still running." in record.said


async def test_a_child_that_ends_while_starting_is_told_with_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    async def never(_started_at: datetime) -> str | None:
        return "it does not answer."

    lines = 'plain\n{"level": "error", "event": "no disk", "path": "/x"}'
    program = f"import sys; sys.stderr.write({lines!r}); sys.exit(7)"
    with pytest.raises(ChildFailed) as failure:
        await supervisor.start(plan("api", program, ready=never))
    assert str(failure.value) == (
        f"api ended with exit code 7 while it was starting.\nThe end of {tmp_path / 'api.log'}:\nplain\nerror: no disk"
    )


async def test_a_child_that_is_never_ready_fails_in_bounded_time_with_what_is_missing(supervisor: Supervisor) -> None:
    async def never(_started_at: datetime) -> str | None:
        return "it does not answer."

    with pytest.raises(ChildFailed, match=r"api was not ready in 0\.2 s: it does not answer\."):
        await supervisor.start(plan("api", FOREVER, ready=never, ready_within_seconds=0.2))
    pid = supervisor.pids["api"]
    await supervisor.stop()
    assert not is_alive(pid)


async def test_a_program_that_is_missing_is_named(supervisor: Supervisor) -> None:
    missing = ChildPlan(name="api", command=("/no/such/program",), environment={}, death_signal=None)
    with pytest.raises(ChildFailed, match="/no/such/program"):
        await supervisor.start(missing)


async def test_a_child_that_ignores_its_stop_signal_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start(plan("worker", STUBBORN + "signal.pause()", stop_within_seconds=0.2))
    pid = supervisor.pids["worker"]
    await until(lambda: (tmp_path / "worker.log").read_text() == "up\n")
    await supervisor.stop()
    assert not is_alive(pid)


async def test_kill_makes_a_stop_that_waits_return_at_once(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start(plan("worker", STUBBORN + "signal.pause()", stop_within_seconds=100))
    await until(lambda: (tmp_path / "worker.log").read_text() == "up\n")
    stopping = asyncio.ensure_future(supervisor.stop())
    await asyncio.sleep(0)
    supervisor.kill()
    async with asyncio.timeout(10):
        await stopping


async def test_children_are_stopped_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    program = (
        "import signal, sys\n"
        "def end(*_):\n"
        f"    with open({str(ends)!r}, 'a') as file: file.write(sys.argv[1] + ' ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); signal.pause()"
    )
    for name in ("postgres", "temporal", "api"):
        named = plan(name, program)
        await supervisor.start(ChildPlan(**{**vars(named), "command": (*named.command, name)}))
    await until(lambda: all((tmp_path / f"{name}.log").exists() for name in ("postgres", "temporal", "api")))
    await until(lambda: all(file.read_text() == "up\n" for file in tmp_path.glob("*.log")))
    await supervisor.stop()
    assert ends.read_text().split() == ["api", "temporal", "postgres"]


async def test_a_start_that_is_cancelled_leaves_nothing_after_stop(supervisor: Supervisor) -> None:
    async def never(_started_at: datetime) -> str | None:
        return "it does not answer."

    starting = asyncio.ensure_future(supervisor.start(plan("api", FOREVER, ready=never)))
    await until(lambda: bool(supervisor.pids))
    pid = supervisor.pids["api"]
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await supervisor.stop()
    assert not is_alive(pid)


async def test_a_task_that_ends_badly_is_told_with_its_log(supervisor: Supervisor) -> None:
    with pytest.raises(ChildFailed, match=r"migrate ended with exit code 1\.\n(.*\n)*.*no such table"):
        await supervisor.run_to_end(plan("migrate", "import sys; sys.exit('no such table')"), within_seconds=20)


async def test_a_task_that_takes_too_long_is_told_and_stopped(supervisor: Supervisor) -> None:
    with pytest.raises(ChildFailed, match=r"migrate did not end in 0\.1 s\."):
        await supervisor.run_to_end(plan("migrate", FOREVER), within_seconds=0.1)
    pid = supervisor.pids["migrate"]
    await supervisor.stop()
    assert not is_alive(pid)


async def test_children_end_with_a_stack_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio, os, sys
from pathlib import Path
from embedded.child import ChildPlan
from embedded.supervisor import Supervisor
async def main():
    supervisor = Supervisor(Path({str(tmp_path)!r}), announce=print, changed=lambda: None)
    await supervisor.start(ChildPlan(name="api", command=(sys.executable, "-c", {FOREVER!r}), environment=os.environ))
    print(supervisor.pids["api"], flush=True)
    await asyncio.sleep(100)
asyncio.run(main())
"""
    stack = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert stack.stdout is not None
    child = int(await stack.stdout.readline())
    # Its death signal is set once it is the child's own program that runs.
    await until(lambda: Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[-2:-1] == [FOREVER.encode()])
    await until(lambda: not Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"/usr/bin/setpriv"))
    stack.kill()
    await stack.communicate()
    await until(lambda: not is_alive(child))
