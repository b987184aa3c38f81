"""Where bytes live: one protocol, and every file named by a storage key (``contracts.storage_keys``).

A path is given out only for as long as a block lasts: a disk lends the file itself, a bucket a copy. Every method
raises ``StorageFailed`` when the place refuses, with a sentence that says what to do, and ``InvalidKey`` for a key that
could lead elsewhere. A cancelled call that changes something ends only when its work has ended, however long a disk
hangs; one that removes files removes no further one then. One that only asks (size, room, listing, owner, mark, check)
ends at once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from contracts.partial_file import PartialFile
from contracts.storage_keys import FIRST_EDITION, WorkFile


class Digest(Protocol):
    """A hash that goes on, as ``hashlib`` gives it."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take more bytes."""

    def hexdigest(self) -> str:
        """Of all so far."""

    def copy(self) -> "Digest":
        """One that goes its own way from here."""


Claim = Callable[[], Awaitable[None]]
"""Asks whether it is still the caller's turn to write, and raises where it is not; what it raises is passed on."""


class OriginalWriter(Protocol):
    """An upload on its way: invisible under its key until ``commit``. One caller at a time."""

    async def write(self, *pieces: bytes | memoryview) -> None:
        """Append bytes, off the event loop, without copying them: a mebibyte at a time is about right.

        Raises:
            StorageFailed: The disk refused; only ``discard`` makes sense then.
        """

    @property
    def size_bytes(self) -> int:
        """Bytes of the file so far, also those that a writer before this one wrote."""

    @property
    def digest(self) -> Digest | None:
        """SHA-256 of all so far; None where an earlier writer began the file and did not hand its own on."""

    @property
    def keeps_anew(self) -> bool:
        """Whether ``keep`` writes again what was kept before, as a bucket does with the part that fills."""

    async def keep(self) -> None:
        """Make everything so far durable, so that another writer, of any process, can continue after it."""

    async def commit(self) -> None:
        """Make the bytes durable, then visible under the key."""

    async def close(self) -> None:
        """Let go without removing anything; what was kept stays."""

    async def discard(self) -> None:
        """Remove what was written. Does nothing after ``commit`` or a second time."""


@dataclass(frozen=True)
class LocalFile:
    """A file on a disk of this machine, to be served.

    Attributes:
        path: Where it is.
    """

    path: Path


@dataclass(frozen=True)
class RemoteFile:
    """A file elsewhere, to be served.

    Attributes:
        size_bytes: Its size.
        etag: Changes with its content.
        modified: When it came there.
        read: Streams its bytes from the first number up to the second.
        address: Makes an address under which anybody can read it, for so many seconds, as this media type, and
            with this ``Content-Disposition`` where it is not None.
    """

    size_bytes: int
    etag: str
    modified: datetime
    read: Callable[[int, int], AsyncIterator[bytes]]
    address: Callable[[int, str, str | None], Awaitable[str]]


@dataclass(frozen=True)
class Kept:
    """Bytes that storage holds, finished or not.

    Attributes:
        key: Under which they stand, or were to stand.
        size_bytes: How many; of parts in a bucket all that is there, also what was put again.
        modified: When they came; of parts in a bucket, when the last of them did.
        is_whole: Whether it is the file itself, and not a part of it that was begun.
    """

    key: str
    size_bytes: int
    modified: datetime
    is_whole: bool = True


@dataclass(frozen=True)
class SignedPart:
    """Where a part of an upload can be put, by anybody who has the address.

    Attributes:
        number: Of the part, from 1.
        url: For PUT.
    """

    number: int
    url: str


class DirectStorage(Protocol):
    """A place that takes uploads past the service."""

    async def sign_parts(self, key: str, size_bytes: int, seconds: int) -> tuple[int, Sequence[SignedPart]]:
        """Begin an original of this size; one that was begun keeps its parts, one that stands has none left.

        Returns:
            The size of every part but the last, and where each can be put for so many seconds.
        """

    async def held_bytes(self, key: str) -> int:
        """What the unfinished original takes, also of parts in whose place others were put, where these are kept."""

    async def finish_signed(self, key: str, size_bytes: int, etags: Mapping[int, str]) -> str | None:
        """Let the original stand if its parts are all here, of this size, and those of the ``etags``.

        Returns:
            What is wrong with them, as a sentence; None where the original stands.
        """


