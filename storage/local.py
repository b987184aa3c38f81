"""Storage on folders of this machine, or on network disks that are mounted like one."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.errors import OriginalMissing, WorkMissing
from contracts.storage_keys import WORK_PREFIX, WorkFile
from storage import publishing, work_files
from storage.disk import off_loop, told_as_storage_failed
from storage.keys import checked_name, path_below, video_folder
from storage.originals import LocalOriginalWriter, part_path


class LocalStorage:
    """``storage.protocol.Storage`` on two folders, which may be on different disks.

    Every method raises ``StorageFailed`` when the disk refuses, and ``InvalidKey`` for a key, id or name that could
    lead out of its folder. A cancelled call ends only when its work on the disk has ended.
    """

    def __init__(self, uploads: Path, scratch: Path) -> None:
        """Name the folders; they are made when first written to.

        Args:
            uploads: Of ``originals/`` and ``processed/``.
            scratch: Of ``work/``: what one step writes for another.
        """
        self._uploads = uploads
        self._processed = uploads / "processed"
        self._scratch = scratch

    async def create_original(self, key: str) -> LocalOriginalWriter:
        """Open the original under ``key`` for writing."""
        writer = LocalOriginalWriter(path_below(self._uploads, key))
        await writer.open()
        return writer

    async def original_path(self, key: str) -> Path:
        """A local path to read the original from. Raises ``OriginalMissing``."""
        path = path_below(self._uploads, key)

        def is_there() -> bool:
            with told_as_storage_failed("look for the original", path.parent):
                if path.is_file():
                    return True
                path.parent.stat()  # a disk that is not mounted has lost nothing
                return False

        if not await off_loop(is_there):
            raise OriginalMissing("The uploaded file is not in storage any more. Upload it again.")
        return path

    async def delete_original(self, key: str) -> None:
        """Remove the original and any part of it; one that is gone already is a success."""
        path = path_below(self._uploads, key)

        def delete() -> None:
            with told_as_storage_failed("delete the original", path.parent):
                part_path(path).unlink(missing_ok=True)
                path.unlink(missing_ok=True)

        await off_loop(delete)

    @asynccontextmanager
    async def fetch(self, key: str) -> AsyncIterator[Path]:
        """The file itself. Raises ``OriginalMissing`` or ``WorkMissing``."""
        if not key.startswith(WORK_PREFIX):
            yield await self.original_path(key)
            return
        if await self.work_size(key) is None:
            raise WorkMissing(
                f"{key} is not in {self._scratch}. Was it cleaned, or is the folder not shared by all workers "
                "(RUSHES_SCRATCH)?"
            )
        yield self._work_path(key)

    @asynccontextmanager
    async def create(self, key: str) -> AsyncIterator[Path]:
        """A part file beside the place where the file will stand."""
        path = self._work_path(key)

        def begin() -> Path:
            with told_as_storage_failed("write", path.parent):
                return work_files.begin(path)

        def finish(part: Path) -> None:
            with told_as_storage_failed("write", path.parent):
                work_files.finish(part, path)

        part = await off_loop(begin)
        try:
            yield part
            await off_loop(finish, part)
        finally:
            await off_loop(part.unlink, missing_ok=True)

    async def discard(self, key: str) -> None:
        """Remove a work file that turned out not to be whole; gone already is a success."""
        path = self._work_path(key)

        def discard() -> None:
            with told_as_storage_failed("remove a work file", path.parent):
                path.unlink(missing_ok=True)

        await off_loop(discard)

    async def work_size(self, key: str) -> int | None:
        """Size in bytes of the work file under ``key``, or None if there is none."""
        path = self._work_path(key)

        def size() -> int | None:
            with told_as_storage_failed("look for a work file", path.parent):
                return work_files.size_of(path)

        return await off_loop(size)

    async def clean_scratch(self, video_id: str) -> None:
        """Remove all work files of the video; none is a success."""
        folder = video_folder(self._scratch, video_id)

        def clean() -> None:
            with told_as_storage_failed("clean the scratch folder", self._scratch):
                publishing.remove_folder(folder)

        await off_loop(clean)

    async def publish(self, video_id: str, files: Mapping[str, WorkFile]) -> None:
        """Move work files to ``processed/{video_id}/``, all at once; done already is a success.

        Raises:
            WorkMissing: A file is neither among the work files nor published.
            StorageFailed: The disk refused.
        """
        sources = {name: (self._work_path(file.key), file.size_bytes) for name, file in files.items()}

        def publish() -> None:
            with told_as_storage_failed("publish the video", self._processed):
                publishing.publish(sources, video_folder(self._processed, video_id))

        await off_loop(publish)

    def _work_path(self, key: str) -> Path:
        return path_below(self._scratch, key.removeprefix(WORK_PREFIX))

    async def processed_path(self, video_id: str, name: str) -> Path:
        """A local path to read a published file from. Raises ``FileNotFoundError`` when there is none of that name."""
        path = video_folder(self._processed, video_id) / checked_name(name)

        def is_there() -> bool:
            with told_as_storage_failed("look for a published file", path.parent):
                return path.is_file()

        if not await off_loop(is_there):
            raise FileNotFoundError(f"Video {video_id} has no published file {name}.")
        return path

    async def withdraw(self, video_id: str) -> None:
        """Remove what was published of the video; nothing there is a success."""

        def withdraw() -> None:
            with told_as_storage_failed("withdraw the video", self._processed):
                publishing.withdraw(video_folder(self._processed, video_id))

        await off_loop(withdraw)

    async def check_writable(self) -> None:
        """Raise ``StorageFailed`` unless originals, processed and scratch can be written to."""

        def check() -> None:
            for folder in (self._uploads / "originals", self._processed, self._scratch):
                with told_as_storage_failed("write", folder):
                    folder.mkdir(parents=True, exist_ok=True)
                    with tempfile.TemporaryFile(dir=folder) as file:
                        file.write(b"rushes")
                        file.flush()

        await off_loop(check)
