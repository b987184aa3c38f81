"""What the model says of the load run, of a day of a million videos, and of other days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.capacity.assumptions import COPIED_SHARE, MILLION_A_DAY, MIX, PRICES, Day, Kind
from bench.capacity.findings import Findings, Loaded
from bench.capacity.measuring import mean_published_share
from bench.capacity.model import Cost, cores, cost, mean_rate, mean_usage
from bench.capacity.simulation import Course, Work, arrivals_of_a_day, simulate
from bench.capacity.usage import Sample, Usage, Way, usage_at

_SEED: Final = 6
ONE_IN: Final = 50
"""Of a day's videos so many are simulated, on as small a part of the cores: waits come out a little too long."""

_OPEN_SECONDS: Final = 30.0
"""How long a run is open; of no weight in what it costs."""


def work_of(samples: Sequence[Sample], name: str, way: Way, seconds: float, whole: bool) -> Work:
    """What a video asks of the cores, in steps.

    What a copied video of that length takes is shared by the looking and the finishing; what an encoded one takes
    beyond it is shared by its chunks.

    Args:
        samples: Measured.
        name: Of its kind.
        way: What becomes of it.
        seconds: Its length.
        whole: Whether the other processes share the cores with ffmpeg, as on one machine.
    """

    def taken(of: Way) -> float:
        usage = usage_at(samples, of, seconds)
        return usage.processor_seconds if whole else usage.media_seconds + usage.worker_seconds

    copied = taken(Way.COPIED)
    if way is Way.COPIED:
        return Work(name, seconds, copied / 2, (), copied / 2)
    count = max(1, round(_chunks(samples, seconds)))
    beyond = max(0.0, taken(Way.ENCODED) - copied)
    return Work(name, seconds, copied / 2, (beyond / count,) * count, copied / 2)


def _chunks(samples: Sequence[Sample], seconds: float) -> float:
    known = [sample for sample in samples if sample.way is Way.ENCODED]
    nearest = min(known, key=lambda sample: abs(sample.seconds - seconds))
    return nearest.chunks * seconds / nearest.seconds


@dataclass(frozen=True)
class Compared:
    """The load run, as it was and as the simulation has it.

    Attributes:
        name: Of a figure.
        unit: Its unit.
        measured: As it was.
        predicted: As the simulation has it.
    """

    name: str
    unit: str
    measured: float
    predicted: float

    @property
    def error(self) -> float:
        """By how much the prediction is too high, as a share of what was measured."""
        return self.predicted / self.measured - 1


def compared(found: Findings) -> list[Compared]:
    """Simulate the load run's own arrivals on the cores that were free for it, and set both beside each other."""
    load = found.load
    works = [work_of(found.samples, f"{way} {length:g}", Way(way), length, whole=True) for way, length in load.clips]
    cores_here = found.machine.cores
    course = simulate(
        [(moment, works[kind]) for moment, kind in zip(load.came, load.kinds, strict=True)],
        cores_here,
        load.cores_free / cores_here,
    )
    expected = sum(works[kind].whole for kind in load.kinds)
    waits = [wait for kind in course.waits.values() for wait in kind]
    return [
        Compared("videos ready while videos came", "1/min", *(60 * _until(some, load.seconds) / load.seconds
                 for some in (load.ready, course.ready))),
        Compared("until the last was ready", "s", load.ready[-1], course.ready[-1]),
        Compared("arrival to ready, mean", "s", sum(load.waits) / len(load.waits), sum(waits) / len(waits)),
        Compared("there and not ready, most", "", max(count for _, count in load.backlog), course.most_waiting),
        Compared("processor time of a video", "s", load.used.processor_seconds / load.sent, expected / load.sent),
    ]  # fmt: skip


def _until(moments: Sequence[float], end: float) -> int:
    return sum(moment <= end for moment in moments)


def day_on(samples: Sequence[Sample], day: Day, mix: Sequence[Kind], cores_in_all: float) -> Course:
    """A day at the workers' queue with so many cores for it."""
    works = [(work_of(samples, kind.name, kind.way, kind.seconds, whole=False), kind.share) for kind in mix]
    arrivals = list(arrivals_of_a_day(day, works, _SEED, ONE_IN))
    return simulate(arrivals, max(1, round(cores_in_all / ONE_IN)))


@dataclass(frozen=True)
class Needs:
    """What a day needs, in the few figures by which days are compared.

    Attributes:
        cores: At the peak.
        actions_per_second: Temporal's, at the peak.
        cost: A month.
    """

    cores: float
    actions_per_second: float
    cost: Cost


def needs(samples: Sequence[Sample], usage: Usage, day: Day) -> Needs:
    """Of a day of videos that use so much in the mean."""
    published = mean_published_share(samples) * usage.stored_bytes
    return Needs(
        cores=cores(usage, day).ours,
        actions_per_second=mean_rate(day) * day.peak * usage.actions,
        cost=cost(usage, day, PRICES, published, _OPEN_SECONDS),
    )


def other_share(share: float) -> tuple[Kind, ...]:
    """The mix with another share of copied videos, lengths as they are."""
    factors = {Way.COPIED: share / COPIED_SHARE, Way.ENCODED: (1 - share) / (1 - COPIED_SHARE)}
    return tuple(replace(kind, share=kind.share * factors[kind.way]) for kind in MIX)


def sensitivities(samples: Sequence[Sample]) -> Mapping[str, Needs]:
    """The same day with one thing changed."""
    day, usual = MILLION_A_DAY, mean_usage(samples, MIX)
    doubled = tuple(replace(kind, seconds=2 * kind.seconds) for kind in MIX)
    beats = replace(usual, actions=usual.actions - usual.heartbeats / 2, heartbeats=usual.heartbeats / 2)
    dearer = replace(usual, media_seconds=1.5 * usual.media_seconds)
    return {
        "as assumed": needs(samples, usual, day),
        "95 % copied": needs(samples, mean_usage(samples, other_share(0.95)), day),
        "60 % copied": needs(samples, mean_usage(samples, other_share(0.60)), day),
        "videos twice as long": needs(samples, mean_usage(samples, doubled), day),
        "no peak: the same all day": needs(samples, usual, replace(day, peak=1.0)),
        "cores busy to 90 %": needs(samples, usual, replace(day, busy=0.9)),
        "half as many heartbeats": needs(samples, beats, day),
        "encoder 1.5 times as slow": needs(samples, dearer, day),
        "a hundred thousand a day": needs(samples, usual, replace(day, videos=100_000)),
    }


def load_share(load: Loaded, seconds: float) -> float:
    """So many processor seconds as a share of all the machine had."""
    return seconds / (load.used.processor_seconds + load.client_seconds + load.others_seconds + load.idle_seconds)
