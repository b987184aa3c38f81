"""Fetches into memory: from a server on loopback, with little patience."""

import random
from dataclasses import dataclass, field
from typing import Final

from fetching.addresses import AddressRules
from fetching.connecting import Resolve, resolve
from fetching.source import Patience, Sources
from fetching.source_url import SourceUrl
from fetching.transfer import Content, Fetched, Transfer

CONTENT: Final = random.Random(7).randbytes(3_000_000)  # noqa: S311 - the same each time
LOOPBACK: Final = AddressRules(["127.0.0.0/8"])
QUICK: Final = Patience(connect_seconds=5, stall_seconds=5, pause_seconds=0, whole_seconds=30)
HASTY: Final = Patience(connect_seconds=0.4, stall_seconds=0.4, pause_seconds=0, whole_seconds=30)


@dataclass
class Memory:
    """A sink that keeps everything."""

    content: bytearray = field(default_factory=bytearray)
    begun: int = 0
    begun_with: Content | None = None
    told: list[tuple[int, int | None]] = field(default_factory=list)

    async def begin(self, content: Content) -> None:
        self.begun_with = content
        self.content.clear()
        self.begun += 1

    async def write(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.content += piece

    def tell(self, received_bytes: int, whole_bytes: int | None) -> None:
        self.told.append((received_bytes, whole_bytes))


async def fetch(
    url: str,
    sink: Memory,
    *,
    rules: AddressRules = LOOPBACK,
    patience: Patience = QUICK,
    resolve: Resolve = resolve,
    max_bytes: int = 10_000_000,
) -> Fetched:
    sources = Sources(rules, patience, resolve)
    return await Transfer(sources, SourceUrl.parse(url), sink, max_bytes=max_bytes).run()
