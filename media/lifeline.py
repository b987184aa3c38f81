"""How a program makes sure that it will not outlive the process that started it.

The kernel tells of a parent's death only who asked before it. So a program asks the kernel, then asks the parent, and
goes on when that has answered: who answered was alive after the kernel had been asked.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

HOLDS: Final = "echo >&0; read -r _"
"""Lines of shell that wait for the answer on standard input, and fail where none can come any more."""


@asynccontextmanager
async def lifeline() -> AsyncIterator[int]:
    """What a program gets as standard input, to ask once whether this process lives: it does while the block lasts.

    To be used by the thread that starts the program, as it is that thread's death of which the kernel tells.
    """
    ours, theirs = socket.socketpair()  # neither is inherited but by whom it is given to
    with ours, theirs:
        ours.setblocking(False)
        answering = asyncio.create_task(_answer(ours))
        try:
            yield theirs.fileno()
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)


async def _answer(ours: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_recv(ours, 1)
    await loop.sock_sendall(ours, b"\n")
