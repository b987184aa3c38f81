"""How workers work, and which other servers they ask."""

import os
from importlib.metadata import version
from math import ceil

from pydantic import Field

from configuration.group import MEBIBYTE, AbsolutePath, Networks, SettingsGroup


class WorkSettings(SettingsGroup):
    """The worker, its imports and its webhooks."""

    # The worker
    media_slots: int | None = Field(
        default=None,
        gt=0,
        description="How many ffmpeg activities one worker runs at once; on a bucket one more, which joins or verifies "
        "what it has at hand. Default: half the cores, and at least 2.",
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
    alive_file: AbsolutePath | None = Field(
        default=None,
        description="A file that a worker touches every 5 seconds, for `python -m workers.alive`, which fails after 60 "
        "without: to restart one that hangs. Each worker needs its own. Default: none.",
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
    import_allowed_addresses: Networks = Field(
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
        description="How many files one worker fetches at once, half of them at most for one user; others wait for up "
        "to 5 minutes.",
    )

    # Webhooks: where workers send events to
    webhook_allowed_addresses: Networks = Field(
        default=(),
        description="Networks that webhooks may be in although they are not public, as a JSON list such as "
        '`["10.20.0.0/16"]`. Api and workers need the same.',
    )
    webhook_timeout_seconds: float = Field(
        default=15, gt=0, le=30, description="How long a receiver may take for its answer to a webhook, in seconds."
    )

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
