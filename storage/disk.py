"""Storage on folders of this machine, or on network disks that are mounted like one."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contracts.storage_keys import (
    FIRST_EDITION,
    ORIGINALS_PREFIX,
    PROCESSED_PREFIX,
    WORK_PREFIX,
    WorkFile,
    processed_key,
)
from storage import disk_taking_over, placing
from storage.disk_original import DiskOriginalWriter, part_path
from storage.disk_publishing import DiskPublishing
from storage.filesystem import told_as_storage_failed
from storage.keys import missing, path_below
from storage.marking import claim_folder, mark_of, owner_of
from storage.private_folder import make_private
from storage.protocol import Claim, Digest, Kept, LocalFile, RemoteFile
from threads.files import GoOn, off_loop, off_loop_in_steps, removed_afterwards
from threads.questions import Questions


@dataclass(frozen=True)
class WholeFile:
    """``contracts.partial_file.PartialFile`` of a file that is here."""

    path: Path
    size_bytes: int
    is_whole: bool = True

    async def need(self, *ranges: tuple[int, int]) -> None:
        """They are."""

    async def need_all(self) -> None:
        """It is."""


class DiskStorage:
    """``storage.protocol.Storage`` on two folders, which may be on different disks."""

    def __init__(self, uploads: Path, scratch: Path, publishing: DiskPublishing | None = None) -> None:
        """Name the folders; they are made when first written to.

        Args:
            uploads: Of ``originals/`` and ``processed/``.
            scratch: Of ``work/``: what one step writes for another.
            publishing: The steps of a publication; by default as they are.
        """
        self._uploads = uploads
        self._scratch = scratch
        self._publishing = publishing or DiskPublishing(uploads / PROCESSED_PREFIX)
        self._of_uploads = Questions(str(uploads))
        self._of_scratch = Questions(str(scratch))
        self._checking: Path | None = None

    async def create_original(self, key: str, claim: Claim | None = None) -> DiskOriginalWriter:
        """A part file beside the place where the file will stand."""
        writer = DiskOriginalWriter(self._path(key))
        await writer.open(claim)
        return writer

    async def continue_original(
        self, key: str, size_bytes: int, digest: Digest | None = None, claim: Claim | None = None
    ) -> DiskOriginalWriter:
        """The same part file, cut to ``size_bytes``. Raises ``OriginalMissing``."""
        writer = DiskOriginalWriter(self._path(key))
        await writer.go_on(size_bytes, digest, claim)
        return writer

    def direct(self) -> None:
        """None: nobody but this service writes here."""

    async def free_bytes(self) -> int:
        """What this user may still write to the disk of the originals."""
        folder = self._uploads / ORIGINALS_PREFIX

        def free() -> int:
            with told_as_storage_failed("look for room", folder):
                with suppress(FileNotFoundError):
                    return shutil.disk_usage(folder).free  # first: a disk that takes no writes may say this
                folder.mkdir(parents=True, exist_ok=True)
                return shutil.disk_usage(folder).free

        return await self._of_uploads.ask(free)

    @asynccontextmanager
    async def fetch(self, key: str) -> AsyncIterator[Path]:
        """The file itself. Raises ``OriginalMissing`` or ``WorkMissing``."""
        async with self.fetch_partly(key) as file:
            yield file.path

    @asynccontextmanager
    async def fetch_partly(self, key: str) -> AsyncIterator[WholeFile]:
        """The file itself. Raises ``OriginalMissing`` or ``WorkMissing``."""
        path = self._path(key)
        size_bytes = await self.size(key)
        if size_bytes is None:
            raise missing(key, str(path.parent))
        yield WholeFile(path, size_bytes)

    @asynccontextmanager
    async def create(self, key: str) -> AsyncIterator[Path]:
        """A part file beside the place where the file will stand."""
        path = self._path(key)

        def begin() -> Path:
            with told_as_storage_failed("write", path.parent):
                if key.startswith(WORK_PREFIX):  # whoever clears /tmp may have taken it away
                    make_private(self._scratch)
                return placing.begin(path)

        def finish(part: Path) -> None:
            with told_as_storage_failed("write", path.parent):
                placing.finish(part, path)

        part = await off_loop(begin)
        async with removed_afterwards(part):
            yield part
            await off_loop(finish, part)

    async def take_over(self, key: str, file: LocalFile | RemoteFile) -> str | None:
        """As a second name where it is on this very disk."""
        return await disk_taking_over.take_over(self._path(key), file)

    async def size(self, key: str) -> int | None:
        """Size in bytes of the file under ``key``, or None if there is none."""
        path = self._path(key)

        def size() -> int | None:
            with told_as_storage_failed("look for a file", path.parent):
                size_bytes = placing.size_of(path)
                if size_bytes is None and key.startswith(ORIGINALS_PREFIX):
                    path.parent.stat()  # a disk that is not mounted has lost nothing
                return size_bytes

        return await self._questions(key).ask(size)

    async def delete(self, key: str) -> None:
        """Remove the file under ``key`` and any part of it; gone already is a success."""
        path = self._path(key)

        def delete(go_on: GoOn) -> None:
            with told_as_storage_failed("delete a file", path.parent):
                placing.remove_file(part_path(path), go_on)
                placing.remove_file(path, go_on)

        await off_loop_in_steps(delete)

    async def delete_unfinished(self, key: str, before: datetime) -> int | None:
        """Part files that nobody has written to since; how many bytes that was, None of none."""
        path = self._path(key)

        def delete() -> int | None:
            with told_as_storage_failed("delete a file", path.parent):
                return placing.remove_abandoned([part_path(path), *placing.parts_of(path)], before.timestamp())

        return await off_loop(delete)

    async def delete_folder(self, prefix: str) -> None:
        """Remove every file below ``prefix``; none is a success."""
        folder = self._path(prefix.removesuffix("/"))

        def delete(go_on: GoOn) -> None:
            with told_as_storage_failed("delete files", folder):
                placing.remove_folder(folder, go_on)

        await off_loop_in_steps(delete)

    async def publish(self, video_id: str, files: Mapping[str, WorkFile], edition: int = FIRST_EDITION) -> None:
        """Give each file its published name, then take its work name. Raises ``WorkMissing``."""
        moves = [
            (file, self._path(file.key), self._path(processed_key(video_id, name, edition)))
            for name, file in files.items()
        ]
        for move in moves:
            await self._publishing.look(*move)
        for move in moves:
            await self._publishing.place(*move)
        for _, source, _ in moves:
            await self._publishing.take(source)

    async def listed(self, prefix: str) -> AsyncIterator[Kept]:
        """Finished files alone: what is hidden or a part is on its way."""
        folder = self._path(prefix.removesuffix("/"))
        for file in sorted(await self._kept(prefix, folder, placing.is_finished), key=lambda file: file.key):
            yield file

    async def kept(self, prefix: str) -> AsyncIterator[Kept]:
        """Hidden files and parts, too, each under the key of the file that it was to become."""
        folder = self._scratch if prefix == WORK_PREFIX else self._path(prefix.removesuffix("/"))
        for file in await self._kept(prefix, folder, lambda _: True):
            yield file

    async def _kept(self, prefix: str, folder: Path, wanted: Callable[[Path], bool]) -> list[Kept]:
        def files() -> list[Kept]:
            with told_as_storage_failed("list the files", folder):
                found = [(path, placing.stat_of(path)) for path in folder.rglob("*") if wanted(path)]
                return [
                    Kept(
                        f"{prefix}{placing.without_part(path).relative_to(folder).as_posix()}",
                        stat.st_size,
                        datetime.fromtimestamp(stat.st_mtime, UTC),
                        is_whole=placing.is_finished(path),
                    )
                    for path, stat in found
                    if stat is not None
                ]

        return await self._questions(prefix).ask(files)

    async def served(self, key: str) -> LocalFile:
        """The file itself. Raises as ``fetch``."""
        async with self.fetch(key) as path:
            return LocalFile(path)

    async def mark(self) -> str:
        """What both folders are marked with."""

        def marks() -> str:
            with told_as_storage_failed("mark the folder", self._scratch):
                self._make(self._scratch)
            return " ".join(mark_of(folder) for folder in (self._uploads, self._scratch))

        return await self._of_scratch.ask(marks)

    async def owner(self) -> str | None:
        """What stands beside the originals."""
        return await self._of_uploads.ask(owner_of, self._uploads)

    async def claim(self, database: str, *, replace: bool = False) -> str:
        """The first one stays; it is written beside the originals."""
        if replace:  # not some time after who wanted that has given up
            return await off_loop(claim_folder, self._uploads, database, replace=True)
        return await self._of_uploads.ask(claim_folder, self._uploads, database, replace=False)

    async def published_origin(self) -> None:
        """None: the service serves what is on its disk."""

    async def check(self) -> None:
        """Raise ``StorageFailed`` unless originals, processed and scratch can be written to."""

        def check(folder: Path) -> None:
            with told_as_storage_failed("write", folder):
                self._make(folder)
                with tempfile.TemporaryFile(dir=folder) as file:
                    file.write(b"rushes")
                    file.flush()

        for folder in (self._uploads / ORIGINALS_PREFIX, self._uploads / PROCESSED_PREFIX, self._scratch):
            questions = self._of_scratch if folder == self._scratch else self._of_uploads
            self._checking = folder
            await questions.ask(check, folder)
        self._checking = None

    def waited_for(self) -> str | None:
        """The folder that a check has asked last, unless it could be written to."""
        return str(self._checking) if self._checking is not None else None

    def _make(self, folder: Path) -> None:
        if folder == self._scratch:
            make_private(folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)

    def _questions(self, key: str) -> Questions:
        return self._of_scratch if key.startswith(WORK_PREFIX) else self._of_uploads

    def _path(self, key: str) -> Path:
        if key.startswith(WORK_PREFIX):
            return path_below(self._scratch, key.removeprefix(WORK_PREFIX))
        return path_below(self._uploads, key)
