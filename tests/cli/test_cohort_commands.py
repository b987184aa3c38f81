"""``rushes reprocess --where`` and ``rushes cohort``, against the whole service."""

import json
import re

import pytest

from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)


async def test_a_cohort_of_ready_videos_is_counted_made_anew_and_listed(stack: Home, ready_video: str) -> None:
    fitting = ("--where", "profile=web", "--where", "metadata.order=4711", "--where", "created_after=1d")
    counted = await stack.rushes("reprocess", *fitting, "--dry-run")
    assert counted.out.startswith("1 video to be made anew with each its own profile: nothing was begun.")
    begun = await stack.rushes("reprocess", *fitting, "--rate", "6000", "--wait")
    assert "1 of 1 begun" in begun.err, begun
    cohort_id = begun.out.strip()
    listed = await eventually(lambda: stack.rushes("cohort", "list"), lambda seen: cohort_id in seen.out)
    assert "reprocess with each its own profile" in listed.out
    seen = await stack.rushes("cohort", "show", cohort_id[:6], "--json")
    assert json.loads(seen.out)["retried"] == 1

    async def video() -> dict[str, object]:
        return dict(json.loads((await stack.rushes("show", ready_video, "--json")).out))

    row = await eventually(video, lambda seen: seen["reprocess_profile"] is None, within_seconds=60)
    assert (row["status"], row["published_edition"]) == ("ready", 2)
    refused = await stack.rushes("reprocess", ready_video, "--where", "status=ready")
    assert (refused.code, "either IDs of videos, or --where" in refused.err) == (2, True)


async def test_a_cohort_that_runs_is_held_let_go_and_ended_by_the_beginning_of_its_id(
    stack: Home, clips: Clips
) -> None:
    clip = str(clips.path("short_with_sound"))
    assert (await stack.rushes("upload", "--wait", "--metadata", "of=two", clip, clip)).code == 0
    begun = await stack.rushes("reprocess", "--where", "metadata.of=two", "--rate", "0.1")
    cohort_id = begun.out.strip()
    held = await stack.rushes("cohort", "pause", cohort_id[:6])
    assert held.out == f"{cohort_id} begins no more videos until `rushes cohort resume {cohort_id}`.\n"
    assert (await stack.rushes("cohort", "show", cohort_id)).out.startswith("paused (reprocess with ")
    assert (await stack.rushes("cohort", "resume", cohort_id[:6])).out == f"{cohort_id} goes on.\n"
    going = await stack.rushes("cohort", "show", cohort_id)
    assert re.match(r"running \(reprocess with .*\): [01] of 2 begun", going.out), "the second is ten minutes later"
    ended = await stack.rushes("cohort", "cancel", cohort_id)
    assert ended.out == f"{cohort_id} has ended. Videos that it had begun go on.\n"
    shown = await eventually(lambda: stack.rushes("cohort", "show", cohort_id), lambda seen: "running" not in seen.out)
    assert re.match(r"cancelled \(reprocess with .*\): [01] of 2 begun", shown.out)
    none = await stack.rushes("cohort", "show", "12345")
    assert (none.code, none.err.strip()) == (1, "There is no cohort whose id begins with 12345. (cohort_not_found)")
    nothing = await stack.rushes("retry", "--code", "original_missing", "--wait")
    assert (nothing.code, nothing.out) == (0, ""), "where an id would be there is none"
    assert "there is nothing to do" in nothing.err
