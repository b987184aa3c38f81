"""What the soak does to processes is what it says."""

import asyncio
import os
from functools import partial
from pathlib import Path

import psycopg

from embedded.postgres import EmbeddedPostgres
from embedded.postgres_programs import servers_in
from embedded.run_file import RunFile
from tests.fixtures.stack import Home
from tests.fixtures.template import copy_cluster
from tests.soak.parts import Machines
from tests.waiting import eventually

_LOOK_SECONDS = 0.5


async def _state(process: int) -> str:
    stat = await asyncio.to_thread(Path(f"/proc/{process}/stat").read_text)
    return stat.rpartition(")")[2].split()[0]


async def test_a_postgresql_that_is_stopped_answers_nobody_until_it_goes_on(home: Home) -> None:
    folder = home.folder / "postgres"
    await copy_cluster(folder)
    async with EmbeddedPostgres(folder, durable=False) as server:
        url, process = server.url(server.port), server.pid
        assert process is not None
        addresses = dict.fromkeys(("api", "temporal", "temporal_ui", "uploads"), "")
        RunFile(**addresses, database=url, pids={"stack": os.getpid(), "postgres": process}).write(home.folder)
        parts = Machines(home, [], [])
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            backend = connection.info.backend_pid
            assert {process, backend} <= set(servers_in(server.data_folder))
            away = asyncio.create_task(parts.stop("postgres", 600))
            await eventually(partial(_state, backend), "T".__eq__)
            asking = asyncio.create_task(connection.execute("SELECT 1"))
            coming = asyncio.create_task(psycopg.AsyncConnection.connect(url))
            answered, _ = await asyncio.wait({asking, coming}, timeout=_LOOK_SECONDS)
            assert not answered
            away.cancel()
            await asyncio.gather(away, return_exceptions=True)
            assert await (await asking).fetchone() == (1,)
            await (await coming).close()