class Storage(Protocol):
    """The files of videos: ``originals/``, ``work/`` and ``processed/``."""

    async def create_original(self, key: str, claim: Claim | None = None) -> OriginalWriter:
        """Open the original under ``key`` for writing; what was begun of it before goes.

        Args:
            key: Of the original.
            claim: Asked before anything goes, at a moment after which no other writer can come in between.
        """

    async def continue_original(
        self, key: str, size_bytes: int, digest: Digest | None = None, claim: Claim | None = None
    ) -> OriginalWriter:
        """Open an unfinished original to go on after its first ``size_bytes``, which were kept.

        What came after them is dropped. One writer at a time: it is for the caller to see to that.

        Args:
            key: Of the original.
            size_bytes: Where to go on.
            digest: SHA-256 of these bytes, where somebody still has it; the writer changes it.
            claim: Asked before anything goes, at a moment after which no other writer can come in between.

        Raises:
            OriginalMissing: They are not there.
            StorageFailed: Another writer is at this very moment.
        """

    def direct(self) -> DirectStorage | None:
        """The same place for uploads past the service; None where there is no such way."""

    async def free_bytes(self) -> int | None:
        """Room for originals; None where nobody can tell."""

    def fetch(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A local path to read the file under ``key`` from, for as long as the block lasts.

        Raises ``OriginalMissing`` for an original and ``WorkMissing`` for another file that is not there.
        """

    def fetch_partly(self, key: str) -> AbstractAsyncContextManager[PartialFile]:
        """Like ``fetch``, for a reader that needs parts of a file, and knows which."""

    def create(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A local path to write a file to, which stands durably under ``key`` once the block has succeeded.

        A file that stands there already is finished, so it stays and the new one is dropped. Nothing is left of a block
        that failed; what killed ones left of the same key goes when the next one begins.
        """

    async def take_over(self, key: str, file: LocalFile | RemoteFile) -> str | None:
        """Let a file that another storage serves stand under ``key``, which has none; it is read piece by piece.

        A call that is ended in its midst leaves what it has put, and the next one of the same content goes on there.

        Returns:
            SHA-256 of the file as it was read; None where another one stands there by now, which stays.
        """

    async def size(self, key: str) -> int | None:
        """Size in bytes of the file under ``key``, or None if there is none."""

    async def delete(self, key: str) -> None:
        """Remove the file under ``key`` and any part of it; gone already is a success."""

    async def delete_unfinished(self, key: str, before: datetime) -> int | None:
        """Remove what was begun of the file under ``key`` and written to by nobody since; the file itself stays.

        Returns:
            How many bytes that was; None where there was nothing to remove.
        """

    async def delete_folder(self, prefix: str) -> None:
        """Remove every file whose key begins with ``prefix``, which ends in a slash; none is a success."""

    async def publish(self, video_id: str, files: Mapping[str, WorkFile], edition: int = FIRST_EDITION) -> None:
        """Move work files to the video's published ones of this edition, each under its name there.

        Nobody is served any of them before the row says that this edition is ready. Running it again after it was cut
        off or succeeded succeeds, also when the work files are gone.

        Raises:
            WorkMissing: A file is neither among the work files nor published. Nothing was moved then.
        """

    def listed(self, prefix: str) -> AsyncIterator[Kept]:
        """Every finished file whose key begins with ``prefix``, which ends in a slash, by key."""

    def kept(self, prefix: str) -> AsyncIterator[Kept]:
        """All that is below ``prefix``, which ends in a slash: finished files, parts, what a killed process left."""

    async def served(self, key: str) -> LocalFile | RemoteFile:
        """Where a file is to be served from. Raises as ``fetch``."""

    async def published_origin(self) -> str | None:
        """Scheme and host of the addresses that remote files have; None where none is remote."""

    async def mark(self) -> str:
        """What the place is marked with: the same for all who see the same files, and for nobody else.

        Raises:
            StorageFailed: It can't be marked.
        """

    async def owner(self) -> str | None:
        """Which database the place belongs to; None where none has claimed it. Raises ``StorageFailed``."""

    async def claim(self, database: str, *, replace: bool = False) -> str:
        """Have the place belong to a database, if it belongs to none.

        Args:
            database: Which, as so many hexadecimal digits as a mark has.
            replace: Also where it belongs to another one.

        Returns:
            The database that it belongs to then.

        Raises:
            StorageFailed: It can't be written there.
        """

    async def check(self) -> None:
        """Raise ``StorageFailed`` unless files can be written everywhere."""

    def waited_for(self) -> str | None:
        """Which place a check waits for at this moment, for people; None where that is not known."""
