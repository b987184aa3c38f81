"""What those cost others who take an answer by drops: ``python -m tests.figures.drops``."""

import argparse
import asyncio
import contextlib
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx

from api.connections import room_for_connections
from embedded.ports import LOOPBACK
from tests.figures.stage import a_folder, a_service, drawn_clips, ready, seconds_of, tell
from tests.fixtures.clips import Clip

_FILM_BYTES: Final = 64 * 1024 * 1024
_RECEIVED_AT_ONCE: Final = 4096
_DROP_BYTES: Final = 64
_PAUSE_SECONDS: Final = 1.0
"""With the above: a client that takes 64 bytes a second, of which 100 are asked."""
_TRIED_AGAIN_SECONDS: Final = 0.5
_NO_VIDEO: Final = b"not a video, which is found out later"
_COME_A_SECOND: Final = 100
"""All at once would measure how long so many requests take."""
_COMES_AGAIN_SECONDS: Final = 5.0
_MOST_SECONDS: Final = 15.0
"""Nobody lets an answer wait for ten seconds before those are over; who has to wait for longer has not been served."""


async def drip(port: int, path: str, clients: int, seconds: float) -> None:
    """Take an answer by drops, so many at a time; print how many were ended by the server, and how much they took.

    In a process of its own, or whoever asks beside it would wait for it.
    """
    room_for_connections(clients)
    ended, most = 0, 0

    async def one(after_seconds: float) -> None:
        nonlocal ended, most
        await asyncio.sleep(after_seconds)
        while True:
            taken = await _take(port, path)
            ended, most = ended + 1, max(most, taken)
            await asyncio.sleep(_COMES_AGAIN_SECONDS)

    tasks = [asyncio.create_task(one(number / _COME_A_SECOND)) for number in range(clients)]
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tell(json.dumps([ended, most]))


async def _take(port: int, path: str) -> int:
    """Ask for it, and take it until the connection ends; how much came."""
    loop, taken = asyncio.get_running_loop(), 0
    with socket.socket() as client, contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_AT_ONCE)
        client.setblocking(False)
        await loop.sock_connect(client, (LOOPBACK, port))
        await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\n\r\n".encode())
        while drop := await loop.sock_recv(client, _DROP_BYTES):
            taken += len(drop)
            await asyncio.sleep(_PAUSE_SECONDS)
    return taken


async def ask(api: str, stop: asyncio.Event) -> tuple[list[float], int]:
    """Ask for health and upload something, over new connections, until it was done; how long, and how many 503."""
    waits, refused = list[float](), 0

    async def done(http: httpx.AsyncClient, method: str, path: str, **content: Any) -> None:
        nonlocal refused
        while True:
            with contextlib.suppress(httpx.TransportError):  # told so before it was read
                answer = await http.request(method, path, **content)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    answer.raise_for_status()
                    return
            refused += 1
            await asyncio.sleep(_TRIED_AGAIN_SECONDS)

    async with httpx.AsyncClient(base_url=api, timeout=60, headers={"Connection": "close"}) as http:
        while not stop.is_set():
            began = time.monotonic()
            await done(http, "GET", "/healthz")
            await done(http, "POST", "/api/v1/videos/upload", files={"file": ("a.mp4", _NO_VIDEO)})
            waits.append(time.monotonic() - began)
            await asyncio.sleep(_TRIED_AGAIN_SECONDS)
    return waits, refused


async def measure(clients: int, seconds: float) -> None:
    """Start a stack with a film, have it taken by drops, and be a client beside it who wants something."""
    clips = await drawn_clips()
    with a_folder() as folder:
        async with a_service(folder) as service:
            (video_id,) = await ready(service, clips.path(Clip.SHORT_WITH_SOUND), 1)
            film = Path(service.run.uploads) / "processed" / video_id / "video.mp4"
            with film.open("r+b") as longer:  # so that the kernel does not hold all of it
                longer.truncate(_FILM_BYTES)
            path = (await service.row(video_id))["url_mp4"]
            stop = asyncio.Event()
            asking = asyncio.create_task(ask(service.run.api, stop))
            options = ("--take", str(service.http.base_url.port), path, "--clients", str(clients))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.figures.drops", *options, "--seconds", str(seconds)),
                stdout=asyncio.subprocess.PIPE,
            )
            told, _ = await process.communicate()
            stop.set()
            waits, refused = await asking
    ended, most = json.loads(told)
    assert ended, "some made room"
    tell(
        f"answers taken by {_DROP_BYTES} bytes a second, {clients} at a time for {seconds:g} s: {ended} connections "
        f"ended, after {most} bytes at the most; health and an upload meanwhile: {len(waits)} times, "
        f"{seconds_of(waits)}, told {refused} times to try again"
    )
    assert max(waits) < _MOST_SECONDS


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.drops", description=__doc__)
    parser.add_argument("--clients", type=int, default=2200, help="how many at a time, more than there are places")
    parser.add_argument("--seconds", type=float, default=60, help="for how long")
    parser.add_argument("--take", nargs=2, metavar=("PORT", "PATH"), help="do that alone, there")
    said = parser.parse_args()
    if said.take is not None:
        asyncio.run(drip(int(said.take[0]), said.take[1], said.clients, said.seconds))
        return
    asyncio.run(measure(said.clients, said.seconds))


if __name__ == "__main__":
    main()
