"""The scripts that the README shows do what it says."""

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

from events.signing import new_secret, signed_headers
from tests.end_to_end.service import Service
from tests.fixtures.clips import Clips

_README: Final = Path(__file__).resolve().parents[2] / "README.md"
_SCRIPT: Final = re.compile(r"```python\n(?P<script>.*?)```", re.DOTALL)


def scripts() -> tuple[str, str]:
    """The one that uploads and waits, and the one that takes webhooks."""
    upload, receive = (match["script"] for match in _SCRIPT.finditer(_README.read_text(encoding="utf-8")))
    return upload, receive


async def test_the_script_that_uploads_and_waits_prints_where_the_video_is(
    service_on_a_disk: Service, clips: Clips, tmp_path: Path
) -> None:
    shutil.copyfile(clips.path("short_with_sound"), tmp_path / "holiday.mov")
    script = scripts()[0].replace("http://127.0.0.1:8000", service_on_a_disk.run.api)
    root = str(_README.parent)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    lines = out.decode().splitlines()
    assert process.returncode == 0
    assert re.fullmatch(r"(\d+) of \1 bytes", lines[-2])
    assert (await service_on_a_disk.http.get(lines[-1])).headers["content-type"] == "video/mp4"


async def test_the_script_that_takes_webhooks_takes_genuine_ones_alone() -> None:
    secret, told = new_secret(), json.dumps({"type": "video.ready", "data": {"id": "0b7f"}}).encode()
    names: dict[str, Any] = {}
    exec(scripts()[1].replace("whsec_…", secret), names)  # noqa: S102 # it is the README's
    transport = httpx.ASGITransport(names["app"], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as sender:
        now = int(time.time())
        genuine = signed_headers("evt_1", now, told, [secret])
        assert (await sender.post("/rushes", content=told, headers=genuine)).status_code == 200
        forged = signed_headers("evt_1", now, told, [new_secret()])
        assert (await sender.post("/rushes", content=told, headers=forged)).status_code == 500
