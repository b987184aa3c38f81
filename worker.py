"""Composition root of a worker process: opens what the workers need, runs them, and hands work back at the end.

``python worker.py --queue video-control|video-media|all``. On the home of a stack that runs, it works for that stack.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final, Literal

import structlog
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from contracts.errors import VideoError
from contracts.temporal_names import CONTROL_QUEUE, MEDIA_QUEUE, WORKER_QUEUES
from embedded.joining import join
from failpoints import Failpoints
from logs import configure_logs
from media.profile import ProfilesInvalid, load_profiles
from media.programs import FfmpegMissing
from media.sandbox import SandboxMissing
from runs.neighbours import AnotherStorage, refuse_another_storage, refuse_to_be_the_odd_one
from runs.workers import WORKER_HEARTBEAT
from settings import Settings, SettingsError, load_settings
from storage.clock import clock_complaint
from storage.identity import storage_identity
from storage.opening import open_storage
from storage.waiting import checked
from telemetry.exposition import new_registry, served
from telemetry.sdk import measured_runtime
from telemetry.steps import StepMetrics, StepMetricsInterceptor
from telemetry.traces import traced
from temporal_client import TemporalUnreachable, connect_within, named_address
from workers.alive import beating
from workers.media import find_ffmpeg, media_workers
from workers.place import Place, steps_of

log = structlog.stdlib.get_logger("worker")

_CANT_START: Final = (
    *(SettingsError, TemporalUnreachable, VideoError, AnotherStorage, RPCError),
    *(FfmpegMissing, SandboxMissing, ProfilesInvalid),
)


_COMPARED_AGAIN_SECONDS: Final = 10.0
"""Long enough for Temporal to know of all that began together, and for no step to have come far."""


async def run(
    settings: Settings, queues: Sequence[str], compared_again_seconds: float = _COMPARED_AGAIN_SECONDS
) -> None:
    """Serve the queues until SIGTERM or SIGINT, then finish or hand back what runs.

    Args:
        settings: Of this process.
        queues: Names of the task queues.
        compared_again_seconds: So long after its start it is compared once more with those that began at once.

    Raises:
        SettingsError: ``DATABASE_URL`` is not set, or ``RUSHES_ALIVE_FILE`` can't be made.
        TemporalUnreachable: Temporal did not answer in time.
        ProfilesInvalid: The operator's file of profiles can't be used.
        VideoError: The database did not answer in time, or storage can't be written to.
        AnotherStorage: Other workers of these queues keep their files elsewhere.
        RPCError: Temporal does not say which workers there are.
        FfmpegMissing: There is no ffmpeg to run.
        SandboxMissing: A sandbox is required, and none works here.
    """
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    ffmpeg = await find_ffmpeg(settings) if MEDIA_QUEUE in queues else None
    log.info(
        "worker_starting",
        version=version("rushes"),
        queues=list(queues),
        media_slots=settings.media_slot_count,
        **({} if ffmpeg is None else {"sandbox": ffmpeg.sandbox.layer, "protections": ffmpeg.sandbox.protections}),
    )
    profiles = load_profiles(settings.profiles)
    async with contextlib.AsyncExitStack() as resources:
        await resources.enter_async_context(beating(settings.alive_file))
        points = Failpoints(settings.failpoints)
        storage = await resources.enter_async_context(open_storage(settings.place, points.around))
        registry = new_registry() if settings.metrics_port is not None else None
        port = resources.enter_context(served(registry, settings.metrics_host, settings.metrics_port))
        runtime = measured_runtime(registry, worker_heartbeat=WORKER_HEARTBEAT)
        plugins = resources.enter_context(traced(settings.traces_endpoint, "rushes-worker"))
        seconds = settings.connect_timeout_seconds
        client = await connect_within(seconds, waiting=_tell_waiting, runtime=runtime, plugins=plugins)
        await checked(storage, str(settings.place), _tell_waiting)
        if settings.place.bucket is not None and (clocks := await clock_complaint(storage)) is not None:
            log.warning("clocks_differ", reason=clocks)
        steps = None if registry is None else StepMetrics(registry)
        watching = () if steps is None else (StepMetricsInterceptor(steps),)
        place = Place(storage, await storage_identity(storage), watching)
        await refuse_another_storage(client, place.identity, str(settings.place))
        workers: list[Worker] = []
        if CONTROL_QUEUE in queues:
            # Below it are the database's tables, and what runs ffmpeg alone neither reads nor holds them.
            from workers.control import control_workers  # noqa: PLC0415

            workers += await resources.enter_async_context(control_workers(client, settings, place, points, registry))
        if ffmpeg is not None:
            workers += media_workers(client, settings, place, ffmpeg, profiles)
        if steps is not None:
            steps.expect(steps_of(workers))
        for worker in workers:
            await resources.enter_async_context(worker)
        log.info(
            "worker_ready",
            temporal=client.service_client.config.target_host,
            namespace=client.namespace,
            storage=place.identity,
            **({} if port is None else {"metrics_port": port}),
        )
        comparing = asyncio.create_task(_compare_again(client, place, settings, compared_again_seconds))
        try:
            await _first_of(asyncio.create_task(stop.wait()), comparing)
        finally:
            log.info("worker_stopping", grace_seconds=settings.worker_grace_seconds)
            await asyncio.gather(*(worker.shutdown() for worker in workers))
    log.info("worker_stopped")


async def _compare_again(client: Client, place: Place, settings: Settings, seconds: float) -> None:
    """Raises ``AnotherStorage`` where more of the workers that began together keep their files elsewhere."""
    while True:
        await asyncio.sleep(seconds)
        with contextlib.suppress(RPCError):  # Temporal is away: asked again
            return await refuse_to_be_the_odd_one(client, place.identity, str(settings.place))


async def _first_of(stopping: asyncio.Task[Literal[True]], comparing: asyncio.Task[None]) -> None:
    """Until it is to stop, or raises what the comparison does."""
    try:
        await asyncio.wait({stopping, comparing}, return_when=asyncio.FIRST_COMPLETED)
        if comparing.done():
            comparing.result()
        await stopping
    finally:
        stopping.cancel()
        comparing.cancel()


def _tell_waiting(sentence: str) -> None:
    log.warning("worker_waits", reason=sentence)


def _log_context_once() -> None:
    """Temporal's loggers give their context as fields; by default they also write it into each message."""
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False


