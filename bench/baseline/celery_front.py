"""The old system's api: ``uvicorn --factory bench.baseline.celery_front:build``."""

from celery import Celery
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from bench.baseline.front import create_front
from bench.baseline.places import Places
from bench.baseline.work import QUEUE, TASK_NAME


def build() -> FastAPI:
    """Build it from the environment."""
    places = Places.from_environment()
    celery = Celery("short_video_platform", broker=places.broker, backend=places.broker)

    async def hand_over(video_id: str, path: str) -> None:
        await run_in_threadpool(celery.send_task, TASK_NAME, args=[video_id, path], queue=QUEUE, ignore_result=True)

    return create_front(places, hand_over)
