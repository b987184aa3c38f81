"""PostgreSQL, Temporal and Redis on free ports of the loopback address, for systems that bring none of their own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.errors import NotMeasured
from bench.ground import Ground
from bench.processes import running
from embedded import parts
from embedded.child import ChildPlan
from embedded.ports import LOOPBACK, Ports
from embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError
from embedded.temporal import DevServer

_LOOK_SECONDS: Final = 1.0


@asynccontextmanager
async def postgres(home: Path) -> AsyncIterator[str]:
    """A PostgreSQL; gives the URL of its database.

    Raises:
        NotMeasured: It can't run here.
    """
    server = EmbeddedPostgres(home / "postgres")
    try:
        url = await server.start()
    except EmbeddedPostgresError as error:
        raise NotMeasured(str(error)) from error
    try:
        yield url
    finally:
        await server.stop()


@asynccontextmanager
async def temporal(ground: Ground, home: Path, ports: Ports) -> AsyncIterator[str]:
    """Temporal's dev server, as ``rushes up`` starts it; gives ``host:port``."""
    server = DevServer(
        database=home / "temporal.db",
        namespace="default",
        port=ports.free(purpose="Temporal"),
        ui_port=ports.free(purpose="Temporal's Web UI"),
        http_port=ports.free(purpose="Temporal's HTTP API"),
        metrics_port=ports.free(purpose="Temporal's metrics"),
    )
    async with running(parts.temporal_plan(server, ground.environment()), home):
        yield server.address


@asynccontextmanager
async def redis(ground: Ground, home: Path, ports: Ports) -> AsyncIterator[str]:
    """Redis that keeps nothing on disk; gives its URL.

    Raises:
        NotMeasured: It is not installed.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise NotMeasured("redis-server is not installed (Debian: apt-get install redis-server).")
    port = ports.free(purpose="Redis")
    listens = ("--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(home))
    plan = ChildPlan(
        name="redis",
        command=(program, *listens),
        environment=ground.environment(),
        ready=lambda _: _redis_answers(port),
    )
    async with running(plan, home):
        yield f"redis://{LOOPBACK}:{port}/0"


async def ask_redis(port: int, request: str) -> str:
    """The first line of the answer to a request such as ``LLEN celery``. Raises ``OSError`` where none comes."""
    async with asyncio.timeout(_LOOK_SECONDS):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(f"{request}\r\n".encode())
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
    return answer.decode().strip()


async def _redis_answers(port: int) -> str | None:
    try:
        answer = await ask_redis(port, "PING")
    except OSError as error:
        return f"nothing answers on port {port} ({error!r})."
    return None if answer == "+PONG" else f"port {port} answers {answer!r}."
