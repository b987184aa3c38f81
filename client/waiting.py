"""Waiting until a video is ready or in error: by its events, and by asking where there are none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from client.errors import RushesError
from client.listening import Event
from client.patience import Patience
from client.views import VideoView
from contracts.event_types import EventType

_POLL_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 15.0
"""Between two looks while they do: something in between may hold them back."""
_LISTEN_AGAIN_SECONDS: Final = 5.0


class Waiting:
    """Waits for one video.

    Args:
        look: Reads the video.
        listen: Tells what happens to it; the function that it is given is called once nothing is missed any more.
        poll_seconds: Between two looks while no events come.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[VideoView]],
        listen: Callable[[Callable[[], None]], AsyncIterator[Event]],
        *,
        poll_seconds: float = _POLL_SECONDS,
    ) -> None:
        self._look = look
        self._listen = listen
        self._poll_seconds = poll_seconds
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._is_listening = False
        self._patience = Patience()

    async def settled(self, on_change: Callable[[VideoView], None]) -> VideoView:
        """The video once nothing more happens to it. ``on_change`` sees it now and then until that.

        Raises:
            RushesError: The video is gone, or the api was away, or could not answer (5xx), for a minute.
        """
        self._patience.renew()
        listener = asyncio.create_task(self._hear())
        try:
            video = await self._video()
            while video is None or not video.is_settled:
                if video is not None:
                    on_change(video)
                video = await self._next()
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener
        return video

    async def _next(self) -> VideoView | None:
        """The video after the next event, or after a while. None while the api is away."""
        pause = _LOOK_SECONDS if self._is_listening else self._poll_seconds
        try:
            async with asyncio.timeout(pause):
                event = await self._events.get()
        except TimeoutError:
            event = None
        if event is not None and event.type == EventType.PROGRESS:
            with suppress(RushesError):
                return event.video
        return await self._video()  # what an event says was so; what counts is what is so

    async def _video(self) -> VideoView | None:
        try:
            video = await self._look()
        except RushesError as error:
            self._patience.bear(error)
            return None
        self._patience.renew()
        return video

    async def _hear(self) -> None:
        while True:
            try:
                async for event in self._listen(self._begin):
                    self._events.put_nowait(event)
            except RushesError:  # asking goes on beside it, and says what is wrong
                if self._is_listening:
                    self._is_listening = False
                    self._events.put_nowait(None)  # who relied on being told asks again at once
            await asyncio.sleep(_LISTEN_AGAIN_SECONDS)

    def _begin(self) -> None:
        self._is_listening = True
        self._events.put_nowait(None)  # what happened before is not told: look once more
