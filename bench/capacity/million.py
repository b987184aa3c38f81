"""The part of the page that is about a day: what it needs, what fills up first, what it costs."""

from collections.abc import Sequence
from typing import Final

from bench.capacity.assumptions import CORES_OF_A_MACHINE, MIX, READ_BY_SEVERAL, Day, Prices
from bench.capacity.model import cores, limits, mean_rate
from bench.capacity.predicting import ONE_IN, day_on, needs, sensitivities
from bench.capacity.usage import Sample, Usage
from bench.report.document import table

_MEGA: Final = 1e6
_TERA: Final = 1e12
_LONG_SECONDS: Final = 3600.0
_CORES_OVER_MEAN: Final = (None, 1.4, 1.1)


def what_is_needed(usage: Usage, day: Day) -> str:
    """The mix, the rates, the cores."""
    mix = table(
        ("assumed kind", "length", "share"), ((kind.name, f"{kind.seconds:g} s", f"{kind.share:.1%}") for kind in MIX)
    )
    mean = mean_rate(day)
    rates = [
        ("videos", 1.0, "", 1.0),
        ("Temporal actions", usage.actions, "", 1.0),
        ("of them heartbeats", usage.heartbeats, "", 1.0),
        ("commits", usage.commits, "", 1.0),
        ("rows written", usage.rows_written, "", 1.0),
        ("WAL", usage.wal_bytes, " MB", _MEGA),
        ("bucket writes", usage.writes, "", 1.0),
        ("bucket reads", usage.reads, "", 1.0),
        ("bytes into the bucket", usage.bytes_written, " MB", _MEGA),
        ("bytes out of it, to workers", usage.bytes_read, " MB", _MEGA),
    ]
    rows = (
        (
            name,
            f"{each / unit:.2f}{text}",
            f"{mean * each / unit:,.0f}{text}/s",
            f"{mean * day.peak * each / unit:,.0f}{text}/s",
        )
        for name, each, text, unit in rates
    )
    peak = cores(usage, day)
    by_kind = (
        ("ffmpeg (`video-media`)", peak.media), ("workers' own code", peak.worker), ("api", peak.api),
        ("PostgreSQL", peak.postgres), ("**all of ours**", peak.ours),
        ("Temporal's server, where it is one's own (at least: here it writes to SQLite)", peak.temporal),
    )  # fmt: skip
    return "\n".join([
        f"## {day.videos:,} videos a day\n",
        "82 % need no encoder: published by Mux. How long videos are is not, so the lengths are a guess, all in 1080p "
        f"at 8 Mbit/s. The day is a cosine with its peak of {day.peak:g} x the mean at {day.peak_hour:g} h.\n",
        *mix, "",
        *table(("", "a video", "mean", "peak"), rows), "",
        f"What is encoded in chunks is read {READ_BY_SEVERAL:g} times by several workers, not once as by the one "
        "here: so a recording of 30 s of the same kind, in the quick form of `make bench ONLY=j`; a long film, or one "
        "that is dense for its size, less.\n",
        f"{usage.stored_bytes * day.videos / _TERA:,.0f} TB are added to the bucket each day, originals and what was "
        f"made of them.\n\nCores for the peak, busy to {day.busy:.0%}, as cores of this machine:\n",
        *table(("", "cores"), ((name, f"{count:,.1f}") for name, count in by_kind)), "",
        f"That is {peak.machines:,.0f} machines of {CORES_OF_A_MACHINE} cores; at the mean load "
        f"{peak.machines / day.peak:,.0f}.\n",
    ])  # fmt: skip


def bottlenecks(usage: Usage, day: Day) -> str:
    """What fills up, in order."""
    found = limits(usage, day)
    shared = next(limit for limit in found if limit.shared)
    rows = (
        (limit.name, limit.unit, f"{limit.videos_a_day:,.0f}", f"{day.videos / limit.videos_a_day:,.1f}", limit.turn)
        for limit in found
    )
    return "\n".join([
        "## What is full first\n",
        f"On any machine it is the cores for {found[0].name}, and there more of them help, as many as one likes: "
        f"workers share nothing. Of what there is only one of, the first to be full is **{shared.name}** "
        f"({shared.unit}): at {shared.videos_a_day:,.0f} videos a day with this peak. What carries how much, and what "
        "to turn:\n",
        *table(("", "one of it", "carries a day", f"needed for {day.videos:,}", "to turn"), rows), "",
    ])  # fmt: skip


