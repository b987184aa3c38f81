"""Headers that say what no client says: whatever it is, it is no fault of the server's."""

from typing import Final
from uuid import uuid4

import httpx
import pytest

from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.rows import make_video

_READ: Final = {
    "GET /api/v1/videos": (
        "Authorization: Bearer é",
        "Cookie: rushes_session=é",
        "traceparent: 00-é-é-é",
        "X-Request-ID",
    ),
    "GET /api/v1/videos/none/events": ("Last-Event-ID: 1e9",),
    "GET /uploads/processed/{ready}/video.mp4": (
        *("Range: bytes=\u00b2-", "If-None-Match: ,", "If-Range: ,"),
        "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 +9999",
    ),
    "POST /api/v1/videos/import": ("Origin: https://[::1", "Host: [", "Idempotency-Key", "X-CSRF-Token"),
    "POST /api/v1/videos/upload": ('Content-Type: multipart/form-data; boundary="é',),
    "POST /api/v1/uploads": (
        *("Upload-Length: \u00b2", "Upload-Metadata: filename ménage.mp4", "Upload-Checksum: sha1 é"),
        "Content-Type: application/é",
    ),
    "PATCH /api/v1/uploads/{unknown}": ("Upload-Offset: \u00b2", "Upload-Checksum: sha1 é", "Tus-Resumable"),
    "POST /api/v1/uploads/{unknown}": ("X-HTTP-Method-Override",),
}
"""Requests, and headers that are read for them, some with what would be odd in each alone."""

_ODD: Final = ("", "é", "\x80\xff", "=,;", "http://[", "-1", "9" * 30)
_WELL: Final = {
    "Tus-Resumable": "1.0.0",
    "Content-Type": "application/offset+octet-stream",
    "Upload-Offset": "0",
    "Upload-Length": "3",
    "Upload-Metadata": "filename YS5tcDQ=",
    "X-HTTP-Method-Override": "PATCH",
}


@pytest.mark.parametrize("request_line", _READ)
async def test_no_header_is_a_fault_of_the_server_whatever_it_says(
    http: httpx.AsyncClient, database: Database, storage: DiskStorage, request_line: str
) -> None:
    ready = await make_video(database, storage, VideoStatus.READY)
    method, path = request_line.format(ready=ready.id, unknown=uuid4()).split(" ")
    faults = []
    for line in _READ[request_line]:
        name, _, odd = line.partition(": ")
        for value in (*_ODD, odd):
            headers = [(key.encode(), text.encode("latin-1")) for key, text in {**_WELL, name: value}.items()]
            answer = await http.request(method, path, headers=headers, content=None if method == "GET" else b"abc")
            if answer.status_code >= 500:
                faults.append((name, value, answer.status_code))
    assert faults == []
