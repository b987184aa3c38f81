"""How many connections the server holds, and how slow they may be.

A client that sends nothing costs nothing but its connection, so there is a bound, and whoever has asked for nothing yet
makes room for those who come, and before all others a stranger who was answered and still sends; so does who lets an
answer wait, strangers before callers. A request that trickles, and an answer that nobody takes or that somebody takes
by drops, end after a while.
"""

import asyncio
import fcntl
import resource
import struct
import termios
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

OTHER_FILES: Final = 256
"""Files that the process needs besides its connections: the log, the pool, uploads that are written."""

OF_A_CALLER: Final = "rushes_of_a_caller"
"""Key of a request's scope, there once it is known to be a caller's: others make room before."""

LINGER: Final = "rushes_linger"
"""Key of a request's scope: to be called once the answer is sent, and only the rest of the body is waited for."""

_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 23\r\n\r\nToo many connections.\r\n"
)


@dataclass(frozen=True)
class ConnectionLimits:
    """What a connection may do.

    Attributes:
        most: How many there may be.
        header_seconds: From the connection, or from the first byte of a further request, to the end of its headers.
        silent_seconds: How often it is looked whether a body comes.
        asking_seconds: For how long who has just come, or was just answered, is left to ask, where others can make
            room.
        untaken_seconds: How often it is looked whether an answer is taken. The machine of one who reads slowly takes a
            lot at once and then, with its buffer full, nothing until a part of it was read.
        hurried_seconds: For how long an answer may wait to be taken, as much as makes room for more of it, where every
            place is taken and somebody else comes.
        least_bytes_a_second: Of a body that somebody waits for, and of an answer that waits to be taken, at the least,
            on the average between two looks.
    """

    most: int = 2000
    header_seconds: float = 15.0
    silent_seconds: float = 30.0
    asking_seconds: float = 1.0
    untaken_seconds: float = 120.0
    hurried_seconds: float = 10.0
    least_bytes_a_second: float = 100.0


