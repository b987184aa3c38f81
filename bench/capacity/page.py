"""``docs/capacity.md``, from what was measured."""

from typing import Final

from bench.capacity.assumptions import MILLION_A_DAY, MIX, PRICES, SOURCES
from bench.capacity.findings import Findings
from bench.capacity.million import bottlenecks, costs, day_at_the_queue, sensitivity, what_is_needed
from bench.capacity.model import mean_usage
from bench.capacity.predicting import Compared, compared, load_share
from bench.capacity.usage import Sample, Usage
from bench.report.document import table, where

PAGE: Final = "capacity.md"
_MEGA: Final = 1e6
_KIBI: Final = 1024
_NEARLY_ALL_BUSY: Final = 0.15

_HEAD: Final = """\
# Capacity

What a million videos a day need and cost, from what one video was measured to use. Made by `make capacity-docs` from
what `make capacity` measured; do not edit by hand. What is assumed and not measured, the mix of videos, the day's
course and every price, stands in `bench/capacity/assumptions.py`: change it there and make the page anew. Nothing here
was run at a million videos a day: it is arithmetic on measurements of one small machine, held against one load run.
"""

_HOW: Final = """\
## What one video uses

`rushes up` with its defaults, files in SeaweedFS; 1080p at 30 frames and 8 Mbit/s, drawn as for the
[benchmarks](benchmarks.md). Each figure is a counter's difference, less what the idle stack uses in that time, for one
video; lengths between are read from straight lines, longer ones from the last line on.

- **Actions**: what Temporal's own server counts as such (its metric `action`), by the rules that Temporal Cloud bills
  by (docs.temporal.io/cloud/actions): a run's start, each activity that is scheduled and each retry, each heartbeat
  that reaches the server, timers, signals, queries, updates, an upsert of search attributes. Attributes at the start,
  workflow tasks and asking for a run's state are none. Fairness adds a tenth to the bill, not to the rate.
- **Commits** of our database (`pg_stat_database`, reads and looks of clients included), rows written, bytes of its
  write-ahead log. Temporal's own database is not in them: here it is SQLite.
- **Bucket**: requests and bytes as the server counts them. *Writes* are PUT, POST, COPY and LIST, *reads* are GET and
  HEAD; deletes are free and left out.
- **Processor seconds** from `/proc`, so they hold on a busy machine too. *ffmpeg* is all programs that the worker
  starts.
"""


