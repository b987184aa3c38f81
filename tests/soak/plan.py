"""How long and how hard a soak is to be."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fixtures.clips import Clip

COPIED: Final = (Clip.SHORT_WITH_SOUND, Clip.SILENT, Clip.SUB_SECOND)
ENCODED: Final = (Clip.TEN_BIT_422, Clip.ROTATED, Clip.AVI)
BAD: Final[Mapping[Clip, str]] = {Clip.TEXT_NAMED_MP4: "invalid_media", Clip.AUDIO_ONLY: "no_video_stream"}
"""Each with the error that it deserves."""

SERVERS: Final = ("temporal", "postgres")
KINDS: Final = ("api", "worker", *SERVERS)
"""Of processes, as the stack names its own."""

_FURTHER: Final[Mapping[str, tuple[str, ...]]] = {"api": ("second-api",), "worker": ("second-worker", "third-worker")}
_DOORS: Final = ("form", "import", "tus")
_DOOR_OF_A_BUCKET: Final = "direct"

_FEWEST_FILLINGS: Final = 2
_UPLOADS_A_FILLING: Final = 250
_SHORTEST_SWEEP_SECONDS: Final = 5
_UPLOADS_A_SWEEP_SECOND: Final = 100


@dataclass(frozen=True)
class Plan:
    """How hard it is to be.

    Attributes:
        uploads: How many are sent.
        seed: Of all that is left to chance.
        in_a_bucket: Whether files are in a bucket; else one machine has them on its disk.
        several: Whether several machines share that bucket; else one has it for itself.
        away_seconds: How long Temporal, and after it PostgreSQL, does nothing in the middle of it.
        in_flight: How many videos are on their way at a time, from the first byte until they have ended.
        harms_a_minute: How often something is killed or stopped.
        most_by_chance: How often at most, after what every soak does; None for as long as anything is sent.
        good: Which share of the files is good.
        encoded: Which share of the good ones has to be encoded; the others are copied.
        made_anew: Which share of the good ones is made anew once it is ready.
        full_seconds: How long the disk is full each time.
        most_seconds: Nothing is sent after that; None for no limit.
        results: Where figures are written each minute and at the end; None for nowhere.
        logs: Folder, of its own, for the logs of all processes; None where they go with the rest.
    """

    uploads: int = 200
    seed: int = 1
    in_a_bucket: bool = True
    several: bool = True
    away_seconds: float = 60
    in_flight: int = 24
    harms_a_minute: float = 27
    most_by_chance: int | None = None
    good: float = 0.8
    encoded: float = 0.5
    made_anew: float = 0.05
    full_seconds: float = 10
    most_seconds: float | None = None
    results: Path | None = None
    logs: Path | None = None

    @property
    def doors(self) -> tuple[str, ...]:
        """Through which ways uploads come, in turn."""
        return (_DOOR_OF_A_BUCKET, *_DOORS) if self.in_a_bucket else _DOORS

    def processes(self, kind: str) -> tuple[str, ...]:
        """The names of those of a kind, that of the stack first."""
        return (kind, *(_FURTHER.get(kind, ()) if self.several else ()))

    @property
    def fillings(self) -> int:
        """How often the disk is filled."""
        return max(_FEWEST_FILLINGS, self.uploads // _UPLOADS_A_FILLING)

    @property
    def sweep_seconds(self) -> int:
        """How often stray files are looked for, which takes longer where there are many files."""
        return max(_SHORTEST_SWEEP_SECONDS, self.uploads // _UPLOADS_A_SWEEP_SECOND)

    @property
    def disk_mebibytes(self) -> int:
        """Size of the disk that is filled: of scratch folders, or of all files of one machine."""
        return 96 if self.in_a_bucket else 96 + self.uploads


def parse(arguments: Sequence[str] | None = None) -> Plan:
    """The plan that the command line says."""
    usual = Plan()
    parser = argparse.ArgumentParser(
        prog="make soak", description="Uploads through every door while everything is killed, stopped, full and away."
    )
    parser.add_argument("--uploads", type=int, default=usual.uploads)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--one-machine", action="store_true", help="on a disk, instead of several on a bucket")
    parser.add_argument(
        "--away-seconds", type=float, default=usual.away_seconds, help="how long Temporal and PostgreSQL are away"
    )
    parser.add_argument(
        "--in-flight", type=int, default=usual.in_flight, help="how many videos are on their way at a time"
    )
    parser.add_argument(
        "--harms-a-minute", type=float, default=usual.harms_a_minute, help="how often something is killed or stopped"
    )
    parser.add_argument("--good", type=float, default=usual.good, help="share of the files that are good")
    parser.add_argument("--encoded", type=float, default=usual.encoded, help="share of those that are to be encoded")
    parser.add_argument(
        "--made-anew", type=float, default=usual.made_anew, help="share of the good ones that is made anew once ready"
    )
    parser.add_argument(
        "--full-seconds", type=float, default=usual.full_seconds, help="how long the disk is full each time"
    )
    parser.add_argument("--minutes", type=float, help="send nothing after that, and count what was sent")
    parser.add_argument("--results", type=Path, help="file for the figures so far, written anew each minute")
    parser.add_argument("--logs", type=Path, help="new folder for the logs of all processes, which go otherwise")
    said = parser.parse_args(arguments)
    if said.logs is not None and said.logs.exists():
        parser.error(f"{said.logs} is there already: name a folder that is not.")
    return Plan(
        uploads=said.uploads,
        seed=said.seed,
        in_a_bucket=not said.one_machine,
        several=not said.one_machine,
        away_seconds=said.away_seconds,
        in_flight=said.in_flight,
        harms_a_minute=said.harms_a_minute,
        good=said.good,
        encoded=said.encoded,
        made_anew=said.made_anew,
        full_seconds=said.full_seconds,
        most_seconds=None if said.minutes is None else said.minutes * 60,
        results=said.results,
        logs=said.logs,
    )
