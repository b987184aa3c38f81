"""Server-sent events, read as a browser reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Stream:
    """An open stream.

    Attributes:
        lines: As they come.
        last_id: Of the event that came last.
        seen: Types and data of all that came.
    """

    lines: AsyncIterator[str]
    last_id: str = ""
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def next(self, seconds: float = 20) -> tuple[str, dict[str, Any]] | None:
        """The next event's type and data; None at the end of the stream."""
        async with asyncio.timeout(seconds):
            kind, data = "message", ""
            async for line in self.lines:
                name, _, value = line.partition(": ")
                if line == "" and data:
                    self.seen.append((kind, json.loads(data)))
                    return self.seen[-1]
                if name == "id":
                    self.last_id = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    data += value
        return None

    async def comment(self) -> None:
        """Wait for the next comment; an event that comes before it is lost."""
        async with asyncio.timeout(20):
            async for line in self.lines:
                if line.startswith(":"):
                    return
                if line.startswith("id: "):
                    self.last_id = line.removeprefix("id: ")

    async def until(self, kind: str) -> dict[str, Any]:
        """The data of the next event of this type."""
        while (found := await self.next()) is not None:
            if found[0] == kind:
                return found[1]
        raise AssertionError(f"the stream ended without {kind}")


@asynccontextmanager
async def listening(
    client: httpx.AsyncClient, path: str, *, last_id: str | None = None, **headers: str
) -> AsyncIterator[Stream]:
    """Listen for as long as the block lasts; nothing is missed from its beginning on."""
    asked = headers | ({"Last-Event-ID": last_id} if last_id is not None else {})
    async with client.stream("GET", path, headers=asked) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = Stream(answer.aiter_lines())
        yield stream
