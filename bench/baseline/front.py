"""The api of the baseline systems: FastAPI, the file to disk, the row to PostgreSQL, then the work is handed over."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, UploadFile
from starlette.concurrency import run_in_threadpool

from bench.baseline.places import Places
from bench.baseline.rows import Rows

HandOver = Callable[[str, str], Awaitable[None]]
"""Takes a video's id and the path of its original, and sees to it that it is processed."""

_COPY_BYTES = 1024 * 1024


def create_front(places: Places, hand_over: HandOver) -> FastAPI:
    """The application; the table is made if it is not there."""
    rows = Rows.at(places.database_url)
    rows.create_table()
    originals = places.uploads / "originals"
    originals.mkdir(parents=True, exist_ok=True)
    app = FastAPI()

    @app.post("/api/v1/videos/upload", status_code=202)
    async def upload(file: Annotated[UploadFile, ...]) -> dict[str, str]:
        video_id, name = uuid4(), file.filename or "video.mp4"
        target = originals / f"{video_id}{Path(name).suffix}"
        await run_in_threadpool(rows.insert, video_id, name, file.size or 0)
        await run_in_threadpool(_copy, file.file, target)
        await run_in_threadpool(rows.set_processing, video_id)
        await hand_over(str(video_id), str(target))
        return {
            "video_id": str(video_id),
            "status": "processing",
            "message": "Video upload accepted, processing started",
        }

    @app.get("/api/v1/videos")
    def videos(limit: int = 20) -> dict[str, list[dict[str, Any]]]:
        return {"items": rows.newest(limit)}

    @app.get("/api/v1/videos/{video_id}")
    def video(video_id: UUID) -> dict[str, Any]:
        row = rows.one(video_id)
        if row is None:
            raise HTTPException(404)
        return row

    @app.get("/readyz")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


def _copy(file: BinaryIO, target: Path) -> None:
    with target.open("wb") as output:
        shutil.copyfileobj(file, output, _COPY_BYTES)
