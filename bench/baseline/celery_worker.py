"""The old system's worker: ``celery -A bench.baseline.celery_worker worker --concurrency=2 -Q celery``."""

from celery import Celery

from bench.baseline.places import Places
from bench.baseline.rows import Rows
from bench.baseline.work import TASK_NAME, process_video


def _build() -> Celery:
    places = Places.from_environment()
    rows = Rows.at(places.database_url)
    celery = Celery("worker", broker=places.broker, backend=places.broker)

    def task(video_id: str, file_path: str) -> None:
        process_video(places, rows, video_id, file_path)

    celery.task(task, name=TASK_NAME, max_retries=0)
    return celery


app = _build()
