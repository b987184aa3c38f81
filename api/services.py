"""What the routes work with, and how they come by it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Protocol, Self, TypedDict, cast
from uuid import UUID

from fastapi import Depends, Path, Request
from prometheus_client import CollectorRegistry

from accounts.callers import Callers
from accounts.links import Links
from accounts.request_rate import RequestRates
from accounts.signing import Signer
from api.authentication import CallerDep
from api.options import ApiOptions
from api.readiness import PING_SECONDS, Question, Readiness
from contracts.errors import DatabaseUnavailable
from contracts.event_types import EVENTS_CHANNEL, WEBHOOKS_CHANNEL
from database.accounts import Accounts
from database.backlog import Backlog
from database.cohorts import Cohorts
from database.deletions import Deletions
from database.editions import Editions
from database.engine import Database
from database.events import Events
from database.notifications import Listening
from database.overview import Overview
from database.reprocessing import Reprocessings
from database.tables import Video
from database.upload_leases import UploadLeases
from database.videos import Videos
from database.webhooks import Webhooks
from events.dispatch import WebhookDispatch
from events.hub import EventHub
from events.progress import ProgressLooks
from events.tidy import TidyReport
from ingest.direct import DirectUploads
from ingest.importing import Imports
from ingest.open_uploads import OpenUploads
from ingest.resumable import ResumableUploads
from ingest.uploads import Uploads
from runs.actions import VideoActions, owned_video
from runs.cohorts import CohortRuns
from runs.protocol import Runs
from runs.reconcile import ReconcileReport
from runs.sweep import SweepReport
from runs.webhooks import WebhookRuns
from storage.protocol import Storage

_CHANGES_AT_ONCE_SECONDS: Final = 20
"""Who changes many videos in one go is not held up, who goes on for hours is."""


class Pingable(Protocol):
    """A database that can be asked whether it is there."""

    async def ping(self, timeout_seconds: float) -> None:
        """Raise ``DatabaseUnavailable`` unless it answers in time."""


@dataclass(frozen=True)
class Services:
    """What the api was given to work with; it closes none of it.

    Attributes:
        database: To be asked whether it is there.
        videos: The rows.
        accounts: Users and their keys.
        upload_leases: Who writes which upload.
        backlog: Rows of processes that died.
        deletions: Rows of videos that are being deleted.
        reprocessings: Those of ready videos that are made anew.
        editions: Which of their published files are to be there.
        events: What happened.
        webhooks: Where it is sent.
        webhook_runs: Starts what sends it.
        overview: The same, counted.
        cohorts: Videos that failed for one reason.
        cohort_runs: What retries them.
        listening: Tells of new events.
        storage: The files.
        runs: The runs.
        reconcile: Brings rows and runs together once; called every now and then. None where another process does it.
        sweep: Removes stray files once; the same.
        tidy: Forgets old events once; the same.
        check_owner: Raises ``StorageFailed`` where the storage belongs to another database.
    """

    database: Pingable
    videos: Videos
    accounts: Accounts
    upload_leases: UploadLeases
    backlog: Backlog
    deletions: Deletions
    reprocessings: Reprocessings
    editions: Editions
    events: Events
    webhooks: Webhooks
    webhook_runs: WebhookRuns
    overview: Overview
    cohorts: Cohorts
    cohort_runs: CohortRuns
    listening: Listening
    storage: Storage
    runs: Runs
    reconcile: Callable[[], Awaitable[ReconcileReport | None]]
    sweep: Callable[[], Awaitable[SweepReport | None]]
    tidy: Callable[[], Awaitable[TidyReport | None]]
    check_owner: Callable[[], Awaitable[None]]

    @classmethod
    def over(
        cls,
        database: Database,
        *,
        storage: Storage,
        runs: Runs,
        webhook_runs: WebhookRuns,
        cohort_runs: CohortRuns,
        listening: Listening,
        reconcile: Callable[[], Awaitable[ReconcileReport | None]],
        sweep: Callable[[], Awaitable[SweepReport | None]],
        tidy: Callable[[], Awaitable[TidyReport | None]],
        check_owner: Callable[[], Awaitable[None]],
    ) -> Self:
        """All of them, with every kind of row from this database."""
        return cls(
            database=database,
            videos=database.videos,
            accounts=database.accounts,
            upload_leases=database.upload_leases,
            backlog=database.backlog,
            deletions=database.deletions,
            reprocessings=database.reprocessings,
            editions=database.editions,
            events=database.events,
            webhooks=database.webhooks,
            overview=database.overview,
            cohorts=database.cohorts,
            webhook_runs=webhook_runs,
            cohort_runs=cohort_runs,
            listening=listening,
            storage=storage,
            runs=runs,
            reconcile=reconcile,
            sweep=sweep,
            tidy=tidy,
            check_owner=check_owner,
        )


class ApiState(TypedDict):
    """What the lifespan gives to every request."""

    services: Services
    options: ApiOptions
    uploads: Uploads
    imports: Imports
    resumable: ResumableUploads
    direct: DirectUploads
    actions: VideoActions
    hub: EventHub
    dispatch: WebhookDispatch
    end_streams: Callable[[], None]
    callers: Callers
    changes: RequestRates
    links: Links
    readiness: Readiness
    registry: CollectorRegistry


def api_state(services: Services, options: ApiOptions, registry: CollectorRegistry) -> ApiState:
    """Build what the requests share."""
    rows = (services.videos, services.upload_leases, services.storage, services.runs)
    actions = VideoActions(services.videos, services.deletions, services.reprocessings, services.storage, services.runs)
    on_their_way = OpenUploads(
        services.upload_leases,
        most=options.limits.most_open,
        most_of_one=options.limits.most_open_of_one,
        lease_seconds=options.limits.lease_seconds,
    )
    resumable = ResumableUploads(
        *rows, actions=actions, on_their_way=on_their_way, rules=options.limits, limits=options.resumable
    )
    signer = Signer(services.accounts)
    dispatch = WebhookDispatch(services.webhooks, services.webhook_runs)
    hub = EventHub(
        services.events,
        lambda wake: services.listening({EVENTS_CHANNEL: wake, WEBHOOKS_CHANNEL: dispatch.wake}),
        ProgressLooks(services.events, services.runs),
        services.accounts.holding,
        progress_seconds=options.events.progress_seconds,
        most_listeners=options.events.most_listeners,
        most_of_one=options.events.most_of_one,
    )
    return ApiState(
        services=services,
        options=options,
        registry=registry,
        uploads=Uploads(
            services.videos,
            services.backlog,
            services.storage,
            services.runs,
            limits=options.limits,
            room=resumable.room,
            on_their_way=on_their_way,
        ),
        resumable=resumable,
        direct=DirectUploads(*rows, resumable=resumable, limits=options.resumable),
        imports=Imports(services.videos, services.runs, options.limits, options.imports),
        actions=actions,
        hub=hub,
        dispatch=dispatch,
        end_streams=hub.close,
        callers=Callers(services.accounts, signer),
        changes=RequestRates(at_once_seconds=_CHANGES_AT_ONCE_SECONDS, what="changes"),
        links=Links(signer),
        readiness=Readiness(
            Question(lambda: services.database.ping(PING_SECONDS)),
            Question(partial(_check_storage, services), waited_for=services.storage.waited_for),
            Question(services.runs.check),
        ),
    )


async def _check_storage(services: Services) -> None:
    await services.storage.check()
    with suppress(DatabaseUnavailable):  # which is told beside it
        await services.check_owner()


async def _services(request: Request) -> Services:
    return cast("Services", request.state.services)


async def _options(request: Request) -> ApiOptions:
    return cast("ApiOptions", request.state.options)


async def _uploads(request: Request) -> Uploads:
    return cast("Uploads", request.state.uploads)


async def _imports(request: Request) -> Imports:
    return cast("Imports", request.state.imports)


async def _resumable(request: Request) -> ResumableUploads:
    return cast("ResumableUploads", request.state.resumable)


async def _direct(request: Request) -> DirectUploads:
    return cast("DirectUploads", request.state.direct)


async def _actions(request: Request) -> VideoActions:
    return cast("VideoActions", request.state.actions)


async def _hub(request: Request) -> EventHub:
    return cast("EventHub", request.state.hub)


async def _dispatch(request: Request) -> WebhookDispatch:
    return cast("WebhookDispatch", request.state.dispatch)


async def _readiness(request: Request) -> Readiness:
    return cast("Readiness", request.state.readiness)


async def _changes(request: Request) -> RequestRates:
    return cast("RequestRates", request.state.changes)


async def _links(request: Request) -> Links:
    return cast("Links", request.state.links)


ServicesDep = Annotated[Services, Depends(_services)]
OptionsDep = Annotated[ApiOptions, Depends(_options)]
UploadsDep = Annotated[Uploads, Depends(_uploads)]
ImportsDep = Annotated[Imports, Depends(_imports)]
ResumableDep = Annotated[ResumableUploads, Depends(_resumable)]
DirectDep = Annotated[DirectUploads, Depends(_direct)]
ActionsDep = Annotated[VideoActions, Depends(_actions)]
HubDep = Annotated[EventHub, Depends(_hub)]
DispatchDep = Annotated[WebhookDispatch, Depends(_dispatch)]
ReadinessDep = Annotated[Readiness, Depends(_readiness)]
ChangesDep = Annotated[RequestRates, Depends(_changes)]
LinksDep = Annotated[Links, Depends(_links)]
VideoId = Annotated[
    UUID,
    Path(description="Id of the video, as the upload answered it.", examples=["0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11"]),
]


async def _video(video_id: VideoId, services: ServicesDep, caller: CallerDep) -> Video:
    return await owned_video(services.videos, video_id, caller.sees)


VideoDep = Annotated[Video, Depends(_video)]
"""The caller's video that the path names; 404 when there is none."""