def page(found: Findings) -> str:
    """The page."""
    usage = mean_usage(found.samples, MIX)
    parts = [
        _HEAD,
        where(found.machine, found.began, found.command, found.versions),
        _HOW,
        _samples(found),
        _load(found),
        what_is_needed(usage, MILLION_A_DAY),
        bottlenecks(usage, MILLION_A_DAY),
        day_at_the_queue(found.samples, usage, MILLION_A_DAY),
        costs(found.samples, usage, MILLION_A_DAY, PRICES, SOURCES),
        sensitivity(found.samples),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _samples(found: Findings) -> str:
    head = ("", "chunks", "n", "actions", "of them heartbeats", "commits", "rows written", "WAL", "history")
    counted = table(head, (_counts(sample) for sample in found.samples))
    bucket = table(("", "writes", "reads", "written / source", "read / source"), map(_bucket, found.samples))
    names = ("", "ffmpeg", "a second of video", "worker", "api", "PostgreSQL", "Temporal", "bucket")
    seconds = table(names, (_seconds(sample) for sample in found.samples))
    idle = found.idle
    return "\n".join([
        *counted, "", *bucket, "", "Processor seconds:\n", *seconds, "",
        f"Idle, the stack uses {idle.processor_seconds:.2f} of a core, and {idle.commits:.1f} commits, "
        f"{idle.actions:.1f} actions and {idle.writes + idle.reads:.1f} requests to the bucket a second.\n",
    ])  # fmt: skip


def _name(sample: Sample) -> str:
    return f"{sample.way}, {sample.seconds:g} s"


def _counts(sample: Sample) -> tuple[str, ...]:
    usage = sample.usage
    return (
        *(_name(sample), str(sample.chunks or ""), str(sample.rounds)),
        *(f"{usage.actions:.1f}", f"{usage.heartbeats:.1f}", f"{usage.commits:.0f}", f"{usage.rows_written:.1f}"),
        *(f"{usage.wal_bytes / _KIBI:.0f} KiB", f"{usage.history_bytes / _KIBI:.0f} KiB"),
    )


def _bucket(sample: Sample) -> tuple[str, ...]:
    usage = sample.usage
    written, read = usage.bytes_written / sample.source_bytes, usage.bytes_read / sample.source_bytes
    return (_name(sample), f"{usage.writes:.1f}", f"{usage.reads:.1f}", f"{written:.2f}", f"{read:.2f}")


def _seconds(sample: Sample) -> tuple[str, ...]:
    usage = sample.usage
    others = (usage.api_seconds, usage.postgres_seconds, usage.temporal_seconds, usage.bucket_seconds)
    each = f"{usage.media_seconds / sample.seconds:.3f}"
    return (_name(sample), *(f"{one:.2f}" for one in (usage.media_seconds,)), each, f"{usage.worker_seconds:.2f}",
            *(f"{one:.2f}" for one in others))  # fmt: skip


def _load(found: Findings) -> str:
    load = found.load
    clips = ", ".join(f"{way} {length:g} s" for way, length in load.clips)
    rows = (
        (one.name, _value(one.measured, one.unit), _value(one.predicted, one.unit), f"{one.error:+.0%}")
        for one in compared(found)
    )
    busy = table(("who", "share of the machine"), ((name, f"{share:.0%}") for name, share in _busy(load.used, found)))
    return "\n".join([
        "## A load run against the model\n",
        f"{load.sent} videos came in {load.seconds / 60:.1f} min, at random, 82 % of them to be copied ({clips}). "
        f"{_filled(found)} Not ready in the end: {load.failed}. The load average was {load.load_before:.1f} "
        "when it began. The simulation got the same arrivals, the measured seconds of one video, and the cores that "
        f"were not taken by others: {load.cores_free:.2f} of {found.machine.cores} in the mean. It knows nothing else "
        "of the run.\n",
        *table(("", "measured", "simulated", "error"), rows), "",
        _judgement(compared(found)),
        *busy, "",
    ])  # fmt: skip


def _filled(found: Findings) -> str:
    """Whether the run did what it is for."""
    idle = load_share(found.load, found.load.idle_seconds)
    if idle > _NEARLY_ALL_BUSY:
        return f"**They did not fill the machine**: {idle:.0%} of it was idle, so the run says little of a backlog."
    return "They were more than this machine can do."


def _value(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}".strip() if unit else f"{value:.0f}"


def _judgement(rows: list[Compared]) -> str:
    by_name = {row.name: row for row in rows}
    work = by_name["processor time of a video"].error
    worst = max(rows, key=lambda row: abs(row.error))
    return (
        f"A video under load took {abs(work):.0%} {'less' if work > 0 else 'more'} processor time than the samples "
        f"say; the worst row is *{worst.name}*, {abs(worst.error):.0%} too {'high' if worst.error > 0 else 'low'}. "
        "Take every figure below to be off by at least as much, before what is assumed.\n"
    )


def _busy(used: Usage, found: Findings) -> list[tuple[str, float]]:
    load = found.load
    parts = (
        ("ffmpeg", used.media_seconds), ("worker", used.worker_seconds), ("api", used.api_seconds),
        ("PostgreSQL", used.postgres_seconds), ("Temporal", used.temporal_seconds), ("bucket", used.bucket_seconds),
        ("the client that sends", load.client_seconds), ("other programs", load.others_seconds),
        ("idle", load.idle_seconds),
    )  # fmt: skip
    return [(name, load_share(load, seconds)) for name, seconds in parts]