def room_for_connections(most: int) -> int:
    """Allow this process as many open files as it may have, and tell how many connections fit, at the most ``most``."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + OTHER_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, allowed - OTHER_FILES)


def bounded_connections(limits: ConnectionLimits) -> type[H11Protocol]:
    """What uvicorn is to make of each connection of one server, for its option ``http``."""
    return type("Connection", (BoundedConnection,), {"limits": limits, "idle": {}, "untaken": {}, "lingering": {}})


class BoundedConnection(H11Protocol):
    """One connection, as uvicorn handles it, within limits; ``bounded_connections`` makes the class of a server.

    Attributes:
        limits: What it may do.
        idle: All connections of this server in which no request is being answered, by since when, the oldest first.
        untaken: Those whose client has not taken what was written, by since when, the longest first.
        lingering: Those of strangers who were answered before all of their body came, the longest first.
    """

    limits: ClassVar[ConnectionLimits]
    idle: "ClassVar[dict[BoundedConnection, float]]"
    untaken: "ClassVar[dict[BoundedConnection, float]]"
    lingering: "ClassVar[dict[BoundedConnection, None]]"

    _headers_due: asyncio.TimerHandle | None = None
    _next_look: asyncio.TimerHandle | None = None
    _taken: asyncio.TimerHandle | None = None
    _received_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take it in; where there are too many, in place of another one."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.most:
            gives_way = self._who_gives_way()
            if gives_way is None:
                transport.write(_TOO_MANY)
                transport.close()
                return
            gives_way.leave()
        self.idle[self] = self.loop.time()
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._forget()
        for timer in (self._headers_due, self._next_look, self._taken):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes, and watch it from when its headers are complete."""
        self._received_bytes += len(data)
        super().data_received(data)
        if self._is_answering:
            self._watch_body()
        elif self._headers_due is None and not self.transport.is_closing():
            self._await_headers()

    def on_response_complete(self) -> None:
        """It rests until the next request, and has a while to take what is left of this answer."""
        self._stop_watching_body()
        self.lingering.pop(self, None)
        self.idle[self] = self.loop.time()
        super().on_response_complete()
        if self._is_answering:  # a request that was sent together with the one before
            self._watch_body()
        elif self.transport.get_write_buffer_size() > 0:
            self._await_taking()

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as it is made: it has a while to take some of it."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """It has taken so much that more can be written."""
        self._stop_awaiting_taking()
        super().resume_writing()

    def leave(self) -> None:
        """End a connection whose place another one takes, or that has rested for too long."""
        self._forget()
        self.connections.discard(self)
        self.transport.abort()

    def _forget(self) -> None:
        self.idle.pop(self, None)
        self.untaken.pop(self, None)
        self.lingering.pop(self, None)

    def _linger(self) -> None:
        """Nothing is left to do for it: a stranger's that is still here may go as soon as somebody else comes."""
        if not self._is_of_a_caller and self in self.connections:
            self.lingering[self] = None

    def _who_gives_way(self) -> "BoundedConnection | None":
        """The stranger that lingers for longest, else who has rested for longest, else who lets an answer wait."""
        lingers = next(iter(self.lingering), None)
        if lingers is not None:
            return lingers
        now = self.loop.time()
        rests = next((one for one in self.idle if not one._lets_wait), None)
        if rests is not None and now - self.idle[rests] >= self.limits.asking_seconds:
            return rests
        waiting = [
            one for one, since in self.untaken.items() if now - since >= self.limits.hurried_seconds and one._lets_wait
        ]
        stranger = next((one for one in waiting if not one._is_of_a_caller), None)
        return stranger or rests or next(iter(waiting), None)

    @property
    def _lets_wait(self) -> bool:
        return self.transport.get_write_buffer_size() > 0

    @property
    def _is_of_a_caller(self) -> bool:
        scope: Any = self.scope  # of its newest request; None until the first
        return scope is not None and OF_A_CALLER in scope

    @property
    def _is_answering(self) -> bool:
        begun: object = self.cycle  # None until the first request
        return begun is not None and not self.cycle.response_complete

    def _await_taking(self) -> None:
        self._stop_awaiting_taking()
        self.untaken[self] = self.loop.time()
        self._look_later()

    def _stop_awaiting_taking(self) -> None:
        self.untaken.pop(self, None)
        if self._taken is not None:
            self._taken.cancel()
            self._taken = None

    def _look_later(self) -> None:
        self._taken = self.loop.call_later(self.limits.untaken_seconds, self._look_taken, self._untaken_bytes())

    def _look_taken(self, untaken_bytes: int) -> None:
        """End an answer of which too little was taken since it was looked; meanwhile nothing was written."""
        if not self._lets_wait:
            self._stop_awaiting_taking()
            return
        taken_bytes = untaken_bytes - self._untaken_bytes()
        if taken_bytes < self.limits.least_bytes_a_second * self.limits.untaken_seconds:
            self.transport.abort()
            return
        self._look_later()

    def _untaken_bytes(self) -> int:
        """How much of what was written is still here, the kernel's part too: it tells of room when a third is free."""
        waiting = self.transport.get_write_buffer_size()
        connection = self.transport.get_extra_info("socket")
        if connection is None or connection.fileno() < 0:
            return waiting
        told = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))  # sent, and not acknowledged yet
        return waiting + int(struct.unpack("i", told)[0])

    def _await_headers(self) -> None:
        self._headers_due = self.loop.call_later(self.limits.header_seconds, self.leave)

    def _watch_body(self) -> None:
        self.idle.pop(self, None)
        self.scope[LINGER] = self._linger  # type: ignore[typeddict-unknown-key]  # servers may add keys of their own
        if not self.flow.write_paused:  # from now on more is written, and nothing can be told from what is left
            self._stop_awaiting_taking()
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None
        if self._next_look is None and self.cycle.more_body:
            self._received_bytes = 0
            self._next_look = self.loop.call_later(self.limits.silent_seconds, self._look)

    def _stop_watching_body(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _look(self) -> None:
        """End a request whose body does not come, unless it is we who don't read it, or have not asked for it."""
        self._next_look = None
        if not self._is_answering or not self.cycle.more_body:
            return
        is_awaited = not self.flow.read_paused and not self.cycle.waiting_for_100_continue
        if is_awaited and self._received_bytes < self.limits.least_bytes_a_second * self.limits.silent_seconds:
            self.transport.abort()
            return
        self._watch_body()
