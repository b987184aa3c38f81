"""How much is measured: the full benchmark, and a quick one for a first look."""

from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class Scale:
    """Lengths and counts of every case. Lengths of clips are in seconds.

    Attributes:
        is_quick: Whether the figures are only a first look.
        copy_seconds: (a) length.
        copy_rounds: (a) rounds of Rushes.
        encode_seconds: (b) length.
        encode_rounds: (b) rounds of each.
        baseline_rounds: (a) rounds of the systems that encode everything.
        burst_clips: (c) how many.
        burst_encoded: (c) how many of them must be encoded.
        burst_parallel: (c) uploads at a time.
        tiny_rounds: (d, k) rounds.
        killed_seconds: (e) length.
        killed_rounds: (e) rounds of Rushes.
        scaled_seconds: (f) length.
        scaled_workers: (f) counts of workers.
        upload_rounds: (g) rounds.
        rows: (h) rows in the table.
        requests: (h) requests of each kind.
        long_pieces: (g, i) how often the piece of ``PIECE_SECONDS`` is repeated.
        long_rounds: (i) rounds.
        film_minutes: (j) length of the long one.
        recorded_pieces: (j) how often the piece is repeated in the one as cameras record it.
    """

    is_quick: bool
    copy_seconds: int
    copy_rounds: int
    encode_seconds: int
    encode_rounds: int
    baseline_rounds: int
    burst_clips: int
    burst_encoded: int
    burst_parallel: int
    tiny_rounds: int
    killed_seconds: int
    killed_rounds: int
    scaled_seconds: int
    scaled_workers: tuple[int, ...]
    upload_rounds: int
    rows: int
    requests: int
    long_pieces: int
    long_rounds: int
    film_minutes: int
    recorded_pieces: int


PIECE_SECONDS: Final = 30
"""Length of the piece that the long clip repeats."""

FULL: Final = Scale(
    is_quick=False,
    copy_seconds=30,
    copy_rounds=7,
    encode_seconds=20,
    encode_rounds=3,
    baseline_rounds=3,
    burst_clips=40,
    burst_encoded=7,
    burst_parallel=8,
    tiny_rounds=30,
    killed_seconds=30,
    killed_rounds=2,
    scaled_seconds=40,
    scaled_workers=(1, 2, 4),
    upload_rounds=5,
    rows=1_000_000,
    requests=300,
    long_pieces=20,
    long_rounds=3,
    film_minutes=30,
    recorded_pieces=2,
)

QUICK: Final = Scale(
    is_quick=True,
    copy_seconds=4,
    copy_rounds=2,
    encode_seconds=3,
    encode_rounds=1,
    baseline_rounds=1,
    burst_clips=8,
    burst_encoded=2,
    burst_parallel=4,
    tiny_rounds=10,
    killed_seconds=8,
    killed_rounds=1,
    scaled_seconds=4,
    scaled_workers=(1, 4),
    upload_rounds=2,
    rows=100_000,
    requests=100,
    long_pieces=1,
    long_rounds=1,
    film_minutes=3,
    recorded_pieces=1,
)
