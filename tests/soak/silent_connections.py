"""Thousands of connections that say nothing, and a client who asks: ``python -m tests.soak.silent_connections``."""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx

from tests.end_to_end.conftest import serving, with_everything_allowed

_AT_ONCE: Final = 200
_MOST_SECONDS: Final = 10.0
"""Whoever has to wait for longer has not been served."""
_MOST_LOG_BYTES: Final = 1024 * 1024
_PAUSE_SECONDS: Final = 0.2
_NO_VIDEO: Final = b"not a video, which is found out later"


async def ask(api: str, waits: list[float], stop: asyncio.Event) -> None:
    """Ask for health and upload something, over new connections, again and again."""
    async with httpx.AsyncClient(base_url=api, timeout=60, headers={"Connection": "close"}) as client:
        while not stop.is_set():
            began = time.monotonic()
            (await client.get("/healthz")).raise_for_status()
            (await client.post("/api/v1/videos/upload", files={"file": ("a.mp4", _NO_VIDEO)})).raise_for_status()
            waits.append(time.monotonic() - began)
            await asyncio.sleep(_PAUSE_SECONDS)


async def silent(count: int, seconds: float) -> bool:
    """Whether everybody else was served."""
    with tempfile.TemporaryDirectory(prefix="rushes-silent-") as name:
        home = with_everything_allowed(Path(name))
        async with serving(home) as service:
            host, port = service.http.base_url.host, service.http.base_url.port
            stop, waits = asyncio.Event(), list[float]()
            asking = asyncio.create_task(ask(service.run.api, waits, stop))
            connections = []
            for _ in range(0, count, _AT_ONCE):
                connections += await asyncio.gather(*(asyncio.open_connection(host, port) for _ in range(_AT_ONCE)))
            await asyncio.wait({asking}, timeout=seconds)
            stop.set()
            await asking
            for _, writer in connections:
                writer.close()
            logged = sum(file.stat().st_size for file in (home.folder / "logs").glob("api.log*"))
    print(f"{len(connections)} silent connections; {len(waits)} times health and an upload")  # noqa: T201
    print(f"longest {max(waits):.2f} s, median {sorted(waits)[len(waits) // 2]:.2f} s; api.log {logged} bytes")  # noqa: T201
    return max(waits) < _MOST_SECONDS and logged < _MOST_LOG_BYTES


def main() -> int:
    """Print what came of it; 1 if anybody was not served."""
    parser = argparse.ArgumentParser(prog="tests.soak.silent_connections", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="as many as this process may have at the most")
    parser.add_argument("--seconds", type=float, default=20, help="how long they stay")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = arguments.count if most == resource.RLIM_INFINITY else min(arguments.count, most - 2 * _AT_ONCE)
    return int(not asyncio.run(silent(count, arguments.seconds)))


if __name__ == "__main__":
    sys.exit(main())
