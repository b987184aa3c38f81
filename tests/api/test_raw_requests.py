"""Requests that no client sends, over a socket: each is answered or ended, and none is a fault of the server's."""

import asyncio
import random
import re
from pathlib import Path
from typing import Final

import httpx
import pytest

from api.connections import ConnectionLimits
from api.options import ApiOptions
from api.services import Services
from contracts.status import VideoStatus
from tests.api.forms import BOUNDARY, MULTIPART, field_part, file_part, form
from tests.api.running import over_http
from tests.waiting import eventually

SEED: Final = 20
MUTANTS: Final = 500
AT_ONCE: Final = 20
SOON: Final = ConnectionLimits(header_seconds=1, silent_seconds=1)
FILE: Final = file_part(b"x" * 2000)
SPECIAL: Final = (
    *(b"\r\n", b"\r\n\r\n", b"\n", b"\x00", b"\xff\xfe", b"..%2f", b"../../", b"/etc/passwd", b"%00", b"\t"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Host: a\r\n"),
    *(b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"Range: bytes=9-1\r\n"),
    *(b"99999999999999999999", b"-1", b"A" * 5000, f"--{BOUNDARY}--\r\n".encode(), b"filename*=utf-8''..%2F..%2Fa.mp4"),
)


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    """One request, its length told truly unless the headers tell one."""
    told = () if any(re.match("(?i)content-length|transfer-encoding", header) for header in headers) else (len(body),)
    lengths = (f"Content-Length: {length}" for length in told)
    return "\r\n".join([line, "Host: 127.0.0.1", *headers, *lengths, "", ""]).encode("latin-1") + body


def upload(*headers: str, body: bytes) -> bytes:
    """An upload by the form."""
    content_type = f"Content-Type: {MULTIPART['Content-Type']}"
    return request("POST /api/v1/videos/upload HTTP/1.1", content_type, *headers, body=body)


TUS: Final = ("Tus-Resumable: 1.0.0",)
UNKNOWN: Final = "0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11"
WELL_FORMED: Final = (
    request("GET /healthz HTTP/1.1"),
    request(f"GET /api/v1/videos/{UNKNOWN} HTTP/1.1"),
    request("GET /api/v1/videos?limit=5&title=a&created_after=2026-01-01T00:00:00Z HTTP/1.1"),
    request(f"GET /uploads/processed/{UNKNOWN}/video.mp4 HTTP/1.1", "Range: bytes=0-9"),
    upload(body=form(FILE, field_part("title", b"A title"))),
    request(
        "POST /api/v1/uploads HTTP/1.1", *TUS, "Upload-Length: 10", "Upload-Metadata: filename YS5tcDQ=,title QQ=="
    ),
    request(
        f"PATCH /api/v1/uploads/{UNKNOWN} HTTP/1.1",
        *TUS,
        "Upload-Offset: 0",
        "Content-Type: application/offset+octet-stream",
        body=b"0123456789",
    ),
    request(
        "POST /api/v1/videos/import HTTP/1.1",
        "Content-Type: application/json",
        body=b'{"url": "http://127.0.0.1/a.mp4"}',
    ),
    request(f"PATCH /api/v1/videos/{UNKNOWN} HTTP/1.1", "Content-Type: application/json", body=b'{"title": "A"}'),
)

HOSTILE: Final = {
    "a header without end": request("GET /healthz HTTP/1.1", "X: " + "a" * 200_000),
    "ten thousand headers": request("GET /healthz HTTP/1.1", *(f"X-{number}: a" for number in range(10_000))),
    "ten thousand parts": upload(body=form(*(field_part(f"f{number}", b"a") for number in range(10_000)))),
    "a file name of a mebibyte": upload(body=form(file_part(b"x", "a" * 1024 * 1024 + ".mp4"))),
    "a way out of the folder": upload(body=form(file_part(b"x", "../../../etc/cron.d/a.mp4"))),
    "an absolute path": upload(body=form(file_part(b"x", "/etc/a.mp4"))),
    "a NUL in the name": upload(body=form(file_part(b"x", "a.mp4\x00.sh"))),
    "two files": upload(body=form(FILE, FILE)),
    "a length that is too large": upload("Content-Length: 900000", body=form(FILE)),
    "a length that is too small": upload("Content-Length: 50", body=form(FILE)),
    "a length below nothing": upload("Content-Length: -5", body=form(FILE)),
    "two lengths": upload("Content-Length: 5", "Content-Length: 2000", body=form(FILE)),
    "chunks that are none": upload("Transfer-Encoding: chunked", body=b"zz\r\n" + form(FILE)),
    "a chunk without end": upload("Transfer-Encoding: chunked", body=b"ffffffffffff\r\n" + form(FILE)),
    "a request within another": upload(
        "Content-Length: 4", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + WELL_FORMED[0]
    ),
    "an odd transfer encoding": upload("Transfer-Encoding: xchunked", body=form(FILE)),
    "a folded header": request("GET /healthz HTTP/1.1", "X: a\r\n b"),
    "a path of dots": request("GET /uploads/processed/../../../../etc/passwd HTTP/1.1"),
    "a path of encoded dots": request("GET /uploads/processed/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1"),
    "a NUL in the path": request(f"GET /uploads/processed/{UNKNOWN}/video.mp4%00.jpg HTTP/1.1"),
    "another version": request("GET /healthz HTTP/3.0"),
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    "nothing but lines": b"\r\n" * 5000,
}


async def answers(http: httpx.AsyncClient, sent: bytes, *, reset: bool = False) -> list[int]:
    """The status of each answer, until the server ends the connection or the client does."""
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    try:
        writer.write(sent)
        if reset:
            writer.transport.abort()
            return []
        writer.write_eof()
        async with asyncio.timeout(30):
            received = await reader.read()
    except ConnectionError:
        return []
    finally:
        writer.close()
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3})", received, re.MULTILINE)]


