"""Connections that are too many, too slow or silent: they end, and everybody else is served."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from api.connections import ConnectionLimits
from api.options import ApiOptions
from api.services import Services
from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.accounts import bearer, key_of
from tests.api.forms import MULTIPART, file_part, form
from tests.api.rows import PUBLISHED, make_video
from tests.api.running import over_http, running_server, until
from tests.storage.published import publish_something
from tests.waiting import eventually

UPLOAD = "/api/v1/videos/upload"
PATIENT = ConnectionLimits(header_seconds=60, silent_seconds=60)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(http: httpx.AsyncClient, sent: bytes = b"") -> AsyncIterator[Connection]:
    """A connection past the client, over which something was sent."""
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    try:
        writer.write(sent)
        yield reader, writer
    finally:
        writer.close()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What the server sends until it ends the connection, which it has to do soon."""
    async with asyncio.timeout(20):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


def upload_of(size_bytes: int, body: bytes, **headers: str) -> bytes:
    """A request whose body is to become that long, and what is sent of it."""
    head = (
        f"POST {UPLOAD} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {MULTIPART['Content-Type']}",
        f"Content-Length: {size_bytes}",
        *(f"{name}: {value}" for name, value in headers.items()),
    )
    return "\r\n".join([*head, "", ""]).encode() + body


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
async def test_headers_that_do_not_come_end_the_connection(
    services: Services, options: ApiOptions, sent: bytes
) -> None:
    limits = replace(PATIENT, header_seconds=0.3)
    async with over_http(services, options, connections=limits) as http, connected(http, sent) as (reader, _):
        assert await ended(reader) == b""


async def test_silent_connections_make_room_for_those_who_ask(services: Services, options: ApiOptions) -> None:
    async with over_http(services, options, connections=replace(PATIENT, most=20)) as http, AsyncExitStack() as silent:
        readers = [(await silent.enter_async_context(connected(http)))[0] for _ in range(100)]
        answers = [await http.get("/healthz", headers={"Connection": "close"}) for _ in range(5)]
        uploaded = await http.post(UPLOAD, content=form(file_part(b"x")), headers=MULTIPART)
        assert [answer.status_code for answer in answers] == [200] * 5
        assert uploaded.status_code == 202
        assert await ended(readers[0]) == b"", "the one that was silent for longest went"


async def test_where_every_connection_is_at_work_a_further_one_is_told_so(
    services: Services, options: ApiOptions
) -> None:
    async with over_http(services, options, connections=replace(PATIENT, most=2)) as http, AsyncExitStack() as busy:
        for _ in range(2):
            await busy.enter_async_context(connected(http, upload_of(1_000_000, file_part(b"x" * 100)[:-2])))
        await eventually(
            lambda: services.videos.count_by_status(None), lambda counts: counts[VideoStatus.UPLOADING] == 2
        )
        answer = await http.get("/healthz")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_who_lets_an_answer_wait_makes_room_for_those_who_ask(
    services: Services, options: ApiOptions, storage: DiskStorage, database: Database
) -> None:
    asked = await asked_for_a_video(database, storage, 30_000_000)
    limits = replace(PATIENT, most=3, hurried_seconds=0.2)
    async with over_http(services, options, connections=limits) as http, AsyncExitStack() as slow:
        for _ in range(3):
            reader, _ = await slow.enter_async_context(connected(http, asked))
            assert (await reader.read(15)) == b"HTTP/1.1 200 OK"  # and no more of it

        async def answered() -> bool:
            answer = await http.get("/healthz", headers={"Connection": "close"})
            return answer.status_code == 200

        await eventually(answered, bool)


