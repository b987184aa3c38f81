"""Rows of a dump put back by hand beside a Temporal that has gone on: ``python -m tests.figures.put_back``."""

import argparse
import asyncio
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy.engine import make_url

from embedded.postgres import EmbeddedPostgres
from embedded.postgres_programs import client_program
from tests.api.tus import append, created
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.end_to_end.service import Service
from tests.figures.stage import a_folder, drawn_clips, ready, tell
from tests.fixtures.clips import Clip
from tests.waiting import eventually

_WITHIN_SECONDS: Final = 300
_EXPIRES_SECONDS: Final = "30"
_SWEEPS: Final = 20
_SETTINGS: Final = {
    "RUSHES_RESUMABLE_EXPIRES_SECONDS": _EXPIRES_SECONDS,
    "RUSHES_UPLOAD_RESERVED_SECONDS": _EXPIRES_SECONDS,
    "RUSHES_SWEEP_AGE_SECONDS": "1",
    "RUSHES_SWEEP_INTERVAL_SECONDS": "1",
    "RUSHES_RECONCILE_INTERVAL_SECONDS": "1",
}


async def half_sent(http: httpx.AsyncClient, content: bytes) -> str:
    """The address of an upload of which half is here."""
    address = await created(http, len(content))
    answer = await append(http, address, 0, content[: len(content) // 2])
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
    return address


def originals(uploads: Path) -> dict[str, str]:
    """Each original and its SHA-256."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (uploads / "originals").iterdir()
        if not path.name.startswith(".")
    }


async def all_ready(service: Service, videos: Sequence[str]) -> None:
    """Wait until each can be played, also what a row says only later that it is."""
    for video in videos:
        row = partial(service.row, video)
        await eventually(row, lambda row: row["status"] == "ready", within_seconds=_WITHIN_SECONDS)


async def go_on_after_a_dump(service: Service, clip: Path, count: int, dump: Path) -> tuple[list[str], list[str], int]:
    """So many on their way and half sent when the dump is made, and ready since; so many that came after it.

    Returns:
        Ids of those in mid-run, ids of those that were half sent, and how many came after.
    """
    content = await asyncio.to_thread(clip.read_bytes)
    worker = service.run.pids["worker"]
    os.kill(worker, signal.SIGSTOP)
    on_their_way = [await service.upload(clip) for _ in range(count)]
    halves = [await half_sent(service.http, content) for _ in range(count)]
    run_client("pg_dump", service.run.database, "--format=custom", f"--file={dump}")
    os.kill(worker, signal.SIGCONT)
    for address in halves:
        answer = await append(service.http, address, len(content) // 2, content[len(content) // 2 :])
        assert answer.status_code == httpx.codes.NO_CONTENT, answer.text
    sent = [address.rpartition("/")[2] for address in halves]
    later = await ready(service, clip, count)
    await all_ready(service, [*on_their_way, *sent])
    return on_their_way, sent, len(later)


def run_client(program: str, database_url: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, as an operator has it."""
    subprocess.run([client_program(program), f"--dbname={database_url}", *arguments], check=True)


async def sweep(service: Service, times: int) -> None:
    """Beside the api's own sweeps, each second, some that are asked for."""
    for _ in range(times):
        swept = await service.home.rushes("sweep")
        assert swept.code == 0, swept


async def measure(count: int) -> None:
    """Start a stack, put its rows back, start it again, and tell."""
    clip = (await drawn_clips()).path(Clip.SHORT_WITH_SOUND)
    with a_folder() as folder:
        home, dump = with_everything_allowed(folder).with_settings(**_SETTINGS), folder / "rows.dump"
        async with serving(home) as service:
            before = await ready(service, clip, count)
            on_their_way, sent, later = await go_on_after_a_dump(service, clip, count, dump)
            uploads, name = Path(service.run.uploads), make_url(service.run.database).database
            kept = await asyncio.to_thread(originals, uploads)
        async with EmbeddedPostgres(home.folder / "postgres") as server:
            address = server.url(server.port, name or "rushes")
            run_client("pg_restore", address, "--clean", "--if-exists", "--no-owner", str(dump))
        began = time.monotonic()
        async with serving(home) as service:
            films = [uploads / "processed" / video for video in on_their_way]
            assert all((film / "video.mp4").exists() for film in films)
            await all_ready(service, on_their_way)
            again = time.monotonic() - began
            assert {(await service.row(video))["attempt"] for video in on_their_way} == {2}
            assert all(list(film.rglob("video.mp4")) for film in films)
            await all_ready(service, sent)
            whole = time.monotonic() - began
            await sweep(service, _SWEEPS)
            assert await asyncio.to_thread(originals, uploads) == kept, "each original is there, and what it was"
            await all_ready(service, before)
            named = {json.loads(line)["key"] for line in (await home.rushes("verify", "--json")).out.splitlines()}
            nobodys = {key for key in named if key.startswith("originals/")}
            assert len(nobodys) == later
    tell(
        f"rows put back by pg_restore under a Temporal that had gone on, {count} of each kind: {count} of {count} that "
        f"were in mid-run in them begun anew and ready after {again:.0f} s, {count} of {count} that were half sent and "
        f"are whole ready after {whole:.0f} s; after {_SWEEPS} sweeps and the api's own each second {len(kept)} of "
        f"{len(kept)} originals stood, {later} of {later} without a row were named"
    )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.put_back", description=__doc__)
    parser.add_argument("--videos", type=int, default=10, help="how many of each kind")
    asyncio.run(measure(parser.parse_args().videos))


if __name__ == "__main__":
    main()
