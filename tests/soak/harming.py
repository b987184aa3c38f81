"""What is done to a stack while files are sent to it."""

import asyncio
from collections.abc import Callable
from itertools import islice
from signal import Signals
from typing import Final

from tests.fixtures.small_disk import SmallDisk
from tests.soak.parts import Machines
from tests.soak.plan import Plan
from tests.soak.schedule import Deed, PlannedHarm, harm_by_chance, least_harm

_LOOK_SECONDS: Final = 0.1
_AWAY: Final = {"temporal": 1 / 3, "postgres": 1 / 2}
"""After which part of the uploads a server is away."""


class Harming:
    """Kills and stops processes, fills a disk, and lets servers be away.

    Args:
        plan: How often, and for how long.
        parts: The processes.
        disk: The disk; None where nobody may mount one.
        acknowledged: Asked how many uploads were.
    """

    def __init__(self, plan: Plan, parts: Machines, disk: SmallDisk | None, acknowledged: Callable[[], int]) -> None:
        self._plan = plan
        self._parts = parts
        self._disk = disk
        self._acknowledged = acknowledged
        self.least_done = asyncio.Event()
        """Set once all was done that is left to no chance."""

    async def run(self) -> None:
        """Until there is no more to be done, or it is cancelled; then everything goes on and the disk has room."""
        async with asyncio.TaskGroup() as group:
            least = [group.create_task(self._be_away()), group.create_task(self._fill())]
            for planned in least_harm(self._plan):
                await asyncio.sleep(planned.pause_seconds)
                await self._parts.there(planned.name)
                await self._do(planned)
            group.create_task(self._harm_by_chance())
            await asyncio.gather(*least)
            self.least_done.set()

    async def _harm_by_chance(self) -> None:
        """A process that is away is left alone: what dies whenever it comes never comes to anything."""
        for planned in islice(harm_by_chance(self._plan), self._plan.most_by_chance):
            await asyncio.sleep(planned.pause_seconds)
            await self._do(planned)

    async def _do(self, planned: PlannedHarm) -> None:
        if planned.deed == Deed.SIGSTOP:
            await self._parts.stop(planned.name, planned.seconds)
        else:
            self._parts.end(planned.name, Signals[planned.deed])

    async def _be_away(self) -> None:
        for name, part in _AWAY.items():
            await self._come_to(part)
            await self._parts.there(name)
            await self._parts.stop(name, self._plan.away_seconds)
            self._parts.harm[f"{name} away"] += 1

    async def _fill(self) -> None:
        if self._disk is None:
            self._parts.harm["no disk that may be filled"] += 1
            return
        for number in range(self._plan.fillings):
            await self._come_to((number + 0.5) / self._plan.fillings)
            self._parts.harm["the disk is full"] += 1
            async with self._disk.kept_full():
                await asyncio.sleep(self._plan.full_seconds)

    async def _come_to(self, part: float) -> None:
        while self._acknowledged() < int(self._plan.uploads * part):
            await asyncio.sleep(_LOOK_SECONDS)
