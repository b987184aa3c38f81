"""Uploads that go straight into a bucket, by signed addresses of the parts of a multipart upload."""

from collections.abc import Mapping, Sequence
from typing import Final

from contracts.errors import StorageFailed
from storage.bucket_errors import NO_UPLOAD, is_refused_as
from storage.bucket_objects import Bucket
from storage.bucket_records import Part, PutParts
from storage.keys import checked_key
from storage.protocol import SignedPart

_LEAST_PART_BYTES: Final = 16 * 1024 * 1024
_MOST_PARTS: Final = 1000
"""So many addresses fit into one answer."""


class BucketDirect:
    """``storage.protocol.DirectStorage``.

    Args:
        bucket: The objects.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def sign_parts(self, key: str, size_bytes: int, seconds: int) -> tuple[int, Sequence[SignedPart]]:
        """Begin an original, or go on with one that was begun, and sign an address for each of its parts."""
        part_bytes = max(_LEAST_PART_BYTES, -(-size_bytes // _MOST_PARTS))
        if await self._stands(key, size_bytes):
            return part_bytes, []
        earlier = await self._bucket.unfinished(checked_key(key))  # by a call whose answer was lost
        begun = await self._furthest(earlier) if earlier else await self._bucket.begin_parts(key)
        sizes = [min(part_bytes, size_bytes - at) for at in range(0, size_bytes, part_bytes)]
        return part_bytes, [
            SignedPart(number, await self._bucket.address_to_put_part(begun, number, size, seconds))
            for number, size in enumerate(sizes, start=1)
        ]

    async def held_bytes(self, key: str) -> int:
        """Of every multipart upload that was begun for it, each part as often as it is kept."""
        begun = await self._bucket.unfinished(checked_key(key))
        return sum([(await self._bucket.put_so_far(one))[0] for one in begun])

    async def finish_signed(self, key: str, size_bytes: int, etags: Mapping[int, str]) -> str | None:
        """Compare the parts with what was declared, and let the original stand."""
        if await self._stands(key, size_bytes):
            return None
        etags = {number: etag.strip('"') for number, etag in etags.items()}
        begun = await self._bucket.unfinished(key)
        # The newest is not always the one whose addresses were given away: two may have been begun in one second.
        wrong = [(0, _why_not([], size_bytes, etags))]
        for one in reversed(begun):
            parts = await self._parts(one, etags)
            why_not = _why_not(parts, size_bytes, etags)
            if why_not is None:
                await self._bucket.finish_parts(one, parts, replace=True)
                for other in begun:
                    if other != one:
                        await self._bucket.give_up(other)
                return None
            wrong.append((sum(part.size_bytes for part in parts), why_not))
        return max(wrong, key=lambda told: told[0])[1]

    async def _furthest(self, begun: Sequence[PutParts]) -> PutParts:
        """Of several the one that most has been put to: what was begun twice, goes on where its parts are."""
        if len(begun) == 1:
            return begun[0]
        newest_first = begun[::-1]
        put = [sum(part.size_bytes for part in await self._parts(one, {})) for one in newest_first]
        return newest_first[put.index(max(put))]

    async def _parts(self, begun: PutParts, etags: Mapping[int, str]) -> Sequence[Part]:
        """Those that are there: none of one that has ended since it was listed."""
        try:
            return await self._bucket.parts(begun, etags)
        except StorageFailed as error:
            if not is_refused_as(error, NO_UPLOAD):
                raise
            return []

    async def _stands(self, key: str, size_bytes: int) -> bool:
        """Whether an earlier call finished it, and could not say so."""
        found = await self._bucket.head(checked_key(key))
        return found is not None and found.size_bytes == size_bytes


def _why_not(parts: Sequence[Part], size_bytes: int, etags: Mapping[int, str]) -> str | None:
    """What is wrong with the parts, so that they are not what was declared; None where they are."""
    arrived = sum(part.size_bytes for part in parts)
    if arrived != size_bytes or [part.number for part in parts] != list(range(1, len(parts) + 1)):
        return (
            f"{arrived} bytes in {len(parts)} parts are there, and {size_bytes} were declared. Put what is missing "
            "to the `url` of its part, then complete it again."
        )
    known = {part.number: part.etag.strip('"') for part in parts}
    for number, etag in etags.items():
        if known.get(number) != etag:
            return f"Part {number} is not the one of that ETag. Put it again."
    return None
