"""Every setting, one place, from the environment.

Read by the entry points (``worker.py``, ``api``, ``cli``, ``embedded``) and passed on as values. Temporal's own
settings (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, ``TEMPORAL_API_KEY``, TLS) are read by ``temporal_client.py``
the way every Temporal tool reads them. ``docs/configuration.md`` is made from this file by ``make docs``.
"""

import os
import tempfile
from importlib.metadata import version
from ipaddress import ip_network
from math import ceil
from pathlib import Path
from typing import Literal

from pydantic import Field, PostgresDsn, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as PydanticSettingsError

from storage.location import StoragePlace, parse_bucket_location

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE


class SettingsError(Exception):
    """A setting is missing or can't be used; the sentence names it and says what to write."""


class Settings(BaseSettings):
    """The service's settings; each has a default that works on one machine."""

    model_config = SettingsConfigDict(
        env_prefix="RUSHES_", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    # Where things are
    home: Path = Field(
        default=Path("var"), description="State of the embedded stack: databases, uploads, logs, run.json."
    )
    uploads: Path | None = Field(
        default=None,
        description="Folder of `originals/` and `processed/`, for api and workers. Default: `uploads` in RUSHES_HOME.",
    )
    storage: str | None = Field(
        default=None,
        description="A bucket for all files, as `s3://bucket/prefix`; the usual `AWS_*` variables, `AWS_ENDPOINT_URL` "
        "among them, say how to get there. Default: the folders RUSHES_UPLOADS and RUSHES_SCRATCH.",
    )
    scratch: Path = Field(
        default=Path(tempfile.gettempdir()) / "video_processing",
        description="Folder for work in progress. With workers on several hosts it has to be shared by them; on the "
        "file system of RUSHES_UPLOADS, publishing is a rename instead of a copy. With RUSHES_STORAGE it is each "
        "worker's own, for copies.",
    )
    copies_bytes: int = Field(
        default=20 * GIBIBYTE,
        gt=0,
        description="How much of the bucket a worker keeps on its own disk, in bytes; one larger file goes beyond it.",
    )

    # The api
    host: str = Field(default="127.0.0.1", description="Address that the api listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port of the api; 0 takes any free one.")
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Names that the api is asked by besides the loopback ones, as a JSON list; empty for any name. "
        "Without a key only loopback names are served, whatever this says.",
    )
    cors_origins: tuple[str, ...] = Field(
        default=(),
        description="Other websites whose pages may use the api, as a JSON list such as "
        '`["https://app.example.com"]`; none by default.',
    )
    allowed_extensions: tuple[str, ...] = Field(
        default=(".mp4", ".mov", ".avi"), description="File name extensions that an upload may have, as a JSON list."
    )
    max_upload_bytes: int = Field(
        default=500 * MEBIBYTE, gt=0, description="Largest upload by a form, in one request, in bytes."
    )
    max_resumable_bytes: int = Field(
        default=50 * GIBIBYTE, gt=0, description="Largest upload over several requests (tus), in bytes."
    )
    resumable_expires_seconds: float = Field(
        default=24 * 3600,
        gt=0,
        le=7 * 24 * 3600,
        description="How long an unfinished upload (tus) may rest before it is forgotten, in seconds; a week at most, "
        "as no bucket signs an address for longer.",
    )
    upload_reserved_seconds: float = Field(
        default=3600,
        ge=0,
        description="How long an upload (tus) of which no byte comes has its room on the disk reserved, in seconds. "
        "One that goes on later does so if there is room.",
    )
    upload_lease_seconds: float = Field(
        default=10,
        gt=0,
        description="How long a request that has stopped sending keeps others from its upload (tus), in seconds. An "
        "upload by a form outlives an api that died by three times as long.",
    )
    max_open_uploads: int = Field(
        default=1000,
        gt=0,
        description="How many uploads by a form one api takes at a time; further ones are answered with 503.",
    )
    max_connections: int = Field(
        default=2000,
        gt=0,
        description="How many connections one api holds. A further one takes the place of the one that has rested for "
        "longest; where all are at work, it gets 503.",
    )
    spare_bytes: int = Field(
        default=GIBIBYTE,
        ge=0,
        description="What uploads (tus) and imports leave free on the disk for what is made of them, in bytes; one "
        "that does not fit beside what is on its way is not begun.",
    )
    upload_timeout_seconds: float = Field(
        default=3600, gt=0, description="How long one upload may take, in seconds, before it counts as interrupted."
    )
    sweep_age_seconds: float = Field(
        default=86_400,
        gt=0,
        description="Stored files that no video is to have are removed once they are so old, in seconds.",
    )
    sweep_interval_seconds: float = Field(
        default=6 * 3600, gt=0, description="How often these are looked for, in seconds."
    )
    import_enabled: bool = Field(
        default=True, description="Whether `POST /api/v1/videos/import` takes videos from a URL."
    )
    published: Literal["redirect", "stream"] = Field(
        default="redirect",
        description="How files in a bucket are served: by a redirect to a signed address of it, or through the api.",
    )
    published_seconds: int = Field(
        default=3600, gt=0, le=7 * 86400, description="How long such a signed address can be read, in seconds."
    )
    reconcile_interval_seconds: float = Field(
        default=15, gt=0, description="How often the api looks for videos whose workflow was never started, in seconds."
    )
    event_heartbeat_seconds: float = Field(
        default=10,
        gt=0,
        le=300,
        description="A stream of events has a comment when nothing happened for so long, in seconds, so that no proxy "
        "closes it.",
    )
    event_retention_seconds: float = Field(
        default=7 * 86_400,
        gt=0,
        description="How long events are kept for those who resume, in seconds.",
    )
    max_listeners: int = Field(
        default=1000,
        gt=0,
        description="How many streams of events one api serves at a time; further ones are answered with 503.",
    )
    max_listeners_of_one: int = Field(
        default=100,
        gt=0,
        description="How many of those streams may be one user's, so that nobody takes them all; further ones are "
        "answered with 429. Each open page has one.",
    )
    api_url: str | None = Field(
        default=None,
        description="Where the `rushes` command finds the api. Default: the running stack's, from run.json.",
    )
    api_key: SecretStr | None = Field(
        default=None, description="Key that the `rushes` command shows the api, where there are keys."
    )
    temporal_ui_url: str | None = Field(
        default=None, description="Temporal's Web UI, for links. Default: the running stack's."
    )

    # The database
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL, as `postgresql://user:password@host:port/name`. Default: the embedded stack's own.",
    )
    database_pool_size: int = Field(default=10, gt=0, description="Most connections that one process holds.")

    # The worker
    media_slots: int | None = Field(
        default=None,
        gt=0,
        description="How many ffmpeg activities one worker runs at once. Default: half the cores, and at least 2.",
    )
    workers_on_host: int = Field(
        default=1,
        gt=0,
        description="How many media workers share this host's memory: each one's encodes hold that part of 70 % of it. "
        "1 where every worker has a container with a limit of its own.",
    )
    worker_label: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.\-]{0,64}$",
        description="What this worker is called in Temporal, beside queue, host and process; letters, digits, `_.-`.",
    )
    deployment: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_\-]{1,64}$",
        description="Name of the worker deployment, for Temporal's worker versioning: a video is finished by the "
        "version that began it. Default: no versioning, any worker takes any video.",
    )
    build_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.\-]{1,64}$",
        description="Which version of the deployment this worker is. Default: the version of Rushes.",
    )
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port on which a worker tells Prometheus what it measures; 0 takes any free one. Default: none. "
        "The api has `/metrics`, for administrators.",
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        description="Address that this port is on. Whoever reaches it can read it, so let nobody but Prometheus do so.",
    )
    worker_grace_seconds: float = Field(
        default=10,
        ge=0,
        description="How long a stopping worker lets running steps finish, in seconds, before it hands "
        "them back to Temporal.",
    )
    connect_timeout_seconds: float = Field(
        default=30, gt=0, description="How long a worker waits at its start for Temporal and the database, in seconds."
    )

    # Imports: what workers fetch from URLs
    import_allowed_addresses: tuple[str, ...] = Field(
        default=(),
        description="Networks that may be asked although they are not public, as a JSON list such as "
        '`["10.20.0.0/16"]`. Api and workers need the same.',
    )
    max_import_bytes: int = Field(
        default=50 * 1024 * MEBIBYTE, gt=0, description="Largest file that is fetched, in bytes."
    )
    import_timeout_seconds: float = Field(
        default=12 * 3600, gt=0, le=24 * 3600, description="How long one file may take to be fetched, in seconds."
    )
    import_stall_seconds: float = Field(
        default=30,
        gt=0,
        description="How long a server may take to begin its answer, and then for each 64 KiB, in seconds.",
    )
    import_slots: int = Field(
        default=20,
        gt=0,
        le=90,
        description="How many files one worker fetches at once; others wait for up to 5 minutes.",
    )

    # Webhooks: where workers send events to
    webhook_allowed_addresses: tuple[str, ...] = Field(
        default=(),
        description="Networks that webhooks may be in although they are not public, as a JSON list such as "
        '`["10.20.0.0/16"]`. Api and workers need the same.',
    )
    webhook_timeout_seconds: float = Field(
        default=15, gt=0, le=30, description="How long a receiver may take for its answer to a webhook, in seconds."
    )

    # Media
    profiles: Path | None = Field(
        default=None,
        description="A TOML file with encoding profiles of your own; those of `media/profiles.toml` are there as well, "
        "and one of the same name takes the place of ours. Api and workers need the same.",
    )
    ffmpeg: Path | None = Field(
        default=None,
        description="The ffmpeg program. Default: the one of the installed wheel, then the one on the path.",
    )
    ffprobe: Path | None = Field(default=None, description="The ffprobe program. Default: as for RUSHES_FFMPEG.")
    sandbox: Literal["required", "auto", "off"] = Field(
        default="auto",
        description="What is around ffmpeg, which reads strangers' files: the strongest sandbox that works here; with "
        "`required` a worker without one does not start, with `off` there are limits alone. `rushes doctor` tells.",
    )
    max_duration_seconds: float = Field(
        default=6 * 3600, gt=0, description="Longest video that is processed, in seconds."
    )
    max_pixels: int = Field(
        default=8192 * 4320, gt=0, description="Largest picture that is processed, as width times height in pixels."
    )
    max_encoded_pixels: int = Field(
        default=4_000_000_000_000,
        gt=0,
        description="Dearest encode that is begun, as frames times pixels of each; five hours of 1080p at 60 frames a "
        "second are 2.2e12.",
    )

    stall_seconds: float = Field(
        default=60,
        gt=0,
        description="How long ffmpeg may stand still (no media time, no output, no processor time), in seconds, before "
        "it is taken for hanging and ended.",
    )

    # Logs
    log_format: Literal["json", "console"] = Field(default="json", description="How a log line is written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )

    # Traces
    traces_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Where traces are sent, by OTLP over HTTP, such as `http://127.0.0.1:4318`; OpenTelemetry's "
        "other variables (`OTEL_…`) hold as well. Default: nowhere.",
    )

    # Tests of this service
    failpoints: str | None = Field(
        default=None,
        description="Where api and worker kill themselves, as `name[:count][,name…]`, or `@` and a file that says so "
        "once; for tests of what that leaves behind. The names are in `tests/failpoints/scenarios.py`.",
    )

    # The embedded stack
    embedded_temporal: bool = Field(
        default=True,
        description="Whether `rushes up` runs a Temporal of its own. `false`: it uses the one that TEMPORAL_ADDRESS "
        "and its kin name.",
    )
    temporal_port: int = Field(
        default=7233, ge=0, le=65535, description="Port of the embedded Temporal server; 0 takes any free one."
    )
    temporal_ui: Literal["on", "off"] = Field(
        default="on",
        description="Whether the embedded Temporal has its Web UI. Whoever reaches it can end and begin runs.",
    )
    temporal_ui_port: int = Field(
        default=8233, ge=0, le=65535, description="Port of the embedded Temporal Web UI; 0 takes any free one."
    )

    @field_validator("home", "scratch", "uploads", "profiles", "ffmpeg", "ffprobe")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path is not None else None

    @field_validator("storage")
    @classmethod
    def _is_a_bucket(cls, storage: str | None) -> str | None:
        return str(parse_bucket_location(storage)) if storage is not None else None

    @field_validator("allowed_extensions")
    @classmethod
    def _dotted_lower_case(cls, extensions: tuple[str, ...]) -> tuple[str, ...]:
        if not extensions:
            raise ValueError('at least one extension must be allowed, for example [".mp4"]')
        return tuple(dict.fromkeys("." + extension.strip().lower().lstrip(".") for extension in extensions))

    @field_validator("import_allowed_addresses", "webhook_allowed_addresses")
    @classmethod
    def _are_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f'{network} is not a network; write ["10.20.0.0/16"], without host bits') from error
        return networks

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
    def worker_version(self) -> str:
        """Which version of its deployment a worker with these settings is."""
        return self.build_id or version("rushes")

    @property
    def media_slot_count(self) -> int:
        """How many ffmpeg activities one worker runs at once.

        Encoders use several threads each, so half the cores; two at least, so that a thumbnail does not wait for the
        transcode it runs beside.
        """
        return self.media_slots or max(2, (os.cpu_count() or 2) // 2)

    @property
    def encoder_threads(self) -> int:
        """How many threads an encode gets: twice its share of the cores, because none of them is busy all the time.

        x264's own default, half as many again as there are cores, assumes that it is alone.
        ``bench/slots_and_threads.py`` compares.
        """
        return max(1, ceil(2 * (os.cpu_count() or 2) / self.media_slot_count))

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


def load_settings() -> Settings:
    """Read every setting from the environment.

    Raises:
        SettingsError: One or more can't be used; the message has a line for each.
    """
    try:
        return Settings()
    except (ValidationError, PydanticSettingsError) as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError | PydanticSettingsError) -> str:
    if isinstance(error, PydanticSettingsError):
        return f"A setting is not valid JSON: {error}"
    return "\n".join(f"{_variable(problem['loc'])}: {problem['msg']}" for problem in error.errors(include_input=False))


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return name if name.isupper() else f"RUSHES_{name.upper()}"
