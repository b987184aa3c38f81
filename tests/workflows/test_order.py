"""Which steps a video goes through, and in which order."""

from collections.abc import Sequence

import pytest
from temporalio.client import Client

from activities.create_thumbnail import CreateThumbnailInput
from activities.encode_chunk import EncodeChunkInput
from activities.join_streams import JoinStreamsInput
from activities.mark_ready import MarkReadyInput
from activities.publish_files import PublishFilesInput
from activities.validate_video import ValidateVideoInput
from activities.verify_output import VerifyOutputInput
from contracts.storage_keys import work_key
from media.plan import TranscodePlan
from tests.waiting import eventually
from tests.workflows.plans import copied_plan, encoded_plan, with_encoded_sound, without_sound
from tests.workflows.running import Handle, start
from tests.workflows.scripted import ScriptedActivities, scripted_workers
from workflows.activity_options import CHUNKS_AT_ONCE

BEGIN = ["claim_video", "validate_video"]
END = ["join_streams", "verify_output", "publish_files", "mark_ready", "clean_scratch"]


@pytest.mark.parametrize(
    ("plan", "parts"),
    [
        pytest.param(copied_plan(), [], id="copied"),
        pytest.param(with_encoded_sound(copied_plan()), ["encode_sound"], id="copied picture, encoded sound"),
        pytest.param(encoded_plan(), ["chunk-1-of-1"], id="encoded in one piece"),
        pytest.param(without_sound(encoded_plan()), ["chunk-1-of-1"], id="without sound"),
        pytest.param(
            encoded_plan(3, encoded_sound=True),
            ["chunk-1-of-3", "chunk-2-of-3", "chunk-3-of-3", "encode_sound"],
            id="in chunks, with encoded sound",
        ),
    ],
)
async def test_a_video_goes_through_the_steps_of_its_plan_once_and_in_order(
    temporal_client: Client, plan: TranscodePlan, parts: Sequence[str]
) -> None:
    script = ScriptedActivities(plan)
    async with scripted_workers(temporal_client, script):
        await (await start(temporal_client)).result()
    made = len(BEGIN) + len(parts)
    calls = [call for call in script.calls if call != "create_thumbnail"]
    assert (calls[:2], sorted(calls[2:made]), calls[made:]) == (BEGIN, sorted(parts), END)
    assert script.calls.count("create_thumbnail") == 1
    assert 1 < script.calls.index("create_thumbnail") < script.calls.index("publish_files")


async def test_every_step_is_told_what_the_steps_before_it_found(temporal_client: Client) -> None:
    script = ScriptedActivities(encoded_plan(2, encoded_sound=True))
    async with scripted_workers(temporal_client, script):
        await (await start(temporal_client)).result()
    published = script.last("publish_files")
    assert isinstance(published, PublishFilesInput)
    video_id = published.video_id
    original = f"originals/{video_id}.mp4"
    assert script.last("validate_video") == ValidateVideoInput(original, "web")
    chunk = script.last("chunk-2-of-2")
    assert isinstance(chunk, EncodeChunkInput)
    assert (chunk.original_key, chunk.picture, chunk.chunk.number, chunk.making) == (
        original,
        script.plan.picture,
        2,
        1,
    )
    assert chunk.memory_bytes == script.plan.memory_bytes
    thumbnail = script.last("create_thumbnail")
    assert isinstance(thumbnail, CreateThumbnailInput)
    assert thumbnail.thumbnail == script.plan.thumbnail
    join = script.last("join_streams")
    assert isinstance(join, JoinStreamsInput)
    assert [piece.file.key for piece in join.chunks] == [
        work_key(video_id, f"chunk-00{number}-0123456789abcdef.mp4") for number in (1, 2)
    ]
    assert join.sound is not None
    verify = script.last("verify_output")
    assert isinstance(verify, VerifyOutputInput)
    assert (verify.plan, verify.file, verify.frames) == (script.plan, published.video, 300)
    ready = script.last("mark_ready")
    assert ready == MarkReadyInput(
        video_id,
        3,
        duration_seconds=12.0,
        width=1280,
        height=720,
        warnings=(),
        video_bytes=published.video.size_bytes,
        thumbnail_bytes=published.thumbnail.size_bytes,
        thumbnail_sha256="2" * 64,
    )


async def test_the_thumbnail_is_drawn_while_the_picture_is_encoded(
    temporal_client: Client, script: ScriptedActivities
) -> None:
    async def until_the_other(name: str) -> None:
        await script.begun(name)

    script.behaviours["encode_chunk"] = lambda _call: until_the_other("create_thumbnail")
    script.behaviours["create_thumbnail"] = lambda _call: until_the_other("encode_chunk")
    async with scripted_workers(temporal_client, script):
        await (await start(temporal_client)).result()
    assert script.calls[-1] == "clean_scratch"


async def scheduled(handle: Handle) -> list[str]:
    """Ids of the activities that the run has asked for, in order."""
    history = await handle.fetch_history()
    found = [event.activity_task_scheduled_event_attributes.activity_id for event in history.events]
    return [activity_id for activity_id in found if activity_id]


async def test_only_so_many_chunks_are_asked_for_at_a_time_and_in_order_of_time(temporal_client: Client) -> None:
    script = ScriptedActivities(encoded_plan(CHUNKS_AT_ONCE + 4))

    async def first_one_takes_longest(_call: int) -> None:
        await script.begun(f"chunk-{CHUNKS_AT_ONCE + 4}-of-{CHUNKS_AT_ONCE + 4}")

    script.behaviours[f"chunk-1-of-{CHUNKS_AT_ONCE + 4}"] = first_one_takes_longest
    for number in range(2, CHUNKS_AT_ONCE + 1):
        script.behaviours[f"chunk-{number}-of-{CHUNKS_AT_ONCE + 4}"] = lambda _call: script.begun("released")

    async def asked_for() -> list[str]:
        return [activity_id for activity_id in await scheduled(handle) if activity_id.startswith("chunk-")]

    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await eventually(asked_for, lambda asked: len(asked) >= CHUNKS_AT_ONCE)
        await script.begun(f"chunk-{CHUNKS_AT_ONCE}-of-{CHUNKS_AT_ONCE + 4}")
        await script.begun("create_thumbnail")
        assert len(await asked_for()) == CHUNKS_AT_ONCE
        script.release("released")
        await handle.result()
    assert await asked_for() == [f"chunk-{number}-of-{CHUNKS_AT_ONCE + 4}" for number in range(1, CHUNKS_AT_ONCE + 5)]


async def test_the_history_of_a_film_of_two_hours_stays_small(temporal_client: Client) -> None:
    script = ScriptedActivities(encoded_plan(240, encoded_sound=True))
    async with scripted_workers(temporal_client, script):
        handle = await start(temporal_client)
        await handle.result()
    events = (await handle.fetch_history()).events
    sizes = sorted(event.ByteSize() for event in events)
    assert len(events) < 2_000
    assert sizes[-1] < 60_000, f"{len(events)} events, {sum(sizes)} bytes, the largest of {sizes[-1]}"
    assert sum(sizes) < 2_000_000
