"""What is another's is as if it were not there, at every door."""

import httpx

from database.engine import Database
from tests.api.accounts import bearer, key_of, upload_as
from tests.api.tus import BYTES, TUS, append, created

VIDEOS = "/api/v1/videos"
WEBHOOKS = "/api/v1/webhooks"


async def test_an_upload_of_another_is_neither_seen_nor_written_nor_ended(
    client: httpx.AsyncClient, database: Database
) -> None:
    ann, bea = [bearer(await key_of(database, user)) for user in ("ann", "bea")]
    url = await created(client, 2, **ann)
    assert (await client.head(url, headers=TUS | bea)).status_code == 404
    refused = [
        await append(client, url, 0, b"x", **bea),
        await client.post(url, headers={**BYTES, **bea, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}),
        await client.delete(url, headers=TUS | bea),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(404, "video_not_found")] * 3
    assert (await append(client, url, 0, b"ab", **ann)).status_code == 204


async def test_nor_are_the_original_the_events_and_the_making_of_a_video_of_another(
    client: httpx.AsyncClient, database: Database
) -> None:
    ann, bea = [await key_of(database, user) for user in ("ann", "bea")]
    video = f"{VIDEOS}/{(await upload_as(client, ann)).json()['video_id']}"
    asked = [("GET", f"{video}/original"), ("GET", f"{video}/events"), ("POST", f"{video}/reprocess")]
    for method, path in asked:
        answer = await client.request(method, path, headers=bearer(bea), json={} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "video_not_found"), path
    assert (await client.head(f"{video}/original", headers=bearer(bea))).status_code == 404
    assert (await client.get(f"{video}/original", headers=bearer(ann))).status_code == 200


async def test_nor_is_a_webhook_of_another(client: httpx.AsyncClient, database: Database) -> None:
    ann, bea = [bearer(await key_of(database, user)) for user in ("ann", "bea")]
    made = await client.post(WEBHOOKS, headers=ann, json={"url": "https://example.com/hook"})
    assert made.status_code == 201, made.text
    hook = f"{WEBHOOKS}/{made.json()['id']}"
    asked = [
        ("GET", hook, None),
        ("PATCH", hook, {"description": "mine"}),
        ("POST", f"{hook}/secret", {}),
        ("GET", f"{hook}/deliveries", None),
        ("POST", f"{hook}/deliveries/1/resend", None),
        ("DELETE", hook, None),
    ]
    for method, path, body in asked:
        answer = await client.request(method, path, headers=bea, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found"), (method, path)
    assert (await client.get(WEBHOOKS, headers=bea)).json()["items"] == []
    assert (await client.get(hook, headers=ann)).status_code == 200
