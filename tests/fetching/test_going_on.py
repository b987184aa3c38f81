"""What has arrived of a file is kept when a connection breaks, and what comes then is its rest or nothing."""

from collections.abc import Sequence

import pytest

from contracts.errors import SourceFailed
from tests.fetching.memory import CONTENT, Memory, fetch
from tests.fetching.serving import TAG, Reply, part, serving, status, well, without_length


async def test_a_connection_that_breaks_goes_on_where_it_broke() -> None:
    sink = Memory()
    async with serving(CONTENT, well(cut_to=1_200_000), well(cut_to=1_000_001), well()) as server:
        await fetch(server.url(), sink)
    assert bytes(sink.content) == CONTENT
    assert sink.begun == 1
    first, *rest = server.ranges
    assert first is None
    assert all(asked is not None for asked in rest)
    assert sum(received == len(CONTENT) for received, _ in sink.told) == 1


async def test_a_server_that_sends_less_than_it_was_asked_for_is_asked_for_the_rest() -> None:
    sink = Memory()
    async with serving(CONTENT, well(cut_to=1_200_000), part(shorter_by=900_000), part(shorter_by=1), well()) as server:
        fetched = await fetch(server.url(), sink)
    assert (bytes(sink.content), sink.begun) == (CONTENT, 1)
    assert (fetched.size_bytes, len(server.asked)) == (len(CONTENT), 4)


async def test_of_a_file_whose_size_nobody_knew_a_part_tells_it_or_it_is_begun_anew() -> None:
    for replies, begun in (((part(shorter_by=7), part()), 1), ((part(of="*"), well()), 2)):
        sink = Memory()
        async with serving(CONTENT, without_length(cut_to=1_200_000, ETag=TAG), *replies) as server:
            fetched = await fetch(server.url(), sink)
        assert (bytes(sink.content), sink.begun, fetched.size_bytes) == (CONTENT, begun, len(CONTENT))


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param((well(tag=None, cut_to=1_200_000), well(tag=None)), id="no ranges"),
        pytest.param((well(cut_to=1_200_000), well(tag='"two"')), id="another file by now"),
        pytest.param((well(cut_to=1_200_000), status(206, Content_Range="bytes 0-1/2"), well()), id="another part"),
        pytest.param((well(cut_to=1_200_000), status(206), well()), id="a part of who knows what"),
        pytest.param((well(cut_to=1_200_000), part(tag='"two"'), well()), id="a part of another file by now"),
        pytest.param((well(cut_to=1_200_000), part(longer_by=1000), well()), id="more than there is"),
        pytest.param((well(cut_to=1_200_000), part(of="3000001"), well()), id="a part of a longer file"),
        pytest.param((well(tag='W/"weak"', cut_to=1_200_000), well()), id="a tag that promises nothing"),
    ],
)
async def test_where_the_rest_can_t_be_had_the_file_is_begun_anew(replies: Sequence[Reply]) -> None:
    sink = Memory()
    async with serving(CONTENT, *replies) as server:
        await fetch(server.url(), sink)
    assert bytes(sink.content) == CONTENT
    assert sink.begun == 2


async def test_an_error_of_the_server_in_mid_file_is_outlasted() -> None:
    sink = Memory()
    async with serving(CONTENT, well(cut_to=1_200_000), status(503), well()) as server:
        await fetch(server.url(), sink)
    assert (bytes(sink.content), sink.begun) == (CONTENT, 1)


async def test_a_server_that_breaks_off_at_the_same_place_each_time_has_failed() -> None:
    async with serving(CONTENT, well(tag=None, cut_to=1_200_000)) as server:
        with pytest.raises(SourceFailed):
            await fetch(server.url(), Memory())
    assert len(server.asked) == 4
