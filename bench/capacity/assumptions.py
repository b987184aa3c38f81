"""What is assumed and not measured: which videos come and when, and what things cost. Change it here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.capacity.usage import Way


@dataclass(frozen=True)
class Kind:
    """Videos that are alike.

    Attributes:
        name: For people.
        way: What becomes of them.
        seconds: Their length.
        share: Of all videos, 0 to 1.
        is_in_chunks: Whether several workers encode it, each of which reads its part.
    """

    name: str
    way: Way
    seconds: float
    share: float
    is_in_chunks: bool = False


@dataclass(frozen=True)
class Day:
    """A day's load.

    Attributes:
        videos: How many come.
        peak: Rate of the busiest moment over the mean; 1 to 2, as the day is a cosine.
        peak_hour: When that is.
        busy: Share of the cores that may be busy at the peak, 0 to 1.
        views: How often each video is watched to its end.
    """

    videos: int
    peak: float
    peak_hour: float
    busy: float
    views: float


@dataclass(frozen=True)
class Prices:
    """List prices in US dollars. To be checked before anybody relies on them.

    Attributes:
        action_tiers: Temporal Cloud: up to so many million actions a month, price of each million.
        fairness: Actions charged on top of each action while a namespace has fairness.
        active_gb_hour: Temporal Cloud, histories of open runs.
        retained_gb_hour: Temporal Cloud, histories of closed runs.
        retention_days: How long those are kept.
        write_thousand: A thousand requests that write or list.
        read_thousand: A thousand requests that read.
        stored_gb_month: A GB in the bucket for a month.
        egress_gb: A GB to the internet.
        core_hour: One virtual core for an hour, on demand.
    """

    action_tiers: Sequence[tuple[float, float]]
    fairness: float
    active_gb_hour: float
    retained_gb_hour: float
    retention_days: float
    write_thousand: float
    read_thousand: float
    stored_gb_month: float
    egress_gb: float
    core_hour: float


COPIED_SHARE: Final = 0.82
"""Of uploads need no encoder; published by Mux. How long they are is not published: lengths are our guess."""

MIX: Final = (
    Kind("clip, copied", Way.COPIED, 30, COPIED_SHARE * 0.75),
    Kind("video, copied", Way.COPIED, 180, COPIED_SHARE * 0.20),
    Kind("long, copied", Way.COPIED, 900, COPIED_SHARE * 0.05),
    Kind("clip in one piece, encoded", Way.ENCODED, 8, (1 - COPIED_SHARE) * 0.25),
    Kind("clip in chunks, encoded", Way.ENCODED, 30, (1 - COPIED_SHARE) * 0.50, is_in_chunks=True),
    Kind("video in chunks, encoded", Way.ENCODED, 180, (1 - COPIED_SHARE) * 0.20, is_in_chunks=True),
    Kind("long in many chunks, encoded", Way.ENCODED, 900, (1 - COPIED_SHARE) * 0.05, is_in_chunks=True),
)

READ_BY_SEVERAL: Final = 3.8
"""What workers read of a recording in chunks, of its size: `make bench-quick ONLY=j` measured four of them with one of
30 s as the samples here are, 1080p, H.264 High 10; here there is one worker. Of a long one it is less."""

MILLION_A_DAY: Final = Day(videos=1_000_000, peak=2.0, peak_hour=20.0, busy=0.7, views=1.0)

PRICES: Final = Prices(
    action_tiers=((5, 50), (10, 45), (20, 40), (50, 35), (100, 30), (float("inf"), 25)),
    fairness=0.1,
    active_gb_hour=0.042,
    retained_gb_hour=0.00105,
    retention_days=30,
    write_thousand=0.005,
    read_thousand=0.0004,
    stored_gb_month=0.023,
    egress_gb=0.09,
    core_hour=0.0425,
)

SOURCES: Final = (
    "Temporal Cloud: docs.temporal.io/cloud/pricing and docs.temporal.io/cloud/actions, pay-as-you-go of the Business "
    "plan, read November 2026. Above 200 million actions a month Temporal asks to be asked; here the last tier goes "
    "on. The plan itself costs 10 % of it, at least $500; that is added.",
    "Bucket: Amazon S3 Standard, us-east-1, first tier of each: known, not looked up at its source; check "
    "aws.amazon.com/s3/pricing.",
    "Cores: half the price of a two-core c-class machine of AWS on demand, us-east-1: known, not looked up at its "
    "source; check aws.amazon.com/ec2/pricing.",
)

ACTIONS_PER_SECOND: Final = 500.0
"""Temporal Cloud's first limit of a namespace: docs.temporal.io/cloud/limits. It rises with use over seven days."""

BUCKET_WRITES_PER_SECOND: Final = 3500.0
"""Of one S3 prefix, by Amazon's documentation; S3 splits prefixes as they get busy."""

CORES_OF_A_MACHINE: Final = 16
"""Of the machines that are counted."""
