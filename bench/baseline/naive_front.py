"""The naive pipeline's api: ``uvicorn --factory bench.baseline.naive_front:build``."""

from fastapi import FastAPI
from temporalio.client import Client

from bench.baseline.front import create_front
from bench.baseline.naive_workflow import QUEUE, NaiveInput, NaiveWorkflow
from bench.baseline.places import Places


def build() -> FastAPI:
    """Build it from the environment."""
    places = Places.from_environment()
    connected: list[Client] = []

    async def hand_over(video_id: str, path: str) -> None:
        if not connected:
            connected.append(await Client.connect(places.broker))
        await connected[0].start_workflow(
            NaiveWorkflow.run, NaiveInput(video_id, path), id=f"naive-{video_id}", task_queue=QUEUE
        )

    return create_front(places, hand_over)
