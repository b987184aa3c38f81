"""What is killed, stopped, cancelled or hung ends well all the same, and leaves nothing behind."""

import os
import signal

import pytest

from tests.end_to_end.service import Service
from tests.fixtures.clips import Clip, Clips
from tests.media.processes import gone
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)


async def test_a_worker_killed_and_one_stopped_in_mid_encode_are_replaced_and_only_what_they_had_in_hand_is_done_again(
    harmed: Service, clips: Clips
) -> None:
    video_id = await harmed.upload(clips.path(Clip.LONG_540P))
    done = await harmed.a_chunk_is_done(video_id)
    encoder = await harmed.encoding(video_id)
    os.kill(harmed.run.pids["worker"], signal.SIGKILL)
    await gone(encoder, within_seconds=5)
    encoder = await harmed.encoding(video_id)
    os.kill(harmed.run.pids["worker"], signal.SIGTERM)
    await gone(encoder, within_seconds=10)
    row = await harmed.ended(video_id, within_seconds=100)
    assert row["status"] == "ready", row
    await harmed.closed(video_id)
    steps = await harmed.steps_by_id(video_id)
    attempts = {name: step["attempts"] for name, step in steps.items() if name.startswith("chunk-")}
    assert attempts.pop(done["activity_id"]) == 1
    (of_the_other,) = attempts.values()
    assert of_the_other in {2, 3}, "the first was lost, the second handed back unless it was through in the time it had"
    assert await harmed.work_of(video_id) == []


async def test_chunks_of_a_terminated_run_serve_the_retry(harmed: Service, clips: Clips) -> None:
    video_id = await harmed.upload(clips.path(Clip.LONG_540P))
    done = await harmed.a_chunk_is_done(video_id)
    await harmed.terminate(video_id)
    row = await harmed.ended(video_id, within_seconds=60)
    assert (row["status"], row["error_code"]) == ("error", "processing_lost")
    assert (await harmed.http.post(f"/api/v1/videos/{video_id}/retry")).status_code == 202
    assert (await harmed.ended(video_id))["status"] == "ready"
    again = (await harmed.steps_by_id(video_id))[done["activity_id"]]
    assert again["duration_seconds"] < done["duration_seconds"] / 2


async def test_an_encoder_that_hangs_is_found_out_and_the_video_becomes_ready(harmed: Service, clips: Clips) -> None:
    video_id = await harmed.upload(clips.path(Clip.LONG_540P))
    encoder = await harmed.encoding(video_id)
    os.kill(encoder, signal.SIGSTOP)
    row = await harmed.ended(video_id, within_seconds=100)
    assert row["status"] == "ready", row
    await harmed.closed(video_id)
    tried_again = [name for name in await harmed.steps_by_id(video_id) if name.endswith(".2")]
    assert len(tried_again) == 1
    await gone(encoder, within_seconds=10)


async def test_cancel_then_retry_then_delete(service: Service, clips: Clips) -> None:
    video_id = await service.upload(clips.path(Clip.LONG_540P))
    encoder = await service.encoding(video_id)
    answer = await service.http.post(f"/api/v1/videos/{video_id}/cancel")
    assert answer.status_code == 202
    await gone(encoder, within_seconds=10)
    row = await service.ended(video_id, within_seconds=10)
    assert (row["status"], row["error_code"]) == ("error", "cancelled")
    await service.closed(video_id)
    assert await service.work_of(video_id) == []

    assert (await service.http.post(f"/api/v1/videos/{video_id}/cancel")).status_code == 409
    assert (await service.http.post(f"/api/v1/videos/{video_id}/retry")).status_code == 202
    row = await service.ended(video_id)
    assert (row["status"], row["attempt"]) == ("ready", 2)
    assert (await service.http.post(f"/api/v1/videos/{video_id}/retry")).status_code == 409

    assert (await service.http.delete(f"/api/v1/videos/{video_id}")).status_code == 204
    assert (await service.http.get(f"/api/v1/videos/{video_id}")).status_code == 404
    assert (await service.http.get(row["url_mp4"])).status_code == 404
    await eventually(lambda: service.stored_of(video_id), lambda keys: keys == [])


async def test_deleting_a_video_in_mid_transcode_stops_it_first(service: Service, clips: Clips) -> None:
    video_id = await service.upload(clips.path(Clip.FORTY_SECONDS))
    encoder = await service.encoding(video_id)
    assert (await service.http.delete(f"/api/v1/videos/{video_id}")).status_code == 204
    await gone(encoder, within_seconds=10)
    assert (await service.http.get(f"/api/v1/videos/{video_id}")).status_code == 404
    await eventually(lambda: service.stored_of(video_id), lambda keys: keys == [])
    await eventually(lambda: service.work_of(video_id), lambda keys: keys == [])
