"""(h) A table of a million videos."""

import json
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg import sql

from bench.aims import LIST_IN_SERVER, READ_IN_SERVER, RUSHES
from bench.cases.model import Case, Gathered, with_each
from bench.client import Client
from bench.ground import Ground
from bench.systems.model import System

_PAGE: Final = 20
_CHANGED: Final = ("id", "created_at")
_COLUMNS: Final = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'videos' "
    "AND is_generated = 'NEVER' AND is_identity = 'NO'"
)


async def _run(ground: Ground, gathered: Gathered) -> None:
    scale = ground.scale
    gathered.conditions += [
        f"{scale.rows:,} ready videos, written straight into the table, a second apart; then VACUUM ANALYZE.",
        f"{scale.requests} requests of each kind, one after the other on one connection: pages of {_PAGE} by their "
        "cursor, from the newest on; single videos at random.",
        "In the server: the duration in the api's own log. At the client: until the whole answer was read.",
    ]

    async def measure(system: System, client: Client) -> None:
        ids = await _fill(system.database, scale.rows, scale.requests)
        listed = [await _page(client, cursor=None)]
        while len(listed) < scale.requests and listed[-1][2]:
            listed.append(await _page(client, cursor=listed[-1][2]))
        read = [await _read(client, video_id) for video_id in ids]
        await _read(client, ids[0])  # a request is logged after its answer: this one's is not waited for
        logged = _durations(system.api_log)
        for name, in_server, told in (
            ("list", LIST_IN_SERVER, [(request, seconds) for request, seconds, _ in listed]),
            ("read", READ_IN_SERVER, read),
        ):
            gathered.add(system.name, in_server, "ms", [logged[request] for request, _ in told if request in logged])
            gathered.add(system.name, f"{name}, at the client", "ms", [1000 * seconds for _, seconds in told])

    await with_each(ground, gathered, measure, RUSHES)


async def _fill(database: str, rows: int, wanted: int) -> list[str]:
    """Copy the one row that is there until there are so many; gives some of their ids, at random."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        names = [name for (name,) in await (await connection.execute(_COLUMNS)).fetchall()]
        kept = sql.SQL(", ").join(sql.Identifier(name) for name in names if name not in _CHANGED)
        statement = sql.SQL(
            "INSERT INTO videos (id, created_at, {kept}) "
            "SELECT gen_random_uuid(), now() - number * interval '1 second', {kept} "
            "FROM (SELECT * FROM videos LIMIT 1) AS one, generate_series(1, {count}) AS number"
        )
        await connection.execute(statement.format(kept=kept, count=sql.Literal(rows)))
        await connection.execute("VACUUM ANALYZE videos")
        sample = await connection.execute("SELECT id FROM videos ORDER BY random() LIMIT %s", (wanted,))
        return [str(video_id) for (video_id,) in await sample.fetchall()]


async def _page(client: Client, cursor: str | None) -> tuple[str, float, str | None]:
    request_id = f"bench-{uuid4()}"
    path = f"/api/v1/videos?limit={_PAGE}" + (f"&cursor={cursor}" if cursor else "")
    seconds, page = await client.timed_get(path, request_id)
    return request_id, seconds, page["next_cursor"]


async def _read(client: Client, video_id: str) -> tuple[str, float]:
    request_id = f"bench-{uuid4()}"
    seconds, _ = await client.timed_get(f"/api/v1/videos/{video_id}", request_id)
    return request_id, seconds


def _durations(log: Path) -> dict[str, float]:
    """Milliseconds by request id, of the requests that the log knows."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    logged = [fields for line in lines if '"request_id"' in line and (fields := _fields(line)) is not None]
    return {str(one["request_id"]): float(one["duration_ms"]) for one in logged if "duration_ms" in one}


def _fields(line: str) -> dict[str, Any] | None:
    try:
        read = json.loads(line)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


ROWS: Final = (Case("h", "A large table: list videos, and read one", _run),)
