"""Sending a file so that it goes on where it broke: tus 1.0, from the client's side."""

import asyncio
import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from client.begun_uploads import BegunUploads
from client.connection import Connection
from client.errors import BEGUN_ANEW, CONNECTION_LOST, FILE_CHANGED, UNREACHABLE, RushesError
from client.piece_size import MOST_PIECE_BYTES, PieceSize
from client.sent_file import SentFile
from client.views import VideoView
from contracts.errors import ErrorCode

_PATIENCE_SECONDS: Final = 120.0
"""How long nothing may get through before it is given up; it can still be gone on with later."""
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 5.0
_UPLOADS: Final = "/api/v1/uploads"
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_TRIED_AGAIN: Final = frozenset(
    {
        "upload_locked",
        "wrong_offset",
        "database_unavailable",
        "storage_failed",
        "internal",
        "quota_exceeded",
        "too_many_uploads",
    }
    | {"http_429", "http_500", "http_502", "http_503", "http_504"}
)
"""What may pass; what else is refused leaves the upload where it is, to be gone on with later."""
_VIDEOS: Final = "/api/v1/videos"
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_GONE: Final = frozenset({404, 410})
_REFUSED_AS_TOO_LARGE: Final = "http_413"
"""By something in between: the api's own refusal has a code of its own."""
_UPLOAD_GONE: Final = "upload_gone"
_VIDEO_NOT_FOUND: Final = "video_not_found"