def day_at_the_queue(samples: Sequence[Sample], usage: Usage, day: Day) -> str:
    """Waits of a simulated day, with more and fewer cores."""
    enough = cores(usage, day)
    most = enough.media + enough.worker
    mean = most / day.peak * day.busy
    rows = []
    for factor in _CORES_OVER_MEAN:
        count = most if factor is None else factor * mean
        course = day_on(samples, day, MIX, count)
        waits = [f"{_span(course.p95(kind.name))}" for kind in (MIX[0], MIX[2], MIX[4], MIX[6])]
        rows.append((f"{count:,.0f}", f"{course.busy:.0%}", *waits, f"{course.most_waiting * ONE_IN:,}"))
    names = tuple(MIX[place].name for place in (0, 2, 4, 6))
    return "\n".join([
        "## A day at the workers' queue\n",
        "Simulated, event by event: arrivals at random along the day, one step a core, steps by priority as "
        "[the activities have it](architecture.md#who-comes-first). 95 of 100 are ready within the time given; "
        f"transfers and pauses between steps are not in it. One in {ONE_IN} videos on as small a part of the cores.\n",
        *table(("cores", "busy over the day", *names, "not ready at most"), rows), "",
        "The first line is enough for the peak. The others let the evening's films wait into the night: fewer cores, "
        "with the clips still on time. That is the cheapest knob, and it needs no setting: run fewer media workers.\n",
    ])  # fmt: skip


def _span(seconds: float) -> str:
    in_hours = seconds >= _LONG_SECONDS
    return f"{seconds / 3600:.1f} h" if in_hours else f"{seconds:.1f} s"


def costs(samples: Sequence[Sample], usage: Usage, day: Day, prices: Prices, sources: Sequence[str]) -> str:
    """A month's bill, and the prices behind it."""
    bill = needs(samples, usage, day).cost
    months = day.videos * 30
    rows = [
        ("Temporal Cloud: actions, histories, plan", bill.temporal),
        ("requests to the bucket", bill.requests),
        ("the month's videos in the bucket, for a month", bill.storage),
        ("cores, as many as are needed at the time", bill.cores_by_need),
        ("**in all**", bill.without_egress),
        ("instead of those cores: enough for the peak, all day", bill.cores_at_peak),
        (f"not in it: each video watched {day.views:g} times, to the internet", bill.egress),
    ]
    each = ((name, f"${value:,.0f}", f"${1000 * value / months:.2f}") for name, value in rows)
    tiers = ", ".join(f"${price:g} up to {upper:,.0f} million" if upper < float("inf") else f"${price:g} above"
                      for upper, price in prices.action_tiers)  # fmt: skip
    listed = [
        ("million actions a month", tiers),
        ("fairness, on each action", f"{prices.fairness:g} actions"),
        ("GB-hour of history, open / closed", f"${prices.active_gb_hour:g} / ${prices.retained_gb_hour:g}, kept "
                                              f"{prices.retention_days:g} days"),
        ("thousand requests, writes / reads", f"${prices.write_thousand:g} / ${prices.read_thousand:g}"),
        ("GB in the bucket for a month", f"${prices.stored_gb_month:g}"),
        ("GB to the internet", f"${prices.egress_gb:g}"),
        ("core for an hour", f"${prices.core_hour:g}"),
    ]  # fmt: skip
    return "\n".join([
        "## What it costs\n",
        "US dollars a month of 30 days, and for a thousand videos. Kept videos add up: each month of keeping adds the "
        "storage's line once more. PostgreSQL's disk, traffic between zones and people are not in it. A Temporal of "
        "one's own costs its cores (above) and the database below it instead of the first line.\n",
        *table(("", "a month", "1,000 videos"), each), "",
        "At these **list prices, which have to be checked** before anybody relies on them:\n",
        *table(("", "price"), listed), "",
        *(f"- {source}" for source in sources), "",
    ])  # fmt: skip


def sensitivity(samples: Sequence[Sample]) -> str:
    """The same with one thing changed."""
    rows = (
        (name, f"{need.cores:,.0f}", f"{need.actions_per_second:,.0f}", f"${need.cost.temporal:,.0f}",
         f"${need.cost.cores_by_need:,.0f}", f"${need.cost.storage:,.0f}", f"${need.cost.without_egress:,.0f}")
        for name, need in sensitivities(samples).items()
    )  # fmt: skip
    head = ("", "cores at the peak", "actions/s at the peak", "Temporal", "cores by need", "storage", "in all")
    return "\n".join(
        ["## What changes it\n", "One thing changed at a time; dollars a month.\n", *table(head, rows), ""]
    )
