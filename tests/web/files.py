"""Files to upload: under names of a test's own, and as large or long as it needs."""

from pathlib import Path

from tests.fixtures.clips import Clips


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


def draw_long_clip(clips: Clips, folder: Path) -> Path:
    """A clip that has to be encoded, which takes some seconds."""
    path = folder / "long.mov"
    source = ("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=40")
    clips.draw(path, *source, "-c:v", "mpeg4", "-q:v", "6")
    return path
