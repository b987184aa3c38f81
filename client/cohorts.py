"""Videos that are retried, or made anew, together, as ``rushes.cohorts``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from client.connection import Connection
from client.views import CohortAccepted, CohortList, CohortSummary, CohortView

_PATH: Final = "/api/v1/cohorts"


class ReadyWhere(TypedDict, total=False):
    """Which ready videos: those that fit all that is named.

    Of a profile, not made anew for the reason of an error's code, with texts under keys of their metadata, and uploaded
    from a moment on, or before one; moments have their time zone.
    """

    of_profile: str
    error_code: str
    metadata: Mapping[str, str]
    created_after: datetime
    created_before: datetime


class AsyncCohorts:
    """Begins and steers cohorts. Every method raises ``RushesError`` where it is refused."""

    def __init__(self, connection: Connection) -> None:
        """Ask the api over this connection."""
        self._connection = connection

    async def retry(
        self, error_code: str, failed_after: datetime, *, a_minute: float = 60.0, dry_run: bool = False
    ) -> CohortAccepted:
        """Ask that all videos are processed once more that failed for one reason since then.

        Args:
            error_code: The reason.
            failed_after: Since when; with its time zone.
            a_minute: How many are begun in a minute.
            dry_run: Only count them.
        """
        asked = {
            "error_code": error_code,
            "failed_after": failed_after.isoformat(),
            "a_minute": a_minute,
            "dry_run": dry_run,
        }
        return await self._connection.ask(CohortAccepted, "POST", _PATH, json=asked)

    async def reprocess(
        self,
        profile: str | None = None,
        *,
        a_minute: float = 60.0,
        dry_run: bool = False,
        **where: Unpack[ReadyWhere],
    ) -> CohortAccepted:
        """Ask that all ready videos are made anew that fit; each stays as it is until its new files are ready.

        Args:
            profile: With which profile; None for each one's own.
            a_minute: How many are begun in a minute.
            dry_run: Only count them.
            where: Which.
        """
        after, before = where.get("created_after"), where.get("created_before")
        moments = {
            "created_after": after.isoformat() if after is not None else None,
            "created_before": before.isoformat() if before is not None else None,
        }
        texts = {"profile": where.get("of_profile"), "error_code": where.get("error_code")}
        fitting = {**texts, **moments, "metadata": dict(where.get("metadata", {}))}
        asked = {"profile": profile, "where": fitting, "a_minute": a_minute, "dry_run": dry_run}
        return await self._connection.ask(CohortAccepted, "POST", f"{_PATH}/reprocess", json=asked)

    async def newest(self, limit: int = 20) -> list[CohortSummary]:
        """Those that are on their way, and those that were."""
        params: dict[str, Any] = {"limit": limit}
        return (await self._connection.ask(CohortList, "GET", _PATH, params=params)).items

    async def get(self, cohort_id: str) -> CohortView:
        """How far these are."""
        return await self._connection.ask(CohortView, "GET", f"{_PATH}/{cohort_id}")

    async def pause(self, cohort_id: str) -> None:
        """Begin no more of them; those that were begun go on."""
        await self._connection.send("POST", f"{_PATH}/{cohort_id}/pause")

    async def resume(self, cohort_id: str) -> None:
        """Go on with them."""
        await self._connection.send("POST", f"{_PATH}/{cohort_id}/resume")

    async def cancel(self, cohort_id: str) -> None:
        """Begin none of them any more; those that were begun go on."""
        await self._connection.send("DELETE", f"{_PATH}/{cohort_id}")
