"""A file comes here whole from a real server, whatever the server does, and from nowhere that may not be asked."""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Sequence

import pytest

from contracts.errors import (
    AddressRefused,
    InvalidMedia,
    LimitExceeded,
    SourceFailed,
    SourceNotFound,
    SourceTooSlow,
    VideoError,
)
from fetching.addresses import Address, AddressRules
from fetching.connecting import Resolve, resolve
from fetching.source import MOST_REDIRECTS, Patience
from fetching.transfer import Fetched
from tests.fetching.memory import CONTENT, HASTY, Memory, fetch
from tests.fetching.serving import Reply, drip, never, redirect, serving, status, well, without_length


def failing(error: int) -> Resolve:
    """A resolver that answers with an error of getaddrinfo's."""

    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        raise socket.gaierror(error, "told by a test")

    return resolve


class Names:
    """A resolver that answers as it is told, a list of addresses each time; the last one from then on."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        assert port > 0
        self.asked.append(host)
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
        return [ipaddress.ip_address(address) for address in answer]


async def test_a_file_comes_whole_with_its_size_its_name_and_how_far_it_is() -> None:
    sink = Memory()
    async with serving(CONTENT) as server:
        fetched = await fetch(server.url("/a/clip.mp4?token=secret"), sink)
    assert (bytes(sink.content), fetched) == (CONTENT, Fetched(len(CONTENT), "clip.mp4"))
    assert sink.told[-1] == (len(CONTENT), len(CONTENT))
    asked = server.asked[0]
    assert (asked.path, asked.headers["host"]) == ("/a/clip.mp4?token=secret", f"127.0.0.1:{server.port}")
    assert asked.headers["accept-encoding"] == "identity"


async def test_a_file_whose_size_nobody_knows_comes_whole_with_the_name_that_its_server_gives() -> None:
    sink = Memory()
    async with serving(
        CONTENT, without_length(Content_Disposition="attachment; filename*=UTF-8''%C3%BCber.mov")
    ) as server:
        fetched = await fetch(server.url("/download"), sink)
    assert (bytes(sink.content), fetched.filename) == (CONTENT, "über.mov")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "attachment",
        "filename*0*=99999999999999999999\\;filename*",
        "inline; filename=",
        f'attachment; filename="{"a;" * 20_000}"',
    ],
    ids=["nothing", "no name", "out of order", "an empty name", "a name without end"],
)
async def test_a_server_that_gives_no_name_leaves_that_of_the_url(said: str) -> None:
    async with serving(b"x", without_length(Content_Disposition=said)) as server:
        assert (await fetch(server.url("/clip.mov"), Memory())).filename == "clip.mov"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (status(404), SourceNotFound),
        (status(410), SourceNotFound),
        (status(403), SourceNotFound),
        (status(401), SourceNotFound),
        (status(429), SourceFailed),
        (status(500), SourceFailed),
        (status(503), SourceFailed),
        (status(204), SourceFailed),
        (status(302), SourceFailed),
        (without_length(Content_Encoding="gzip"), SourceFailed),
        (status(200), InvalidMedia),
    ],
)
async def test_what_the_server_says_is_told_with_its_code_at_the_first_answer(
    reply: Reply, error: type[VideoError]
) -> None:
    async with serving(CONTENT, reply) as server:
        with pytest.raises(error, match=r"\.$"):
            await fetch(server.url("/a.mp4?token=secret"), Memory())
    assert len(server.asked) == 1


async def test_no_sentence_tells_the_query_of_the_url() -> None:
    async with serving(CONTENT, status(403)) as server:
        with pytest.raises(SourceNotFound) as caught:
            await fetch(server.url("/a.mp4?signature=secret"), Memory())
    assert "secret" not in str(caught.value)


async def test_a_server_that_nobody_finds_has_failed() -> None:
    async with serving(CONTENT) as server:
        gone = server.url()
    with pytest.raises(SourceFailed):
        await fetch(gone, Memory())

    with pytest.raises(SourceFailed, match=r"clips\.example can't be resolved now"):
        await fetch("http://clips.example/", Memory(), resolve=failing(socket.EAI_AGAIN))


async def test_a_server_that_does_not_speak_tls_is_not_asked_without() -> None:
    async with serving(CONTENT) as server:
        with pytest.raises(SourceFailed):
            await fetch(server.url().replace("http:", "https:"), Memory(), patience=HASTY)
    assert server.asked == []


@pytest.mark.parametrize("reply", [never, drip, well(cut_to=0, then_hang=True)])
async def test_a_server_that_stalls_or_drips_is_left(reply: Reply) -> None:
    began = time.monotonic()
    async with serving(CONTENT, reply) as server:
        with pytest.raises(SourceFailed):
            await fetch(server.url(), Memory(), patience=HASTY)
    assert time.monotonic() - began < 10


async def test_a_server_that_stalls_in_mid_file_is_asked_for_the_rest() -> None:
    sink = Memory()
    async with serving(CONTENT, well(cut_to=1_200_000, then_hang=True), well()) as server:
        await fetch(server.url(), sink, patience=HASTY)
    assert (bytes(sink.content), sink.begun) == (CONTENT, 1)


async def test_the_whole_file_has_a_time_of_its_own() -> None:
    patience = Patience(connect_seconds=5, stall_seconds=5, pause_seconds=0, whole_seconds=0.2)
    async with serving(CONTENT, well(cut_to=1_200_000, then_hang=True)) as server:
        with pytest.raises(SourceTooSlow, match=r"0\.2 seconds"):
            await fetch(server.url(), Memory(), patience=patience)


async def test_a_file_that_is_too_large_is_refused_by_its_length_before_a_byte_is_taken() -> None:
    sink = Memory()
    async with serving(CONTENT) as server:
        with pytest.raises(LimitExceeded, match="2999999 bytes"):
            await fetch(server.url(), sink, max_bytes=len(CONTENT) - 1)
    assert (sink.begun, sink.told) == (0, [])


async def test_a_file_that_does_not_say_its_size_is_refused_once_it_is_too_large() -> None:
    sink = Memory()
    async with serving(CONTENT, without_length()) as server:
        with pytest.raises(LimitExceeded):
            await fetch(server.url(), sink, max_bytes=1_000_000)
    assert sink.told[-1][0] <= 1_000_000
    async with serving(CONTENT, without_length()) as server:
        await fetch(server.url(), sink, max_bytes=len(CONTENT))


async def test_a_redirect_is_followed_to_the_file() -> None:
    sink = Memory()
    async with serving(CONTENT, redirect("/hop"), redirect("clip.mov"), well()) as server:
        fetched = await fetch(server.url("/a"), sink)
    assert [asked.path for asked in server.asked] == ["/a", "/hop", "/clip.mov"]
    assert (bytes(sink.content), fetched.filename) == (CONTENT, "clip.mov")


async def test_a_redirect_without_end_is_left() -> None:
    async with serving(CONTENT, redirect("/again")) as server:
        with pytest.raises(SourceNotFound, match="redirected more than"):
            await fetch(server.url(), Memory())
    assert len(server.asked) == MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    "to",
    [
        *("http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://2852039166/"),
        *("file:///etc/passwd", "ftp://example.com/a", "//user:secret@example.com/"),
    ],
)
async def test_a_redirect_to_what_may_not_be_asked_is_refused(to: str) -> None:
    async with serving(CONTENT, redirect(to)) as server:
        with pytest.raises(AddressRefused):
            await fetch(server.url(), Memory(), rules=AddressRules(["127.0.0.1/32"]))
    assert len(server.asked) == 1


async def test_nobody_learns_of_an_internal_name_where_it_leads_nor_whether_it_is_there() -> None:
    resolvers = (Names(["10.0.0.7"]), Names([]), failing(socket.EAI_NONAME), failing(socket.EAI_NODATA))
    told = set()
    for resolver in resolvers:
        async with serving(CONTENT, redirect("http://inside.example/")) as server:
            with pytest.raises(AddressRefused, match=r"^The name inside\.example leads nowhere, or not to ") as caught:
                await fetch(server.url(), Memory(), resolve=resolver)
        told.add((str(caught.value), caught.value.code, caught.value.retryable))
    assert len(told) == 1
    assert "10.0.0.7" not in str(told)


@pytest.mark.parametrize("then", ["10.0.0.7", None])
async def test_nor_from_a_server_that_redirects_there_once_something_has_come(then: str | None) -> None:
    inside = Names([] if then is None else [then])
    async with serving(CONTENT, well(cut_to=1_200_000), *[redirect("http://inside.example/")] * 3) as server:
        with pytest.raises(SourceFailed, match=r"^The name inside\.example leads nowhere, or not to "):
            await fetch(server.url(), Memory(), resolve=inside)


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["fd00:ec2::254"]])
async def test_a_name_that_leads_into_a_private_network_is_refused_and_nothing_is_asked(answer: Sequence[str]) -> None:
    async with serving(CONTENT) as server:
        with pytest.raises(AddressRefused):
            await fetch(server.url(host="clips.example"), Memory(), rules=AddressRules(), resolve=Names(answer))
    assert server.asked == []


async def test_the_machine_s_own_resolver_is_checked_too() -> None:
    async with serving(CONTENT) as server:
        with pytest.raises(AddressRefused):
            await fetch(server.url(host="localhost"), Memory(), rules=AddressRules())
        found = await resolve("localhost", 80)
        assert found
        assert all(address.is_loopback for address in found)


async def test_a_name_that_is_answered_differently_the_next_time_gains_nothing() -> None:
    """The connection goes to the address that was checked: each connection asks once, and checks what it is told."""
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    sink = Memory()
    async with serving(CONTENT, well(cut_to=1_200_000)) as server:
        with pytest.raises(SourceFailed, match=r"name clips\.example leads nowhere, or not to the public internet"):
            await fetch(server.url(host="clips.example"), sink, resolve=names)
    assert set(names.asked) == {"clips.example"}
    assert [asked.headers["host"] for asked in server.asked] == [f"clips.example:{server.port}"]


async def test_the_next_address_of_a_name_is_tried_where_the_first_one_does_not_answer() -> None:
    sink = Memory()
    async with serving(CONTENT) as server:
        await fetch(server.url(host="clips.example"), sink, resolve=Names(["127.0.0.2", "127.0.0.1"]))
    assert bytes(sink.content) == CONTENT


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(CONTENT) as server:
        await fetch(server.url(), Memory())


async def test_a_cancel_ends_it_at_once() -> None:
    async with serving(CONTENT, well(cut_to=1_200_000, then_hang=True)) as server:
        fetching = asyncio.create_task(fetch(server.url(), Memory()))
        await server.reached.wait()
        began = time.monotonic()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        assert time.monotonic() - began < 1
