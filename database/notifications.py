"""PostgreSQL says when there are new events: one connection of a process listens.

A pooler that lends a connection for one transaction can't carry it, as it can't carry ``database.leadership``.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

import psycopg
import structlog
from psycopg import sql

from contracts.event_types import EVENTS_CHANNEL
from database.engine import connection_arguments, parse_url

_AGAIN_SECONDS: Final = 1.0
_UNASKED_SECONDS: Final = 15.0
"""A connection that broke in silence, or that a pooler has lent to others, is noticed by asking."""

_logger = structlog.stdlib.get_logger(__name__)


async def listen(url: str, wake: Callable[[], None]) -> None:
    """Call ``wake`` whenever there may be new events, until cancelled: at each connection, and then when told.

    Args:
        url: Address of the database.
        wake: Returns at once.
    """
    conninfo = parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    was_away = False
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True, **connection_arguments()
            ) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(EVENTS_CHANNEL)))
                was_away = False
                wake()
                while True:
                    was_told = False
                    async with aclosing(connection.notifies(timeout=_UNASKED_SECONDS, stop_after=1)) as told:
                        async for _ in told:
                            was_told = True
                    if not was_told:
                        await connection.execute("SELECT 1")
                    wake()
        except (psycopg.Error, OSError) as error:
            if not was_away:
                _logger.warning("events not listened to", reason=str(error))
            was_away = True
        await asyncio.sleep(_AGAIN_SECONDS)
