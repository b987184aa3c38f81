"""What is sent goes to public addresses alone, and what is answered may be anything."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from fetching.addresses import Address, AddressRules
from fetching.posting import Poster
from fetching.source_url import SourceUrl
from tests.fetching.receiving import receiving

HERE = AddressRules(("127.0.0.0/8",))


async def test_a_message_arrives_as_it_was_sent_and_its_answer_is_told() -> None:
    async with receiving((202, "Danke für die Ω\x00".encode())) as receiver:
        posted = await Poster(HERE, 10).post(SourceUrl.parse(receiver.url), {"X-One": "1"}, b'{"a": 1}')
    assert (posted.status, posted.detail) == (202, "Danke für die Ω")
    assert [(one.path, one.body, one.headers["x-one"]) for one in receiver.received] == [("/events", b'{"a": 1}', "1")]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost/", "http://169.254.169.254/latest/meta-data"])
async def test_nothing_is_sent_into_a_private_network(url: str) -> None:
    posted = await Poster(AddressRules((), "RUSHES_WEBHOOK_ALLOWED_ADDRESSES"), 10).post(SourceUrl.parse(url), {}, b"")
    assert posted.status is None
    assert "RUSHES_WEBHOOK_ALLOWED_ADDRESSES" in posted.detail


async def test_a_name_that_nobody_tells_the_address_of_is_told_in_one_sentence() -> None:
    async def away(_host: str, _port: int) -> Sequence[Address]:
        raise socket.gaierror(socket.EAI_AGAIN, "away")

    posted = await Poster(HERE, 10, away).post(SourceUrl.parse("https://app.example/"), {}, b"")
    assert posted.detail == "The server app.example can't be reached: The name app.example can't be resolved now."


async def test_nor_where_a_name_leads_there_which_is_told_in_the_words_of_one_that_leads_nowhere() -> None:
    async def inside(_host: str, _port: int) -> Sequence[Address]:
        return (ip_address("93.184.216.34"), ip_address("10.0.0.1"))

    async def nowhere(_host: str, _port: int) -> Sequence[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "nowhere")

    to = SourceUrl.parse("https://app.example/")
    told = [await Poster(AddressRules(), 10, resolve).post(to, {}, b"") for resolve in (inside, nowhere)]
    assert told[0] == told[1]
    assert (told[0].status, told[0].detail.startswith("The name app.example leads nowhere, or not")) == (None, True)


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with receiving(204) as elsewhere, receiving(307) as receiver:
        receiver.location = elsewhere.url
        assert (await Poster(HERE, 10).post(SourceUrl.parse(receiver.url), {}, b"x")).status == 307
    assert elsewhere.received == []


async def test_a_receiver_that_does_not_answer_is_waited_for_so_long_and_no_longer() -> None:
    async with receiving(0) as receiver:
        posted = await Poster(HERE, 0.2).post(SourceUrl.parse(receiver.url), {}, b"x")
    assert (posted.status, posted.detail) == (None, "No answer within 0.2 seconds.")


async def test_of_a_long_answer_the_beginning_is_read() -> None:
    async with receiving((500, b"x" * 5_000_000)) as receiver:
        posted = await Poster(HERE, 10).post(SourceUrl.parse(receiver.url), {}, b"x")
    assert (posted.status, posted.detail) == (500, "x" * 1024)


async def test_a_receiver_that_has_answered_and_says_no_more_has_answered() -> None:
    async with receiving((410, b"Gone for good")) as receiver:
        receiver.drips = True
        posted = await Poster(HERE, 1).post(SourceUrl.parse(receiver.url), {}, b"x")
    assert (posted.status, posted.detail) == (410, "G")


async def test_a_receiver_that_is_not_there_is_told() -> None:
    async with receiving() as receiver:
        url = SourceUrl.parse(receiver.url)
    posted = await Poster(HERE, 10).post(url, {}, b"x")
    assert posted.status is None
    assert "can't be reached" in posted.detail
