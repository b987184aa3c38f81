"""How long a lost run waits behind rows that can't be mended: ``python -m tests.figures.bad_rows``."""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from temporalio.client import Client

from contracts.processing import VideoProcessingInput
from database.engine import Database
from logs import configure_logs
from runs.client import TemporalRuns
from runs.reconcile import Reconciler
from runs.records import NewestRun, TemporalRefuses, TemporalUnavailable
from storage.disk import DiskStorage
from tests.database.samples import let_go
from tests.figures.stage import a_folder, some_rows, tell
from tests.fixtures.temporal import start_dev_server
from tests.runs.settled_rows import a_settled_row, an_upload
from tests.runs.test_one_by_one import cancelled, expired, made_anew

MakeRow = Callable[[Database], Awaitable[UUID]]


class Bad:
    """Which rows are, and how they fail."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def fails(self, named: str, error: Exception) -> None:
        """Raise it if that is about one of them."""
        if any(video_id in named for video_id in self.ids):
            raise error


class BadRuns(TemporalRuns):
    """Temporal, which fails about some rows."""

    def __init__(self, client: Client, bad: Bad, at_look: Exception | None, at_start: Exception | None) -> None:
        super().__init__(client)
        self._bad = bad
        self._at_look, self._at_start = at_look, at_start

    async def newest_run(self, video_id: str) -> NewestRun | None:
        if self._at_look is not None:
            self._bad.fails(video_id, self._at_look)
        return await super().newest_run(video_id)

    async def start(self, request: VideoProcessingInput, label: str) -> None:
        if self._at_start is not None:
            self._bad.fails(request.video_id, self._at_start)
        await super().start(request, label)


class BadFiles(DiskStorage):
    """A disk where the files of some rows fail, or take longer than a row may."""

    def __init__(self, folder: Path, bad: Bad, error: Exception | None) -> None:
        super().__init__(folder / "uploads", folder / "scratch")
        self._bad, self._error = bad, error

    async def _see_to(self, key: str) -> None:
        if self._error is not None:
            self._bad.fails(key, self._error)
        elif any(video_id in key for video_id in self._bad.ids):
            await asyncio.sleep(600)

    async def size(self, key: str) -> int | None:
        await self._see_to(key)
        return await super().size(key)

    async def delete(self, key: str) -> None:
        await self._see_to(key)
        await super().delete(key)

    async def delete_folder(self, prefix: str) -> None:
        await self._see_to(prefix)
        await super().delete_folder(prefix)


async def a_lost_one(database: Database) -> UUID:
    """A row in ``processing`` without a run."""
    return (await a_settled_row(database)).id


async def out_of_time(database: Database) -> UUID:
    """An upload that was never finished."""
    return await an_upload(database, expires_in=timedelta(seconds=-1))


_MOST_SECONDS: Final = 60
_ODD: Final = ValueError("a page where an answer was expected")
_ROWS: Final[dict[str, tuple[MakeRow, Exception | None, Exception | None, Exception | None]]] = {
    "whose run can't be looked at": (a_lost_one, _ODD, None, None),
    "that Temporal refuses": (a_lost_one, None, TemporalRefuses("Not this one.", to_everything=False), None),
    "that Temporal does not answer about": (a_lost_one, None, TemporalUnavailable("Nothing is known of it."), None),
    "of expired uploads whose files fail": (expired, None, None, _ODD),
    "of cancelled uploads whose files fail": (cancelled, None, None, _ODD),
    "made anew, whose former files fail": (made_anew, None, None, _ODD),
    "of expired uploads whose disk says nothing": (out_of_time, None, None, None),
}
"""What is wrong with rows: which they are, how a look fails, how a start fails, how files fail (None: they hang)."""


async def wait_behind(database: Database, client: Client, folder: Path, kind: str, count: int) -> tuple[float, float]:
    """How long two lost runs wait: one that is there when a pass begins, and one that is lost a moment later."""
    make, at_look, at_start, of_files = _ROWS[kind]
    bad = Bad()
    bad.ids = {str(await make(database)) for _ in range(count)}
    lost = await a_lost_one(database)
    await let_go(database)
    files = BadFiles(folder, bad, of_files) if make is not a_lost_one else DiskStorage(folder / "uploads", folder)
    runs = BadRuns(client, bad, at_look, at_start)
    reconciler, failed, stop = Reconciler(database, runs, files), 0, asyncio.Event()

    async def pass_after_pass() -> None:
        nonlocal failed
        while not stop.is_set():
            failed += (await reconciler.run()).failed
            await asyncio.sleep(0.05)

    passing = asyncio.create_task(pass_after_pass())
    first = await until_started(runs, lost)
    second = await until_started(runs, await a_lost_one(database))
    stop.set()
    await passing
    assert failed >= 1, "they are bad"
    tell(f"behind {count} rows {kind}: {first:.2f} s; lost a moment after the pass began: {second:.2f} s")
    return first, second


async def until_started(runs: TemporalRuns, lost: UUID) -> float:
    """How long it takes until the row has its run."""
    began = time.monotonic()
    async with asyncio.timeout(_MOST_SECONDS):
        while await runs.newest_run(str(lost)) != NewestRun(attempt=1, is_open=True):
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def measure(count: int) -> None:
    """Rows and runs of their own, and tell."""
    with a_folder() as folder:
        (folder / "uploads" / "originals").mkdir(parents=True)
        async with await start_dev_server() as temporal:
            waits = []
            for number, kind in enumerate(_ROWS):
                async with some_rows(folder / str(number)) as database:
                    waits.append(await wait_behind(database, temporal.client, folder, kind, count))
    first, second = (max(of_each) for of_each in zip(*waits, strict=True))
    tell(
        f"a lost run behind {count} bad rows of each of {len(waits)} kinds was started after {first:.1f} s at most, "
        f"one that was lost once the pass had begun after {second:.1f} s"
    )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.bad_rows", description=__doc__)
    parser.add_argument("--rows", type=int, default=30, help="how many bad ones there are of a kind")
    said = parser.parse_args()
    configure_logs("json", "critical")  # what is told of each bad row is as it should be
    asyncio.run(measure(said.rows))


if __name__ == "__main__":
    main()
