"""Where files and rows are."""

import os
import tempfile
from pathlib import Path

from pydantic import Field, PostgresDsn, SecretStr, TypeAdapter, ValidationError, field_validator

from configuration.errors import SettingsError
from configuration.group import GIBIBYTE, AbsolutePath, SettingsGroup
from storage.location import StoragePlace, endpoint_of, parse_bucket_location


class PlaceSettings(SettingsGroup):
    """The folders or the bucket, and the database; for every process."""

    # Where things are
    home: AbsolutePath = Field(
        default=Path("var"), description="State of the embedded stack: databases, uploads, logs, run.json."
    )
    uploads: AbsolutePath | None = Field(
        default=None,
        description="Folder of `originals/` and `processed/`, for api and workers. Default: `uploads` in RUSHES_HOME.",
    )
    storage: str | None = Field(
        default=None,
        description="A bucket for all files, as `s3://bucket/prefix`; the usual `AWS_*` variables, `AWS_ENDPOINT_URL` "
        "among them, say how to get there. Default: the folders RUSHES_UPLOADS and RUSHES_SCRATCH.",
    )
    scratch: AbsolutePath = Field(
        default=Path(tempfile.gettempdir()) / "video_processing",
        description="Folder for work in progress, of this user alone where everybody may make folders. With workers on "
        "several hosts it has to be shared by them; on the file system of RUSHES_UPLOADS, publishing is a rename "
        "instead of a copy. With RUSHES_STORAGE it is each worker's own, for copies.",
    )
    copies_bytes: int = Field(
        default=20 * GIBIBYTE,
        gt=0,
        description="How much of the bucket a worker keeps on its own disk, in bytes; one larger file goes beyond it, "
        "and where the disk has no room for so much it is less.",
    )

    # The database
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL, as `postgresql://user:password@host:port/name`. Default: the embedded stack's own.",
    )
    database_pool_size: int = Field(default=10, gt=0, description="Most connections that one process holds.")

    @field_validator("storage")
    @classmethod
    def _is_a_bucket(cls, storage: str | None) -> str | None:
        if storage is None:
            return None
        endpoint_of(os.environ)  # said at the start, and not by whoever first wants a file
        return str(parse_bucket_location(storage))

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            try:
                TypeAdapter(PostgresDsn).validate_python(url.get_secret_value())
            except ValidationError as error:
                raise ValueError("not a PostgreSQL address; write postgresql://user:password@host:port/name") from error
        return url

    @property
    def place(self) -> StoragePlace:
        """Where the files live."""
        bucket = parse_bucket_location(self.storage) if self.storage is not None else None
        return StoragePlace(bucket, self.uploads_folder, self.scratch, self.copies_bytes)

    @property
    def uploads_folder(self) -> Path:
        """Folder of the originals and the published files, absolute."""
        return self.uploads if self.uploads is not None else self.home / "uploads"

    @property
    def required_database_url(self) -> str:
        """``DATABASE_URL``, for a process that has no embedded stack around it.

        Raises:
            SettingsError: It is not set.
        """
        if self.database_url is None:
            raise SettingsError(
                "DATABASE_URL is not set. Set it to postgresql://user:password@host:port/name, or run `rushes up`, "
                "which brings its own database."
            )
        return self.database_url.get_secret_value()
