"""(g) One large upload: how fast, and how much memory the api takes for it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from bench.aims import CELERY, GROWTH, RUSHES, SOCKET, UPLOAD_RATE
from bench.cases.model import Case, Gathered, with_each
from bench.client import Client
from bench.ground import Ground
from bench.memory import forget_peak, peak_mebibytes, resident_mebibytes
from bench.processes import ROOT, python, running
from bench.scale import MEGABYTE
from bench.systems.model import System
from bench.upload import send_file
from embedded.child import ChildPlan
from embedded.ports import LOOPBACK, Ports


async def _run(ground: Ground, gathered: Gathered) -> None:
    file = await ground.clips.repeated(ground.scale.long_pieces)
    megabytes = file.stat().st_size / MEGABYTE
    gathered.conditions += [
        f"{megabytes:.0f} MB over the loopback address, from opening the connection to the whole answer. The client is "
        "one blocking socket that sends the file with sendfile, the same for all.",
        "Bare socket: a Python process that takes the bytes into 1 MiB, writes them to the same disk, calls fsync, and "
        "answers; nothing is parsed, hashed or recorded.",
        "Before each upload everything is flushed to disk; after it the video is deleted. Memory is the api's peak of "
        "resident memory during the upload less what it held before.",
        "celery answers without fsync.",
    ]
    bare: list[float] = []

    async def measure(system: System, client: Client) -> None:
        rates, growths = [], []
        for _ in range(ground.scale.upload_rounds):
            if system.name == RUSHES:
                bare.append(megabytes / await _bare_seconds(ground, file))
            await _flushed()
            held = resident_mebibytes(system.api_pid)
            forget_peak(system.api_pid)
            video_id, sent = await client.upload(file)
            growths.append(peak_mebibytes(system.api_pid) - held)
            rates.append(megabytes / sent.seconds)
            await client.delete(video_id)
        gathered.add(system.name, UPLOAD_RATE, "MB/s", rates)
        gathered.add(system.name, GROWTH, "MiB", growths)

    await with_each(ground, gathered, measure, RUSHES, CELERY)
    gathered.add(SOCKET, UPLOAD_RATE, "MB/s", bare)


async def _bare_seconds(ground: Ground, file: Path) -> float:
    async with _bare_server(ground) as url:
        await _flushed()
        return (await asyncio.to_thread(send_file, url, file)).seconds


@asynccontextmanager
async def _bare_server(ground: Ground) -> AsyncIterator[str]:
    port = Ports().free(purpose="the bare server")
    folder = ground.home("bare")

    async def listens(_: datetime) -> str | None:
        try:
            _reader, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError as error:
            return str(error)
        writer.close()
        await writer.wait_closed()
        return None

    command = python("bench.bare_socket", str(port), str(folder))
    plan = ChildPlan("bare-socket", command, ground.environment(PYTHONPATH=str(ROOT)), ready=listens)
    async with running(plan, folder):
        yield f"http://{LOOPBACK}:{port}"
    (folder / "upload").unlink(missing_ok=True)


async def _flushed() -> None:
    await asyncio.to_thread(os.sync)


UPLOADED: Final = (Case("g", "One large upload: its rate, and the api's memory", _run),)
