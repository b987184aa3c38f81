"""An upload on its way to a local disk."""

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import Final

from contracts.errors import OriginalMissing, StorageFailed
from storage.filesystem import sync_path, told_as_storage_failed
from storage.placing import PART
from storage.protocol import Claim, Digest
from threads.files import off_loop

_FLUSH_BYTES: Final = 16 * 1024 * 1024
"""After so much the disk is told to begin: an fsync of the whole file at the end would leave it idle until then."""

NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""How a file system says that it has none."""
_TAKEN: Final = (errno.EWOULDBLOCK, errno.ENOENT)
_DOING: Final = "store the upload"


def part_path(path: Path) -> Path:
    """Where the file is written until it is complete."""
    return path.with_name(path.name + PART)


class DiskOriginalWriter:
    """``storage.protocol.OriginalWriter`` on a local disk: ``name.part``, renamed to ``name`` by ``commit``.

    One caller at a time. A writer that was never committed or discarded leaves its part file behind.
    """

    def __init__(self, path: Path) -> None:
        """Describe the file; ``open`` makes it."""
        self._path = path
        self._part = part_path(path)
        self._file: FileIO | None = None
        self._inode: int | None = None
        self._digest: Digest | None = hashlib.sha256()
        self._size_bytes = 0
        self._flushed_bytes = 0
        self._committed = False

    @property
    def size_bytes(self) -> int:
        """Bytes of the file so far, also those that a writer before this one wrote."""
        return self._size_bytes

    @property
    def keeps_anew(self) -> bool:
        """A file is flushed from where it was flushed before."""
        return False

    @property
    def digest(self) -> Digest | None:
        """SHA-256 of all so far; None where an earlier writer began the file and did not hand its own on."""
        return self._digest

    async def open(self, claim: Claim | None = None) -> None:
        """Make the part file, empty. Raises ``StorageFailed``; when cancelled, leaves nothing."""
        try:
            earlier = await off_loop(self._lock_earlier)
            try:
                if claim is not None:
                    await claim()
                await off_loop(self._open, earlier)
            finally:
                if earlier is not None:
                    await off_loop(earlier.close)
        except BaseException:
            await self.discard()
            raise

    async def go_on(self, size_bytes: int, digest: Digest | None, claim: Claim | None = None) -> None:
        """Open the part file of an earlier writer after its first ``size_bytes``. Raises ``OriginalMissing``."""
        try:
            await off_loop(self._find, size_bytes)
            if claim is not None:
                await claim()
            await off_loop(self._cut, size_bytes)
        except BaseException:
            await self.close()
            raise
        self._digest = digest if size_bytes else hashlib.sha256()
        self._size_bytes = self._flushed_bytes = size_bytes

    async def keep(self) -> None:
        """Make everything so far durable. Raises ``StorageFailed``; only ``discard`` makes sense then."""
        await off_loop(self._keep)

    async def write(self, *pieces: bytes | memoryview) -> None:
        """Append bytes. They are on their way to the disk, and on it after ``commit``.

        Raises:
            StorageFailed: The disk refused; only ``discard`` makes sense then.
        """
        await off_loop(self._append, pieces)

    async def commit(self) -> None:
        """Make the bytes durable, then visible under the key: fsync, rename, fsync of the folder.

        A caller that is cancelled here may find the original complete; ``Storage.delete`` removes either.

        Raises:
            StorageFailed: The disk refused; only ``discard`` makes sense then.
        """
        await off_loop(self._commit)

    async def close(self) -> None:
        """Let go; the part file stays."""
        await off_loop(self._close)

    async def discard(self) -> None:
        """Remove what was written. Does nothing after ``commit`` or a second time."""
        await off_loop(self._discard)

    def _lock_earlier(self) -> FileIO | None:
        """The part file of an earlier writer, locked; None where there is none."""
        with told_as_storage_failed(_DOING, self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                earlier = FileIO(self._part, "r+")
            except FileNotFoundError:
                return None
            return self._locked(earlier)

    def _open(self, earlier: FileIO | None) -> None:
        with told_as_storage_failed(_DOING, self._path.parent):
            # A new file, and not the old one cut to nothing: who still writes to that, a worker that was given up for
            # lost, writes to nothing that has a name. One that came since is of a writer after this one.
            if earlier is not None:
                self._part.unlink(missing_ok=True)
            self._file = FileIO(self._part, "x")
            self._inode = os.fstat(self._file.fileno()).st_ino

    def _find(self, size_bytes: int) -> None:
        with told_as_storage_failed(_DOING, self._path.parent):
            try:
                file = FileIO(self._part, "r+")
            except FileNotFoundError:
                self._path.parent.stat()  # a disk that is not mounted has lost nothing
                raise _lost() from None
            self._file = self._locked(file)
            if os.fstat(file.fileno()).st_size < size_bytes:
                raise _lost()
            self._inode = os.fstat(file.fileno()).st_ino

    def _cut(self, size_bytes: int) -> None:
        """Drop what was not kept. Then the file is free: a client that is silent keeps no lock."""
        file = self._opened()
        with told_as_storage_failed(_DOING, self._path.parent):
            file.truncate(size_bytes)
            file.seek(size_bytes)
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)

    def _locked(self, file: FileIO) -> FileIO:
        """The part file, which nobody else drops or cuts until it is closed or unlocked.

        So a writer that is held up beyond its turn, by a disk that hangs, can ask whether it still is its turn at a
        moment after which no other begins. Where the disk knows no locks the question is asked all the same.
        """
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._part.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return file
        except OSError as error:
            if error.errno in NO_LOCKS:
                return file
            if error.errno not in _TAKEN:
                file.close()
                raise
        file.close()
        raise StorageFailed(f"Another writer begins with {self._path.name} at this moment. Go on in a few seconds.")

    def _keep(self) -> None:
        with told_as_storage_failed(_DOING, self._path.parent):
            os.fdatasync(self._opened().fileno())
            sync_path(self._path.parent)

    @contextlib.contextmanager
    def _alone(self, file: FileIO) -> Iterator[None]:
        """Nobody else cuts or appends meanwhile, and nobody has since this writer did so last.

        A process may be stopped for any time between the question whether it is its turn and the write.
        """
        is_locked = True
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                raise _another_writes(self._path) from error
            if error.errno not in NO_LOCKS:
                raise
            is_locked = False
        try:
            if os.fstat(file.fileno()).st_size != self._size_bytes:
                raise _another_writes(self._path)
            yield
        finally:
            if is_locked and not file.closed:
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)

    def _append(self, pieces: Sequence[bytes | memoryview]) -> None:
        file = self._opened()
        with told_as_storage_failed(_DOING, self._path.parent), self._alone(file):
            try:
                for piece in pieces:
                    if self._digest is not None:
                        self._digest.update(piece)
                    rest = memoryview(piece)
                    while rest:
                        rest = rest[file.write(rest) :]
                    self._size_bytes += len(piece)
                self._begin_flush(file)
            except OSError:
                # There is a hole now: nothing after it may be committed.
                self._close()
                raise

    def _begin_flush(self, file: FileIO) -> None:
        """Have the kernel write what it holds of the file, without waiting for it.

        The advice is that the bytes are not needed soon; for those that are not on the disk yet it means no more than
        that they may go there now.
        """
        unflushed = self._size_bytes - self._flushed_bytes
        if unflushed >= _FLUSH_BYTES:
            os.posix_fadvise(file.fileno(), self._flushed_bytes, unflushed, os.POSIX_FADV_DONTNEED)
            self._flushed_bytes = self._size_bytes

    def _commit(self) -> None:
        file = self._opened()
        with told_as_storage_failed(_DOING, self._path.parent):
            if not self._is_ours():
                raise StorageFailed(f"The file {self._path.name} was begun anew by another writer; this one is left.")
            try:
                with self._alone(file):
                    os.fsync(file.fileno())
                    self._part.rename(self._path)
            finally:
                self._close()
            self._committed = True
            sync_path(self._path.parent)

    def _opened(self) -> FileIO:
        if self._file is None:
            raise ValueError("The upload is not open.")
        return self._file

    def _discard(self) -> None:
        try:
            if not self._committed:
                with told_as_storage_failed("remove the unfinished upload", self._path.parent):
                    self._remove_part()
        finally:
            self._close()

    def _remove_part(self) -> None:
        """Remove it while it is open, so that its number can't have been given to another file."""
        with contextlib.suppress(FileNotFoundError):
            if self._is_ours():
                self._part.unlink()

    def _is_ours(self) -> bool:
        """Whether the part file is the one that was opened, and not that of a writer who came later."""
        return self._part.stat().st_ino == self._inode

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _another_writes(path: Path) -> StorageFailed:
    return StorageFailed(f"Another request writes {path.name} now; what came with this one is left out.")


def _lost() -> OriginalMissing:
    return OriginalMissing("What arrived of the upload is not in storage any more. Upload it again.")
