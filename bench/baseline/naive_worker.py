"""The naive pipeline's worker: two activities at a time, as the old system's two processes."""

import asyncio
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from bench.baseline.naive_workflow import ACTIVITY, QUEUE, NaiveInput, NaiveWorkflow
from bench.baseline.places import Places
from bench.baseline.rows import Rows
from bench.baseline.work import process_video

SLOTS: Final = 2
READY: Final = "naive worker ready"


def _activity(places: Places, rows: Rows) -> Callable[[NaiveInput], None]:
    @activity.defn(name=ACTIVITY)
    def process(video: NaiveInput) -> None:
        process_video(places, rows, video.video_id, video.path)

    return process


async def main() -> None:
    """Work until SIGTERM."""
    places = Places.from_environment()
    rows = Rows.at(places.database_url)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with ThreadPoolExecutor(SLOTS) as threads:
        worker = Worker(
            await Client.connect(places.broker),
            task_queue=QUEUE,
            workflows=[NaiveWorkflow],
            activities=[_activity(places, rows)],
            activity_executor=threads,
            max_concurrent_activities=SLOTS,
        )
        async with worker:
            logging.getLogger(__name__).warning(READY)
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
