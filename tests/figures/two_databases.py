"""A rehearsal of a restore on the files of what runs: ``python -m tests.figures.two_databases``."""

import argparse
import asyncio
import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
from temporalio.client import Client

from embedded.ports import LOOPBACK
from embedded.postgres import EmbeddedPostgres
from tests.api.test_main import unused_port
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.figures.put_back import half_sent
from tests.figures.stage import a_folder, drawn_clips, ready, tell
from tests.fixtures.clips import Clip
from tests.fixtures.commands import begin
from tests.fixtures.stack import make_home
from tests.fixtures.temporal import start_dev_server
from tests.waiting import eventually

_EXPIRES_SECONDS: Final = "5"
_SETTINGS: Final = {
    "RUSHES_RECONCILE_INTERVAL_SECONDS": "0.2",
    "RUSHES_SWEEP_AGE_SECONDS": "1",
    "RUSHES_SWEEP_INTERVAL_SECONDS": "0.2",
}
"""Whatever is done by itself is done five times a second, to whatever is older than a second."""
_BY_HAND: Final = 3


async def rows_of(database_url: str) -> list[tuple[Any, ...]]:
    """Every row of a video, with all that it says."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        return await (await connection.execute("SELECT * FROM videos ORDER BY id")).fetchall()


def files_of(uploads: Path) -> dict[str, str]:
    """Every stored file, and what it is."""
    return {
        path.relative_to(uploads).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in uploads.rglob("*")
        if path.is_file()
    }


async def measure(count: int, seconds: float) -> None:
    """Start a stack, then another one with a copy of its rows on the same files, and tell."""
    clip = (await drawn_clips()).path(Clip.SHORT_WITH_SOUND)
    with a_folder() as folder:
        expires = {"RUSHES_RESUMABLE_EXPIRES_SECONDS": _EXPIRES_SECONDS, "RUSHES_UPLOAD_RESERVED_SECONDS": "5"}
        one = with_everything_allowed(folder / "one").with_settings(**expires)
        async with serving(one) as service:
            uploads, dump = Path(service.run.uploads), folder / "rows.dump"
            await ready(service, clip, count)
            worker = service.run.pids["worker"]
            os.kill(worker, signal.SIGSTOP)
            on_their_way = [await service.upload(clip) for _ in range(count)]
            for _ in range(count):
                await half_sent(service.http, await asyncio.to_thread(clip.read_bytes))
            assert (await one.rushes("database", "dump", str(dump))).code == 0
            os.kill(worker, signal.SIGCONT)
            for video in on_their_way:
                assert (await service.ended(video, within_seconds=300))["status"] == "ready"
            await ready(service, clip, count)  # of which the other one knows nothing
            for video in on_their_way:
                await service.closed(video)
            parts = uploads / "originals"
            await eventually(lambda: asyncio.sleep(0, list(parts.glob(".*"))), lambda left: not left, within_seconds=60)
            await rehearse(folder / "other", uploads, dump, seconds)


async def rehearse(folder: Path, uploads: Path, dump: Path, seconds: float) -> None:
    """Let an api with a copy of the rows run on the files for so long, and tell."""
    files, port = await asyncio.to_thread(files_of, uploads), unused_port()
    async with EmbeddedPostgres(folder / "postgres", durable=False) as server, await start_dev_server() as temporal:
        url = server.url(server.port)
        other = make_home(folder).with_settings(
            DATABASE_URL=url,
            TEMPORAL_ADDRESS=temporal.client.service_client.config.target_host,
            RUSHES_UPLOADS=str(uploads),
            RUSHES_SCRATCH=str(folder / "scratch"),
            **_SETTINGS,
        )
        for command in (("database", "restore", str(dump)), ("migrate",)):
            assert (await other.rushes(*command)).code == 0
        rows = await rows_of(url)
        await asyncio.sleep(float(_EXPIRES_SECONDS))  # the rows of what was on its way are overdue
        api = await begin(["api"], {**other.environment, "RUSHES_PORT": str(port)})
        ending = asyncio.create_task(api.ended())
        try:
            await asyncio.sleep(seconds)
            swept = [(await other.rushes("sweep")).code for _ in range(_BY_HAND)]
            doctor = (await other.rushes("doctor")).out
            async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", trust_env=False) as client:
                told = (await client.get("/readyz")).text
            begun = await runs_of(temporal.client)
            changed = [row for row in await rows_of(url) if row not in rows]
            found = await asyncio.to_thread(files_of, uploads)
            assert all("another database" in said for said in (told, doctor)), (told, doctor)
            assert (swept, begun, changed, found) == ([3] * _BY_HAND, 0, [], files), (swept, begun, changed)
            adopted = time.monotonic()
            assert (await other.rushes("storage", "adopt")).code == 0
            await eventually(lambda: runs_of(temporal.client), bool, within_seconds=60)
            adopted = time.monotonic() - adopted
        finally:
            api.send_signal(signal.SIGTERM)
            await ending
    tell(
        f"a copy of {len(rows)} rows beside the database that has their {len(files)} files, for {seconds:g} s in which "
        f"it looked five times a second and {_BY_HAND} sweeps were asked for: runs begun {begun}, rows changed "
        f"{len(changed)}, files gone or other {len(files.items() ^ found.items())}; once it adopted them the first run "
        f"was begun in {adopted:.1f} s"
    )


async def runs_of(client: Client) -> int:
    """How many there are in its Temporal."""
    return len([run.id async for run in client.list_workflows()])


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.two_databases", description=__doc__)
    parser.add_argument("--videos", type=int, default=5, help="how many of each kind")
    parser.add_argument("--seconds", type=float, default=20, help="for how long both are there")
    said = parser.parse_args()
    asyncio.run(measure(said.videos, said.seconds))


if __name__ == "__main__":
    main()
