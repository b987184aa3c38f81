"""What a request brings is kept often enough that a death costs little, and seldom enough that keeping does."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.appending import Appending
from storage.bucket import BucketStorage
from storage.bucket_objects import Bucket
from storage.bucket_records import Part, PutParts
from storage.disk import DiskStorage
from tests.fixtures.noise import noise

KEY = "originals/0b0e6f1a-0000-4000-8000-000000000000.mp4"
CONTENT = noise(256 * 48 * 1024)  # 12 MiB: a part and a half
PIECE_BYTES = 64 * 1024
LEASE_PART_SECONDS = 10 / 3


class Clock:
    """Goes on as bytes come.

    Attributes:
        seconds: Now.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    async def bring(self, content: bytes, bytes_a_second: int) -> AsyncIterator[bytes]:
        """The content, at this rate."""
        for begin in range(0, len(content), PIECE_BYTES):
            yield content[begin : begin + PIECE_BYTES]
            self.seconds += PIECE_BYTES / bytes_a_second


@pytest.mark.parametrize(
    ("bytes_a_second", "most_times", "most_lost_seconds"), [(5_000, 4, 301), (50_000, 4, 60), (1_000_000, 2, 31)]
)
async def test_a_slow_sender_holds_its_lease_without_its_bytes_being_put_into_the_bucket_again_and_again(
    bucket: Bucket,
    bucket_storage: BucketStorage,
    monkeypatch: pytest.MonkeyPatch,
    bytes_a_second: int,
    most_times: int,
    most_lost_seconds: float,
) -> None:
    clock, put_bytes = Clock(), 0
    renewed, kept = [0.0], [0.0]
    put, put_part = bucket.put, bucket.put_part

    async def count(key: str, content: bytes, *, replace: bool = False) -> bool:
        nonlocal put_bytes
        put_bytes += len(content)
        return await put(key, content, replace=replace)

    async def count_part(begun: PutParts, number: int, content: bytes) -> Part:
        nonlocal put_bytes
        put_bytes += len(content)
        return await put_part(begun, number, content)

    async def renew(kept_bytes: int | None) -> bool:
        renewed.append(clock())
        if kept_bytes is not None:
            kept.append(clock())
        return True

    monkeypatch.setattr(bucket, "put", count)
    monkeypatch.setattr(bucket, "put_part", count_part)
    writer = await bucket_storage.create_original(KEY)
    appending = Appending(writer, None, None, renew, LEASE_PART_SECONDS, clock=clock)
    await appending.take(clock.bring(CONTENT, bytes_a_second))
    assert await appending.keep() == len(CONTENT), "HEAD tells what is durable"
    await appending.let_go()
    await writer.discard()
    assert put_bytes <= most_times * len(CONTENT)
    assert _longest(renewed) <= LEASE_PART_SECONDS + PIECE_BYTES / bytes_a_second + 0.01
    assert _longest([*kept, clock()]) <= most_lost_seconds + PIECE_BYTES / bytes_a_second


def _longest(moments: list[float]) -> float:
    return max(after - before for before, after in pairwise(moments))


async def test_on_a_disk_a_slow_sender_s_bytes_are_kept_as_often_as_its_lease_is_renewed(tmp_path: Path) -> None:
    clock, kept = Clock(), [0.0]

    async def renew(kept_bytes: int | None) -> bool:
        if kept_bytes is not None:
            kept.append(clock())
        return True

    writer = await DiskStorage(tmp_path / "uploads", tmp_path / "scratch").create_original(KEY)
    appending = Appending(writer, None, None, renew, LEASE_PART_SECONDS, clock=clock)
    await appending.take(clock.bring(CONTENT, 1_000_000))
    await appending.let_go()
    await writer.discard()
    assert _longest([*kept, clock()]) <= LEASE_PART_SECONDS + PIECE_BYTES / 1_000_000 + 0.01
