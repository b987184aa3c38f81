"""``rushes status --watch`` goes on by itself once what was away is there again."""

import asyncio
import json
import os
import pty

from tests.fixtures.stack import RUSHES, Home
from tests.waiting import eventually

_PROBLEM = {"code": "database_unavailable", "detail": "PostgreSQL at db:5432/rushes does not answer: refused"}


async def test_a_database_that_is_away_is_told_and_asked_after_again(home: Home) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        body = json.dumps(_PROBLEM).encode()
        head = "HTTP/1.1 503 No\r\nContent-Type: application/problem+json\r\nConnection: close\r\nContent-Length: "
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    ours, theirs = pty.openpty()
    drawn = bytearray()
    asyncio.get_running_loop().add_reader(ours, lambda: drawn.extend(os.read(ours, 65536)))
    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        environment = home.with_settings(RUSHES_API_URL=url, TERM="xterm", LINES="24").environment
        watching = await asyncio.create_subprocess_exec(
            *(str(RUSHES), "status", "--watch"), env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        try:
            # Two requests a look: what is asked after the second was asked by another one.
            await eventually(lambda: asyncio.sleep(0, len(asked)), lambda count: count > 2)
            assert b"PostgreSQL at db:5432/rushes does not answer" in drawn
            assert watching.returncode is None
        finally:
            asyncio.get_running_loop().remove_reader(ours)
            watching.kill()
            await watching.wait()
            os.close(ours)
