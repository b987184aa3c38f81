"""What the old system's task does, step by step as its description has it: validate, two ffmpeg commands, move, row."""

import shutil
import subprocess
from pathlib import Path
from typing import Final
from uuid import UUID

from bench.baseline.places import Places
from bench.baseline.rows import Rows

TASK_NAME: Final = "process_video"
QUEUE: Final = "celery"


def transcode_command(ffmpeg: Path, source: Path, target: Path) -> list[str]:
    """``ffmpeg -i input.mp4 -c:v libx264 -c:a aac output.mp4``, with every other setting at its default."""
    return [
        str(ffmpeg),
        "-v",
        "error",
        "-nostdin",
        "-y",
        "-i",
        str(source),
        "-c:v",
        "libx264",
        "-c:a",
        "aac",
        str(target),
    ]


def thumbnail_command(ffmpeg: Path, source: Path, target: Path) -> list[str]:
    """``ffmpeg -i input.mp4 -ss 00:00:01 -vframes 1 thumbnail.jpg``."""
    quiet = ["-v", "error", "-nostdin", "-y"]
    return [str(ffmpeg), *quiet, "-i", str(source), "-ss", "00:00:01", "-vframes", "1", str(target)]


def probe_command(ffprobe: Path, source: Path) -> list[str]:
    """Prints the length in seconds; fails where the file is no video."""
    return [str(ffprobe), "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(source)]


def process_video(places: Places, rows: Rows, video_id: str, file_path: str) -> None:
    """Make a video ready; blocks until it is. What fails puts the row in error.

    Raises:
        subprocess.CalledProcessError: A program failed.
        OSError: A disk refused.
    """
    try:
        seconds = _make_files(places, video_id, Path(file_path))
    except (subprocess.CalledProcessError, OSError) as error:
        rows.set_error(UUID(video_id), str(error))
        raise
    rows.set_ready(UUID(video_id), f"/uploads/processed/{video_id}", seconds)


def _make_files(places: Places, video_id: str, source: Path) -> float:
    length = subprocess.run(probe_command(places.ffprobe, source), check=True, capture_output=True, text=True).stdout
    work, published = places.scratch / video_id, places.uploads / "processed" / video_id
    work.mkdir(parents=True, exist_ok=True)
    video, thumbnail = work / f"{video_id}.mp4", work / f"{video_id}_thumb.jpg"
    subprocess.run(transcode_command(places.ffmpeg, source, video), check=True)
    subprocess.run(thumbnail_command(places.ffmpeg, source, thumbnail), check=True)
    published.mkdir(parents=True, exist_ok=True)
    shutil.move(video, published / "video.mp4")
    if thumbnail.exists():  # a clip of a second has no frame there, and ffmpeg does not mind
        shutil.move(thumbnail, published / "thumbnail.jpg")
    shutil.rmtree(work)
    return float(length)
