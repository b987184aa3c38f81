"""A day's work with keys, a bucket, a link, an import and a webhook: its secrets, and what is looked at afterwards."""

import asyncio
import json
import re
import secrets
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
from sqlalchemy.engine import make_url
from temporalio.client import Client

from api.authentication import CSRF_HEADER, SESSION_COOKIE
from tests.end_to_end.conftest import in_the_bucket, serving, with_everything_allowed
from tests.end_to_end.service import Service
from tests.fetching.serving import FileServer, status, well
from tests.fetching.serving import serving as file_server
from tests.fixtures.bucket import BucketServer
from tests.fixtures.clips import Clip, Clips
from tests.waiting import eventually


@dataclass(frozen=True)
class Done:
    """What a day leaves.

    Attributes:
        video_id: Of its upload.
        hidden: What is to stand nowhere, by what it is.
        shown: What people look at, by where.
    """

    video_id: str
    hidden: Mapping[str, str]
    shown: Mapping[str, str]

    def found(self) -> list[tuple[str, str]]:
        """Which secret stands where."""
        return [
            (what, where)
            for what, secret in self.hidden.items()
            for where, text in self.shown.items()
            if secret in text
        ]


async def days_work(folder: Path, clips: Clips, server: BucketServer) -> Done:
    """Do it, in a stack of its own whose files are in the bucket."""
    home = in_the_bucket(with_everything_allowed(folder), server)
    content = await asyncio.to_thread(clips.path(Clip.SHORT_WITH_SOUND).read_bytes)
    async with serving(home) as service, file_server(content, status(404), well()) as files:
        made = await home.rushes("keys", "create", "--user", "ann", "--json")
        key = json.loads(made.out)["key"]
        service.http.headers["Authorization"] = f"Bearer {key}"
        video_id = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
        assert (await service.ended(video_id))["status"] == "ready"
        hidden, shown, imported = await _ask(service, video_id, files, key)

        async def is_clean() -> bool:
            return "clean_scratch" in await histories(service)

        await eventually(is_clean, bool)
        for asked in (("doctor",), ("show", imported)):
            shown[f"rushes {asked[0]}"] = (await home.with_settings(RUSHES_API_KEY=key).rushes(*asked)).out
        shown["a row"] = (await service.http.get(f"/api/v1/videos/{imported}")).text
        shown |= {"histories of Temporal": await histories(service)} | await logs(service)
        hidden |= {
            "password of PostgreSQL": make_url(service.run.database).password or "",
            "key of the bucket": server.environment["AWS_SECRET_ACCESS_KEY"],
            "key of the api": key.rpartition("_")[2],
        }
        hidden |= {f"signing secret {number}": one for number, one in enumerate(await signing_secrets(service))}
    return Done(video_id, hidden, shown)


async def _ask(
    service: Service, video_id: str, files: FileServer, key: str
) -> tuple[dict[str, str], dict[str, str], str]:
    """Ask for whatever has a secret, and be refused; returns the secrets, the refusals and the id of an import."""
    http, token = service.http, secrets.token_hex(16)
    link = (await http.post(f"/api/v1/videos/{video_id}/links", json={})).json()
    ((token_of_link,),) = parse_qs(urlsplit(link["url_mp4"]).query).values()
    await http.get(link["url_mp4"], headers={"Authorization": ""})
    for _ in range(2):  # one is not found, the other is fetched
        imported = await service.import_from(files.url(f"/a.mp4?token={token}"))
        await service.ended(imported)
    hook = await http.post("/api/v1/webhooks", json={"url": files.url("/hook")})
    assert hook.status_code == httpx.codes.CREATED, hook.text
    session = await http.post("/api/v1/session")
    cookie = http.cookies[SESSION_COOKIE]
    changed = await http.patch(
        f"/api/v1/videos/{video_id}",
        json={"title": "Seen by the webhook"},
        headers={"Authorization": "", CSRF_HEADER: session.json()["csrf_token"]},
    )
    assert changed.status_code == httpx.codes.OK, changed.text
    refusals = [
        await http.get("/api/v1/videos", headers={"Authorization": f"Bearer {key}x"}),
        await http.post(f"/api/v1/videos/{video_id}/retry", headers={"Authorization": ""}),
        await http.get(link["url_mp4"] + "x", headers={"Authorization": "", "Cookie": ""}),
    ]
    assert [refused.status_code for refused in refusals] == [401, 403, 404]
    hidden = {
        "token of a link": token_of_link,
        "token of an import": token,
        "secret of a webhook": hook.json()["secret"].removeprefix("whsec_"),
        "cookie of a session": cookie,
        "token of a session": session.json()["csrf_token"],
    }
    return hidden, {f"refusal {refused.status_code}": refused.text for refused in refusals}, imported


async def histories(service: Service) -> str:
    """What Temporal holds of every run, and of what is in it as base64 what that says."""
    client = await Client.connect(service.run.temporal)
    told = [
        (await client.get_workflow_handle(one.id).fetch_history()).to_json() async for one in client.list_workflows()
    ]
    assert told
    payloads = re.findall(r'"data":\s*"([^"]+)"', "\n".join(told))
    return "\n".join([*told, *(b64decode(payload).decode(errors="replace") for payload in payloads)])


async def logs(service: Service) -> dict[str, str]:
    """All that the stack's parts have written, by file."""
    files = sorted((service.home.folder / "logs").iterdir())
    assert {"api.log", "worker.log"} <= {file.name for file in files}
    return {file.name: await asyncio.to_thread(file.read_text, errors="replace") for file in files}


async def signing_secrets(service: Service) -> list[str]:
    """What links and sessions are signed with."""
    async with await psycopg.AsyncConnection.connect(service.run.database) as connection:
        found = await connection.execute("SELECT secret FROM signing_secrets")
        return [secret for (secret,) in await found.fetchall()]
