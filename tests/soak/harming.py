"""What is done to a stack while files are sent to it, by a schedule that a seed decides."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

from tests.fixtures.small_disk import SmallDisk
from tests.soak.parts import Machines
from tests.soak.plan import Plan

_KILLED: Final = 0.8
_LOOK_SECONDS: Final = 0.1
_AWAY: Final = {"temporal": 1 / 3, "postgres": 1 / 2}
"""After which part of the uploads a server is away."""


class Harming:
    """Kills and stops processes, fills a disk, and lets servers be away.

    Args:
        plan: How often, and for how long.
        parts: The processes.
        disk: The disk; None where nobody may mount one.
        dice: Which, and when.
        acknowledged: Asked how many uploads were.
    """

    def __init__(
        self, plan: Plan, parts: Machines, disk: SmallDisk | None, dice: random.Random, acknowledged: Callable[[], int]
    ) -> None:
        self._plan = plan
        self._parts = parts
        self._disk = disk
        self._dice = dice
        self._acknowledged = acknowledged

    async def run(self) -> None:
        """Until it is cancelled; then everything goes on and the disk has room."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kill_and_stop())
            group.create_task(self._be_away())
            if self._disk is not None:
                group.create_task(self._fill(self._disk))

    async def _kill_and_stop(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.3, 1.7) * 60 / self._plan.harms_a_minute)
            if self._dice.random() < _KILLED:
                self._parts.kill_one(self._dice)
            else:
                await self._parts.stop_one(self._dice)

    async def _be_away(self) -> None:
        for name, part in _AWAY.items():
            await self._come_to(part)
            await self._parts.pause(name, self._plan.away_seconds)

    async def _fill(self, disk: SmallDisk) -> None:
        for number in range(self._plan.fillings):
            await self._come_to((number + 0.5) / self._plan.fillings)
            self._parts.harm["the disk is full"] += 1
            async with disk.kept_full():
                await asyncio.sleep(self._plan.full_seconds)

    async def _come_to(self, part: float) -> None:
        while self._acknowledged() < int(self._plan.uploads * part):
            await asyncio.sleep(_LOOK_SECONDS)
