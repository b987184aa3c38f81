"""After a day's work with keys, a bucket, a link and an import, no secret stands anywhere that people look at."""

import asyncio
import json
import re
import secrets
from base64 import b64decode
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from sqlalchemy.engine import make_url
from temporalio.client import Client

from api.authentication import CSRF_HEADER, SESSION_COOKIE
from tests.end_to_end.conftest import in_the_bucket, serving, with_everything_allowed
from tests.end_to_end.service import Service
from tests.fetching.serving import serving as file_server
from tests.fetching.serving import status, well
from tests.fixtures.bucket import BucketServer
from tests.fixtures.clips import Clip, Clips
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)


async def histories(service: Service) -> str:
    """What Temporal holds of every run, and of what is in it as base64 what that says."""
    client = await Client.connect(service.run.temporal)
    told = [
        (await client.get_workflow_handle(one.id).fetch_history()).to_json() async for one in client.list_workflows()
    ]
    assert told
    payloads = re.findall(r'"data":\s*"([^"]+)"', "\n".join(told))
    return "\n".join([*told, *(b64decode(payload).decode(errors="replace") for payload in payloads)])


async def logs(service: Service) -> str:
    """All that the stack's parts have written."""
    files = sorted((service.home.folder / "logs").iterdir())
    assert {"api.log", "worker.log"} <= {file.name for file in files}
    return "\n".join([await asyncio.to_thread(file.read_text, errors="replace") for file in files])


async def signing_secrets(service: Service) -> list[str]:
    """What links and sessions are signed with."""
    async with await psycopg.AsyncConnection.connect(service.run.database) as connection:
        found = await connection.execute("SELECT secret FROM signing_secrets")
        return [secret for (secret,) in await found.fetchall()]


async def test_no_secret_is_in_logs_answers_histories_or_findings(
    tmp_path: Path, clips: Clips, shared_bucket_server: BucketServer
) -> None:
    home = in_the_bucket(with_everything_allowed(tmp_path), shared_bucket_server)
    token = secrets.token_hex(16)
    content = await asyncio.to_thread(clips.path(Clip.SHORT_WITH_SOUND).read_bytes)
    async with serving(home) as service, file_server(content, status(404), well()) as files:
        made = await home.rushes("keys", "create", "--user", "ann", "--json")
        key = json.loads(made.out)["key"]
        service.http.headers["Authorization"] = f"Bearer {key}"
        video_id = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
        assert (await service.ended(video_id))["status"] == "ready"
        link = (await service.http.post(f"/api/v1/videos/{video_id}/links", json={})).json()
        ((token_of_link,),) = parse_qs(urlsplit(link["url_mp4"]).query).values()
        await service.http.get(link["url_mp4"], headers={"Authorization": ""})
        for _ in range(2):  # one is not found, the other is fetched
            imported = await service.import_from(files.url(f"/a.mp4?token={token}"))
            await service.ended(imported)
        hook = await service.http.post("/api/v1/webhooks", json={"url": files.url("/hook")})
        assert hook.status_code == 201, hook.text
        session = await service.http.post("/api/v1/session")
        cookie = service.http.cookies[SESSION_COOKIE]
        changed = await service.http.patch(
            f"/api/v1/videos/{video_id}",
            json={"title": "Seen by the webhook"},
            headers={"Authorization": "", CSRF_HEADER: session.json()["csrf_token"]},
        )
        assert changed.status_code == 200, changed.text
        refusals = [
            await service.http.get("/api/v1/videos", headers={"Authorization": f"Bearer {key}x"}),
            await service.http.post(f"/api/v1/videos/{video_id}/retry", headers={"Authorization": ""}),
            await service.http.get(link["url_mp4"] + "x", headers={"Authorization": "", "Cookie": ""}),
        ]
        assert [refused.status_code for refused in refusals] == [401, 403, 404]

        async def is_clean() -> bool:
            return "clean_scratch" in await histories(service)

        await eventually(is_clean, bool)
        shown = [
            (await home.with_settings(RUSHES_API_KEY=key).rushes(*asked)).out
            for asked in (("doctor",), ("show", imported))
        ]
        row = (await service.http.get(f"/api/v1/videos/{imported}")).text
        told = [refused.text for refused in refusals]
        runs = await histories(service)
        looked_at = "\n".join([await logs(service), runs, *told, row, *shown])
        signing = await signing_secrets(service)
        database_password = make_url(service.run.database).password
    assert video_id in looked_at
    assert f"originals/{video_id}.mp4" in runs, "what steps are told is looked at"
    hidden = {
        "password of PostgreSQL": database_password,
        "key of the bucket": shared_bucket_server.environment["AWS_SECRET_ACCESS_KEY"],
        "key of the api": key.rpartition("_")[2],
        "token of a link": token_of_link,
        "token of an import": token,
        "secret of a webhook": hook.json()["secret"].removeprefix("whsec_"),
        "cookie of a session": cookie,
        "token of a session": session.json()["csrf_token"],
        **{f"signing secret {number}": secret for number, secret in enumerate(signing)},
    }
    assert [name for name, secret in hidden.items() if not secret or secret in looked_at] == []
