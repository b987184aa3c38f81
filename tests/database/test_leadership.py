"""Of several processes one leads, and whoever can lead no more is followed within seconds."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from database.leadership import Leadership

_LEADS = """
import asyncio, sys
from database.leadership import Leadership

async def lead():
    async with Leadership(sys.argv[1], silent_seconds=1) as one:
        while True:
            print(await one.leads(), flush=True)
            await asyncio.sleep(3)

asyncio.run(lead())
"""


async def test_one_process_leads_and_another_takes_over(database_url: str) -> None:
    async with Leadership(database_url) as first, Leadership(database_url) as second:
        assert await first.leads()
        assert [await second.leads() for _ in range(2)] == [False, False]
        assert await first.leads()
        await first.__aexit__(None, None, None)
        async with asyncio.timeout(5):
            while not await second.leads():
                await asyncio.sleep(0.01)
        assert not await first.leads()


async def test_tasks_of_one_process_that_ask_at_the_same_time_all_lead(database_url: str) -> None:
    async with Leadership(database_url) as leadership, Leadership(database_url) as other:
        assert await asyncio.gather(*(leadership.leads() for _ in range(3))) == [True] * 3
        assert await leadership.leads()
        assert not await other.leads()


async def test_a_leader_that_is_stopped_is_followed_and_learns_of_it_when_it_goes_on(database_url: str) -> None:
    leader = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _LEADS, database_url), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert leader.stdout is not None
    try:
        async with asyncio.timeout(60), Leadership(database_url) as second:
            for _ in range(2):  # silent for longer than it may be, as in the midst of a long pass
                assert await leader.stdout.readline() == b"True\n"
            assert not await second.leads()
            os.kill(leader.pid, signal.SIGSTOP)
            while not await second.leads():
                await asyncio.sleep(0.1)
            os.kill(leader.pid, signal.SIGCONT)
            while await leader.stdout.readline() != b"False\n":
                assert await second.leads()
    finally:
        leader.kill()
        await leader.wait()
