"""An upload of any size takes the same memory."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

from api.options import ApiOptions
from api.services import Services
from tests.api.forms import BOUNDARY, MULTIPART, file_part
from tests.api.running import over_http, with_limits

MEBIBYTE = 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


async def test_an_upload_of_300_mebibytes_takes_little_memory(services: Services, options: ApiOptions) -> None:
    before = most = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal before, most
        piece = b"x" * MEBIBYTE
        yield file_part(b"")[:-2]
        for number in range(300):
            if number == 10:  # the client's and the server's buffers are there by now
                before = resident_bytes()
            most = max(most, resident_bytes())
            yield piece
        yield f"\r\n--{BOUNDARY}--\r\n".encode()

    async with over_http(services, with_limits(options, max_bytes=400 * MEBIBYTE)) as http:
        answer = await http.post("/api/v1/videos/upload", headers=MULTIPART, content=body())
    assert answer.status_code == 202
    assert (most - before) / MEBIBYTE < 24
