"""PostgreSQL says when there is news: one connection of a process listens.

A pooler that lends a connection for one transaction can't carry it, as it can't carry ``database.leadership``.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, Final

import psycopg
import structlog
from psycopg import sql

from database.connecting import connection_arguments, parse_url

_AGAIN_SECONDS: Final = 1.0
_UNASKED_SECONDS: Final = 15.0
"""A connection that broke in silence, or that a pooler has lent to others, is noticed by asking."""

Listening = Callable[[Mapping[str, Callable[[], None]]], Coroutine[Any, Any, None]]
"""Calls what belongs to a channel whenever there may be news on it, until cancelled: ``listen``, given an address."""

_logger = structlog.stdlib.get_logger(__name__)


async def listen(url: str, wake: Mapping[str, Callable[[], None]]) -> None:
    """Call what belongs to a channel whenever there may be news on it, until cancelled.

    That is at each connection, when told, and after a while without being told.

    Args:
        url: Address of the database.
        wake: What to call, by channel; each returns at once.
    """
    conninfo = parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    was_away = False
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True, **connection_arguments()
            ) as connection:
                for channel in wake:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                was_away = False
                news = set(wake)
                while True:
                    for channel in news:
                        wake[channel]()
                    news = await _news(connection)
                    if not news:
                        await connection.execute("SELECT 1")
                        news = set(wake)
        except (psycopg.Error, OSError) as error:
            if not was_away:
                _logger.warning("events not listened to", reason=str(error))
            was_away = True
        await asyncio.sleep(_AGAIN_SECONDS)


async def _news(connection: psycopg.AsyncConnection) -> set[str]:
    """The channel of the next notification; empty when there was none for a while."""
    async with aclosing(connection.notifies(timeout=_UNASKED_SECONDS, stop_after=1)) as told:
        return {notification.channel async for notification in told}
