"""Some uploads through every door while processes die: a minute of what `make soak` does for longer."""

import pytest

from tests.fixtures.clips import Clips
from tests.soak.counting import FAULTS
from tests.soak.making_anew import Making
from tests.soak.plan import Plan
from tests.soak.soak import soak


@pytest.mark.timeout(600)
async def test_nothing_is_lost_doubled_stuck_or_left_behind_while_everything_is_killed(
    clips: Clips,
) -> None:
    counted = await soak(Plan(uploads=6, several=False, away_seconds=3, full_seconds=2, in_flight=4), clips)
    assert {fault: counted[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert counted["acknowledged"] == 6
    assert counted[Making.FINISHED] == 1
    assert sum(times for what, times in counted.items() if what.startswith("harm: ")) > 0