def _settings(options: Mapping[str, str | None]) -> Settings:
    """The settings of the environment, of the command line, and of the stack that runs on this home.

    Raises:
        SettingsError: One can't be used.
    """
    os.environ.update({name: value for name, value in options.items() if value is not None})
    join(load_settings().home, named_address())
    return load_settings()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker process.

    Returns:
        Exit code: 0 after a signal, 1 when something that it needs is not there.
    """
    parser = argparse.ArgumentParser(
        prog="worker.py", description="Work for Rushes: take videos off Temporal's queues."
    )
    parser.add_argument(
        "--queue", choices=[*WORKER_QUEUES, "all"], default="all", help="which task queue (default: all)"
    )
    parser.add_argument("--slots", help="ffmpeg activities at once (default: RUSHES_MEDIA_SLOTS)")
    parser.add_argument("--label", help="what Temporal shows of this worker beside its host (RUSHES_WORKER_LABEL)")
    options = parser.parse_args(arguments)
    queue = options.queue
    configure_logs("json", "info")  # until the settings say otherwise
    try:
        settings = _settings({"RUSHES_MEDIA_SLOTS": options.slots, "RUSHES_WORKER_LABEL": options.label})
        configure_logs(settings.log_format, settings.log_level)
        _log_context_once()
        asyncio.run(run(settings, WORKER_QUEUES if queue == "all" else (queue,)))
    except _CANT_START as error:
        log.error("worker_cannot_start", reason=str(error))  # noqa: TRY400 - the sentence says it all
        return 1
    return 0


if __name__ == "__main__":
    ended_with = main()
    sys.stderr.flush()
    # The interpreter's own end may be aborted by a thread of Temporal's SDK that still calls Python (exit code 134).
    os._exit(ended_with)
