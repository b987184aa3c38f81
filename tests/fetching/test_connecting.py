"""Names whose servers are silent: whoever gives them waits, and nobody else."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from contracts.errors import SourceFailed
from fetching.addresses import Address, AddressRules
from fetching.connecting import CheckedBackend, resolve

SILENT = 40
"""More than an event loop has threads for everything, and fewer than there are for names."""


async def test_names_without_an_answer_take_no_threads_of_others() -> None:
    answered = threading.Event()

    def silent(*_: object, **__: object) -> Sequence[Any]:
        answered.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    names = [asyncio.create_task(resolve(f"a{number}.example", 80, silent)) for number in range(SILENT)]
    try:
        async with asyncio.timeout(15):
            assert await asyncio.to_thread(int, 1) == 1
            assert ip_address("127.0.0.1") in await resolve("localhost", 80)
    finally:
        answered.set()
        await asyncio.gather(*names, return_exceptions=True)


async def test_a_name_is_looked_up_for_so_long_and_no_longer() -> None:
    async def never(_host: str, _port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return ()

    network = CheckedBackend(AddressRules(), never, lookup_seconds=0.05)
    async with asyncio.timeout(15):
        with pytest.raises(SourceFailed, match="was not resolved in time"):
            await network.connect_tcp("silent.example", 443)
