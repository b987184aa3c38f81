"""What every case stands on: the scale, the programs, the clips, a folder for all that runs, and who is told."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.clips import Clips
from bench.scale import Scale
from media.ffmpeg import Ffmpeg

MARK_VARIABLE: Final = "RUSHES_BENCH"
"""In the environment of all that is started: by it, what is left over is recognised."""

TEMPORAL_ADDRESS: Final = "TEMPORAL_ADDRESS"


@dataclass(frozen=True)
class Ground:
    """One run of the benchmark.

    Attributes:
        scale: How much is measured.
        ffmpeg: The programs that every system uses.
        clips: To be sent.
        folder: On the disk that is measured; everything in it is removed at the end.
        say: Told in a sentence what goes on.
    """

    scale: Scale
    ffmpeg: Ffmpeg
    clips: Clips
    folder: Path
    say: Callable[[str], None]

    @property
    def mark(self) -> str:
        """Value of ``MARK_VARIABLE``, different in each run."""
        return str(self.folder)

    def environment(self, **settings: str) -> dict[str, str]:
        """For a program: ours, without what it says of Rushes, Temporal and databases, and with these settings."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RUSHES_", "TEMPORAL_", "BENCH_", "PG")) and name != "DATABASE_URL"
        }
        return inherited | {"TEMPORAL_CONFIG_FILE": os.devnull, MARK_VARIABLE: self.mark} | settings

    def home(self, name: str) -> Path:
        """A new folder for a system."""
        taken = sum(1 for one in self.folder.iterdir() if one.name.startswith(name))
        home = self.folder / f"{name}-{taken + 1}"
        home.mkdir()
        return home
