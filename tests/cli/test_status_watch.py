"""``rushes status --watch`` draws anew, and goes on by itself once what was away is there again."""

import asyncio
import json
import os
import pty
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from client.system_views import (
    LatelyView,
    QueueView,
    RunningList,
    RunningView,
    StorageView,
    SystemView,
    TemporalView,
    VersionsView,
)
from contracts.status import VideoStatus
from tests.fixtures.stack import RUSHES, Home
from tests.waiting import eventually

_PROBLEM: Final = {"code": "database_unavailable", "detail": "PostgreSQL at db:5432/rushes does not answer: refused"}
_VIDEO: Final = UUID("fb419abb-0000-4000-8000-000000000000")
_REQUESTS_A_LOOK: Final = 2


def system() -> SystemView:
    """A service that has one new video in hand, and makes thirty anew."""
    return SystemView(
        videos={status: int(status is VideoStatus.PROCESSING) for status in VideoStatus},
        last_hour=LatelyView(ready=7, ready_seconds=1862, failures={"invalid_media": 1}),
        oldest_running=None,
        queues=[QueueView(name="video-media", backlog=14, backlog_age_seconds=39.3, pollers=[])],
        workers=[],
        storage=StorageView(kind="disk", free_bytes=10**11),
        temporal=TemporalView(address="127.0.0.1:7233", namespace="default", reachable=True),
        versions=VersionsView(rushes="0.1.0", temporal="1.32.0"),
        profiles=[],
        reprocessing=30,
    )


def running(progress: float) -> RunningList:
    """The video, so far."""
    video = RunningView(
        id=_VIDEO,
        user_id="local",
        title="a wedding",
        created_at=datetime.now(UTC) - timedelta(seconds=41),
        step="transcode",
        progress=progress,
        speed=0.42,
        time_left_seconds=232,
        workers=["video-media@vm:6599"],
    )
    return RunningList(items=[video])


@asynccontextmanager
async def answering(asked: list[bytes], away: int) -> AsyncIterator[str]:
    """An api that is away for so many requests, and whose video gets on with each look after that."""

    def body(path: bytes) -> tuple[int, Any]:
        if len(asked) <= away:
            return 503, _PROBLEM
        looks = (len(asked) - away + 1) // _REQUESTS_A_LOOK
        told = running(min(1.0, looks * 0.11)) if path.endswith(b"/running") else system()
        return 200, told.model_dump(mode="json")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        status, told = body(asked[-1].split()[1].partition(b"?")[0])
        text = json.dumps(told).encode()
        kind = "application/json" if status < 400 else "application/problem+json"
        head = (
            f"HTTP/1.1 {status} So\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        writer.write(head.encode() + text)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def seen(drawn: bytearray, texts: Sequence[str]) -> bool:
    """Whether all of it was drawn at some time."""
    return all(text.encode() in drawn for text in texts)


async def test_a_database_that_is_away_is_told_and_then_the_running_videos_are_drawn_anew_as_they_get_on(
    home: Home,
) -> None:
    asked: list[bytes] = []
    ours, theirs = pty.openpty()
    drawn = bytearray()
    asyncio.get_running_loop().add_reader(ours, lambda: drawn.extend(os.read(ours, 65536)))
    async with answering(asked, away=_REQUESTS_A_LOOK) as url:
        environment = home.with_settings(RUSHES_API_URL=url, TERM="xterm", LINES="40").environment
        watching = await asyncio.create_subprocess_exec(
            *(str(RUSHES), "status", "--watch"), env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        try:
            away = ["PostgreSQL at db:5432/rushes does not answer"]
            await eventually(lambda: seen(drawn, away), bool)
            columns = ["Running", "Step", "Done", "Speed", "Left", "Since", "Worker", "Title"]
            row = ["fb419abb", "transcode", "11%", "0.4x", "3 min 52 s", "vm:6599", "a wedding"]
            await eventually(lambda: seen(drawn, [*columns, *row, "and 30 more"]), bool)
            await eventually(lambda: seen(drawn, ["22%"]), bool)
            assert watching.returncode is None
        finally:
            asyncio.get_running_loop().remove_reader(ours)
            watching.kill()
            await watching.wait()
            os.close(ours)
