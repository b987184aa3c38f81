"""The same seed sends and harms the same, so that what it found can be had again."""

from itertools import islice

import pytest

from tests.soak.plan import KINDS, Plan
from tests.soak.schedule import Deed, PlannedHarm, PlannedUpload, harm_by_chance, least_harm, uploads

Schedule = tuple[list[PlannedUpload], list[PlannedHarm]]


def drawn(plan: Plan, *, harm_first: bool) -> Schedule:
    """All uploads and as much harm, one drawn after the other or in turns."""
    sent, harmed = uploads(plan), harm_by_chance(plan)
    if harm_first:
        harm = list(islice(harmed, plan.uploads))
        return list(sent), harm
    turns = list(zip(sent, harmed, strict=False))
    return [upload for upload, _ in turns], [harm for _, harm in turns]


@pytest.mark.parametrize("several", [True, False])
def test_a_seed_has_one_schedule_in_whatever_order_it_is_drawn(several: bool) -> None:
    plan = Plan(seed=7, several=several)
    first = drawn(plan, harm_first=True)
    assert first == drawn(plan, harm_first=False)
    assert first != drawn(Plan(seed=8, several=several), harm_first=True)
    assert list(least_harm(plan)) == list(least_harm(plan))


@pytest.mark.parametrize("seed", range(20))
def test_each_kind_of_process_is_killed_and_one_is_stopped_whatever_the_seed(seed: int) -> None:
    plan = Plan(seed=seed)
    harm = least_harm(plan)
    killed = {planned.name for planned in harm if planned.deed == Deed.SIGKILL}
    assert all(killed & set(plan.processes(kind)) for kind in KINDS)
    assert any(planned.deed == Deed.SIGSTOP and planned.seconds > 0 for planned in harm)


@pytest.mark.parametrize("in_a_bucket", [True, False])
def test_few_uploads_come_through_every_door_and_the_first_good_one_is_made_anew(in_a_bucket: bool) -> None:
    plan = Plan(uploads=8, in_a_bucket=in_a_bucket)
    planned = list(uploads(plan))
    assert {upload.door for upload in planned} == set(plan.doors)
    assert len([upload for upload in planned if upload.making is not None]) == 1
