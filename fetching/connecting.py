"""Connections that are made to the very address that was checked.

A name is resolved once, every address of it is checked, and the connection goes to one of those: a name that is
answered differently the next time (DNS rebinding) has nothing to gain. Host header and certificate stay the name's.
A name whose server is silent holds a thread for as long as the resolver waits, so names have threads of their own.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import httpcore

from contracts.errors import AddressRefused, SourceFailed
from fetching.addresses import Address, AddressRules, literal_address, without_zone

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""The addresses of a host; raises ``OSError`` where there are none."""


LOOKUP_SECONDS: Final = 8.0
"""For how long a name may be looked up: after five seconds a resolver asks its next server."""

_HAS_NO_ADDRESS: Final = frozenset((socket.EAI_NONAME, socket.EAI_NODATA))
"""How a resolver that was answered says so; others of its errors pass. So does one in a container that just starts."""

_THREADS: Final = ThreadPoolExecutor(max_workers=256, thread_name_prefix="names")
"""For names alone: some times as many as there are webhooks and imports, for a silent name outlasts its message."""


async def resolve(
    host: str, port: int, look_up: Callable[..., Sequence[Any]] = socket.getaddrinfo
) -> Sequence[Address]:
    """Ask the machine's resolver, by ``look_up`` in a thread. Raises ``OSError``."""
    asked = partial(look_up, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_THREADS, asked)
    return tuple(dict.fromkeys(without_zone(str(address[0])) for *_, address in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """The network, for ``httpcore``: connects to public addresses only.

    Args:
        rules: Which addresses may be asked.
        resolve: Finds them.
        lookup_seconds: For how long.
    """

    def __init__(self, rules: AddressRules, resolve: Resolve = resolve, lookup_seconds: float = LOOKUP_SECONDS) -> None:
        self._rules = rules
        self._resolve = resolve
        self._lookup_seconds = lookup_seconds
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to one of the host's addresses, each tried in turn, if all of them may be asked.

        Raises:
            AddressRefused: One of them may not.
            NameRefused: The same of a name, or it has none.
            SourceFailed: Who knows the name's addresses does not answer.
            httpcore.ConnectError: None of them answers.
            httpcore.ConnectTimeout: The same.
        """
        addresses = await self._addresses(host, port, timeout)
        for address in addresses:
            try:
                self._rules.check(address)
            except AddressRefused as refusal:
                if literal_address(host) is not None:
                    raise
                raise self._rules.of_name(host) from refusal
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or self._rules.of_name(host)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: nothing that is fetched is behind one."""
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries of httpcore's own, of which there are none."""
        await self._network.sleep(seconds)

    async def _addresses(self, host: str, port: int, seconds: float | None) -> Sequence[Address]:
        literal = literal_address(host)
        if literal is not None:
            return (literal,)
        try:
            async with asyncio.timeout(self._lookup_seconds if seconds is None else min(seconds, self._lookup_seconds)):
                return await self._resolve(host, port)
        except TimeoutError as error:
            raise SourceFailed(f"The name {host} was not resolved in time.") from error
        except UnicodeError as error:
            raise self._rules.of_name(host) from error
        except OSError as error:
            if error.errno in _HAS_NO_ADDRESS:
                raise self._rules.of_name(host) from error
            raise SourceFailed(f"The name {host} can't be resolved now.") from error
