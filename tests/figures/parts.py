"""What signed addresses take beyond what was declared, and parts put again: ``python -m tests.figures.parts``."""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx

from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from tests.end_to_end.conftest import in_the_bucket
from tests.end_to_end.service import Service
from tests.figures.stage import a_folder, a_service, tell
from tests.fixtures.bucket import bucket_server
from tests.fixtures.noise import noise

_MEBIBYTE: Final = 1024 * 1024
_PART_BYTES: Final = 16 * _MEBIBYTE
_CONTENT: Final = noise(_PART_BYTES + 3 * _MEBIBYTE)
_DIRECT: Final = "/api/v1/videos/direct"
_STREAMED: Final = {
    "Content-Encoding": "aws-chunked",
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "1",
}
_MOST_SECONDS: Final = 120
Try = tuple[str, bytes | None, dict[str, str]]


async def begun(service: Service, size_bytes: int) -> dict[str, Any]:
    """An upload straight into the bucket, and its addresses."""
    answer = await service.http.post(_DIRECT, json={"filename": "a.mp4", "size_bytes": size_bytes})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tries(url: str, content: bytes, other: str) -> list[Try]:
    """Address, body (None for one that comes in chunks of no said length), and headers."""
    more = [content + bytes(beyond) for beyond in (1, 2, 1024, _MEBIBYTE, _PART_BYTES, 64 * _MEBIBYTE)]
    less = [content[:-1], content[: len(content) // 2], b""]
    changed = [
        url.replace("partNumber=", "partNumber=9"),
        url.replace("partNumber=1&", "partNumber=3&").replace("partNumber=2&", "partNumber=3&"),
        str(httpx.URL(url).copy_merge_params({"uploadId": httpx.URL(other).params["uploadId"]})),
        str(httpx.URL(url).copy_merge_params({"X-Amz-Expires": "604800"})),
        str(httpx.URL(url).copy_merge_params({"X-Amz-SignedHeaders": "host"})),
        str(httpx.URL(url).copy_remove_param("uploadId").copy_remove_param("partNumber")),
    ]
    return [
        *((url, body, {}) for body in (*more, *less)),
        *((address, content + b"x", {}) for address in changed),
        (url, None, {}),
        (url, content + b"x", _STREAMED),
        (url, content + b"x", {"x-amz-decoded-content-length": str(len(content))}),
        (url, b"", {"x-amz-copy-source": "/rushes-tests/started"}),
    ]


async def held(bucket: Bucket, upload: dict[str, Any]) -> int:
    """How many bytes of its parts there are."""
    begun_ones = await bucket.unfinished(f"originals/{upload['video_id']}.mp4")
    return sum([(await bucket.put_so_far(one))[0] for one in begun_ones])


async def tell_addresses(service: Service, bucket: Bucket) -> None:
    """Put more and less than was declared in every way, and then what was."""
    upload, another = [await begun(service, len(_CONTENT)) for _ in range(2)]
    pieces = [_CONTENT[:_PART_BYTES], _CONTENT[_PART_BYTES:]]
    count = beyond = 0
    async with httpx.AsyncClient(timeout=60) as anybody:
        for part, piece in zip(upload["parts"], pieces, strict=True):
            for url, body, headers in tries(part["url"], piece, another["parts"][0]["url"]):
                status = await _put(anybody, url, body, headers, piece)
                assert not 200 <= status < 300, (url, len(body or b""), headers, status)
                count, beyond = count + 1, beyond + max(0, len(body or piece) - len(piece))
        assert await held(bucket, upload) == 0
        for part, piece in zip(upload["parts"], pieces, strict=True):
            assert (await anybody.put(part["url"], content=piece)).status_code == httpx.codes.OK
    assert await held(bucket, upload) == len(_CONTENT)
    done = await service.http.post(f"{_DIRECT}/{upload['video_id']}/complete", json={"parts": []})
    assert done.status_code == httpx.codes.ACCEPTED, done.text
    tell(
        f"addresses of parts: {count} ways to put another size, {beyond / _MEBIBYTE:.0f} MiB beyond what was declared: "
        f"each refused, 0 bytes of them in the bucket; what was declared was taken"
    )


async def _put(anybody: httpx.AsyncClient, url: str, body: bytes | None, headers: dict[str, str], piece: bytes) -> int:
    """The status; 400 where the connection was ended in the midst."""

    async def chunks() -> AsyncIterator[bytes]:
        yield piece
        yield b"x"

    with contextlib.suppress(httpx.TransportError):
        return (await anybody.put(url, content=chunks() if body is None else body, headers=headers)).status_code
    return 400


async def put_without_end(service: Service, bucket: Bucket, upload: dict[str, Any], a_second: float) -> str:
    """Put the part of an upload until its address takes nothing any more; how far that went."""
    put, began, most = 0, time.monotonic(), 0
    async with httpx.AsyncClient(timeout=60) as anybody:
        while (await anybody.put(upload["parts"][0]["url"], content=_CONTENT[:_PART_BYTES])).is_success:
            put += 1
            most = max(most, await held(bucket, upload))
            await asyncio.sleep(max(0.0, put / a_second - (time.monotonic() - began)))
    seconds = time.monotonic() - began
    row = await service.row(upload["video_id"])
    assert (row["status"], row["error_code"]) == ("error", "upload_interrupted")
    assert await held(bucket, upload) == 0
    assert seconds < _MOST_SECONDS
    return f"after {seconds:.0f} s with {most / _MEBIBYTE:.0f} MiB in the bucket"


async def tell_again_and_again(service: Service, bucket: Bucket, a_second: float) -> None:
    """Put one part of an upload without end, of another that was looked at just before, and that of a third twice."""
    first, second, honest = [await begun(service, _PART_BYTES) for _ in range(3)]
    async with httpx.AsyncClient(timeout=60) as anybody:
        for _ in range(2):
            assert (await anybody.put(honest["parts"][0]["url"], content=_CONTENT[:_PART_BYTES])).is_success
    at_once = await put_without_end(service, bucket, first, a_second)
    after_a_look = await put_without_end(service, bucket, second, a_second)
    assert (await service.row(honest["video_id"]))["status"] == "uploading"
    tell(
        f"a part of {_PART_BYTES // _MEBIBYTE} MiB put again {a_second:g} times a second: ended {at_once}; where it "
        f"had been looked at just before, {after_a_look}; 0 bytes there a moment later; one that was put twice went on"
    )


async def measure(a_second: float) -> None:
    """Start a stack on a bucket, and tell."""
    with a_folder() as folder:
        async with bucket_server(folder / "bucket") as server:
            every = {"RUSHES_RECONCILE_INTERVAL_SECONDS": "15"}  # as by default
            stack = a_service(folder / "one", lambda home: in_the_bucket(home.with_settings(**every), server))
            async with stack as service:
                assert service.bucket is not None
                async with open_bucket(service.bucket, server.environment) as bucket:
                    await tell_addresses(service, bucket)
                    await tell_again_and_again(service, bucket, a_second)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.parts", description=__doc__)
    parser.add_argument("--a-second", type=float, default=1, help="how often a part is put again")
    asyncio.run(measure(parser.parse_args().a_second))


if __name__ == "__main__":
    main()