async def test_strangers_make_room_before_a_caller_does(
    services: Services, options: ApiOptions, storage: DiskStorage, database: Database
) -> None:
    of_a_caller = await asked_for_a_video(database, storage, 30_000_000)
    of_a_stranger = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a.example\r\n\r\n"
    limits = replace(PATIENT, most=2, hurried_seconds=0.2)
    loop = asyncio.get_running_loop()
    async with (
        running_server(services, options, grace_seconds=5, connections=limits) as (server, url),
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
        connected(http, of_a_caller) as (caller, _),
    ):
        assert (await caller.read(15)) == b"HTTP/1.1 200 OK"  # and no more of it, from before the stranger came
        stranger, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
        writer.write(20 * of_a_stranger)
        assert (await stranger.read(15)) == b"HTTP/1.1 200 OK"
        held: set[Any] = server.server_state.connections

        def both_have_let_it_wait() -> bool:
            now = loop.time()
            return all(now - one.untaken.get(one, now) >= limits.hurried_seconds for one in held)

        await until(both_have_let_it_wait)
        assert (await http.get("/healthz", headers={"Connection": "close"})).status_code == 200
        assert len(await ended(stranger)) < 20_000_000
        async with asyncio.timeout(30):
            assert len(await caller.readuntil(b"\r\n\r\n")) < 2000
            assert len(await caller.readexactly(30_000_000)) == 30_000_000
        writer.close()


async def test_strangers_who_were_answered_and_still_send_keep_nobody_out(
    services: Services, options: ApiOptions, database: Database
) -> None:
    of_a_caller = bearer(await key_of(database, "ann"))
    whole = form(file_part(b"x" * 1000))
    begun = upload_of(len(whole), whole[:-100], **of_a_caller)
    async with (
        over_http(services, options, connections=replace(PATIENT, most=20)) as http,
        connected(http, begun) as (caller, writer),
        AsyncExitStack() as strangers,
    ):
        await eventually(
            lambda: services.videos.count_by_status(None), lambda counts: counts[VideoStatus.UPLOADING] == 1
        )
        for _ in range(60):
            reader, _ = await strangers.enter_async_context(connected(http, upload_of(1_000_000, b"x")))
            assert await reader.readline() == b"HTTP/1.1 401 Unauthorized\r\n"
        answers = [await http.get("/healthz", headers={"Connection": "close"}) for _ in range(5)]
        uploaded = await http.post(UPLOAD, content=whole, headers=MULTIPART | of_a_caller)
        assert [answer.status_code for answer in answers] == [200] * 5
        assert uploaded.status_code == 202
        writer.write(whole[-100:])
        assert await caller.readline() == b"HTTP/1.1 202 Accepted\r\n", "who is at work made no room"


async def test_strangers_who_have_gone_give_no_place_to_anybody(
    services: Services, options: ApiOptions, database: Database
) -> None:
    await key_of(database, "ann")
    limits = replace(PATIENT, most=4)
    async with (
        running_server(services, options, grace_seconds=5, connections=limits) as (server, url),
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
        AsyncExitStack() as silent,
    ):
        held: set[Any] = server.server_state.connections
        for _ in range(20):  # each is gone before it is answered
            async with connected(http, upload_of(1_000_000, b"x")):
                pass
        assert (await http.get("/healthz", headers={"Connection": "close"})).status_code == 200, "it came after them"
        await until(lambda: not held)
        for _ in range(12):
            await silent.enter_async_context(connected(http))
        assert (await http.get("/healthz", headers={"Connection": "close"})).status_code == 200
        assert len(held) <= limits.most