def mutant(dice: random.Random) -> bytes:
    """A well-formed request with some bytes changed, lost, doubled or put in."""
    sent = bytearray(dice.choice(WELL_FORMED))
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(sent) + 1)
        match dice.randrange(4):
            case 0:
                sent[place : place + 1] = bytes([dice.randrange(256)])
            case 1:
                del sent[place : place + dice.randint(1, 40)]
            case 2:
                sent[place:place] = sent[place : place + dice.randint(1, 200)]
            case _:
                sent[place:place] = dice.choice(SPECIAL)
    return bytes(sent)


def stored_in(folder: Path) -> list[Path]:
    """Every file below it."""
    return [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]


async def settled(services: Services, http: httpx.AsyncClient, folder: Path) -> None:
    """The server answers as ever, no form is open, no file lies outside its folder or under its sender's name."""

    async def is_open(video_id: str) -> bool:
        """Whether it is a form; an upload by tus may rest."""
        asked = await http.head(f"/api/v1/uploads/{video_id}", headers={"Tus-Resumable": "1.0.0"})
        return asked.status_code != 200

    async def open_forms() -> list[str]:
        listed = await http.get("/api/v1/videos", params={"status": "uploading", "limit": 100})
        return [row["id"] for row in listed.json()["items"] if await is_open(row["id"])]

    await eventually(open_forms, lambda found: not found, within_seconds=20)
    assert (await http.get("/healthz")).status_code == 200
    stored = await asyncio.to_thread(stored_in, folder)
    assert {path.parts[0] for path in stored} <= {"uploads", "scratch"}
    assert all(re.fullmatch(r"[0-9a-f-]{36}\.(mp4|mov|avi)(\.part)?", path.name) for path in stored), stored
    assert (await services.videos.count_by_status(None)).get(VideoStatus.UPLOADING, 0) < MUTANTS


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_request_is_refused_and_the_next_one_is_served(
    services: Services, options: ApiOptions, tmp_path: Path, what: str
) -> None:
    async with over_http(services, options, connections=SOON) as http:
        statuses = await answers(http, HOSTILE[what])
        assert all(status < 500 for status in statuses), statuses
        assert len(statuses) <= 1
        await answers(http, HOSTILE[what], reset=True)
        await settled(services, http, tmp_path)


async def test_no_mutant_of_a_request_is_a_fault_of_the_server(
    services: Services, options: ApiOptions, tmp_path: Path
) -> None:
    dice = random.Random(SEED)  # noqa: S311  the same ones every time
    mutants = [(mutant(dice), dice.random() < 0.2) for _ in range(MUTANTS)]
    turns = asyncio.Semaphore(AT_ONCE)
    async with over_http(services, options, connections=SOON) as http:

        async def send(sent: bytes, reset: bool) -> list[int]:
            async with turns:
                return await answers(http, sent, reset=reset)

        found = await asyncio.gather(*(send(*one) for one in mutants))
        busy = [sent for (sent, _), statuses in zip(mutants, found, strict=True) if 503 in statuses]
        again = [(sent, await answers(http, sent)) for sent in busy]  # one after the other, with the machine to itself
        first = [(sent, statuses) for (sent, _), statuses in zip(mutants, found, strict=True) if 503 not in statuses]
        assert [(sent, statuses) for sent, statuses in first + again if any(status >= 500 for status in statuses)] == []
        assert sum(bool(statuses) for statuses in found) > MUTANTS / 2, "most were answered"
        await settled(services, http, tmp_path)
