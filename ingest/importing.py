"""Taking an import: a video whose original is fetched from a URL, by its run.

The row is there before the first byte, in ``processing``, and its run is started at once; what comes of the URL is said
in the row. Only what the URL itself shows is refused here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import structlog

from contracts.metadata import checked_metadata
from contracts.refusals import RefusalCode, Refused
from contracts.storage_keys import original_key
from database.records import IdempotencyKeyTaken, NewVideo
from database.videos import Videos
from fetching.addresses import AddressRules
from fetching.source_url import SourceUrl, SourceUrlInvalid
from ingest.accepted import AcceptedUpload, replay
from ingest.labels import checked_title, extension_of, safe_filename, title_from
from ingest.rules import UploadLimits
from ingest.shielding import uninterrupted
from runs.protocol import Runs
from runs.reconcile import processing_input
from runs.records import TemporalUnavailable

_logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class ImportLimits:
    """What may be imported.

    Attributes:
        enabled: Whether anything may.
        addresses: Which addresses may be asked.
    """

    enabled: bool
    addresses: AddressRules


@dataclass(frozen=True)
class WantedImport:
    """What a caller asks for.

    Attributes:
        url: Of the file.
        title: What the video is called; empty for the file's name.
        profile: Name of the encoding profile; empty for the default.
        user_metadata: What its caller keeps with it.
    """

    url: str
    title: str = ""
    profile: str = ""
    user_metadata: Mapping[str, str] = field(default_factory=dict)


class Imports:
    """Takes imports.

    Args:
        videos: The rows.
        runs: Starts the workflows.
        uploads: What every upload may be.
        limits: What an import may be.
    """

    def __init__(self, videos: Videos, runs: Runs, uploads: UploadLimits, limits: ImportLimits) -> None:
        self._videos = videos
        self._runs = runs
        self._uploads = uploads
        self._limits = limits

    async def accept(self, user_id: str, idempotency_key: str | None, wanted: WantedImport) -> AcceptedUpload:
        """Make the row and start its run.

        Args:
            user_id: Who asks.
            idempotency_key: Names this import, so that it can be asked for again without making a second video.
            wanted: What is asked for.

        Raises:
            Refused: It is not taken, and leaves no row.
            AddressRefused: The same: the URL names an address that may not be asked.
            DatabaseUnavailable: The same.
        """
        if not self._limits.enabled:
            raise Refused(RefusalCode.IMPORT_DISABLED, "This service imports nothing (RUSHES_IMPORT_ENABLED).")
        if idempotency_key is not None:
            known = await self._videos.find_by_idempotency_key(user_id, idempotency_key)
            if known is not None:
                return replay(known, imported=True)
        new = self._described(user_id, wanted)
        try:
            video = await uninterrupted(self._videos.create_import(new, idempotency_key))
        except IdempotencyKeyTaken as taken:
            return replay(taken.video, imported=True)
        structlog.contextvars.bind_contextvars(video_id=str(video.id))
        try:
            await self._runs.start(processing_input(video), video.original_filename)
        except TemporalUnavailable as error:
            _logger.warning("workflow not started, the reconciler will", reason=str(error))
        _logger.info("import accepted")
        return AcceptedUpload(video, replayed=False)

    def _described(self, user_id: str, wanted: WantedImport) -> NewVideo:
        source = self._checked(wanted.url)
        filename = safe_filename(source.filename) or source.host[:255]
        extension = extension_of(filename)
        if extension not in self._uploads.allowed_extensions:
            extension = self._uploads.allowed_extensions[0]  # a key's, for people: what it is, the content says
        video_id = uuid4()
        return NewVideo(
            id=video_id,
            user_id=user_id,
            title=checked_title(wanted.title) or title_from(filename),
            original_filename=filename,
            original_key=original_key(str(video_id), extension),
            upload_expires_seconds=None,
            profile=self._uploads.checked_profile(wanted.profile) or self._uploads.default_profile,
            source_url=str(source.url),
            user_metadata=checked_metadata(wanted.user_metadata),
        )

    def _checked(self, url: str) -> SourceUrl:
        try:
            source = SourceUrl.parse(url)
        except SourceUrlInvalid as error:
            raise Refused(RefusalCode.INVALID_URL, str(error)) from error
        source.check(self._limits.addresses)
        return source
