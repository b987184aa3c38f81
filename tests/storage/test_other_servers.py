"""Servers that speak S3 otherwise than SeaweedFS: they get what they ask for, or are asked otherwise."""

import pytest

from contracts.errors import StorageFailed
from tests.fixtures.scripted_s3 import Asked, refusal, scripted_bucket

LISTED = """<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>work/v1/a.mp4</Key><Size>1</Size>
<ETag>"a"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>"""


async def test_a_server_that_deletes_many_only_by_their_md5_is_given_it() -> None:
    deleted: list[str] = []

    def answer(asked: Asked) -> tuple[int, str]:
        if asked.line.startswith("GET"):
            return 200, LISTED
        if "content-md5" not in asked.headers:
            return refusal(400, "MissingContentMD5")
        deleted.append(asked.line)
        return 200, "<DeleteResult></DeleteResult>"

    async with scripted_bucket(answer) as bucket:
        await bucket.delete_all("work/v1/")
    assert deleted == ["POST /videos?delete"]


@pytest.mark.parametrize(
    ("status", "code"), [(501, "NotImplemented"), (405, "MethodNotAllowed"), (400, "NotImplemented")]
)
async def test_a_server_that_can_not_delete_many_is_asked_for_one_after_the_other(status: int, code: str) -> None:
    deleted: list[str] = []

    def answer(asked: Asked) -> tuple[int, str]:
        if asked.line.startswith("GET"):
            return 200, LISTED
        if asked.line.startswith("POST"):
            return refusal(status, code)
        deleted.append(asked.line)
        return 204, ""

    async with scripted_bucket(answer) as bucket:
        await bucket.delete_all("work/v1/")
    assert deleted == ["DELETE /videos/work/v1/a.mp4"]


async def test_two_that_put_under_one_key_at_once_are_no_failure() -> None:
    answers = [refusal(409, "ConditionalRequestConflict"), refusal(412, "PreconditionFailed")]
    async with scripted_bucket(lambda _: answers.pop(0)) as bucket:
        assert not await bucket.put("work/v1/a.mp4", b"mine"), "the other one's stands"
    assert answers == []


async def test_two_that_never_end_are_told() -> None:
    asked: list[str] = []

    def answer(one: Asked) -> tuple[int, str]:
        asked.append(one.line)
        return refusal(409, "ConditionalRequestConflict")

    async with scripted_bucket(answer) as bucket:
        with pytest.raises(StorageFailed, match="another writes the same file at this moment"):
            await bucket.put("work/v1/a.mp4", b"mine")
    assert 2 < len(asked) < 10
