"""From what one video uses to what a day of them needs and costs: plain functions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.capacity.assumptions import (
    ACTIONS_PER_SECOND,
    BUCKET_WRITES_PER_SECOND,
    CORES_OF_A_MACHINE,
    READ_BY_SEVERAL,
    Day,
    Kind,
    Prices,
)
from bench.capacity.usage import Sample, Usage, usage_at

DAY_SECONDS: Final = 86_400
MONTH_DAYS: Final = 30
_GIGA: Final = 1e9
_MILLION: Final = 1e6
_PLAN_SHARE: Final = 0.1
_PLAN_LEAST: Final = 500.0


def mean_usage(samples: Sequence[Sample], mix: Sequence[Kind]) -> Usage:
    """What the average video of a mix uses.

    Raises:
        ValueError: The shares of the mix are not one in all.
    """
    if abs(sum(kind.share for kind in mix) - 1) > 1e-9:  # noqa: PLR2004  floating point
        raise ValueError("the shares of a mix have to be 1 in all")
    total = Usage()
    for kind in mix:
        usage = usage_at(samples, kind.way, kind.seconds)
        if kind.is_in_chunks:
            usage = replace(usage, bytes_read=usage.bytes_read * READ_BY_SEVERAL)
        total = total.plus(usage, kind.share)
    return total


def mean_rate(day: Day) -> float:
    """Videos a second."""
    return day.videos / DAY_SECONDS


@dataclass(frozen=True)
class Cores:
    """Cores, so many that at the peak only the allowed share of them is busy.

    Attributes:
        media: For ffmpeg.
        worker: For the workers' own code.
        api: For the api.
        postgres: For PostgreSQL.
        temporal: For Temporal's server, where it is one's own.
    """

    media: float
    worker: float
    api: float
    postgres: float
    temporal: float

    @property
    def ours(self) -> float:
        """Without Temporal's, which may be a service."""
        return self.media + self.worker + self.api + self.postgres

    @property
    def machines(self) -> float:
        """How many machines ``ours`` are."""
        return self.ours / CORES_OF_A_MACHINE


def cores(usage: Usage, day: Day) -> Cores:
    """What the peak of a day needs, for a mean video's usage."""
    rate = mean_rate(day) * day.peak / day.busy
    return Cores(
        media=rate * usage.media_seconds,
        worker=rate * usage.worker_seconds,
        api=rate * usage.api_seconds,
        postgres=rate * usage.postgres_seconds,
        temporal=rate * usage.temporal_seconds,
    )


def tiered(amount: float, tiers: Sequence[tuple[float, float]]) -> float:
    """The price of an amount, each part of it at its tier's price; a tier is its upper end and the price of one."""
    price, below = 0.0, 0.0
    for upper, each in tiers:
        price += max(0.0, min(amount, upper) - below) * each
        below = upper
    return price


@dataclass(frozen=True)
class Cost:
    """US dollars a month of 30 days.

    Attributes:
        temporal: Temporal Cloud: actions, histories and the plan.
        requests: To the bucket.
        storage: A month of videos, kept for a month; it grows by as much with every month that they are kept.
        egress: To those who watch.
        cores_at_peak: Machines that run all the time, enough for the peak.
        cores_by_need: Machines that come and go with the load.
    """

    temporal: float
    requests: float
    storage: float
    egress: float
    cores_at_peak: float
    cores_by_need: float

    @property
    def without_egress(self) -> float:
        """All but what is watched, with machines that come and go."""
        return self.temporal + self.requests + self.storage + self.cores_by_need


def cost(usage: Usage, day: Day, prices: Prices, published_bytes: float, open_seconds: float) -> Cost:
    """What a month costs.

    Args:
        usage: Of the mean video.
        day: Thirty of them.
        prices: To be checked.
        published_bytes: Of the mean video as it is watched.
        open_seconds: How long its run is open.
    """
    videos = day.videos * MONTH_DAYS
    actions = tiered(videos * usage.actions * (1 + prices.fairness) / _MILLION, prices.action_tiers)
    history_gb = videos * usage.history_bytes / _GIGA
    histories = history_gb * (
        prices.active_gb_hour * open_seconds / 3600 + prices.retained_gb_hour * prices.retention_days * 24
    )
    needed = cores(usage, day).ours
    hours = MONTH_DAYS * 24
    return Cost(
        temporal=actions + histories + max(_PLAN_LEAST, _PLAN_SHARE * (actions + histories)),
        requests=videos * (usage.writes * prices.write_thousand + usage.reads * prices.read_thousand) / 1000,
        storage=videos * usage.stored_bytes / _GIGA * prices.stored_gb_month,
        egress=videos * published_bytes * day.views / _GIGA * prices.egress_gb,
        cores_at_peak=needed * hours * prices.core_hour,
        cores_by_need=needed / day.peak * hours * prices.core_hour,
    )


@dataclass(frozen=True)
class Limit:
    """Something that is full at some number of videos a day.

    Attributes:
        name: What.
        unit: One of it.
        shared: Whether there is only one for all machines.
        videos_a_day: That one unit carries, at the day's peak.
        turn: What to turn when it is full.
    """

    name: str
    unit: str
    shared: bool
    videos_a_day: float
    turn: str


def limits(usage: Usage, day: Day) -> list[Limit]:
    """What fills up, first the one that does so first."""

    def carried(each: float, capacity: float) -> float:
        return capacity / each / day.peak * DAY_SECONDS if each > 0 else float("inf")

    one_core = day.busy
    found = [
        Limit("ffmpeg", "one core", False, carried(usage.media_seconds, one_core),
              "more media workers (`rushes worker --queue video-media`), by the queue's backlog; or let films wait"),
        Limit("worker's own code", "one process", False, carried(usage.worker_seconds, one_core),
              "more processes of `rushes worker`"),
        Limit("api", "one process", False, carried(usage.api_seconds, one_core),
              "more api processes behind one address; clients that upload straight into the bucket"),
        Limit("PostgreSQL", "one core", True, carried(usage.postgres_seconds, one_core),
              "a larger machine for it; fewer reads of the api's list and states"),
        Limit("Temporal's actions", f"{ACTIONS_PER_SECOND:.0f}/s, one namespace", True,
              carried(usage.actions, ACTIONS_PER_SECOND),
              "Temporal's capacity modes; fewer heartbeats, which most of them are"),
        Limit("bucket's writes", f"{BUCKET_WRITES_PER_SECOND:.0f}/s, one prefix", True,
              carried(usage.writes, BUCKET_WRITES_PER_SECOND), "another prefix or bucket for new videos"),
    ]  # fmt: skip
    return sorted(found, key=lambda limit: limit.videos_a_day)
