"""Settings of the api, as the values that its routes work with."""

from dataclasses import dataclass, field

from api.remote_file import RemoteServing
from fetching.addresses import AddressRules
from ingest.importing import ImportLimits
from ingest.rules import ResumableLimits, UploadLimits


@dataclass(frozen=True)
class EventOptions:
    """How events are told.

    Attributes:
        heartbeat_seconds: A stream without an event for so long has a comment.
        progress_seconds: Pause between two looks at running videos.
        most_listeners: How many may listen at a time.
        most_of_one: How many of them may be one user's.
        addresses: Which addresses webhooks may have.
        most_changes_a_second: How many changes of videos one user may ask for, each of which is an event.
    """

    heartbeat_seconds: float = 10.0
    progress_seconds: float = 1.0
    most_listeners: int = 1000
    most_of_one: int = 100
    addresses: AddressRules = field(default_factory=AddressRules)
    most_changes_a_second: int = 5


@dataclass(frozen=True)
class ApiOptions:
    """Settings of the api, as values.

    Attributes:
        version: Of Rushes.
        limits: What an upload may be.
        imports: What an import may be.
        resumable: What one over several requests may be.
        reconcile_interval_seconds: Pause between two calls of ``Services.reconcile``.
        sweep_interval_seconds: The same of ``Services.sweep``.
        temporal_address: For people, in ``/api/v1/system``.
        temporal_namespace: For people and links.
        temporal_ui_url: Where Temporal's Web UI is, or None when nobody said.
        allowed_hosts: Names of the service besides the loopback ones; empty for any.
        cors_origins: Of other websites whose pages may ask for anything.
        remote_serving: How files in a bucket are served.
        events: How events are told.
    """

    version: str
    limits: UploadLimits
    imports: ImportLimits
    resumable: ResumableLimits
    reconcile_interval_seconds: float
    sweep_interval_seconds: float
    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    remote_serving: RemoteServing = field(default_factory=RemoteServing)
    events: EventOptions = field(default_factory=EventOptions)
