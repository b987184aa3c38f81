"""What an upload may be, whichever door it comes through."""

import pytest

from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode, Refused
from ingest.labels import checked_title
from ingest.rules import UploadLimits, checked_idempotency_key

LIMITS = UploadLimits((".mp4", ".mov"), 1000, 60, 30, 100, {"web": "For all.", "film": "For cinemas."}, "web")


def test_a_row_begins_with_the_name_the_default_profile_and_the_lease_that_is_renewed_later() -> None:
    row = LIMITS.describe("ann", "Ficus in the wind.MOV")
    assert (row.user_id, row.title, row.original_filename) == ("ann", "Ficus in the wind", "Ficus in the wind.MOV")
    assert (row.original_key, row.profile) == (f"originals/{row.id}.mov", "web")
    assert row.upload_expires_seconds == LIMITS.lease_seconds == 30


@pytest.mark.parametrize("name", ["a.mkv", "a", ".mp4", "mp4", "a.mp4.exe"])
def test_an_extension_that_is_not_allowed_is_refused_with_the_setting_that_allows_others(name: str) -> None:
    with pytest.raises(Refused, match=r"\.mp4, \.mov\. The setting RUSHES_ALLOWED_EXTENSIONS") as caught:
        LIMITS.describe("ann", name)
    assert caught.value.code is RefusalCode.UNSUPPORTED_EXTENSION


def test_a_file_may_have_as_many_bytes_as_the_limit_and_not_one_more() -> None:
    LIMITS.check_size(1000)
    with pytest.raises(Refused, match="at most 1000 bytes") as caught:
        LIMITS.check_size(1001)
    assert caught.value.code is RefusalCode.TOO_LARGE


def test_a_profile_is_one_of_those_there_are_and_may_be_left_out() -> None:
    assert LIMITS.checked_profile(" film ") == "film"
    assert LIMITS.checked_profile("  ") is None
    with pytest.raises(Refused, match=r"no profile 'cinema'\. There are: film, web") as caught:
        LIMITS.checked_profile("cinema")
    assert caught.value.code is ErrorCode.UNKNOWN_PROFILE


@pytest.mark.parametrize("title", ["x" * 201, "bell\x07", "two\nlines"])
def test_a_title_that_is_too_long_or_has_control_characters_is_refused(title: str) -> None:
    with pytest.raises(Refused) as caught:
        checked_title(title)
    assert caught.value.code is RefusalCode.INVALID_TITLE
    assert checked_title("  A title ") == "A title"
    assert checked_title(" ") is None


@pytest.mark.parametrize("key", ["", "x" * 256, "ümlaut", "tab\t"])
def test_an_idempotency_key_that_can_not_be_kept_is_refused(key: str) -> None:
    with pytest.raises(Refused) as caught:
        checked_idempotency_key(key)
    assert caught.value.code is RefusalCode.INVALID_IDEMPOTENCY_KEY
    assert checked_idempotency_key("a key") == "a key"
    assert checked_idempotency_key(None) is None
