"""What one video uses of everything, as it is measured, added up and read between measurements."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum


class Way(StrEnum):
    """What becomes of a video's picture."""

    COPIED = "copied"
    ENCODED = "encoded"


@dataclass(frozen=True)
class Usage:
    """Amounts, of one video or of many. Seconds are of a processor.

    Attributes:
        actions: Temporal's, as its server counts them; heartbeats are among them.
        heartbeats: Of activities.
        history_bytes: Of the run's history.
        commits: Transactions of PostgreSQL, reads included.
        rows_written: Inserted, updated and deleted.
        wal_bytes: Written to PostgreSQL's write-ahead log.
        writes: Requests to the bucket that are priced as writes: PUT, POST, COPY, LIST.
        reads: GET and HEAD.
        bytes_written: To the bucket.
        bytes_read: From it.
        stored_bytes: Left in it: original and published video.
        api_seconds: The api.
        worker_seconds: The worker without the programs that it starts.
        media_seconds: ffmpeg and ffprobe.
        postgres_seconds: PostgreSQL.
        temporal_seconds: Temporal's server.
        bucket_seconds: The bucket's server.
    """

    actions: float = 0.0
    heartbeats: float = 0.0
    history_bytes: float = 0.0
    commits: float = 0.0
    rows_written: float = 0.0
    wal_bytes: float = 0.0
    writes: float = 0.0
    reads: float = 0.0
    bytes_written: float = 0.0
    bytes_read: float = 0.0
    stored_bytes: float = 0.0
    api_seconds: float = 0.0
    worker_seconds: float = 0.0
    media_seconds: float = 0.0
    postgres_seconds: float = 0.0
    temporal_seconds: float = 0.0
    bucket_seconds: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """Both together."""
        return self.plus(other, 1.0)

    def plus(self, other: "Usage", factor: float) -> "Usage":
        """This, and so many times the other."""
        return Usage(*(_of(self, name) + factor * _of(other, name) for name in NAMES))

    def times(self, factor: float) -> "Usage":
        """So many times this."""
        return Usage().plus(self, factor)

    def at_least_nothing(self) -> "Usage":
        """The same, without what noise has made negative."""
        return Usage(*(max(0.0, _of(self, name)) for name in NAMES))

    @property
    def processor_seconds(self) -> float:
        """Of all processes together."""
        return sum(_of(self, name) for name in NAMES if name.endswith("_seconds"))


NAMES = tuple(field.name for field in fields(Usage))


def _of(usage: Usage, name: str) -> float:
    return float(getattr(usage, name))


@dataclass(frozen=True)
class Sample:
    """What a video of a certain kind was measured to use.

    Attributes:
        way: What became of it.
        seconds: Its length.
        source_bytes: Its size.
        chunks: In how many activities its picture was encoded.
        rounds: How many such videos were measured; ``usage`` is their mean.
        usage: Of one.
    """

    way: Way
    seconds: float
    source_bytes: int
    chunks: int
    rounds: int
    usage: Usage


def usage_at(samples: Sequence[Sample], way: Way, seconds: float) -> Usage:
    """What a video of that length uses: on the line through the two measured lengths that are nearest.

    Raises:
        ValueError: Fewer than two lengths were measured.
    """
    known = sorted((sample for sample in samples if sample.way is way), key=lambda sample: sample.seconds)
    if len({sample.seconds for sample in known}) < 2:  # noqa: PLR2004  two points make a line
        raise ValueError(f"two lengths of what is {way} are needed, to read others from them")
    above = next((place for place, sample in enumerate(known) if sample.seconds >= seconds), len(known) - 1)
    first, second = known[max(0, above - 1)], known[max(1, above)]
    part = (seconds - first.seconds) / (second.seconds - first.seconds)
    return first.usage.times(1 - part).plus(second.usage, part).at_least_nothing()
