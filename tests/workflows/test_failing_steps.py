"""What fails is tried again where that may help, and only there. Hours of retries pass in milliseconds."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.mark_error import MarkErrorInput
from contracts.errors import (
    DatabaseUnavailable,
    Encrypted,
    ErrorCode,
    InvalidMedia,
    LimitExceeded,
    NoVideoStream,
    OriginalMissing,
    OutputMismatch,
    StorageFailed,
    TranscodeFailed,
    UnknownProfile,
    UnsupportedCodec,
    VideoError,
    WorkMissing,
)
from tests.workflows.impatience import Impatient
from tests.workflows.plans import copied_plan, encoded_plan, with_encoded_sound
from tests.workflows.running import code_of, failure_of, marked_code, start
from tests.workflows.scripted import (
    ScriptedActivities,
    always,
    control_worker,
    first,
    hang_silently,
    hang_with_heartbeats,
    media_worker,
    scripted_workers,
)

CHUNK = "chunk-1-of-1"


@pytest.mark.parametrize(
    "error",
    [
        InvalidMedia("no"),
        NoVideoStream("no"),
        UnsupportedCodec("no"),
        Encrypted("no"),
        LimitExceeded("no"),
        UnknownProfile("no"),
        OriginalMissing("no"),
    ],
    ids=lambda error: error.code,
)
async def test_a_file_at_fault_ends_in_its_code_after_one_attempt(
    temporal_client: Client, script: ScriptedActivities, error: VideoError
) -> None:
    script.behaviours["validate_video"] = always(error)
    async with scripted_workers(temporal_client, script):
        assert await code_of(await start(temporal_client)) == error.code
    assert script.calls == ["claim_video", "validate_video", "mark_error", "clean_scratch"]
    marked = script.last("mark_error")
    assert isinstance(marked, MarkErrorInput)
    assert (marked.error_code, marked.error_reason, marked.attempt) == (error.code, "no", 3)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("claim_video", DatabaseUnavailable("away")),
        ("validate_video", StorageFailed("the share is away")),
        ("encode_chunk", TranscodeFailed("killed")),
        ("encode_chunk", StorageFailed("disk full")),
        ("encode_sound", TranscodeFailed("killed")),
        ("create_thumbnail", TranscodeFailed("killed")),
        ("join_streams", StorageFailed("disk full")),
        ("verify_output", StorageFailed("the share is away")),
        ("publish_files", StorageFailed("disk full")),
        ("mark_ready", DatabaseUnavailable("away")),
        ("clean_scratch", StorageFailed("busy")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.code,
)
async def test_what_may_pass_is_tried_again_and_the_video_becomes_ready(
    time_skipping: WorkflowEnvironment, name: str, error: VideoError
) -> None:
    script = ScriptedActivities(with_encoded_sound(encoded_plan()))
    script.behaviours[name] = first(3, error)
    async with scripted_workers(time_skipping.client, script):
        await (await start(time_skipping.client)).result()
    assert script.calls.count(CHUNK if name == "encode_chunk" else name) == 4
    assert "mark_error" not in script.calls


@pytest.mark.parametrize("name", ["validate_video", "encode_chunk", "encode_sound", "create_thumbnail"])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TranscodeFailed("it crashed"), ErrorCode.TRANSCODE_FAILED),
        (OutputMismatch("too few frames"), ErrorCode.OUTPUT_MISMATCH),
        (RuntimeError("nobody foresaw this"), ErrorCode.INTERNAL),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_the_work_itself_causes_is_given_up_after_five_failures_with_pauses_between(
    time_skipping: WorkflowEnvironment, name: str, error: Exception, code: ErrorCode
) -> None:
    script = ScriptedActivities(with_encoded_sound(encoded_plan()))
    script.behaviours[name] = always(error)
    begun = await time_skipping.get_current_time()
    async with scripted_workers(time_skipping.client, script):
        await failure_of(await start(time_skipping.client))
    assert script.calls.count(CHUNK if name == "encode_chunk" else name) == 5
    assert await time_skipping.get_current_time() - begun >= timedelta(seconds=2 + 4 + 8 + 16)
    assert script.calls[-2:] == ["mark_error", "clean_scratch"]
    assert "publish_files" not in script.calls
    assert marked_code(script) is code


async def test_lost_workers_and_restarts_use_up_none_of_the_tries(time_skipping: WorkflowEnvironment) -> None:
    """Ten ends of a worker in the middle of one encode, and four failures of ffmpeg, still end ready."""
    client, script = time_skipping.client, ScriptedActivities()
    fails = {11, 12, 14, 16}
    lost = {3, 7}
    restarted = {1, 2, 4, 5, 6, 8, 9, 10, 13, 15}

    async def one_of_many_attempts(call: int) -> None:
        if call in fails:
            raise TranscodeFailed("it crashed")
        if call in lost:
            await hang_silently(call)
        if call in restarted:
            await hang_with_heartbeats(call)

    script.behaviours[CHUNK] = one_of_many_attempts
    async with control_worker(client, script, [Impatient()]):
        # Whoever waits for the result lets the time pass.
        ready = asyncio.create_task((await start(client)).result())
        for call in sorted(restarted):
            async with media_worker(client, script):
                await called_so_often(script, call)
        async with media_worker(client, script):
            await ready
    assert script.calls.count(CHUNK) == len(fails | lost | restarted) + 1
    assert "mark_error" not in script.calls


async def called_so_often(script: ScriptedActivities, call: int) -> None:
    """Wait until the chunk has been called so many times."""
    while script.calls.count(CHUNK) < call:
        script.again(CHUNK)
        await script.begun(CHUNK)


async def test_a_worker_that_is_lost_again_and_again_ends_as_timed_out(temporal_client: Client) -> None:
    script = ScriptedActivities()
    script.behaviours["validate_video"] = hang_silently
    async with scripted_workers(temporal_client, script, [Impatient(most_attempts=2)]):
        await failure_of(await start(temporal_client))
    assert script.calls.count("validate_video") == 2
    assert marked_code(script) is ErrorCode.TIMED_OUT


async def test_mark_ready_outlasts_a_database_that_is_down_for_an_hour(
    time_skipping: WorkflowEnvironment, script: ScriptedActivities
) -> None:
    back_at: list[float] = []

    async def down_for_an_hour(_call: int) -> None:
        now = (await time_skipping.get_current_time()).timestamp()
        back_at.append(back_at[0] if back_at else now + 3600)
        if now < back_at[0]:
            raise DatabaseUnavailable("PostgreSQL does not answer")

    script.behaviours["mark_ready"] = down_for_an_hour
    async with scripted_workers(time_skipping.client, script):
        await (await start(time_skipping.client)).result()
    assert script.calls.count("mark_ready") > 60
    assert "mark_error" not in script.calls
    assert "withdraw_files" not in script.calls


async def test_a_failed_thumbnail_stops_the_encodes_before_scratch_is_cleaned(temporal_client: Client) -> None:
    script = ScriptedActivities(encoded_plan(3))

    async def fail_beside_the_encodes(_call: int) -> None:
        for number in (1, 2, 3):
            await script.begun(f"chunk-{number}-of-3")
        raise InvalidMedia("no frame")

    script.behaviours["encode_chunk"] = hang_with_heartbeats
    script.behaviours["create_thumbnail"] = fail_beside_the_encodes
    async with scripted_workers(temporal_client, script):
        assert await code_of(await start(temporal_client)) == ErrorCode.INVALID_MEDIA
    assert script.ended[-2:] == ["mark_error", "clean_scratch"]
    assert {"chunk-1-of-3", "chunk-2-of-3", "chunk-3-of-3"} <= set(script.ended[:-2])


class TestAnOutputThatIsNotWhatWasAskedFor:
    """It is made anew, not looked at again."""

    async def test_what_was_copied_is_encoded_the_next_time(self, temporal_client: Client) -> None:
        script = ScriptedActivities(copied_plan(seconds=18.0))
        script.behaviours["verify_output"] = first(1, OutputMismatch("the packets differ"))
        async with scripted_workers(temporal_client, script):
            await (await start(temporal_client)).result()
        assert without_thumbnail(script.calls) == [
            *("claim_video", "validate_video", "join_streams", "verify_output"),
            *made_in_parts(script.calls, 3),
            *("join_streams", "verify_output", "publish_files", "mark_ready", "clean_scratch"),
        ]
        assert script.calls.count("create_thumbnail") == 1
        assert {getattr(request, "making", None) for request in script.requests["encode_sound"]} == {2}
        assert {getattr(request, "making", None) for request in script.requests["chunk-1-of-3"]} == {2}
        assert getattr(script.last("publish_files"), "video", None) == getattr(script.last("verify_output"), "file", 0)

    async def test_what_would_be_too_much_to_encode_is_not_encoded_instead(self, temporal_client: Client) -> None:
        script = ScriptedActivities(copied_plan(seconds=18.0))
        script.why_not_encoded = "It would be too much to encode."
        script.behaviours["verify_output"] = first(1, OutputMismatch("the packets differ"))
        async with scripted_workers(temporal_client, script):
            await failure_of(await start(temporal_client))
        marked = script.last("mark_error")
        assert isinstance(marked, MarkErrorInput)
        assert (marked.error_code, marked.error_reason) == (ErrorCode.LIMIT_EXCEEDED, script.why_not_encoded)
        assert without_thumbnail(script.calls)[-4:] == ["join_streams", "verify_output", "mark_error", "clean_scratch"]

    async def test_it_is_made_three_times_and_verified_once_each(self, temporal_client: Client) -> None:
        script = ScriptedActivities(copied_plan(seconds=6.0))
        script.behaviours["verify_output"] = always(OutputMismatch("the packets differ"))
        async with scripted_workers(temporal_client, script):
            assert await code_of(await start(temporal_client)) == ErrorCode.OUTPUT_MISMATCH
        assert script.calls.count("verify_output") == 3
        assert [getattr(request, "making", None) for request in script.requests["join_streams"]] == [1, 2, 3]
        assert [getattr(request, "making", None) for request in script.requests[CHUNK]] == [2, 3]
        assert script.calls[-2:] == ["mark_error", "clean_scratch"]
        assert marked_code(script) is ErrorCode.OUTPUT_MISMATCH

    @pytest.mark.parametrize(
        ("error", "joins"),
        [(TranscodeFailed("it crashed"), 2), (WorkMissing("a chunk is gone"), 1)],
        ids=["crash", "gone"],
    )
    async def test_a_join_that_goes_wrong_leads_to_encoding(
        self, temporal_client: Client, error: VideoError, joins: int
    ) -> None:
        script = ScriptedActivities(copied_plan(seconds=6.0))
        script.behaviours["join_streams"] = first(joins, error)
        async with scripted_workers(temporal_client, script):
            await (await start(temporal_client)).result()
        assert [getattr(request, "making", None) for request in script.requests["join_streams"]] == [1] * joins + [2]
        assert script.calls.count(CHUNK) == 1


def without_thumbnail(calls: Sequence[str]) -> list[str]:
    return [call for call in calls if call != "create_thumbnail"]


def made_in_parts(calls: Sequence[str], chunks: int) -> list[str]:
    """What is encoded side by side, in the order in which it was called; each once."""
    parts = [call for call in calls if call.startswith("chunk-") or call == "encode_sound"]
    assert sorted(parts) == [*(f"chunk-{number}-of-{chunks}" for number in range(1, chunks + 1)), "encode_sound"]
    return parts
