"""The steps of one publication on disks: a process may die between any two, and the next one goes on."""

from pathlib import Path

from contracts.storage_keys import WorkFile
from storage import placing
from storage.filesystem import told_as_storage_failed
from storage.keys import missing
from threads.files import off_loop


class DiskPublishing:
    """Moves work files to where they are served from, in steps that succeed twice.

    Args:
        published: The folder that sentences name.
    """

    def __init__(self, published: Path) -> None:
        self._published = published

    async def look(self, file: WorkFile, source: Path, target: Path) -> None:
        """Raise ``WorkMissing`` unless the file is at either place."""

        def look() -> None:
            with told_as_storage_failed("publish the video", self._published):
                if file.size_bytes not in {placing.size_of(source), placing.size_of(target)}:
                    raise missing(file.key, f"{source.parent}, nor published")

        await off_loop(look)

    async def place(self, file: WorkFile, source: Path, target: Path) -> None:
        """Give the file its published name, durably; one that is not there under the other was moved before."""

        def place() -> None:
            with told_as_storage_failed("publish the video", self._published):
                if placing.size_of(source) == file.size_bytes:
                    placing.place_again(source, target)

        await off_loop(place)

    async def take(self, source: Path) -> None:
        """Take the file's work name; gone already is a success."""

        def take() -> None:
            with told_as_storage_failed("publish the video", self._published):
                source.unlink(missing_ok=True)

        await off_loop(take)
