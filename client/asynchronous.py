"""The api of Rushes, typed, for asyncio.

async with AsyncRushes("http://127.0.0.1:8000") as rushes:
video_id = await rushes.upload("holiday.mov")
video = await rushes.wait(video_id)
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self, TypedDict, Unpack
from uuid import UUID

from client.begun_uploads import BegunUploads
from client.cohorts import AsyncCohorts
from client.connection import Connection, json_of, refusal_of
from client.errors import RushesError
from client.listening import Event, ends_a_stream, events
from client.piece_size import MOST_PIECE_BYTES
from client.system_views import RunningList, RunningView, SystemView
from client.uploading import ResumingUpload
from client.views import Accepted, LinkView, StepList, VideoPage, VideoView
from client.waiting import Waiting
from client.webhooks import AsyncWebhooks
from contracts.status import VideoStatus, Visibility

_PAGE_SIZE: Final = 100
_PIECE_BYTES: Final = 1024 * 1024
_VIDEOS: Final = "/api/v1/videos"

VideoId = str | UUID


class VideoChange(TypedDict, total=False):
    """What is to change of a video; what is left out stays as it is.

    Metadata is merged: a text sets its key, None takes it away; None in all takes all keys away.
    """

    title: str
    visibility: Visibility
    metadata: Mapping[str, str | None] | None


def nothing(*_: object) -> None:
    """For a caller who wants to be told of nothing."""


class AsyncRushes:
    """Every method raises ``RushesError`` where the api refuses, or can't be asked.

    Attributes:
        webhooks: Where events are sent.
        cohorts: Videos that are retried, or made anew, together.
    """

    def __init__(self, url: str, *, key: str | None = None) -> None:
        """Ask the api at ``url``, such as ``http://127.0.0.1:8000``, with a key where there are keys."""
        self._connection = Connection(url, key)
        self.webhooks = AsyncWebhooks(self._connection)
        self.cohorts = AsyncCohorts(self._connection)

    async def __aenter__(self) -> Self:
        """Nothing is asked yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._connection.close()

    def absolute(self, path: str) -> str:
        """The whole URL of a path that the api gave, such as a video's ``url_mp4``."""
        return self._connection.base_url + path

    async def upload(
        self,
        file: str | Path,
        *,
        title: str | None = None,
        profile: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        begun: BegunUploads | None = None,
        most_piece_bytes: int = MOST_PIECE_BYTES,
        on_sent: Callable[[int, int], None] = nothing,
        on_broken: Callable[[RushesError], None] = nothing,
    ) -> str:
        """Send a file, over every break of up to two minutes.

        Args:
            file: The video.
            title: For people. Default: the file's name.
            profile: Name of an encoding profile. Default: the api's choice.
            metadata: What is kept with the video.
            idempotency_key: A name of this video. Sent again with it, the upload is gone on with, or is done already.
            begun: Remembers uploads until they are through, so that another process goes on with this one.
            most_piece_bytes: How much one request brings at most. What lets less through is sent less.
            on_sent: Told how many bytes were sent so far, and of how many.
            on_broken: Told why it has to go on, or with the code ``begun_anew`` why it has to begin anew.

        Returns:
            The video's id.

        Raises:
            RushesError: It is refused, somebody cancelled or deleted it meanwhile (``upload_gone``), the file changed
                while it was sent (``file_changed``; then its upload is ended), or nothing got through for two minutes.
            OSError: The file can't be read.
        """
        kept = json.dumps(dict(metadata)) if metadata else None
        named = {"title": title, "profile": profile, "metadata": kept}
        said = {name: text for name, text in named.items() if text is not None}
        sending = ResumingUpload(
            self._connection,
            Path(file),
            said,
            idempotency_key=idempotency_key,
            begun=begun,
            most_piece_bytes=most_piece_bytes,
        )
        return await sending.send(on_sent=on_sent, on_broken=on_broken)

    async def import_from(
        self,
        url: str,
        *,
        title: str | None = None,
        profile: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Have a file fetched; the title and the name of the profile are the api's choice where they are None."""
        asked = {"url": url, "title": title, "profile": profile, "metadata": dict(metadata or {})}
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return await self._connection.ask(Accepted, "POST", f"{_VIDEOS}/import", json=asked, headers=headers)

    async def video(self, video_id: VideoId) -> VideoView:
        """One video, and how far it is."""
        return await self._connection.ask(VideoView, "GET", f"{_VIDEOS}/{video_id}")

    async def videos(
        self,
        *,
        limit: int | None = None,
        status: VideoStatus | None = None,
        error_code: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        id_prefix: str | None = None,
        user: str | None = None,
    ) -> AsyncIterator[VideoView]:
        """Videos that fit everything that is asked for, newest first, page by page; all where ``limit`` is None.

        Whose they are is for administrators to ask: others see only their own.
        """
        wanted = {
            "status": status,
            "error_code": error_code,
            "title": title,
            "created_after": created_after.isoformat() if created_after is not None else None,
            "created_before": created_before.isoformat() if created_before is not None else None,
            "id": id_prefix,
            "user": user,
            **{f"metadata[{key}]": value for key, value in (metadata or {}).items()},
        }
        left, cursor = limit, None
        while left is None or left > 0:
            asked = {**wanted, "limit": str(min(left or _PAGE_SIZE, _PAGE_SIZE)), "cursor": cursor}
            said = {name: text for name, text in asked.items() if text is not None}
            page = await self._connection.ask(VideoPage, "GET", _VIDEOS, params=said)
            for video in page.items:
                yield video
            left = None if left is None else left - len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    async def update(self, video_id: VideoId, **change: Unpack[VideoChange]) -> VideoView:
        """Change what is named, and nothing else."""
        return await self._connection.ask(VideoView, "PATCH", f"{_VIDEOS}/{video_id}", json=dict(change))

    async def wait(
        self,
        video_id: VideoId,
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[VideoView], None] = nothing,
    ) -> VideoView:
        """The video once it is ready or in error, and not being made anew: look at its ``status``.

        It listens to the video's events, and asks where none come. An api that is away is waited for, a minute at most.

        Args:
            video_id: Of the video.
            timeout_seconds: How long to wait at most.
            on_change: Told how it stands, now and then.

        Raises:
            RushesError: The video is gone, or the api is.
            TimeoutError: It took too long.
        """
        waiting = Waiting(lambda: self.video(video_id), lambda begun: self.events(video_id, on_begun=begun))
        async with asyncio.timeout(timeout_seconds):
            return await waiting.settled(on_change)

    async def events(
        self,
        video_id: VideoId | None = None,
        *,
        after: int | None = None,
        on_begun: Callable[[], None] = nothing,
        on_broken: Callable[[RushesError], None] = nothing,
    ) -> AsyncGenerator[Event, None]:
        """What happens to one video, or to all, until the caller stops; over every break.

        Args:
            video_id: Of the one; its stream ends once it is deleted.
            after: Id of the event that was seen last: those that were missed come first.
            on_begun: Called once, from when on nothing is missed.
            on_broken: Told why the stream broke.
        """
        path = "/api/v1/events" if video_id is None else f"{_VIDEOS}/{video_id}/events"
        stream = events(self._connection, path, after=after, on_begun=on_begun, on_broken=on_broken)
        async with aclosing(stream):
            async for event in stream:
                yield event
                if video_id is not None and ends_a_stream(event):
                    return

    async def steps(self, video_id: VideoId) -> StepList:
        """The steps of a video's newest run."""
        return await self._connection.ask(StepList, "GET", f"{_VIDEOS}/{video_id}/steps")

    async def cancel(self, video_id: VideoId) -> Accepted:
        """Ask that its processing ends."""
        return await self._connection.ask(Accepted, "POST", f"{_VIDEOS}/{video_id}/cancel")

    async def retry(self, video_id: VideoId) -> Accepted:
        """Ask that it is processed once more."""
        return await self._connection.ask(Accepted, "POST", f"{_VIDEOS}/{video_id}/retry")

    async def reprocess(self, video_id: VideoId, profile: str | None = None) -> Accepted:
        """Ask that it is made anew, with a profile or its own; what is published stays until that is done."""
        asked = {"profile": profile}
        return await self._connection.ask(Accepted, "POST", f"{_VIDEOS}/{video_id}/reprocess", json=asked)

    async def delete(self, video_id: VideoId) -> None:
        """Remove it and its files."""
        await self._connection.send("DELETE", f"{_VIDEOS}/{video_id}")

    async def link(self, video_id: VideoId, *, expires_in_seconds: int = 3600) -> LinkView:
        """Paths by which anybody may play a private video, for at most a week."""
        asked = {"expires_in_seconds": expires_in_seconds}
        return await self._connection.ask(LinkView, "POST", f"{_VIDEOS}/{video_id}/links", json=asked)

    async def download_original(
        self, video_id: VideoId, to: str | Path, *, on_received: Callable[[int], None] = nothing
    ) -> Path:
        """Write the file as it was uploaded to ``to``, which is there once it is whole.

        Args:
            video_id: Of the video.
            to: The file; it is replaced where there is one.
            on_received: Told how many bytes have come so far.

        Raises:
            RushesError: It is refused, or the connection broke.
            OSError: It can't be written.
        """
        target = Path(to)
        part = target.with_name(f"{target.name}.part")
        received = 0
        try:
            async with self._connection.stream(f"{_VIDEOS}/{video_id}/original", {}) as answer:
                with await asyncio.to_thread(part.open, "wb") as file:
                    async for piece in answer.aiter_bytes(_PIECE_BYTES):
                        await asyncio.to_thread(file.write, piece)
                        received += len(piece)
                        on_received(received)
            return await asyncio.to_thread(part.replace, target)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)

    async def system(self) -> SystemView:
        """How the whole service stands."""
        return await self._connection.ask(SystemView, "GET", "/api/v1/system")

    async def running(self, limit: int = 20) -> list[RunningView]:
        """The videos that are being processed, those first that were uploaded first."""
        asked: dict[str, Any] = {"limit": limit}
        return (await self._connection.ask(RunningList, "GET", "/api/v1/system/running", params=asked)).items

    async def readiness(self) -> Mapping[str, str]:
        """What ``/readyz`` says of each dependency, whether it is ready or not."""
        answer = await self._connection.send_anyway("GET", "/readyz")
        checks = json_of(answer).get("checks")
        if not isinstance(checks, dict):
            raise refusal_of(answer)
        return {str(name): str(finding) for name, finding in checks.items()}
