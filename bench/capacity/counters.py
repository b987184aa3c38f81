"""The counters that the parts of a running stack keep by themselves: asked before and after, the difference is the use.

Temporal's server and SeaweedFS tell them in Prometheus' format, PostgreSQL in its own views, processes in ``/proc``.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psycopg

from bench.capacity.usage import Usage
from bench.errors import NotMeasured
from embedded.ports import LOOPBACK

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SAMPLE: Final = re.compile(r"^(?P<name>\w+)\{(?P<labels>[^}]*)\} (?P<value>\S+)$", re.MULTILINE)
_WRITES: Final = re.compile(r'type="(PUT|POST|COPY|LIST|[A-Z_]*PART|[A-Z_]*MULTIPART)"')
_READS: Final = re.compile(r'type="(GET|HEAD)"')
_HEARTBEAT: Final = re.compile(r"Heartbeat")
_ROWS: Final = """
    SELECT xact_commit, tup_inserted + tup_updated + tup_deleted,
           pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8
    FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass(frozen=True)
class Places:
    """Where the counters of a stack are.

    Attributes:
        database: URL of PostgreSQL.
        temporal_metrics: Port of those of Temporal's server.
        bucket_metrics: Port of those of the bucket's server.
        pids: Process ids: ``api``, ``worker``, ``postgres``, ``temporal``, ``bucket``.
    """

    database: str
    temporal_metrics: int
    bucket_metrics: int
    pids: Mapping[str, int]


async def read_counters(places: Places) -> Usage:
    """All of them as they stand; ``stored_bytes`` and ``history_bytes`` are not among them.

    Raises:
        NotMeasured: One does not answer.
    """
    temporal = await _samples(places.temporal_metrics)
    bucket = await _samples(places.bucket_metrics)
    try:
        async with await psycopg.AsyncConnection.connect(places.database, autocommit=True) as connection:
            row = await (await connection.execute(_ROWS)).fetchone()
    except psycopg.Error as error:
        raise NotMeasured(f"PostgreSQL does not tell what it did: {error}.") from error
    if row is None:
        raise NotMeasured("PostgreSQL does not know its own database.")
    used = {name: processor_seconds(pid) for name, pid in places.pids.items()}
    return Usage(
        actions=_total(temporal, "action"),
        heartbeats=_total(temporal, "action", _HEARTBEAT),
        commits=float(row[0]),
        rows_written=float(row[1]),
        wal_bytes=float(row[2]),
        writes=_total(bucket, "SeaweedFS_s3_request_total", _WRITES),
        reads=_total(bucket, "SeaweedFS_s3_request_total", _READS),
        bytes_written=_total(bucket, "SeaweedFS_s3_bucket_traffic_received_bytes_total"),
        bytes_read=_total(bucket, "SeaweedFS_s3_bucket_traffic_sent_bytes_total"),
        api_seconds=sum(used["api"]),
        worker_seconds=used["worker"][0],
        media_seconds=used["worker"][1],
        postgres_seconds=sum(used["postgres"]),
        temporal_seconds=sum(used["temporal"]),
        bucket_seconds=sum(used["bucket"]),
    )


def metrics_port(pid: int) -> int:
    """The port of the metrics of Temporal's dev server, from its command line.

    Raises:
        NotMeasured: It has none.
    """
    command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    try:
        return int(command[command.index("--metrics-port") + 1])
    except ValueError as error:
        raise NotMeasured("Temporal's server was started without a port for its metrics.") from error


def processor_seconds(pid: int) -> tuple[float, float]:
    """Of a process itself, and of all that it started: those that ended and were waited for, and those that run.

    Raises:
        NotMeasured: It is gone.
    """
    own = _times(pid)
    if own is None:
        raise NotMeasured(f"Process {pid} is gone.")
    running = sum(sum(found) for child in _below(pid) if (found := _times(child)) is not None)
    return own[0], own[1] + running


def machine_seconds() -> tuple[float, float]:
    """What all cores of the machine have worked, and idled, since it started."""
    user, nice, system, idle, waiting, interrupts, soft, steal = (
        int(field) / _TICKS
        for field in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]  # "cpu" comes first
    )
    return user + nice + system + interrupts + soft + steal, idle + waiting


def _times(pid: int) -> tuple[float, float] | None:
    """Of a process, and of those of its children that it has waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    user, system, children_user, children_system = (int(field) for field in stat.rpartition(")")[2].split()[11:15])
    return (user + system) / _TICKS, (children_user + children_system) / _TICKS


def _below(pid: int) -> Iterable[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text(encoding="ascii").split()]
        except OSError:
            continue
        for child in children:
            yield child
            yield from _below(child)


async def _samples(port: int) -> list[tuple[str, str, float]]:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = (await client.get(f"http://{LOOPBACK}:{port}/metrics")).raise_for_status()
    except httpx.HTTPError as error:
        raise NotMeasured(f"No metrics at port {port}: {error!r}.") from error
    return [(match["name"], match["labels"], float(match["value"])) for match in _SAMPLE.finditer(answer.text)]


def _total(samples: Iterable[tuple[str, str, float]], name: str, labels: re.Pattern[str] | None = None) -> float:
    return sum(
        value for found, told, value in samples if found == name and (labels is None or labels.search(told) is not None)
    )