async def test_who_rests_with_an_answer_that_it_does_not_take_is_ended(services: Services, options: ApiOptions) -> None:
    limits = replace(PATIENT, untaken_seconds=0.5)
    loop = asyncio.get_running_loop()
    async with running_server(services, options, grace_seconds=5, connections=limits) as (server, url):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            client.setblocking(False)
            address = httpx.URL(url)
            await loop.sock_connect(client, (address.host, address.port))
            held: set[Any] = server.server_state.connections

            def lets_wait() -> bool:
                return any(one.transport.get_write_buffer_size() > 0 for one in held)

            def has_answered(requests: int) -> bool:
                return server.server_state.total_requests >= requests

            for requests in range(1, 1000):  # more than the kernel has room for, and too little to stop the writing
                await loop.sock_sendall(client, b"GET /web/rushes.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                await until(partial(has_answered, requests))
                if lets_wait():
                    break
            assert lets_wait()
            await until(lambda: not held, seconds=20)


@pytest.mark.parametrize("trickle", [b"", b"xx"])
async def test_a_body_that_does_not_come_or_trickles_is_cut_and_its_row_says_so(
    services: Services, options: ApiOptions, database: Database, trickle: bytes
) -> None:
    limits = replace(PATIENT, silent_seconds=0.5)
    begun = upload_of(1_000_000, file_part(b"x" * 100_000)[:-2])
    async with over_http(services, options, connections=limits) as http, connected(http, begun) as (reader, writer):

        async def send_little() -> None:
            while True:
                writer.write(trickle)
                await asyncio.sleep(0.1)

        sending = asyncio.create_task(send_little())
        assert await ended(reader) == b""
        sending.cancel()

        async def interrupted() -> bool:
            return (await database.videos.count_by_status(None)).get(VideoStatus.ERROR, 0) == 1

        await eventually(interrupted, bool)


async def asked_for_a_video(database: Database, storage: DiskStorage, size_bytes: int) -> bytes:
    """A request for a published file of that size."""
    video = await make_video(database, storage, VideoStatus.PROCESSING)
    await publish_something(storage, str(video.id), bytes(size_bytes))
    await database.videos.mark_ready(video.id, 1, PUBLISHED)
    return f"GET /uploads/processed/{video.id}/video.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


async def test_an_answer_that_nobody_takes_ends(
    services: Services, options: ApiOptions, storage: DiskStorage, database: Database
) -> None:
    asked = await asked_for_a_video(database, storage, 30_000_000)
    limits = replace(PATIENT, untaken_seconds=0.5)
    async with over_http(services, options, connections=limits) as http, connected(http, asked) as (reader, _):
        assert (await reader.read(15)) == b"HTTP/1.1 200 OK"
        await asyncio.sleep(3 * limits.untaken_seconds)  # in which the client reads nothing: that is what is tried
        assert len(await ended(reader)) < 30_000_000


async def test_who_takes_an_answer_by_drops_is_ended(
    services: Services, options: ApiOptions, storage: DiskStorage, database: Database
) -> None:
    asked = await asked_for_a_video(database, storage, 30_000_000)
    limits = replace(PATIENT, untaken_seconds=0.6, least_bytes_a_second=2_000_000)
    loop = asyncio.get_running_loop()
    async with running_server(services, options, grace_seconds=5, connections=limits) as (server, url):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            client.setblocking(False)
            address = httpx.URL(url)
            await loop.sock_connect(client, (address.host, address.port))
            await loop.sock_sendall(client, asked)
            async with asyncio.timeout(20):
                taken = len(await loop.sock_recv(client, 65_536))
                while server.server_state.connections:
                    taken += len(await loop.sock_recv(client, 65_536))
                    await asyncio.sleep(0.1)  # its pace, a third of the least: that is what is tried
            assert taken < 30_000_000


async def test_one_who_takes_an_answer_slowly_gets_all_of_it(
    services: Services, options: ApiOptions, storage: DiskStorage, database: Database
) -> None:
    size, slice_bytes = 6_000_000, 65_536
    asked = await asked_for_a_video(database, storage, size)
    limits = replace(PATIENT, untaken_seconds=0.6)
    loop = asyncio.get_running_loop()
    async with over_http(services, options, connections=limits) as http:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, slice_bytes)  # as a slow network has it
            client.setblocking(False)
            await loop.sock_connect(client, (http.base_url.host, http.base_url.port))
            await loop.sock_sendall(client, asked)
            got = 0
            while got < size:
                piece = await loop.sock_recv(client, slice_bytes)
                assert piece, f"cut after {got} bytes"
                got += len(piece)
                await asyncio.sleep(0.04)  # its pace: that is what is tried


GET = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
TWO_LENGTHS = f"POST {UPLOAD} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
MANY_HEADERS = "".join(f"{number:x}:\r\n" for number in range(9000))


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (f"{TWO_LENGTHS}0\r\n\r\n{GET}\r\n", '400 "ambiguous_length"'),
        (f"{GET}{MANY_HEADERS}\r\n{GET}\r\n", '431 "too_many_headers"'),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", '400 "unknown_http_version"'),
    ],
    ids=["two lengths", "nine thousand headers", "the preface of HTTP/2"],
)
async def test_a_request_that_nobody_of_good_will_sends_is_refused_and_its_connection_ends(
    services: Services, options: ApiOptions, sent: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with over_http(services, options) as http, connected(http, sent.encode()) as (reader, _):
        answer = (await ended(reader)).decode()
    status, code = told.split()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert f'"code":{code}' in answer
    assert answer.count("HTTP/1.1 ") == 1
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
