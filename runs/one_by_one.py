"""Rows that are tidied up one after the other: none holds up those behind it for long, whatever becomes of it.

What fails is told, counted and put off, so that the next pass begins with others. A storage that says nothing could
keep each row waiting for minutes: the second in a row that gets no answer ends the pass, as nobody starts lost runs
before it is over. Where a disk hangs, what was begun there goes on hanging from pass to pass, and no more is begun.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from contracts.errors import DatabaseUnavailable, StorageFailed
from database.editions import Edition
from database.tables import Video
from runs.hanging import Hanging

log = structlog.stdlib.get_logger("tidying")

_MOST_SILENCES: Final = 2
_PING_SECONDS: Final = 3.0

Row = TypeVar("Row", Video, Edition)


class OneByOne:
    """One pass over rows of several kinds.

    Args:
        ping: Raises ``DatabaseUnavailable`` unless PostgreSQL answers within so many seconds.
        hanging: What earlier passes began and could not end.
        seconds: How long one row may take, and after which no more of its kind is begun.

    Attributes:
        failed: Rows that could not be seen to, and are put off.
    """

    def __init__(self, ping: Callable[[float], Awaitable[None]], hanging: Hanging, *, seconds: float = 15) -> None:
        self._ping = ping
        self._hanging = hanging
        self._seconds = seconds
        self._silences = 0
        self.failed = 0

    async def see_to(
        self,
        rows: Iterable[Row],
        see_to: Callable[[Row], Coroutine[Any, Any, None]],
        put_off: Callable[[Row], Awaitable[None]],
        *,
        unless: str,
    ) -> None:
        """See to each of the rows, for as long as the storage answers.

        Args:
            rows: Of one kind.
            see_to: Does it; begun again later, it harms nothing.
            put_off: Has a row looked at again later, that could not be seen to.
            unless: What the log says of such a row.

        Raises:
            DatabaseUnavailable: PostgreSQL does not answer, and not just about one row.
        """
        clock = asyncio.get_running_loop().time
        ends_at = clock() + self._seconds
        for row in rows:
            if self._silences >= _MOST_SILENCES or clock() > ends_at or self._hanging.is_too_much:
                return
            if _video_id(row) in self._hanging:
                continue
            try:
                await self._hanging.within(self._seconds, _video_id(row), see_to(row))
            except (StorageFailed, DatabaseUnavailable, TimeoutError) as error:
                if not isinstance(error, StorageFailed):
                    await self._ping(_PING_SECONDS)  # a row that is held while its files go ends with it, too
                self._silences += 1
                log.warning(
                    unless, video_id=_video_id(row), reason=str(error) or "The storage does not answer in time."
                )
            except Exception:
                log.exception(unless, video_id=_video_id(row))
            else:
                self._silences = 0
                continue
            self.failed += 1
            if _video_id(row) in self._hanging:
                ends_at += self._seconds  # those behind it have their time all the same; few can hang
            with suppress(DatabaseUnavailable):  # where it is not just this row, the next query tells
                await put_off(row)


def _video_id(row: Video | Edition) -> str:
    return str(row.id if isinstance(row, Video) else row.video_id)
