"""Sending a file so that it goes on where it broke: tus 1.0, from the client's side."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Final

from cli.api_client import ApiClient, ApiRefused, ApiUnreachable, open_readable
from cli.begun_uploads import BegunUploads

_PIECE_BYTES: Final = 1024 * 1024
_PATIENCE_SECONDS: Final = 120.0
"""How long nothing may get through before it is given up; it can still be gone on with later."""
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 5.0
_UPLOADS: Final = "/api/v1/uploads"
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_TRIED_AGAIN: Final = frozenset(
    {"upload_locked", "wrong_offset", "database_unavailable", "storage_failed", "internal", "quota_exceeded"}
    | {"http_429", "http_500", "http_502", "http_503", "http_504"}
)
"""What may pass; what else is refused leaves the upload where it is, for the same command later."""
_BEGUN_ANEW: Final = frozenset({"upload_gone", "video_not_found"})


class ResumingUpload:
    """Sends one file, and goes on by itself when the connection breaks or the api is started again.

    Args:
        api: Where to.
        file: The video.
        metadata: Title and profile, where they are asked for.
        begun: Uploads of earlier commands.
    """

    def __init__(self, api: ApiClient, file: Path, metadata: Mapping[str, str], begun: BegunUploads) -> None:
        self._api = api
        self._file = file
        self._metadata = {"filename": file.name, **metadata}
        self._begun = begun
        self._size = 0
        self._name = ""
        self._path: str | None = None
        self._reached = -1

    async def send(self, *, on_sent: Callable[[int], None], on_broken: Callable[[str], None]) -> str:
        """Send it to its end.

        Args:
            on_sent: Told how many bytes were sent so far.
            on_broken: Told why it has to go on.

        Returns:
            The video's id.

        Raises:
            ApiRefused: The api does not take it.
            ApiUnreachable: Nothing got through for too long. The same command goes on.
        """
        self._size, self._name = await asyncio.to_thread(self._look)
        self._path = self._begun.find(self._name)
        reached, pause = -1, _FIRST_PAUSE_SECONDS
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return await self._go_on(on_sent)
            except (ApiRefused, ApiUnreachable) as failure:
                if self._reached > reached:  # something got through since the last time
                    reached, pause = self._reached, _FIRST_PAUSE_SECONDS
                    deadline = time.monotonic() + _PATIENCE_SECONDS
                if not self._is_tried_again(failure) or time.monotonic() > deadline:
                    raise
                on_broken(str(failure))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _go_on(self, on_sent: Callable[[int], None]) -> str:
        if self._path is None:
            self._path = await self._create()
            self._begun.remember(self._name, self._path)
        offset = int((await self._api.send("HEAD", self._path, headers=_TUS)).headers["upload-offset"])
        self._reached = offset
        on_sent(offset)
        if offset < self._size:
            headers = {**_TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
            content = _pieces(self._file, offset, on_sent)
            await self._api.send("PATCH", self._path, headers=headers, content=content)
        self._begun.remember(self._name, None)
        return self._path.rpartition("/")[2]

    async def _create(self) -> str:
        pairs = (f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in self._metadata.items())
        headers = {**_TUS, "Upload-Length": str(self._size), "Upload-Metadata": ",".join(pairs)}
        return str((await self._api.send("POST", _UPLOADS, headers=headers)).headers["location"])

    def _is_tried_again(self, failure: ApiRefused | ApiUnreachable) -> bool:
        if isinstance(failure, ApiUnreachable):
            return self._path is not None  # an api that never answered is not there
        if failure.code in _TRIED_AGAIN:
            return True
        if self._path is None or failure.code not in _BEGUN_ANEW:
            return False
        self._path = None
        self._begun.remember(self._name, None)
        self._reached += 1  # a reason to try again
        return True

    def _look(self) -> tuple[int, str]:
        """The file's size, and a name for this very file and what is asked for."""
        found, path = self._file.stat(), str(self._file.absolute())
        what = [self._api.base_url, path, found.st_size, found.st_mtime_ns, self._metadata]
        return found.st_size, hashlib.sha256(json.dumps(what).encode()).hexdigest()


async def _pieces(file: Path, offset: int, on_sent: Callable[[int], None]) -> AsyncIterator[bytes]:
    with open_readable(file) as opened:
        opened.seek(offset)
        while piece := await asyncio.to_thread(opened.read, _PIECE_BYTES):
            yield piece
            offset += len(piece)
            on_sent(offset)
