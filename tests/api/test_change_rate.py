"""Each change of a video is an event that is kept for days: one user can't fill the database with them."""

from dataclasses import replace
from uuid import uuid4

import httpx

from accounts.keys import KeyText
from api.options import ApiOptions
from api.services import Services
from database.engine import Database
from tests.api.accounts import bearer, key_of, upload_as
from tests.api.running import in_process

VIDEOS = "/api/v1/videos"


async def test_changes_that_go_on_are_told_when_to_come_back(
    services: Services, options: ApiOptions, database: Database
) -> None:
    ann, bea = [await key_of(database, user) for user in ("ann", "bea")]
    few = replace(options, events=replace(options.events, most_changes_a_second=1))
    async with in_process(services, few) as client:
        videos = [(key, (await upload_as(client, key)).json()["video_id"]) for key in (ann, bea)]

        async def change(key: KeyText, video_id: str) -> httpx.Response:
            return await client.patch(f"{VIDEOS}/{video_id}", headers=bearer(key), json={"title": str(uuid4())})

        answers = [await change(*videos[0]) for _ in range(60)]
        assert {answer.status_code for answer in answers[:20]} == {200}
        refused = answers[-1]
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
        assert refused.headers["retry-after"] == "1"
        assert (await change(*videos[1])).status_code == 200
        told = await database.events.newest(100)
    assert sum(event.type == "video.updated" for event in told) < 60
