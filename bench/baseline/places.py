"""Where the baseline systems have what they need, from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Places:
    """The settings of a baseline system.

    Attributes:
        ffmpeg: The program; the same that Rushes uses.
        ffprobe: The program.
        uploads: Folder of ``originals/`` and ``processed/``.
        scratch: Folder for work in progress.
        database_url: PostgreSQL.
        broker: URL of Redis, or ``host:port`` of Temporal.
    """

    ffmpeg: Path
    ffprobe: Path
    uploads: Path
    scratch: Path
    database_url: str
    broker: str

    @classmethod
    def from_environment(cls) -> Self:
        """Read them."""
        return cls(
            ffmpeg=Path(os.environ["BENCH_FFMPEG"]),
            ffprobe=Path(os.environ["BENCH_FFPROBE"]),
            uploads=Path(os.environ["BENCH_UPLOADS"]),
            scratch=Path(os.environ["BENCH_SCRATCH"]),
            database_url=os.environ["DATABASE_URL"],
            broker=os.environ["BENCH_BROKER"],
        )

    def environment(self) -> dict[str, str]:
        """What ``from_environment`` reads."""
        return {
            "BENCH_FFMPEG": str(self.ffmpeg),
            "BENCH_FFPROBE": str(self.ffprobe),
            "BENCH_UPLOADS": str(self.uploads),
            "BENCH_SCRATCH": str(self.scratch),
            "DATABASE_URL": self.database_url,
            "BENCH_BROKER": self.broker,
        }
