"""A file of another storage that comes to a disk, piece by piece: what a killed process wrote of it is taken up.

The name of the part says what of it counts, and whose it is:
``.{name}.{content}-{bytes}-{SHA-256 of these bytes}-{token of the call}.part``. It is changed after each piece is
durable, and the bytes are read and compared with it before any others come after them. Who takes up a part gives it
its own token first, so that a call never changes, nor lets stand, what another one goes on with: also where the file
system has no locks, and nobody can tell a killed process from one that is alive.
"""

import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from glob import escape
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
_MOST_LOOKS: Final = 10
"""For a part whose name changes while it is looked for: once for each piece that its process writes."""


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
        names: How it is named on its way there.
        part: The part's name now.
        file: The part, locked.

    Attributes:
        size_bytes: How much of it counts.
        digest: SHA-256 of that.
    """

    def __init__(self, path: Path, names: "_Names", part: Path, file: FileIO) -> None:
        self._path = path
        self._names = names
        self._part = part
        self._file = file
        self.size_bytes = 0
        self.digest = hashlib.sha256()

    @classmethod
    def up(cls, path: Path, content: str) -> "_Taken":
        """What another process left of the same content, or an empty part."""
        names = _Names(path, content, secrets.token_hex(8))
        for _ in range(_MOST_LOOKS):
            try:
                found = cls._found(path, names)
            except FileNotFoundError:  # the process whose part it is has renamed it, or is through with it
                continue
            return found or cls._begun(path, names)
        raise _copied_by_another(path)

    @classmethod
    def _found(cls, path: Path, names: "_Names") -> "_Taken | None":
        """The part of which most counts, where its bytes are those that its name tells; all others go."""
        taken = None
        with ExitStack() as opened:
            for left in names.parts():
                part, file = left, opened.enter_context(_locked(FileIO(left, "r+"), path))
                if os.fstat(file.fileno()).st_ino != part.stat().st_ino:
                    raise FileNotFoundError(errno.ENOENT, "another file has its name by now", str(part))
                if taken is None:
                    size_bytes, digest = names.told(left)
                    part = left.rename(names.of(size_bytes, digest))
                    one = cls(path, names, part, file)
                    if one._holds(size_bytes, digest):
                        taken = one
                        continue
                part.unlink()
                file.close()
            opened.pop_all()  # what is taken stays open
        return taken

    @classmethod
    def _begun(cls, path: Path, names: "_Names") -> "_Taken":
        part = names.of(0, hashlib.sha256().hexdigest())
        return cls(path, names, part, _locked(FileIO(part, "x+"), path))

    def _holds(self, size_bytes: int, digest: str) -> bool:
        """Whether its first bytes are those of which its name tells; what comes after them is cut off."""
        left = size_bytes
        while left and (some := os.pread(self._file.fileno(), min(left, _READ_BYTES), self.size_bytes)):
            self.digest.update(some)
            self.size_bytes += len(some)
            left -= len(some)
        os.truncate(self._file.fileno(), self.size_bytes)
        return not left and self.digest.hexdigest() == digest

    def append(self, piece: bytes) -> None:
        """Write this after what counts, and have it count once it is durable."""
        with self._told():
            write_at(self._file.fileno(), piece, self.size_bytes)
            os.fdatasync(self._file.fileno())
            self.digest.update(piece)
            self.size_bytes += len(piece)
            self._part = self._part.rename(self._names.of(self.size_bytes, self.digest.hexdigest()))

    def finish(self) -> bool:
        """Let it stand; False where another file does."""
        with self._told():
            is_ours = placing.finish(self._part, self._path)
            self._part.unlink(missing_ok=True)
            sync_path(self._path.parent)
            return is_ours

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        with told_as_storage_failed("write", self._path.parent):
            try:
                yield
            except FileNotFoundError as error:
                if self._path.parent.is_dir():  # there are no locks here, and another one took it up
                    raise _copied_by_another(self._path) from error
                raise


@dataclass(frozen=True)
class _Names:
    """How parts are named.

    Attributes:
        path: Where the file is to stand.
        content: Names the content that is copied.
        token: Of this call.
    """

    path: Path
    content: str
    token: str

    def of(self, size_bytes: int, digest: str) -> Path:
        """The name of this call's part, so many bytes of which count."""
        return self.path.with_name(f"{self._begin}{size_bytes}-{digest}-{self.token}{placing.PART}")

    def parts(self) -> list[Path]:
        """What there is of this content, of whomever, those of which most counts first."""
        found = self.path.parent.glob(f"{escape(self._begin)}*{placing.PART}")
        return sorted(found, key=lambda part: self.told(part)[0], reverse=True)

    def told(self, part: Path) -> tuple[int, str]:
        """How many bytes of a part count, and their SHA-256."""
        size_bytes, digest, *_ = part.name.removeprefix(self._begin).removesuffix(placing.PART).split("-")
        return int(size_bytes), digest

    @property
    def _begin(self) -> str:
        return f".{self.path.name}.{self.content}-"


def _locked(file: FileIO, path: Path) -> FileIO:
    """The part, which nobody else writes to until it is closed."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return file
        file.close()
        if error.errno != errno.EWOULDBLOCK:
            raise
        raise _copied_by_another(path) from error
    return file


def _copied_by_another(path: Path) -> StorageFailed:
    return StorageFailed(f"Another process copies {path.name} there at this moment. Wait until it ends.")


def _has_linked(source: Path, path: Path) -> bool:
    """Whether it stands there under a second name now."""
    try:
        os.link(source, path)
    except OSError:
        return False
    sync_path(path.parent)
    return True
