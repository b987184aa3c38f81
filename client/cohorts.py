"""Videos that are retried together, as ``rushes.cohorts``."""

from datetime import datetime
from typing import Final

from client.connection import Connection
from client.views import CohortAccepted, CohortView

_PATH: Final = "/api/v1/cohorts"


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
