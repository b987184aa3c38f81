"""Keys in what keeps them, and every secret of a day in what people look at: ``python -m tests.figures.hidden``."""

import argparse
import asyncio
import re
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from accounts.keys import KeyText
from database.engine import Database
from embedded.postgres_programs import client_program
from tests.end_to_end.days_work import days_work, logs
from tests.end_to_end.service import Service
from tests.figures.stage import a_folder, a_service, drawn_clips, tell
from tests.fixtures.bucket import bucket_server

_HALF: Final = 21
"""Characters of half a secret, which has 43."""
_RUN: Final = re.compile(rb"[A-Za-z0-9_-]{%d,}" % _HALF)
_MEBIBYTE: Final = 1024 * 1024


def halves(key: KeyText) -> Iterator[bytes]:
    """Of the secret as it is written, and of its bytes in hexadecimal as far as this many characters go."""
    for written in (key.secret, urlsafe_b64decode(key.secret + "=").hex()):
        yield written[:_HALF].encode()
        yield written[-_HALF:].encode()


def seen(needles: frozenset[bytes], places: Iterable[bytes]) -> set[bytes]:
    """Which of these stand in what was read, wherever they begin."""
    return {
        run[at : at + _HALF]
        for place in places
        for run in _RUN.findall(place)
        for at in range(len(run) - _HALF + 1)
        if run[at : at + _HALF] in needles
    }


async def tell_keys(service: Service, count: int) -> None:
    """Make keys, come in with some, and look for them in all that is kept."""
    database, keys = Database(service.run.database, pool_size=1), [KeyText.new() for _ in range(count)]
    for number, key in enumerate(keys):
        await database.accounts.add_key(key.row(f"user-{number}", is_admin=False))
    await database.dispose()
    for key in keys[:50]:
        answer = await service.http.get("/api/v1/me", headers={"Authorization": f"Bearer {key.write()}"})
        assert answer.status_code == 200
    dumped = await asyncio.to_thread(
        subprocess.run, [client_program("pg_dump"), service.run.database], check=True, capture_output=True
    )
    files = [path for path in (service.home.folder / "postgres").rglob("*") if path.is_file()]
    shown = (await service.home.rushes("keys", "list", "--json")).out.encode()
    places = [dumped.stdout, shown, *(await asyncio.to_thread(_read, files))]
    places += [text.encode() for text in (await logs(service)).values()]
    assert sum(key.id.encode() in dumped.stdout for key in keys) == count, "what is kept of them is in the dump"
    found = await asyncio.to_thread(seen, frozenset(half for key in keys for half in halves(key)), places)
    assert found == set()
    size = sum(len(place) for place in places) / _MEBIBYTE
    tell(
        f"keys: {count} made, {count} of {count} ids and {len(found)} of {4 * count} halves of their secrets, written "
        f"or in hexadecimal, found in a dump of the whole database, PostgreSQL's {len(files)} files, the logs and "
        f"`rushes keys list`, {size:.0f} MiB"
    )


def _read(files: Iterable[Path]) -> list[bytes]:
    return [path.read_bytes() for path in files]


async def tell_secrets(folder: Path) -> None:
    """The test's own day."""
    async with bucket_server(folder / "bucket") as server:
        done = await days_work(folder / "day", await drawn_clips(), server)
    assert all(done.hidden.values())
    found = done.found()
    assert found == []
    size = sum(len(text) for text in done.shown.values()) / _MEBIBYTE
    tell(
        f"a day's {len(done.hidden)} secrets in the {len(done.shown)} places that people look at ({size:.1f} MiB of "
        f"logs, histories, findings, refusals): {len(found)} of {len(done.hidden) * len(done.shown)} found"
    )


async def measure(count: int) -> None:
    """Start a stack, and another, and tell."""
    with a_folder() as folder:
        async with a_service(folder / "one") as service:
            await tell_keys(service, count)
        await tell_secrets(folder)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.hidden", description=__doc__)
    parser.add_argument("--keys", type=int, default=1000, help="how many are made")
    asyncio.run(measure(parser.parse_args().keys))


if __name__ == "__main__":
    main()
