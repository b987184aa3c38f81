"""The scripts that README and docs/webhooks.md show do what they say."""

import asyncio
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from embedded.ports import Ports
from events.signing import new_secret, signed_headers
from tests.end_to_end.service import Service
from tests.fixtures.clips import Clips

_ROOT: Final = Path(__file__).resolve().parents[2]
_README: Final = _ROOT / "README.md"
_WEBHOOKS: Final = _ROOT / "docs" / "webhooks.md"
_SCRIPT: Final = re.compile(r"```python\n(?P<script>.*?)```", re.DOTALL)


def scripts(page: Path) -> tuple[str, str]:
    """The one that uploads and waits, and the one that takes webhooks."""
    upload, receive = (match["script"] for match in _SCRIPT.finditer(page.read_text(encoding="utf-8")))
    return upload, receive


async def printed(script: str, folder: Path, clips: Clips) -> list[str]:
    """What the script says to a holiday."""
    shutil.copyfile(clips.path("short_with_sound"), folder / "holiday.mov")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().splitlines()


async def test_the_script_that_uploads_and_waits_prints_where_the_video_is(
    service_on_a_disk: Service, clips: Clips, tmp_path: Path
) -> None:
    script = scripts(_README)[0].replace("http://127.0.0.1:8000", service_on_a_disk.run.api)
    lines = await printed(script, tmp_path, clips)
    assert re.fullmatch(r"(\d+) of \1 bytes", lines[-2])
    assert (await service_on_a_disk.http.get(lines[-1])).headers["content-type"] == "video/mp4"


async def test_the_script_that_uploads_and_waits_for_its_webhook_says_that_the_video_is_ready(
    service_on_a_disk: Service, clips: Clips, tmp_path: Path
) -> None:
    script = scripts(_WEBHOOKS)[0].replace("http://127.0.0.1:8000", service_on_a_disk.run.api)
    script = script.replace("3000", str(Ports().free(purpose="the receiver")))
    assert await printed(script, tmp_path, clips) == ["video.ready: holiday"]
    assert (await service_on_a_disk.http.get("/api/v1/webhooks")).json()["items"] == []


@pytest.mark.parametrize("page", [_README, _WEBHOOKS], ids=["README", "docs/webhooks.md"])
async def test_the_script_that_takes_webhooks_takes_genuine_ones_alone(page: Path) -> None:
    data = {"id": "0b7f", "metadata": {}}
    secret, told = new_secret(), json.dumps({"type": "video.ready", "data": data}).encode()
    names: dict[str, Any] = {}
    exec(scripts(page)[1].replace("whsec_…", secret), names)  # noqa: S102 # it is the page's
    transport = httpx.ASGITransport(names["app"])
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as sender:
        now = int(time.time())
        genuine = signed_headers("evt_1", now, told, [secret])
        assert (await sender.post("/rushes", content=told, headers=genuine)).status_code == 204
        forged = signed_headers("evt_1", now, told, [new_secret()])
        assert (await sender.post("/rushes", content=told, headers=forged)).status_code == 400
