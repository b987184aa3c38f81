"""Somebody who listens to events, and what waits for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from events.messages import Message, Topic

_MOST_WAITING: Final = 256
"""Messages that wait for one listener."""


class Listener:
    """Somebody who listens.

    Attributes:
        topic: What to.
        by: Name of the user.
        key_id: Of the key that it came with, itself or by a session; None where there was no key yet.
        position: Id of the event after which it begins.
        has_missed: Whether events after the id that it asked for are not kept any more.
    """

    def __init__(self, topic: Topic, position: int, by: str, key_id: str | None = None) -> None:
        self.topic = topic
        self.by = by
        self.key_id = key_id
        self.position = position
        self.has_missed = False
        self._earlier: AsyncIterator[Message] | None = None
        self._waiting: asyncio.Queue[Message | None] = asyncio.Queue(_MOST_WAITING + 1)
        self._is_open = True
        self._is_cut = False

    def begin_with(self, earlier: AsyncIterator[Message]) -> None:
        """Give it what happened before it came."""
        self._earlier = earlier

    async def earlier(self) -> AsyncIterator[Message]:
        """What happened after the event that it has seen last, and before it came. Raises ``DatabaseUnavailable``."""
        if self._earlier is not None:
            async for message in self._earlier:
                if self._is_cut:
                    return
                yield message

    def offer(self, message: Message) -> bool:
        """Take a message if there is room for it. False where there is none: the listener ends after those it has."""
        if self._waiting.qsize() >= _MOST_WAITING:
            self.close()
            return False
        self._waiting.put_nowait(message)
        return True

    def close(self) -> None:
        """Let it end after what waits for it."""
        if self._is_open:
            self._is_open = False
            self._waiting.put_nowait(None)

    def cut(self) -> None:
        """Let it end at once, without what waits for it."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._is_open, self._is_cut = False, True
        self._waiting.put_nowait(None)

    async def next(self) -> Message | None:
        """The next message; None at the end. May be cancelled at any time without losing one."""
        return await self._waiting.get()
