"""The same as ``client.asynchronous``, for programs without asyncio.

    with Rushes("http://127.0.0.1:8000") as rushes:
        video_id = rushes.upload("holiday.mov")
        video = rushes.wait(video_id)

The asynchronous client runs on an event loop in a thread of its own, and each method here waits for it. So there is one
way to resume, to wait and to listen, and not a second one to be kept like it; and it works where a loop runs already,
as in a notebook. Callbacks are called in that thread.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Self, Unpack
from uuid import UUID

from client.asynchronous import AsyncRushes, VideoChange, VideoId, nothing
from client.begun_uploads import BegunUploads
from client.cohorts import AsyncCohorts, ReadyWhere
from client.errors import RushesError
from client.listening import Event
from client.loop import Loop
from client.piece_size import MOST_PIECE_BYTES
from client.system_views import RunningView, SystemView
from client.views import Accepted, CohortAccepted, CohortSummary, CohortView, LinkView, StepList, VideoView
from client.webhook_views import DeliveryView, WebhookView, WebhookWithSecret
from client.webhooks import AsyncWebhooks, WebhookChange
from contracts.status import VideoStatus


class Webhooks:
    """``AsyncWebhooks``, waited for."""

    def __init__(self, asynchronous: AsyncWebhooks, loop: Loop) -> None:
        self._asynchronous = asynchronous
        self._loop = loop

    def create(self, url: str, event_types: Collection[str] = (), description: str = "") -> WebhookWithSecret:
        """Have events sent to a URL, all of them where none is named. The answer has the secret, this once."""
        return self._loop.run(self._asynchronous.create(url, event_types, description))

    def all(self) -> list[WebhookView]:
        """Where events are sent, the oldest first."""
        return self._loop.run(self._asynchronous.all())

    def get(self, webhook_id: str | UUID) -> WebhookView:
        """One webhook, without its secret."""
        return self._loop.run(self._asynchronous.get(webhook_id))

    def update(self, webhook_id: str | UUID, **change: Unpack[WebhookChange]) -> WebhookView:
        """Change what is named, and nothing else."""
        return self._loop.run(self._asynchronous.update(webhook_id, **change))

    def delete(self, webhook_id: str | UUID) -> None:
        """Send nothing there any more, and forget what was sent."""
        self._loop.run(self._asynchronous.delete(webhook_id))

    def rotate_secret(self, webhook_id: str | UUID, *, overlap_seconds: int = 86_400) -> WebhookWithSecret:
        """Sign with a new secret; for the time that they overlap, with both."""
        return self._loop.run(self._asynchronous.rotate_secret(webhook_id, overlap_seconds=overlap_seconds))

    def deliveries(self, webhook_id: str | UUID, *, limit: int | None = None) -> Iterator[DeliveryView]:
        """What was sent, newest first; all of it where ``limit`` is None."""
        return self._loop.iterate(self._asynchronous.deliveries(webhook_id, limit=limit))

    def resend(self, webhook_id: str | UUID, delivery_id: int) -> None:
        """Send a delivery again, under the same ``webhook-id``."""
        self._loop.run(self._asynchronous.resend(webhook_id, delivery_id))


class Cohorts:
    """``AsyncCohorts``, waited for."""

    def __init__(self, asynchronous: AsyncCohorts, loop: Loop) -> None:
        self._asynchronous = asynchronous
        self._loop = loop

    def retry(
        self, error_code: str, failed_after: datetime, *, a_minute: float = 60.0, dry_run: bool = False
    ) -> CohortAccepted:
        """Ask that all videos are processed once more that failed for one reason since then."""
        return self._loop.run(self._asynchronous.retry(error_code, failed_after, a_minute=a_minute, dry_run=dry_run))

    def reprocess(
        self,
        profile: str | None = None,
        *,
        a_minute: float = 60.0,
        dry_run: bool = False,
        **where: Unpack[ReadyWhere],
    ) -> CohortAccepted:
        """Ask that all ready videos are made anew that fit; each stays as it is until its new files are ready."""
        return self._loop.run(self._asynchronous.reprocess(profile, a_minute=a_minute, dry_run=dry_run, **where))

    def newest(self, limit: int = 20) -> list[CohortSummary]:
        """Those that are on their way, and those that were."""
        return self._loop.run(self._asynchronous.newest(limit))

    def get(self, cohort_id: str) -> CohortView:
        """How far these are."""
        return self._loop.run(self._asynchronous.get(cohort_id))

    def pause(self, cohort_id: str) -> None:
        """Begin no more of them; those that were begun go on."""
        self._loop.run(self._asynchronous.pause(cohort_id))

    def resume(self, cohort_id: str) -> None:
        """Go on with them."""
        self._loop.run(self._asynchronous.resume(cohort_id))

    def cancel(self, cohort_id: str) -> None:
        """Begin none of them any more; those that were begun go on."""
        self._loop.run(self._asynchronous.cancel(cohort_id))


class Rushes:
    """``AsyncRushes``, waited for; its docstrings hold here. Use it in a ``with`` block, or ``close`` it.

    Attributes:
        webhooks: Where events are sent.
        cohorts: Videos that are retried, or made anew, together.
    """

    def __init__(self, url: str, *, key: str | None = None) -> None:
        """Ask the api at ``url``, such as ``http://127.0.0.1:8000``, with a key where there are keys."""
        self._asynchronous = AsyncRushes(url, key=key)
        self._loop = Loop()
        self.webhooks = Webhooks(self._asynchronous.webhooks, self._loop)
        self.cohorts = Cohorts(self._asynchronous.cohorts, self._loop)

    def __enter__(self) -> Self:
        """Nothing is asked yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        try:
            self._loop.run(self._asynchronous.close())
        finally:
            self._loop.close()

    def absolute(self, path: str) -> str:
        """The whole URL of a path that the api gave."""
        return self._asynchronous.absolute(path)

    def upload(
        self,
        file: str | Path,
        *,
        title: str | None = None,
        profile: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        begun: BegunUploads | None = None,
        most_piece_bytes: int = MOST_PIECE_BYTES,
        on_sent: Callable[[int, int], None] = nothing,
        on_broken: Callable[[RushesError], None] = nothing,
    ) -> str:
        """Send a file, over every break of up to two minutes; returns the video's id."""
        return self._loop.run(
            self._asynchronous.upload(
                file,
                title=title,
                profile=profile,
                metadata=metadata,
                idempotency_key=idempotency_key,
                begun=begun,
                most_piece_bytes=most_piece_bytes,
                on_sent=on_sent,
                on_broken=on_broken,
            )
        )

    def import_from(
        self,
        url: str,
        *,
        title: str | None = None,
        profile: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Have a file fetched."""
        return self._loop.run(
            self._asynchronous.import_from(
                url, title=title, profile=profile, metadata=metadata, idempotency_key=idempotency_key
            )
        )

    def video(self, video_id: VideoId) -> VideoView:
        """One video, and how far it is."""
        return self._loop.run(self._asynchronous.video(video_id))

    def videos(
        self,
        *,
        limit: int | None = None,
        status: VideoStatus | None = None,
        error_code: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        id_prefix: str | None = None,
        user: str | None = None,
    ) -> Iterator[VideoView]:
        """Videos that fit everything that is asked for, newest first; all where ``limit`` is None."""
        return self._loop.iterate(
            self._asynchronous.videos(
                limit=limit,
                status=status,
                error_code=error_code,
                title=title,
                metadata=metadata,
                created_after=created_after,
                created_before=created_before,
                id_prefix=id_prefix,
                user=user,
            )
        )

    def update(self, video_id: VideoId, **change: Unpack[VideoChange]) -> VideoView:
        """Change what is named, and nothing else."""
        return self._loop.run(self._asynchronous.update(video_id, **change))

    def wait(
        self,
        video_id: VideoId,
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[VideoView], None] = nothing,
    ) -> VideoView:
        """The video once it is ready or in error: look at its ``status``."""
        waiting = self._asynchronous.wait(video_id, timeout_seconds=timeout_seconds, on_change=on_change)
        return self._loop.run(waiting)

    def events(
        self,
        video_id: VideoId | None = None,
        *,
        after: int | None = None,
        on_begun: Callable[[], None] = nothing,
        on_broken: Callable[[RushesError], None] = nothing,
    ) -> Iterator[Event]:
        """What happens to one video, or to all, until the caller stops; over every break."""
        stream = self._asynchronous.events(video_id, after=after, on_begun=on_begun, on_broken=on_broken)
        return self._loop.iterate(stream)

    def steps(self, video_id: VideoId) -> StepList:
        """The steps of a video's newest run."""
        return self._loop.run(self._asynchronous.steps(video_id))

    def cancel(self, video_id: VideoId) -> Accepted:
        """Ask that its processing ends."""
        return self._loop.run(self._asynchronous.cancel(video_id))

    def retry(self, video_id: VideoId) -> Accepted:
        """Ask that it is processed once more."""
        return self._loop.run(self._asynchronous.retry(video_id))

    def reprocess(self, video_id: VideoId, profile: str | None = None) -> Accepted:
        """Ask that it is made anew, with a profile or its own; what is published stays until that is done."""
        return self._loop.run(self._asynchronous.reprocess(video_id, profile))

    def delete(self, video_id: VideoId) -> None:
        """Remove it and its files."""
        self._loop.run(self._asynchronous.delete(video_id))

    def link(self, video_id: VideoId, *, expires_in_seconds: int = 3600) -> LinkView:
        """Paths by which anybody may play a private video, for at most a week."""
        return self._loop.run(self._asynchronous.link(video_id, expires_in_seconds=expires_in_seconds))

    def download_original(
        self, video_id: VideoId, to: str | Path, *, on_received: Callable[[int], None] = nothing
    ) -> Path:
        """Write the file as it was uploaded to ``to``, which is there once it is whole."""
        return self._loop.run(self._asynchronous.download_original(video_id, to, on_received=on_received))

    def system(self) -> SystemView:
        """How the whole service stands."""
        return self._loop.run(self._asynchronous.system())

    def running(self, limit: int = 20) -> list[RunningView]:
        """The videos that are being processed, those first that were uploaded first."""
        return self._loop.run(self._asynchronous.running(limit))

    def readiness(self) -> Mapping[str, str]:
        """What ``/readyz`` says of each dependency, whether it is ready or not."""
        return self._loop.run(self._asynchronous.readiness())
