"""What names cost others whose servers are silent: ``python -m tests.figures.names``.

The machine's own resolver asks a server that never answers: in a mount namespace, where ``/etc/resolv.conf`` names it.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from typing import Final

import httpx

from tests.end_to_end.service import Service
from tests.fetching.serving import serving
from tests.figures.stage import a_folder, a_service, drawn_clips, tell
from tests.fixtures.clips import Clip
from tests.waiting import eventually

_SILENT_ADDRESS: Final = "127.0.0.153"
_DNS_PORT: Final = 53
_INSIDE: Final = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
_WITHIN_SECONDS: Final = 300


async def key_of(service: Service, user: str) -> dict[str, str]:
    """The header that shows a new key of a user."""
    made = await service.home.rushes("keys", "create", "--user", user, "--json")
    return {"Authorization": f"Bearer {json.loads(made.out)['key']}"}


async def fetched(http: httpx.AsyncClient, headers: dict[str, str], url: str) -> float:
    """How long an import takes until all of it is here."""
    began = time.monotonic()
    answer = await http.post("/api/v1/videos/import", json={"url": url}, headers=headers)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    address = f"/api/v1/videos/{answer.json()['video_id']}"

    async def size() -> int | None:
        told: int | None = (await http.get(address, headers=headers)).json()["file_size_bytes"]
        return told

    await eventually(size, bool, within_seconds=_WITHIN_SECONDS)
    return time.monotonic() - began


async def measure(silent: int, times: int) -> None:
    """Start a stack, and tell; the names are those of a server that is silent."""
    clip = (await drawn_clips()).path(Clip.SHORT_WITH_SOUND)
    with a_folder() as folder:
        async with a_service(folder) as service, serving(clip.read_bytes()) as files:
            ann, bea = [await key_of(service, user) for user in ("ann", "bea")]
            here = files.url(host="localhost")
            alone = [await fetched(service.http, bea, here) for _ in range(times)]
            for number in range(silent):
                url = f"http://a{number}.example.com/clip.mp4"
                answer = await service.http.post("/api/v1/videos/import", json={"url": url}, headers=ann)
                assert answer.status_code == httpx.codes.ACCEPTED, answer.text
            client = await asyncio.to_thread(socket.getaddrinfo, "localhost", None)
            assert client, "names of this machine are known without a server"
            beside = [await fetched(service.http, bea, here) for _ in range(times)]
            waiting = (await service.http.get("/api/v1/videos?status=processing&limit=100", headers=ann)).json()
            assert len(waiting["items"]) == silent, "none of them was over meanwhile"
    tell(
        f"beside another's {silent} imports whose names' server is silent one took {max(beside):.1f} s at the longest "
        f"of {times}, {max(alone):.1f} s alone"
    )


async def inside_a_namespace(arguments: list[str]) -> int:
    """Run this again where that server is the machine's only one."""
    with a_folder() as folder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((_SILENT_ADDRESS, _DNS_PORT))  # and nobody ever reads what comes
        resolver = folder / "resolv.conf"
        resolver.write_text(f"nameserver {_SILENT_ADDRESS}\n")
        again = (sys.executable, "-m", "tests.figures.names", "--inside", *arguments)
        process = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "sh", "-c", _INSIDE, "sh", str(resolver), *again), stderr=asyncio.subprocess.PIPE
        )
        _, failure = await process.communicate()
        was_asked = _has_something(silent)
    if b"Operation not permitted" in failure and b"Traceback" not in failure:
        tell("names whose server is silent: this user may mount nothing, so nothing was tried")
        return 0
    sys.stderr.buffer.write(failure)
    assert process.returncode is not None
    assert was_asked or process.returncode, "nobody asked it for a name"
    return process.returncode


def _has_something(asked: socket.socket) -> bool:
    asked.setblocking(False)
    try:
        return bool(asked.recv(512))
    except BlockingIOError:
        return False


def main() -> int:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.names", description=__doc__)
    parser.add_argument("--silent", type=int, default=50, help="how many names")
    parser.add_argument("--times", type=int, default=5, help="how often something else is imported")
    parser.add_argument("--inside", action="store_true", help="the machine's resolver asks that server already")
    said = parser.parse_args()
    if said.inside:
        asyncio.run(measure(said.silent, said.times))
        return 0
    try:
        return asyncio.run(inside_a_namespace(sys.argv[1:]))
    except PermissionError:
        tell("names whose server is silent: this user may not be a server of names, so nothing was tried")
        return 0


if __name__ == "__main__":
    sys.exit(main())
