"""Senders that try again as a good client does, through every door, until they are answered."""

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

import httpx

from tests.fetching.serving import serving, well

_PAUSE_SECONDS: Final = 0.1
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_PASSES: Final = frozenset({409, 423, 500, 502, 503, 504, 507})
"""Answers after which the same request may succeed."""

Answer = TypeVar("Answer")


class NotAnswered(Exception):
    """What was asked got no answer that says what became of it."""


@dataclass(frozen=True)
class Client:
    """Sends to one api, and goes on where it was cut off.

    Attributes:
        api: Its address.
    """

    api: str

    async def form(self, file: Path) -> str:
        """Upload by a form; returns the video's id."""
        key, content = {"Idempotency-Key": str(uuid4())}, await asyncio.to_thread(file.read_bytes)

        async def send(http: httpx.AsyncClient) -> str:
            return _video_id(
                await http.post("/api/v1/videos/upload", files={"file": (file.name, content)}, headers=key)
            )

        return await self._until_answered(send)

    async def tus(self, file: Path) -> str:
        """Upload by tus, half of it in each request; returns the video's id."""
        content = await asyncio.to_thread(file.read_bytes)
        name = base64.b64encode(file.name.encode()).decode()
        declared = {"Upload-Length": str(len(content)), "Upload-Metadata": f"filename {name}"}
        create = {**_TUS, **declared, "Idempotency-Key": str(uuid4())}
        half = len(content) // 2

        async def send(http: httpx.AsyncClient) -> str:
            created = _answered(await http.post("/api/v1/uploads", headers=create))
            url = created.headers["location"]
            while True:
                head = _answered(await http.head(url, headers=_TUS))
                offset = int(head.headers["upload-offset"])
                if offset == len(content):
                    return str(url.rpartition("/")[2])
                headers = {**_TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
                piece = content[offset : half if offset < half else None]
                _answered(await http.patch(url, headers=headers, content=piece))

        return await self._until_answered(send)

    async def direct(self, file: Path) -> str:
        """Upload straight into the bucket; returns the video's id."""
        content, key = await asyncio.to_thread(file.read_bytes), {"Idempotency-Key": str(uuid4())}
        wanted = {"filename": file.name, "size_bytes": len(content)}

        async def send(http: httpx.AsyncClient) -> str:
            begun = _answered(await http.post("/api/v1/videos/direct", json=wanted, headers=key)).json()
            async with httpx.AsyncClient() as anybody:
                for part in begun["parts"]:
                    at = (part["number"] - 1) * begun["part_bytes"]
                    piece = content[at : at + begun["part_bytes"]]
                    (await anybody.put(part["url"], content=piece)).raise_for_status()
            return _video_id(await http.post(f"/api/v1/videos/direct/{begun['video_id']}/complete", json={}))

        return await self._until_answered(send)

    async def imported(self, file: Path) -> str:
        """Have it fetched from a server that is there until it has been; returns the video's id."""
        content, key = await asyncio.to_thread(file.read_bytes), {"Idempotency-Key": str(uuid4())}
        async with serving(content, *([well()] * 20)) as server:

            async def send(http: httpx.AsyncClient) -> str:
                url = server.url(f"/{file.name}")
                return _video_id(await http.post("/api/v1/videos/import", json={"url": url}, headers=key))

            video_id = await self._until_answered(send)
            await self.ended(video_id)
        return video_id

    async def ended(self, video_id: str) -> dict[str, Any] | None:
        """The video once it is ready or in error; None when there is none."""

        async def look(http: httpx.AsyncClient) -> dict[str, Any] | None:
            answer = await http.get(f"/api/v1/videos/{video_id}")
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            row: dict[str, Any] = _answered(answer).json()
            if row["status"] not in {"ready", "error"}:
                raise NotAnswered
            return row

        return await self._until_answered(look)

    async def post(self, path: str) -> None:
        """Ask for something until it is done; done by a request whose answer was lost is as good."""

        async def ask(http: httpx.AsyncClient) -> None:
            answer = await http.post(path)
            if answer.status_code != httpx.codes.CONFLICT:
                _answered(answer)

        await self._until_answered(ask)

    async def delete(self, video_id: str) -> None:
        """Delete a video until it is gone."""

        async def ask(http: httpx.AsyncClient) -> None:
            answer = await http.delete(f"/api/v1/videos/{video_id}")
            if answer.status_code != httpx.codes.NOT_FOUND:
                _answered(answer)

        await self._until_answered(ask)

    async def _until_answered(self, ask: Callable[[httpx.AsyncClient], Awaitable[Answer]]) -> Answer:
        while True:
            with contextlib.suppress(httpx.HTTPError, NotAnswered):
                async with httpx.AsyncClient(base_url=self.api, timeout=30) as http:
                    return await ask(http)
            await asyncio.sleep(_PAUSE_SECONDS)


def _answered(answer: httpx.Response) -> httpx.Response:
    if answer.status_code in _PASSES:
        raise NotAnswered
    assert answer.is_success, answer.text
    return answer


def _video_id(answer: httpx.Response) -> str:
    return str(_answered(answer).json()["video_id"])