class ResumingUpload:
    """Sends one file, and goes on by itself when the connection breaks or the api is started again.

    Args:
        connection: Where to.
        file: The video.
        metadata: What ``Upload-Metadata`` says beside the file's name: title, profile, metadata.
        idempotency_key: A name of this video; an upload that was begun with it is gone on with.
        begun: Where uploads are remembered until they are through, so that a later one of the same file goes on.
            Default: nowhere.
        most_piece_bytes: How much one request brings at most. What lets less through is sent less.
    """

    def __init__(
        self,
        connection: Connection,
        file: Path,
        metadata: Mapping[str, str],
        *,
        idempotency_key: str | None = None,
        begun: BegunUploads | None = None,
        most_piece_bytes: int = MOST_PIECE_BYTES,
    ) -> None:
        self._connection = connection
        self._file = file
        self._metadata = {"filename": file.name, **metadata}
        self._idempotency_key = idempotency_key
        self._key = idempotency_key or str(uuid4())
        self._begun = begun
        self._piece = PieceSize(most_piece_bytes)
        self._name = ""
        self._path: str | None = None
        self._was_there = False
        self._is_api_there = False
        self._reached = -1
        self._lost: tuple[int, int] | None = None

    async def send(self, *, on_sent: Callable[[int, int], None], on_broken: Callable[[RushesError], None]) -> str:
        """Send it to its end.

        Args:
            on_sent: Told how many bytes were sent so far, and of how many.
            on_broken: Told why it has to go on, or with the code ``begun_anew`` why it has to begin anew.

        Returns:
            The video's id.

        Raises:
            RushesError: The api does not take it, somebody cancelled or deleted it meanwhile, the file changed while it
                was sent (then its upload is ended), or nothing got through for two minutes.
            OSError: The file can't be read.
        """
        file = await SentFile.looked_at(self._file)
        self._name = self._name_of(file)
        self._path = self._begun.find(self._name) if self._begun is not None else None
        reached, pause = -1, _FIRST_PAUSE_SECONDS
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return await self._go_on(file, on_sent)
            except RushesError as refusal:
                if refusal.code == FILE_CHANGED:
                    await self._end()
                    raise
                failure = await self._said_of(refusal)
                self._is_api_there |= self._path is not None or failure.code != UNREACHABLE
                if self._reached > reached:  # something got through since the last time
                    reached, pause = self._reached, _FIRST_PAUSE_SECONDS
                    deadline = time.monotonic() + _PATIENCE_SECONDS
                if not self._is_tried_again(failure) or time.monotonic() > deadline:
                    raise failure from refusal.__cause__
                on_broken(failure)
                pause = max(pause, min(failure.retry_after or 0.0, _LONGEST_PAUSE_SECONDS))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _go_on(self, file: SentFile, on_sent: Callable[[int, int], None]) -> str:
        if self._path is None:
            self._path = await self._create(file)
            self._remember(self._path)
            self._was_there = True
        offset = await self._asked_offset(self._path)
        if offset > file.size:
            raise self._connection.foreign("HEAD", self._path)
        self._was_there = True
        if self._lost is not None and offset == self._lost[0]:  # nothing got through: some refuse without an answer
            self._piece.was_lost(self._lost[1])
        self._lost = None
        while True:
            self._reached = offset
            on_sent(offset, file.size)
            if offset == file.size:
                break
            offset = await self._append(self._path, file, offset, on_sent)
        self._remember(None)
        return self._path.rpartition("/")[2]

    async def _append(self, path: str, file: SentFile, offset: int, on_sent: Callable[[int, int], None]) -> int:
        """Send a piece; how far the upload is then."""
        end = min(offset + self._piece.bytes, file.size)
        headers = {
            **_TUS,
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(end - offset),
            "Upload-Offset": str(offset),
        }
        began = time.monotonic()
        try:
            async with aclosing(file.blocks(offset, end, on_sent)) as content:
                answer = await self._connection.send("PATCH", path, headers=headers, content=content)
        except RushesError as refusal:
            if refusal.code == CONNECTION_LOST:
                self._lost = offset, end - offset
            if refusal.code != _REFUSED_AS_TOO_LARGE or not self._piece.was_refused(end - offset):
                raise
            return await self._asked_offset(path)
        reached = self._offset_of(answer, "PATCH", path)
        if not offset < reached <= end:
            raise self._connection.foreign("PATCH", path)
        self._piece.got_through(reached - offset, time.monotonic() - began)
        return reached

    async def _asked_offset(self, path: str) -> int:
        return self._offset_of(await self._connection.send("HEAD", path, headers=_TUS), "HEAD", path)

    def _offset_of(self, answer: httpx.Response, method: str, path: str) -> int:
        told = answer.headers.get("upload-offset", "")
        if not _NUMBER.fullmatch(told):
            raise self._connection.foreign(method, path)
        return int(told)

    async def _create(self, file: SentFile) -> str:
        pairs = (f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in self._metadata.items())
        headers = {**_TUS, "Upload-Length": str(file.size), "Upload-Metadata": ",".join(pairs)}
        headers["Idempotency-Key"] = self._key  # where the answer is lost, once more finds the same upload
        answer = await self._connection.send("POST", _UPLOADS, headers=headers)
        place, _, video_id = urlsplit(answer.headers.get("location", "")).path.rpartition("/")
        if not place.endswith(_UPLOADS) or not video_id:
            raise self._connection.foreign("POST", _UPLOADS)
        return f"{_UPLOADS}/{video_id}"

    async def _end(self) -> None:
        """Neither video nor a byte of it stays; where the api can't be asked for that, it expires by itself."""
        path, self._path = self._path, None
        if path is not None:
            self._remember(None)
            with suppress(RushesError):
                await self._connection.send("DELETE", path, headers=_TUS)

    def _remember(self, path: str | None) -> None:
        if self._begun is not None:
            self._begun.remember(self._name, path)

    async def _said_of(self, refusal: RushesError) -> RushesError:
        """Why the upload is gone, which the answer to a HEAD can't tell, and forget it; else the refusal as it is.

        What a person ended while it was sent stays ended. Anything else is begun anew.
        """
        if self._path is None or refusal.status not in _GONE:
            return refusal
        try:
            video = await self._connection.ask(VideoView, "GET", f"{_VIDEOS}/{self._path.rpartition('/')[2]}")
        except RushesError as failure:
            if failure.code != _VIDEO_NOT_FOUND:
                return failure
            is_unwanted, why = True, "was deleted, or is not known any more"
        else:
            is_unwanted = video.error_code == ErrorCode.CANCELLED
            why = "was cancelled" if is_unwanted else "has ended"
        stays_ended = is_unwanted and self._was_there
        self._path, self._was_there = None, False
        self._key = self._idempotency_key or str(uuid4())
        self._remember(None)
        if stays_ended:
            told = f"The upload {why} while it was sent. Sent once more, the file is uploaded anew."
            return RushesError(_UPLOAD_GONE, told, status=refusal.status)
        self._reached += 1  # a reason to try again
        return RushesError(BEGUN_ANEW, f"The upload that was begun before {why}.", status=refusal.status)

    def _is_tried_again(self, failure: RushesError) -> bool:
        if failure.is_unanswered:
            return self._is_api_there  # what never answered is no api that comes back
        if (failure.retry_after or 0.0) > _PATIENCE_SECONDS:  # as where all that its user may keep is used
            return False
        return failure.code in _TRIED_AGAIN or failure.code == BEGUN_ANEW

    def _name_of(self, file: SentFile) -> str:
        """A name for this very file, who sends it and what is asked for: nobody finds, or forgets, another's."""
        what = [self._connection.base_url, str(file.path.absolute()), file.size, file.changed_at_ns, self._metadata]
        what += [self._idempotency_key] if self._idempotency_key is not None else []
        what += [{"caller": self._connection.caller}] if self._connection.caller is not None else []
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()
