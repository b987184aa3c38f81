"""Files to upload: under names of a test's own, and as large as it needs."""

from pathlib import Path


class Named:
    """A folder of copies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy(self, clip: Path, name: str) -> Path:
        """A copy of the clip under that name."""
        path = self._folder / f"{name}{clip.suffix}"
        path.write_bytes(clip.read_bytes())
        return path

    def large(self, clip: Path, name: str, size_bytes: int) -> Path:
        """A copy with so much behind it that its upload takes a while; players leave that alone."""
        path = self.copy(clip, name)
        with path.open("ab") as file:
            file.write(size_bytes.to_bytes(4, "big") + b"free")
            file.write(bytes(size_bytes - 8))
        return path
