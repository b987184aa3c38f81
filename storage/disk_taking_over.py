"""A file of another storage that comes to a disk, piece by piece: what a killed process wrote of it is taken up.

The name of the part says what of it counts: ``.{name}.{content}-{bytes}-{SHA-256 of these bytes}.part``. It is changed
after each piece is durable, and the bytes are read and compared with it before any others come after them.
"""

import errno
import fcntl
import hashlib
import os
from contextlib import aclosing
from io import FileIO
from pathlib import Path
from typing import Final

from contracts.errors import StorageFailed
from storage import placing
from storage.disk_original import NO_LOCKS
from storage.filesystem import sync_path, told_as_storage_failed
from storage.hashing import sha256_of_file
from storage.pieces import name_of_content, pieces_of, size_of
from storage.protocol import LocalFile, RemoteFile
from storage.sparse_file import write_at
from threads.files import off_loop

_PIECE_BYTES: Final = 16 * 1024 * 1024
_READ_BYTES: Final = 1024 * 1024


async def take_over(path: Path, file: LocalFile | RemoteFile) -> str | None:
    """Let it stand at ``path``, as a second name where it is on the same disk.

    What was written stays where this fails or is cancelled, for the next one to go on.

    Returns:
        SHA-256 of the file as it was read; None where another one stands there by now.

    Raises:
        StorageFailed: It can't be read, the disk refuses, or another process copies the same at this moment.
    """
    with told_as_storage_failed("write", path.parent):
        await off_loop(path.parent.mkdir, parents=True, exist_ok=True)
        if isinstance(file, LocalFile) and await off_loop(_has_linked, file.path, path):
            return await sha256_of_file(file.path)
    size_bytes = await size_of(file)
    content = await name_of_content(file)
    with told_as_storage_failed("write", path.parent):
        taken = await off_loop(_Taken.up, path, content)
    try:
        async with aclosing(pieces_of(file, taken.size_bytes, size_bytes, _PIECE_BYTES)) as pieces:
            async for piece in pieces:
                await off_loop(taken.append, piece)
        return taken.digest.hexdigest() if await off_loop(taken.finish) else None
    finally:
        await off_loop(taken.close)


class _Taken:
    """The part on a disk.

    Args:
        path: Where the file is to stand.
        content: Names the content that is copied.
        part: The part's name now.
        file: The part, locked.

    Attributes:
        size_bytes: How much of it counts.
        digest: SHA-256 of that.
    """

    def __init__(self, path: Path, content: str, part: Path, file: FileIO) -> None:
        self._path = path
        self._content = content
        self._part = part
        self._file = file
        self.size_bytes = 0
        self.digest = hashlib.sha256()

    @classmethod
    def up(cls, path: Path, content: str) -> "_Taken":
        """What another process left of the same content, or an empty part."""
        for part in path.parent.glob(f".{path.name}.{content}-*{placing.PART}"):
            taken = cls(path, content, part, _locked(part, path))
            try:
                if taken._holds(*part.name.removesuffix(placing.PART).split("-")[-2:]):
                    return taken
                part.unlink()
            except BaseException:
                taken.close()
                raise
            taken.close()
        part = _part_of(path, content, 0, hashlib.sha256().hexdigest())
        return cls(path, content, part, _locked(part, path))

    def _holds(self, size_bytes: str, digest: str) -> bool:
        """Whether its first bytes are those of which its name tells; what comes after them is cut off."""
        left = int(size_bytes)
        while left and (some := os.pread(self._file.fileno(), min(left, _READ_BYTES), self.size_bytes)):
            self.digest.update(some)
            self.size_bytes += len(some)
            left -= len(some)
        os.truncate(self._file.fileno(), self.size_bytes)
        return not left and self.digest.hexdigest() == digest

    def append(self, piece: bytes) -> None:
        """Write this after what counts, and have it count once it is durable."""
        with told_as_storage_failed("write", self._path.parent):
            write_at(self._file.fileno(), piece, self.size_bytes)
            os.fdatasync(self._file.fileno())
            self.digest.update(piece)
            self.size_bytes += len(piece)
            part = _part_of(self._path, self._content, self.size_bytes, self.digest.hexdigest())
            self._part.rename(part)
            self._part = part

    def finish(self) -> bool:
        """Let it stand; False where another file does."""
        with told_as_storage_failed("write", self._path.parent):
            is_ours = placing.finish(self._part, self._path)
            self._part.unlink(missing_ok=True)
            sync_path(self._path.parent)
            return is_ours

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


def _part_of(path: Path, content: str, size_bytes: int, digest: str) -> Path:
    return path.with_name(f".{path.name}.{content}-{size_bytes}-{digest}{placing.PART}")


def _locked(part: Path, path: Path) -> FileIO:
    """The part, which nobody else writes to until it is closed."""
    file = FileIO(part, "r+" if part.exists() else "w+")
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return file
        file.close()
        if error.errno != errno.EWOULDBLOCK:
            raise
        raise StorageFailed(f"Another process copies {path.name} there at this moment. Wait until it ends.") from error
    return file


def _has_linked(source: Path, path: Path) -> bool:
    """Whether it stands there under a second name now."""
    try:
        os.link(source, path)
    except OSError:
        return False
    sync_path(path.parent)
    return True
