"""Whether an answer is as the OpenAPI document says: the part of JSON Schema that the document uses, no more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_FORMATS = {"uuid": UUID, "date-time": datetime.fromisoformat}
_KNOWN = {
    "$ref", "anyOf", "type", "enum", "const", "properties", "required", "items", "additionalProperties", "format",
    "minimum", "maximum", "propertyNames", "title", "description", "examples", "default",
}  # fmt: skip


def assert_matches(value: object, schema: Mapping[str, Any], document: Mapping[str, Any], where: str = "$") -> None:
    """Fail unless ``value`` is as ``schema`` says; fail, too, for a schema that this can't judge."""
    assert set(schema) <= _KNOWN, f"{where}: {set(schema) - _KNOWN} is not known here"
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        assert_matches(value, document["components"]["schemas"][name], document, where)
        return
    if "anyOf" in schema:
        assert any(_matches(value, option, document, where) for option in schema["anyOf"]), f"{where}: {value!r}"
        return
    if "type" in schema:
        assert isinstance(value, _TYPES[schema["type"]]), f"{where}: {value!r} is no {schema['type']}"
    assert "enum" not in schema or value in schema["enum"], f"{where}: {value!r}"
    if "format" in schema:
        _FORMATS[schema["format"]](value)  # type: ignore[operator] # both take the text
    if isinstance(value, int | float):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), f"{where}: {value!r}"
    if isinstance(value, list):
        for number, item in enumerate(value):
            assert_matches(item, schema["items"], document, f"{where}[{number}]")
    if isinstance(value, dict):
        _assert_object(value, schema, document, where)


def _assert_object(
    value: Mapping[str, object], schema: Mapping[str, Any], document: Mapping[str, Any], where: str
) -> None:
    properties = schema.get("properties", {})
    missing = set(schema.get("required", [])) - set(value)
    assert not missing, f"{where}: {missing} missing"
    for name, member in value.items():
        described = properties.get(name, schema.get("additionalProperties"))
        assert described, f"{where}.{name} is not documented"
        assert_matches(member, described, document, f"{where}.{name}")


def _matches(value: object, schema: Mapping[str, Any], document: Mapping[str, Any], where: str) -> bool:
    try:
        assert_matches(value, schema, document, where)
    except (AssertionError, ValueError):
        return False
    return True
