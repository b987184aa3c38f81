"""What happened lately, counted."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Float, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.event_types import EventType
from database.tables import Event

_MADE = (EventType.READY, EventType.REPROCESSED)
_ENDS = (*_MADE, EventType.ERROR, EventType.CANCELLED, EventType.REPROCESS_FAILED)


@dataclass(frozen=True)
class Lately:
    """What became of videos in the last while.

    Attributes:
        ready: How many became ready, or were made anew.
        ready_seconds: Their length together.
        failures: How many did not, by code; the most frequent first.
    """

    ready: int = 0
    ready_seconds: float = 0.0
    failures: Mapping[str, int] = field(default_factory=dict)


class Overview:
    """The queries. All raise ``DatabaseUnavailable`` when PostgreSQL does not answer."""

    def __init__(self, transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        """Take the way to open a transaction, ``Database.transaction``."""
        self._transaction = transaction

    async def lately(self, within: timedelta, user_id: str | None = None) -> Lately:
        """What became of videos within so long; of one user, or of all. A video that was retried counts each time."""
        code = func.coalesce(Event.video["error_code"].astext, Event.video["reprocess_error_code"].astext)
        seconds = func.sum(cast(Event.video["duration_seconds"].astext, Float))
        query = (
            select(col(Event.type), code, func.count(), func.coalesce(seconds, 0.0))
            .where(col(Event.created_at) >= func.now() - within, col(Event.type).in_(_ENDS))
            .group_by(col(Event.type), code)
        )
        if user_id is not None:
            query = query.where(col(Event.user_id) == user_id)
        async with self._transaction() as session:
            rows = (await session.execute(query)).all()
        ready = [row for row in rows if row[0] in _MADE]
        failures = Counter[str]()
        for kind, of, count, _ in rows:
            if kind not in _MADE:
                failures[of or "internal"] += count  # a new video and one that is made anew fail by the same codes
        return Lately(
            ready=sum(row[2] for row in ready),
            ready_seconds=float(sum(row[3] for row in ready)),
            failures=dict(sorted(failures.items(), key=lambda counted: (-counted[1], counted[0]))),
        )
