"""How the api serves, and how it is found."""

import ipaddress
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from configuration.group import GIBIBYTE, MEBIBYTE, SettingsGroup


class ApiSettings(SettingsGroup):
    """The api: whom it serves, what an upload may be, what it does every now and then."""

    # The api
    host: str = Field(default="127.0.0.1", description="Address that the api listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port of the api; 0 takes any free one.")
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Names that the api is asked by besides the loopback ones, as a JSON list; empty for any name. "
        "Without a key only loopback names are served, whatever this says.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=("127.0.0.1", "::1"),
        description="Addresses or networks of the proxies in front of the api, as a JSON list such as "
        '`["172.16.0.0/12"]`: what they say in `X-Forwarded-Proto` and `X-Forwarded-For` is believed, so that cookies '
        "go over TLS alone, and log lines name the client.",
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
        default=50 * GIBIBYTE,
        gt=0,
        description="Largest upload over several requests (tus), or straight into the bucket, in bytes.",
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
        description="How many requests with bytes of uploads one api takes at a time, by forms and by tus; further "
        "ones are answered with 503.",
    )
    max_open_uploads_of_one: int = Field(
        default=750,
        gt=0,
        description="How many of them may be one user's, so that the others can upload too.",
    )
    max_connections: int = Field(
        default=2000,
        gt=0,
        description="How many connections one api holds. A further one takes the place of a stranger's that was "
        "answered and still sends, of the one that has rested for longest, or of one that lets an answer wait; where "
        "all are at work, it gets 503.",
    )
    spare_bytes: int = Field(
        default=GIBIBYTE,
        ge=0,
        description="What uploads and imports leave free on the disk for what is made of them, in bytes; one "
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
    former_files_seconds: float = Field(
        default=21_600,
        ge=0,
        le=7 * 86400,
        description="How long the files that a video had before it was made anew stay for whoever is watching them, in "
        "seconds, of the last three makings at most; with files in a bucket at least RUSHES_PUBLISHED_SECONDS.",
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
    max_changes_a_second: int = Field(
        default=5,
        gt=0,
        description="How many changes of titles, metadata and visibility one user may ask of an api in a second, "
        "twenty times as many at once; further ones are answered with 429. Each is an event of up to 9 KB that is kept "
        "for RUSHES_EVENT_RETENTION_SECONDS and sent to the user's webhooks.",
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

    @field_validator("api_key")
    @classmethod
    def _sent_in_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        told = key.get_secret_value().strip() if key is not None else ""
        if not (told.isascii() and told.isprintable()):
            raise ValueError("has characters that no key has; write it as `rushes keys create` showed it, `rushes_…`")
        return SecretStr(told) if told else None

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no address; write http://127.0.0.1:8000")
        return url or None

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses_or_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ipaddress.ip_network(proxy, strict=False)  # its ValueError says what is wrong
        return proxies

    @field_validator("allowed_extensions")
    @classmethod
    def _dotted_lower_case(cls, extensions: tuple[str, ...]) -> tuple[str, ...]:
        if not extensions:
            raise ValueError('at least one extension must be allowed, for example [".mp4"]')
        return tuple(dict.fromkeys("." + extension.strip().lower().lstrip(".") for extension in extensions))
