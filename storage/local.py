"""Storage on folders of this machine, or on network disks that are mounted like one."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from contracts.errors import OriginalMissing
from storage import publishing
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
            scratch: Of work in progress.
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
                return path.is_file()

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

    async def scratch_folder(self, video_id: str) -> Path:
        """The video's scratch folder, made if it is not there."""
        folder = video_folder(self._scratch, video_id)

        def make() -> None:
            with told_as_storage_failed("make the scratch folder", self._scratch):
                folder.mkdir(parents=True, exist_ok=True)

        await off_loop(make)
        return folder

    async def clean_scratch(self, video_id: str) -> None:
        """Remove the video's scratch folder; one that is gone already is a success."""
        folder = video_folder(self._scratch, video_id)

        def clean() -> None:
            with told_as_storage_failed("clean the scratch folder", self._scratch):
                publishing.remove_folder(folder)

        await off_loop(clean)

    async def publish(self, video_id: str, names: Sequence[str]) -> dict[str, int]:
        """Move the named files of the video's scratch folder to ``processed/{video_id}/``, all at once.

        Nobody sees a folder with some of them. Running it again after it succeeded succeeds, also when scratch is
        gone.

        Returns:
            Size in bytes of each published file, by name.

        Raises:
            StorageFailed: A file is neither in scratch nor published, or the disk refused.
        """

        def publish() -> dict[str, int]:
            with told_as_storage_failed("publish the video", self._processed):
                return publishing.publish(self._scratch, self._processed, video_id, names)

        return await off_loop(publish)

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
                publishing.withdraw(self._processed, video_id)

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
