"""A system as its users see it: HTTP. All of them answer the same requests."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx

from bench.errors import NotMeasured
from bench.upload import Sent, send_file

READY: Final = "ready"
ERROR: Final = "error"
_TIMEOUT_SECONDS: Final = 60.0
_WITHIN_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class State:
    """Where a video stands.

    Attributes:
        status: As the api names it.
        progress: Of the step that runs, 0 to 1, where the api tells it.
        reason: Why it is in error.
    """

    status: str
    progress: float | None
    reason: str

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Read an api's answer."""
        return cls(str(fields["status"]).lower(), fields.get("progress"), str(fields.get("error_reason") or ""))


@dataclass(frozen=True)
class Passage:
    """One video's way from a file to ready.

    Attributes:
        video_id: Its id.
        upload_seconds: From opening the connection to the answer.
        ready_seconds: From the answer until the api said ready.
    """

    video_id: str
    upload_seconds: float
    ready_seconds: float


class Client:
    """Asks one system's api, over a connection that stays open. An async context manager."""

    def __init__(self, base_url: str) -> None:
        """Ask the api at ``base_url``."""
        self._base_url = base_url
        self._http = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        """Nothing is asked yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def upload(self, file: Path) -> tuple[str, Sent]:
        """Send a file; gives the video's id and the times."""
        sent = await asyncio.to_thread(send_file, self._base_url, file)
        return str(json.loads(sent.body)["video_id"]), sent

    async def state(self, video_id: str) -> State:
        """Where a video stands."""
        return State.of(await self.get(f"/api/v1/videos/{video_id}"))

    async def newest(self, count: int) -> dict[str, State]:
        """Where the newest videos stand, by id; at most 100."""
        page = await self.get("/api/v1/videos", limit=count)
        return {str(item["id"]): State.of(item) for item in page["items"]}

    async def get(self, path: str, **parameters: int | str) -> Any:
        """The JSON of an answer.

        Raises:
            NotMeasured: It is no success, or there is none.
        """
        try:
            answer = await self._http.get(path, params=parameters)
        except httpx.HTTPError as error:
            raise NotMeasured(f"The api did not answer GET {path}: {error!r}.") from error
        if not answer.is_success:
            raise NotMeasured(f"The api answered GET {path} with {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    async def timed_get(self, path: str, request_id: str) -> tuple[float, Any]:
        """Seconds that an answer took, and its JSON; the server's log knows the request by ``request_id``."""
        began = time.perf_counter()
        answer = await self._http.get(path, headers={"X-Request-ID": request_id})
        seconds = time.perf_counter() - began
        return seconds, answer.raise_for_status().json()

    async def published_bytes(self, video_id: str) -> int:
        """The size of what is watched, by asking for its first byte."""
        path, first = f"/uploads/processed/{video_id}/video.mp4", {"Range": "bytes=0-0"}
        answer = await self._http.get(path, headers=first, follow_redirects=True)
        return int(answer.raise_for_status().headers["Content-Range"].rpartition("/")[2])

    async def delete(self, video_id: str) -> None:
        """Remove a video, as far as the system can."""
        await self._http.delete(f"/api/v1/videos/{video_id}")

    async def until_ready(self, video_id: str, poll_seconds: float, within_seconds: float = _WITHIN_SECONDS) -> float:
        """Ask again and again until it is ready; gives the moment, by ``time.monotonic``.

        Raises:
            NotMeasured: It ended in error, or was not ready in time.
        """
        deadline = time.monotonic() + within_seconds
        while True:
            state = await self.state(video_id)
            now = time.monotonic()
            if state.status == READY:
                return now
            if state.status == ERROR:
                raise NotMeasured(f"The video ended in error: {state.reason}")
            if now > deadline:
                raise NotMeasured(f"The video was not ready within {within_seconds:.0f} s.")
            await asyncio.sleep(poll_seconds)

    async def pass_through(self, file: Path, poll_seconds: float) -> Passage:
        """Send a file and wait until it is ready.

        Raises:
            NotMeasured: It was refused, or ended in error.
        """
        video_id, sent = await self.upload(file)
        ready = await self.until_ready(video_id, poll_seconds)
        return Passage(video_id, sent.seconds, ready - sent.answered)
