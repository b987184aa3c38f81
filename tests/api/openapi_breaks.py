"""What of an OpenAPI document breaks the clients of an earlier one.

What is compared is what our document uses. Where two schemas can't be told to fit, they break: a line in the changelog
costs less than a client that fails.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

Json = Mapping[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
_COMPONENTS: Final = "#/components/schemas/"
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_FORMS: Final = ("format", "pattern", "contentMediaType")


class Break(NamedTuple):
    """A change that breaks clients.

    Attributes:
        subject: What it is of: an operation such as ``GET /api/v1/videos``, or the name of a schema.
        what: In words.
    """

    subject: str
    what: str


def breaking_changes(before: Json, now: Json) -> list[Break]:
    """What breaks those who were made for the document ``before``, each once."""
    found: list[Break] = []
    for path, item in before["paths"].items():
        for method in (method for method in _METHODS if method in item):
            subject, after = f"{method.upper()} {path}", now["paths"].get(path, {}).get(method)
            if after is None:
                found.append(Break(subject, "is gone"))
            else:
                found += _Operation(before, now, subject).breaks(item[method], after)
    return list(dict.fromkeys(found))


def unnamed(breaks: list[Break], changelog: str) -> list[Break]:
    """Those whose subject the newest version in the changelog does not name, in backticks, below *Breaking*."""
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    section = re.search(r"^### Breaking\n(.*?)(?=^### |\Z)", newest, re.MULTILINE | re.DOTALL)
    named = re.findall(r"`([^`]+)`", section[1]) if section is not None else []
    return [found for found in breaks if found.subject not in named]


@dataclass(frozen=True)
class _Operation:
    """One operation of both documents."""

    before: Json
    now: Json
    subject: str

    def breaks(self, before: Json, now: Json) -> Iterator[Break]:
        """What breaks those who ask this."""
        if before.get("operationId") != now.get("operationId"):
            yield Break(self.subject, "has another operationId, which generated clients are named by")
        yield from self._parameters(before, now)
        yield from self._body(before.get("requestBody", {}), now.get("requestBody", {}))
        for status, answer in before["responses"].items():
            yield from self._answer(status, answer, now["responses"].get(status))

    def _parameters(self, before: Json, now: Json) -> Iterator[Break]:
        known, taken = (
            {(parameter["in"], parameter["name"].lower()): parameter for parameter in operation.get("parameters", ())}
            for operation in (before, now)
        )
        for key in known.keys() - taken.keys():
            yield Break(self.subject, f"takes no {key[0]} parameter {key[1]} any more")
        for key, parameter in taken.items():
            is_new = key not in known
            if parameter.get("required") and (is_new or not known[key].get("required")):
                yield Break(self.subject, f"needs the {key[0]} parameter {key[1]}")
            if not is_new:
                yield from self._request().breaks(known[key]["schema"], parameter["schema"], key[1])

    def _body(self, before: Json, now: Json) -> Iterator[Break]:
        if now.get("required") and not before.get("required"):
            yield Break(self.subject, "needs a body")
        for kind, content in before.get("content", {}).items():
            if kind not in now.get("content", {}):
                yield Break(self.subject, f"takes no {kind} any more")
            else:
                yield from self._request().breaks(content["schema"], now["content"][kind]["schema"], "body")

    def _answer(self, status: str, before: Json, now: Json | None) -> Iterator[Break]:
        is_error = status >= "400"
        if now is None:
            if not is_error:
                yield Break(self.subject, f"does not answer {status} any more")
            return
        for header in before.get("headers", {}).keys() - now.get("headers", {}).keys():
            yield Break(self.subject, f"answers {status} without {header}")
        for kind, content in before.get("content", {}).items():
            if kind not in now.get("content", {}):
                yield Break(self.subject, f"answers {status} without {kind}")
            elif "schema" in content:
                told = _Schemas(self.before, self.now, self.subject, is_request=False, seen=set())
                yield from told.breaks(content["schema"], now["content"][kind].get("schema", {}), status)

    def _request(self) -> "_Schemas":
        return _Schemas(self.before, self.now, self.subject, is_request=True, seen=set())


@dataclass(frozen=True)
class _Schemas:
    """Pairs of schemas, of what is sent or of what is answered."""

    before: Json
    now: Json
    subject: str
    is_request: bool
    seen: set[str]

    def breaks(self, before: Json, now: Json, where: str) -> Iterator[Break]:
        """What of ``now`` does not fit those who know ``before``; each named schema is looked at once."""
        if (name := before.get("$ref", "").removeprefix(_COMPONENTS)) and "$ref" in now:
            if name not in self.seen:
                self.seen.add(name)
                within = _Schemas(self.before, self.now, name, is_request=self.is_request, seen=self.seen)
                yield from within.breaks(_resolved(before, self.before), _resolved(now, self.now), "")
            return
        old, new = _options(_resolved(before, self.before)), _options(_resolved(now, self.now))
        (may_be, many), (is_now, now_many) = _null_apart(old), _null_apart(new)
        if may_be != is_now and may_be == self.is_request:
            yield Break(self.subject, f"{where} may not be null" if self.is_request else f"{where} may be null")
        if len(many) != len(now_many):
            yield Break(self.subject, f"{where} is of other kinds")
            return
        for one, other in zip(many, now_many, strict=True):
            if "$ref" in one or "$ref" in other:
                yield from self.breaks(one, other, where)
            else:
                yield from self._plain(one, other, where)

    def _plain(self, before: Json, now: Json, where: str) -> Iterator[Break]:
        narrow, wide = (now, before) if self.is_request else (before, now)
        allowed = {narrow.get("type"), "integer" if narrow.get("type") == "number" else None, None}
        if "type" in narrow and wide.get("type") not in allowed - {None}:
            yield Break(self.subject, f"{where} is {now.get('type')}, not {before.get('type')}")
            return
        yield from self._values(narrow, wide, where)
        yield from self._members(before, now, where)
        if "items" in before and "items" in now:
            yield from self.breaks(before["items"], now["items"], f"{where}[]")
        if isinstance(before.get("additionalProperties"), dict) and isinstance(now.get("additionalProperties"), dict):
            yield from self.breaks(before["additionalProperties"], now["additionalProperties"], f"{where}.*")

    def _values(self, narrow: Json, wide: Json, where: str) -> Iterator[Break]:
        """Values that ``wide`` has and ``narrow`` has not."""
        allowed, asked = _enumerated(narrow), _enumerated(wide)
        if allowed is not None and (asked is None or not asked <= allowed):
            more = ", ".join(sorted(map(str, (asked or set()) - allowed))) or "anything"
            yield Break(self.subject, f"{where} does not take {more}" if self.is_request else f"{where} may be {more}")
        if not self.is_request:
            if narrow.get("format") != wide.get("format"):
                yield Break(self.subject, f"{where} has another format")
            return
        if any(key in narrow and wide.get(key, float("inf")) > narrow[key] for key in _MOST) or any(
            key in narrow and wide.get(key, float("-inf")) < narrow[key] for key in _LEAST
        ):
            yield Break(self.subject, f"{where} has narrower limits")
        if any(key in narrow and wide.get(key) != narrow[key] for key in _FORMS):
            yield Break(self.subject, f"{where} has another form")

    def _members(self, before: Json, now: Json, where: str) -> Iterator[Break]:
        known, there = before.get("properties", {}), now.get("properties", {})
        for name in known.keys() - there.keys():
            yield Break(self.subject, f"{where}.{name} is gone")
        needed, had = set(now.get("required", ())), set(before.get("required", ()))
        if self.is_request:
            for name in needed - had:
                yield Break(self.subject, f"{where}.{name} is needed")
            if now.get("additionalProperties") is False and before.get("additionalProperties") is not False:
                yield Break(self.subject, f"{where} takes no other members")
        else:
            for name in (had - needed) & there.keys():
                yield Break(self.subject, f"{where}.{name} may be missing")
        for name in known.keys() & there.keys():
            yield from self.breaks(known[name], there[name], f"{where}.{name}")


def _resolved(schema: Json, document: Json) -> Json:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].removeprefix(_COMPONENTS)]
    return schema


def _options(schema: Json) -> list[Json]:
    return list(schema["anyOf"]) if "anyOf" in schema else [schema]


def _null_apart(options: list[Json]) -> tuple[bool, list[Json]]:
    others = [option for option in options if option.get("type") != "null"]
    return len(others) < len(options), others


def _enumerated(schema: Json) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None
