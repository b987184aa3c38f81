"""Uploads through every door while each kind of process dies: two minutes of what `make soak` does for longer."""

from collections import Counter

import pytest

from tests.fixtures.clips import Clips
from tests.soak.counting import FAULTS
from tests.soak.making_anew import Making
from tests.soak.plan import KINDS, SERVERS, Plan
from tests.soak.soak import soak

SEED = 194
"""Its uploads are good and bad, copied and encoded; some are cancelled, some deleted, and the first good one is made
anew to its end, the next in turn cancelled in the midst."""


def times(counted: Counter[str], what: str, *names: str) -> int:
    """How often this was done to any of the processes."""
    return sum(counted[f"harm: {name} {what}"] for name in names)


@pytest.mark.timeout(600)
async def test_nothing_is_lost_doubled_stuck_or_left_behind_while_everything_is_killed(clips: Clips) -> None:
    # More by chance starves a single stack on a busy machine: what dies as it starts is started later each time.
    plan = Plan(uploads=30, seed=SEED, several=False, away_seconds=15, full_seconds=3, in_flight=3, most_by_chance=20)
    counted = await soak(plan, clips)
    assert {fault: counted[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert counted["acknowledged"] == plan.uploads
    assert counted[Making.FINISHED] == 1
    killed = {kind: times(counted, "SIGKILL", *plan.processes(kind)) for kind in KINDS}
    assert all(killed.values()), killed
    assert times(counted, "SIGSTOP", *(name for kind in KINDS for name in plan.processes(kind))) > len(SERVERS)
    assert times(counted, "away", *SERVERS) == len(SERVERS)
    assert counted["harm: the disk is full"] == plan.fillings or counted["harm: no disk that may be filled"]
