"""A trial of a storage: everything that the service will ask of it, on files that are gone afterwards."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from contracts.errors import StorageFailed
from contracts.storage_keys import (
    VIDEO_NAME,
    WorkFile,
    original_key,
    processed_folder,
    processed_key,
    work_folder,
    work_key,
)
from storage.clock import MOST_SKEW_SECONDS, skew_seconds
from storage.protocol import LocalFile, Storage
from threads.files import off_loop

TRIAL_SECONDS: Final = 60.0
_SMALL_BYTES: Final = 1024 * 1024
_LARGE_BYTES: Final = 9 * 1024 * 1024
"""More than one part of a multipart upload."""
_RANGE: Final = (1000, 70_000)
_ADDRESS_SECONDS: Final = 300
_TIDY_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Trial:
    """What was tried.

    Attributes:
        what: In a word or two.
        found: What came of it.
        holds: Whether it is as it should be.
    """

    what: str
    found: str
    holds: bool


async def try_storage(storage: Storage, seconds: float = TRIAL_SECONDS) -> AsyncIterator[Trial]:
    """Try all of it, each in its time. What ends in an error, or in none, is the last trial; then its files go.

    Args:
        storage: What is tried.
        seconds: How long each trial may take.
    """
    trials = _Trials(storage)
    try:
        async for trial in _each_of(trials, storage.direct() is not None, seconds):
            yield trial
    finally:
        if not trials.is_tidied:
            with contextlib.suppress(StorageFailed, TimeoutError):
                async with asyncio.timeout(min(seconds, _TIDY_SECONDS)):
                    await trials.tidy()


async def _each_of(trials: "_Trials", is_elsewhere: bool, seconds: float) -> AsyncIterator[Trial]:
    served_elsewhere = {"address": trials.address, "direct": trials.direct} if is_elsewhere else {}
    for what, trial in {
        "write": trials.write,
        "once": trials.once,
        "read": trials.read,
        "range": trials.range,
        "clock": trials.clock,
        "upload": trials.upload,
        "publish": trials.publish,
        **served_elsewhere,
        "delete": trials.delete,
    }.items():
        try:
            async with asyncio.timeout(seconds):
                found, holds = await trial()
        except StorageFailed as error:
            yield Trial(what, str(error), holds=False)
            return
        except TimeoutError:
            yield Trial(what, f"no answer within {seconds:g} s. Is it there, and the way to it free?", holds=False)
            return
        yield Trial(what, found, holds)


class _Trials:
    """One after the other: each finds what those before it wrote. They tell what came of it, and whether it holds."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._id = f"check-{secrets.token_hex(8)}"
        self._key = processed_key(self._id, "written.mp4")
        self._work = work_key(self._id, VIDEO_NAME)
        self._published = processed_key(self._id, VIDEO_NAME)
        self._originals = [original_key(self._id, extension) for extension in (".upload", ".direct")]
        self._content = secrets.token_bytes(_SMALL_BYTES)
        self.is_tidied = False

    async def write(self) -> tuple[str, bool]:
        await self._write(self._key, self._content)
        return f"{_SMALL_BYTES} bytes", await self._storage.size(self._key) == _SMALL_BYTES

    async def once(self) -> tuple[str, bool]:
        """An attempt that was given up never replaces what a later one has finished."""
        await self._write(self._key, secrets.token_bytes(_SMALL_BYTES))
        stays = await _bytes_of(self._storage, self._key, 0, _SMALL_BYTES) == self._content
        return "what stands is not replaced" if stays else "it replaces what stands, against If-None-Match", stays

    async def read(self) -> tuple[str, bool]:
        return await self._compare(0, _SMALL_BYTES)

    async def range(self) -> tuple[str, bool]:
        return await self._compare(*_RANGE)

    async def clock(self) -> tuple[str, bool]:
        skew = await skew_seconds(self._storage, self._key)
        found = f"{abs(skew):.1f} s {'behind' if skew > 0 else 'ahead of'} ours"
        agrees = abs(skew) < MOST_SKEW_SECONDS
        return found if agrees else f"{found}: set both right (NTP)", agrees

    async def upload(self) -> tuple[str, bool]:
        content = secrets.token_bytes(_LARGE_BYTES)
        writer = await self._storage.create_original(self._originals[0])
        try:
            await writer.write(content)
            await writer.commit()
        finally:
            await writer.discard()
        arrived = await _bytes_of(self._storage, self._originals[0], 0, len(content)) == content
        return f"{len(content)} bytes, {'whole' if arrived else 'not as they were sent'}", arrived

    async def publish(self) -> tuple[str, bool]:
        await self._write(self._work, self._content)
        await self._storage.publish(self._id, {VIDEO_NAME: WorkFile(self._work, _SMALL_BYTES)})
        same = await _bytes_of(self._storage, self._published, 0, _SMALL_BYTES) == self._content
        return "copied" if same else "the copy is not what was copied", same

    async def address(self) -> tuple[str, bool]:
        """As a browser plays it."""
        file = await self._storage.served(self._published)
        if isinstance(file, LocalFile):
            return "of this machine", True
        begin, end = _RANGE
        address = await file.address(_ADDRESS_SECONDS, "video/mp4", None)
        answer = await _asked("GET", address, headers={"Range": f"bytes={begin}-{end - 1}"})
        given = answer.content == self._content[begin:end]
        return "a signed address gives the file" if given else f"a signed address answers {answer.status_code}", given

    async def direct(self) -> tuple[str, bool]:
        """As a browser puts an upload past the service."""
        direct, key = self._storage.direct(), self._originals[1]
        if direct is None:
            return "not here", True
        _, (part,) = await direct.sign_parts(key, _SMALL_BYTES, _ADDRESS_SECONDS)
        answer = await _asked("PUT", part.url, content=self._content)
        if answer.is_error:
            return f"a signed address of a part answers {answer.status_code}", False
        wrong = await direct.finish_signed(key, _SMALL_BYTES, {1: answer.headers.get("etag", "")})
        return wrong or "a signed address takes a part", wrong is None

    async def delete(self) -> tuple[str, bool]:
        await self.tidy()
        written = [self._key, self._work, self._published, *self._originals]
        is_gone = all([await self._storage.size(key) is None for key in written])
        return "nothing is left" if is_gone else "something is left", is_gone

    async def tidy(self) -> None:
        """Remove all that a trial may have written. No sweep would: its name is none of a video's."""
        for folder in (work_folder(self._id), processed_folder(self._id)):
            await self._storage.delete_folder(folder)
        for key in self._originals:
            await self._storage.delete(key)
        self.is_tidied = True

    async def _write(self, key: str, content: bytes) -> None:
        async with self._storage.create(key) as path:
            await off_loop(path.write_bytes, content)

    async def _compare(self, begin: int, end: int) -> tuple[str, bool]:
        same = await _bytes_of(self._storage, self._key, begin, end) == self._content[begin:end]
        return f"{end - begin} bytes, {'the same' if same else 'not those that were written'}", same


async def _asked(method: str, address: str, **request: Any) -> httpx.Response:
    """What anybody is answered there. Raises ``StorageFailed``."""
    try:
        async with httpx.AsyncClient(timeout=TRIAL_SECONDS) as http:
            return await http.request(method, address, **request)
    except httpx.HTTPError as error:
        raise StorageFailed(f"A signed address does not answer: {str(error) or type(error).__name__}.") from error


async def _bytes_of(storage: Storage, key: str, begin: int, end: int) -> bytes:
    file = await storage.served(key)
    if isinstance(file, LocalFile):
        return (await off_loop(file.path.read_bytes))[begin:end]
    return b"".join([piece async for piece in file.read(begin, end)])
