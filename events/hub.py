"""Events reach all who listen to one process, at the cost of one who does.

One connection is told of new events, one query reads them, and each is put into the queue of every listener that it is
for. A listener that does not keep up is let go: it resumes by the id that it has seen last, as after a restart.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Set
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog
from pydantic import ValidationError

from contracts.errors import DatabaseUnavailable
from contracts.refusals import RefusalCode, Refused
from database.events import Events, StoredEvent
from events.listener import Listener
from events.messages import Message, Topic
from events.progress import ProgressLooks

_MOST_KEPT: Final = 1000
"""Of the newest events, for listeners that come back: they cost the database nothing."""

_LEFT_SECONDS: Final = 60.0
"""So long new events are read after the last listener has left, as it may come back."""

_BATCH: Final = 500
_AGAIN_SECONDS: Final = 1.0

_logger = structlog.stdlib.get_logger(__name__)

Listening = Callable[[Callable[[], None]], Coroutine[Any, Any, None]]
"""Calls what it is given whenever there may be new events, until cancelled: ``database.notifications.listen``."""

Holding = Callable[[Set[str | None]], Coroutine[Any, Any, Set[str | None]]]
"""Which of these keys hold, by their ids: ``database.accounts.Accounts.holding``."""


class EventHub:
    """Hands events on.

    Args:
        events: Where they are read.
        listening: Tells of new ones.
        progress: Looks at running videos.
        holding: Tells whose keys hold: a stream outlasts the request with which its caller was let in.
        progress_seconds: Pause between two such looks.
        keys_seconds: Pause between two questions about the keys of all who listen.
        most_listeners: How many may listen at a time.
        most_of_one: How many of them may be one user's.
    """

    def __init__(
        self,
        events: Events,
        listening: Listening,
        progress: ProgressLooks,
        holding: Holding,
        *,
        progress_seconds: float,
        keys_seconds: float = 5.0,
        most_listeners: int,
        most_of_one: int,
    ) -> None:
        self._events = events
        self._listening = listening
        self._progress = progress
        self._holding = holding
        self._progress_seconds = progress_seconds
        self._keys_seconds = keys_seconds
        self._most_listeners = most_listeners
        self._most_of_one = most_of_one
        self._listeners: set[Listener] = set()
        self._kept: deque[Message] = deque(maxlen=_MOST_KEPT)
        self._kept_after: int | None = None
        self._position: int | None = None
        self._news = asyncio.Event()
        self._left_at = -_LEFT_SECONDS
        self._is_closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hand events on for as long as the block lasts."""
        tasks = [
            asyncio.create_task(self._listening(self._news.set), name="events: listen"),
            asyncio.create_task(self._hand_on(), name="events: hand on"),
            asyncio.create_task(self._tell_progress(), name="events: progress"),
            asyncio.create_task(self._let_go_of_strangers(), name="events: keys"),
        ]
        try:
            yield
        finally:
            self.close()
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    def close(self) -> None:
        """Let every listener end now, and take no more."""
        self._is_closed = True
        for listener in list(self._listeners):
            listener.close()

    @asynccontextmanager
    async def listen(
        self, topic: Topic, after: int | None, *, by: str, key_id: str | None = None
    ) -> AsyncIterator[Listener]:
        """Listen for as long as the block lasts.

        Args:
            topic: What to.
            after: Id of the event that was seen last; None for what happens from now on.
            by: Name of the user who does, whatever may be seen.
            key_id: Of the key with which they came, if there was one.

        Raises:
            Refused: Too many listen, or too many of this user's, or the process is about to stop.
            DatabaseUnavailable: Which event is the newest is not known.
        """
        if self._is_closed or len(self._listeners) >= self._most_listeners:
            raise Refused(RefusalCode.TOO_MANY_LISTENERS, "As many listen to events here as may. Try again soon.")
        if sum(listener.by == by for listener in self._listeners) >= self._most_of_one:
            raise Refused(
                RefusalCode.TOO_MANY_OWN_LISTENERS,
                f"You listen to events {self._most_of_one} times here already. Close a stream, and try again.",
            )
        if self._position is None:
            await self._begin()
        position = self._position or 0
        listener = Listener(topic, position if after is None else after, by, key_id)
        # No await between the look at the position and this: what comes after it goes into the queue.
        self._listeners.add(listener)
        self._news.set()  # nobody may have read on before it came
        try:
            if after is not None:
                await self._catch_up(listener, after, position)
            yield listener
        finally:
            self._listeners.discard(listener)
            self._left_at = time.monotonic()

    async def _catch_up(self, listener: Listener, after: int, position: int) -> None:
        """Give the listener what happened between the event that it has seen last and its beginning here."""
        if self._kept_after is not None and self._kept_after <= after <= position:
            kept = [message for message in self._kept if after < (message.id or 0) <= position]
            listener.begin_with(_each([message for message in kept if listener.topic.has(message)]))
            return
        oldest, newest = await self._events.ends()
        if after > newest:  # of another database, or one that was put back
            listener.position, listener.has_missed = position, True
            return
        listener.has_missed = after < newest and after + 1 < oldest
        listener.begin_with(self._stored(listener.topic, after, position))

    async def _stored(self, topic: Topic, after: int, last: int) -> AsyncIterator[Message]:
        while after < last:
            found = await self._events.after(after, limit=_BATCH, user_id=topic.user_id, video_id=topic.video_id)
            for message in _messages(event for event in found if event.id <= last):
                yield message
            if len(found) < _BATCH:
                return
            after = found[-1].id

    async def _begin(self) -> None:
        newest = await self._events.newest(_MOST_KEPT)
        if self._position is not None:
            return  # another was faster
        self._kept.extend(_messages(newest))
        self._position = newest[-1].id if newest else 0
        self._kept_after = newest[0].id if newest else 0

    async def _hand_on(self) -> None:
        """Read what is new whenever something may be, however often that was said meanwhile."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not self._listeners and time.monotonic() - self._left_at >= _LEFT_SECONDS:
                self._forget()
                continue
            try:
                if self._position is None:
                    await self._begin()
                while await self._read_on():
                    pass
            except Exception as error:  # whatever it is, it must not end the loop that tells everybody
                if isinstance(error, DatabaseUnavailable):
                    _logger.warning("events not read", reason=str(error))
                else:
                    _logger.exception("events not read")
                await asyncio.sleep(_AGAIN_SECONDS)
                self._news.set()

    def _forget(self) -> None:
        """The next listener begins anew."""
        self._position = self._kept_after = None
        self._kept.clear()

    async def _read_on(self) -> bool:
        """Hand the next events on. Whether there may be more."""
        found = await self._events.after(self._position or 0, limit=_BATCH)
        for event in found:
            self._position = event.id
            message = _message(event)
            if message is None:
                continue
            if len(self._kept) == self._kept.maxlen:
                self._kept_after = self._kept[0].id
            self._kept.append(message)
            self._send(message)
        return len(found) == _BATCH

    def _send(self, message: Message) -> None:
        for listener in list(self._listeners):
            if listener.topic.has(message) and not listener.offer(message):
                self._listeners.discard(listener)
                _logger.info("listener let go", reason="it does not keep up")

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(self._progress_seconds)
            topics = {listener.topic for listener in self._listeners}
            if not topics:
                continue
            try:
                for message in await self._progress.look(topics):
                    self._send(message)
            except DatabaseUnavailable as error:
                _logger.warning("progress not told", reason=str(error))
            except Exception:  # one video that can't be told must not end the loop that tells all others
                _logger.exception("progress not told")

    async def _let_go_of_strangers(self) -> None:
        """Those whose keys have ended since they came hear no more, nor do those without one once there are keys."""
        while True:
            await asyncio.sleep(self._keys_seconds)
            asked = list(self._listeners)
            if not asked:
                continue
            try:
                holding = await self._holding({listener.key_id for listener in asked})
            except DatabaseUnavailable as error:
                _logger.warning("keys of listeners not known", reason=str(error))
                continue
            except Exception:  # as above
                _logger.exception("keys of listeners not known")
                continue
            for listener in [one for one in asked if one.key_id not in holding]:
                self._listeners.discard(listener)
                listener.cut()
                _logger.info("listener let go", reason="its key does not hold any more", key_id=listener.key_id)


def _messages(events: Iterable[StoredEvent]) -> list[Message]:
    return [message for message in map(_message, events) if message is not None]


def _message(event: StoredEvent) -> Message | None:
    """None for one that can't be told any more: it must not keep back all others."""
    try:
        return Message.of_event(event)
    except ValidationError:
        _logger.exception("event not told", event_id=event.id, type=event.type)
        return None


async def _each(messages: list[Message]) -> AsyncIterator[Message]:
    for message in messages:
        yield message
