"""Keys as they are written and read, and what is kept of them."""

import pytest

from accounts.door import KeyNeeded, check_door, is_loopback
from accounts.keys import KeyText
from accounts.request_rate import RequestRates
from contracts.refusals import QuotaExceeded
from database.engine import Database


def test_a_key_that_was_written_is_read_again() -> None:
    key = KeyText.new()
    assert KeyText.read(key.write()) == key
    assert KeyText.new().secret != key.secret


@pytest.mark.parametrize("text", ["", "rushes_", "rushes_00_x", "Bearer x", "rushes_000000000000_" + "ä" * 43])
def test_a_text_that_is_no_key_is_none(text: str) -> None:
    assert KeyText.read(text) is None


def test_nothing_that_is_kept_or_printed_has_the_secret() -> None:
    key = KeyText.new()
    row = key.row("ann", is_admin=False)
    assert key.opens(row)
    assert not KeyText(key.id, KeyText.new().secret).opens(row)
    assert key.secret not in row.model_dump_json() + repr(key) + str(key)


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("", False), ("10.0.0.1", False)],
)
async def test_without_a_key_only_this_machine_is_served(database: Database, host: str, *, only_here: bool) -> None:
    assert is_loopback(host) == only_here
    if only_here:
        await check_door(host, database.accounts)
        return
    with pytest.raises(KeyNeeded, match="rushes keys create"):
        await check_door(host, database.accounts)
    await database.accounts.add_key(KeyText.new().row("ann", is_admin=True))
    await check_door(host, database.accounts)


def test_requests_over_the_rate_wait_until_the_bucket_has_filled() -> None:
    now = 0.0
    rates = RequestRates(lambda: now)
    for _ in range(3):
        rates.take("ann", 3)
    with pytest.raises(QuotaExceeded) as refused:
        rates.take("ann", 3)
    assert refused.value.retry_after_seconds == 1
    rates.take("bea", 3)
    now = 0.34
    rates.take("ann", 3)
    with pytest.raises(QuotaExceeded):
        rates.take("ann", 3)
