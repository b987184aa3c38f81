"""The table of the baseline systems, as the description of the old system has it."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, create_engine, text

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS videos (
    id uuid PRIMARY KEY,
    user_id text NOT NULL,
    title text NOT NULL,
    status text NOT NULL,
    file_size_bytes bigint NOT NULL DEFAULT 0,
    original_filename text NOT NULL,
    url_mp4 text,
    thumbnail text,
    duration_seconds integer,
    error_reason text,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""
_INSERT: Final = (
    "INSERT INTO videos (id, user_id, title, status, file_size_bytes, original_filename) "
    "VALUES (:id, 'local', :title, 'uploading', :size, :title)"
)
_READY: Final = (
    "UPDATE videos SET status = 'ready', url_mp4 = :video, thumbnail = :thumbnail, duration_seconds = :seconds, "
    "error_reason = NULL WHERE id = :id"
)


@dataclass(frozen=True)
class Rows:
    """Queries, each in a transaction of its own."""

    engine: Engine

    @classmethod
    def at(cls, database_url: str) -> "Rows":
        """On a pool of connections to the database."""
        return cls(create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1)))

    def create_table(self) -> None:
        """Make the table unless it is there."""
        self._change(_TABLE)

    def insert(self, video_id: UUID, title: str, size_bytes: int) -> None:
        """A video whose upload begins."""
        self._change(_INSERT, id=video_id, title=title, size=size_bytes)

    def set_processing(self, video_id: UUID) -> None:
        """Its file is there."""
        self._change("UPDATE videos SET status = 'processing' WHERE id = :id", id=video_id)

    def set_ready(self, video_id: UUID, folder: str, seconds: float) -> None:
        """It is published in ``folder``, a path below the api's address."""
        published = {"video": f"{folder}/video.mp4", "thumbnail": f"{folder}/thumbnail.jpg"}
        self._change(_READY, id=video_id, seconds=round(seconds), **published)

    def set_error(self, video_id: UUID, reason: str) -> None:
        """It failed."""
        self._change(
            "UPDATE videos SET status = 'error', error_reason = :reason WHERE id = :id", id=video_id, reason=reason
        )

    def one(self, video_id: UUID) -> dict[str, Any] | None:
        """The row, or None."""
        return next(iter(self._read("SELECT * FROM videos WHERE id = :id", id=video_id)), None)

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """Rows, newest first."""
        return self._read("SELECT * FROM videos ORDER BY created_at DESC LIMIT :limit", limit=limit)

    def _change(self, statement: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def _read(self, statement: str, **values: object) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement), values).mappings()]
