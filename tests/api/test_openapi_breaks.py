"""``docs/openapi.json`` is what the api serves, and what breaks the clients of an earlier one is found out."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.api.openapi_breaks import Break, breaking_changes, unnamed

_ROOT: Final = Path(__file__).resolve().parents[2]
Document = dict[str, Any]


@pytest.fixture
def committed() -> Document:
    read: Document = json.loads((_ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    return read


async def test_the_document_is_what_the_api_serves_and_breaks_no_client_unsaid(
    committed: Document, client: httpx.AsyncClient
) -> None:
    served = (await client.get("/openapi.json")).json()
    breaks = breaking_changes(committed, served)
    silent = unnamed(breaks, (_ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert silent == [], "These break clients: name each subject in CHANGELOG.md, below ### Breaking, in backticks."
    served["info"]["version"] = committed["info"]["version"]
    assert served == committed, "docs/openapi.json is not what the api serves. Run `make docs`."


def operation(document: Document, subject: str) -> Document:
    method, path = subject.split()
    found: Document = document["paths"][path][method.lower()]
    return found


def schema(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def parameter(document: Document, subject: str, name: str) -> Document:
    found: Document = next(one for one in operation(document, subject)["parameters"] if one["name"] == name)
    return found


LIST: Final = "GET /api/v1/videos"
GET: Final = "GET /api/v1/videos/{video_id}"
CANCEL: Final = "POST /api/v1/videos/{video_id}/cancel"
UPLOAD: Final = "POST /api/v1/videos/upload"
TEXT_OR_NULL: Final = {"anyOf": [{"type": "string"}, {"type": "null"}]}

BREAKING: Final[dict[str, tuple[Callable[[Document], object], str]]] = {
    "a path": (lambda now: now["paths"].pop("/api/v1/videos/upload"), UPLOAD),
    "a method": (lambda now: now["paths"]["/api/v1/videos"].pop("get"), LIST),
    "the name of an operation": (lambda now: operation(now, LIST).update(operationId="videos"), LIST),
    "a parameter that goes": (lambda now: operation(now, LIST)["parameters"].pop(), LIST),
    "a parameter that is needed": (lambda now: parameter(now, LIST, "limit").update(required=True), LIST),
    "a narrower limit": (lambda now: parameter(now, LIST, "limit")["schema"].update(maximum=50), LIST),
    "an answer": (lambda now: operation(now, CANCEL)["responses"].pop("202"), CANCEL),
    "a header of an answer": (
        lambda now: operation(now, UPLOAD)["responses"]["202"]["headers"].pop("Location"),
        UPLOAD,
    ),
    "a field of an answer": (lambda now: schema(now, "VideoView")["properties"].pop("width"), "VideoView"),
    "a field that may be missing": (lambda now: schema(now, "VideoView")["required"].remove("title"), "VideoView"),
    "a field of another type": (
        lambda now: schema(now, "VideoView")["properties"]["attempt"].update(type="number"),
        "VideoView",
    ),
    "a field that may be null": (
        lambda now: schema(now, "VideoView")["properties"].update(
            title={"anyOf": [{"type": "string"}, {"type": "null"}]}
        ),
        "VideoView",
    ),
    "a value that is told": (lambda now: schema(now, "VideoStatus")["enum"].append("paused"), "VideoStatus"),
    "a value that is not taken": (lambda now: schema(now, "VideoStatus")["enum"].remove("error"), "VideoStatus"),
    "a field that a request needs": (lambda now: schema(now, "VideoPatch").update(required=["title"]), "VideoPatch"),
    "a field that a request has no more": (
        lambda now: schema(now, "WebhookRequest")["properties"].pop("description"),
        "WebhookRequest",
    ),
    "a field of a form": (
        lambda now: operation(now, UPLOAD)["requestBody"]["content"]["multipart/form-data"]["schema"].update(
            required=["file", "title"]
        ),
        UPLOAD,
    ),
}


@pytest.mark.parametrize("kind", BREAKING)
def test_what_breaks_clients_is_found_by_its_subject(committed: Document, kind: str) -> None:
    change, subject = BREAKING[kind]
    now = copy.deepcopy(committed)
    change(now)
    breaks = breaking_changes(committed, now)
    assert {found.subject for found in breaks} == {subject}, breaks


def test_what_is_added_breaks_nobody(committed: Document) -> None:
    now = copy.deepcopy(committed)
    now["paths"]["/api/v1/more"] = now["paths"]["/api/v1/videos"]
    operation(now, LIST)["parameters"].append({"name": "more", "in": "query", "schema": {"type": "string"}})
    parameter(now, LIST, "limit")["schema"]["maximum"] = 1000
    schema(now, "VideoView")["properties"]["more"] = {"type": "string"}
    schema(now, "VideoView")["required"].append("more")
    schema(now, "VideoPatch")["properties"]["more"] = {"type": "string"}
    operation(now, GET)["responses"]["418"] = operation(now, GET)["responses"]["404"]
    operation(now, GET)["description"] = "In other words."
    assert breaking_changes(committed, now) == []


def test_the_newest_version_of_the_changelog_has_to_name_it() -> None:
    breaks = [Break("VideoView", ".width is gone")]
    said = "## [0.2.0]\n\n### Breaking\n- `VideoView` has no width.\n\n### Added\n- More.\n\n## [0.1.0]\n"
    assert unnamed(breaks, said) == []
    for silent in (said.replace("Breaking", "Changed"), said.replace("`VideoView`", "It"), f"## [0.3.0]\n\n{said}"):
        assert unnamed(breaks, silent) == breaks
