"""Queries have no parameter that the route does not know: a filter that is mistyped would let everything through."""

import re
from collections.abc import Iterator
from typing import Any, Final

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.authentication import CallerDep

_KEYED: Final = "deepObject"
"""OpenAPI's style of ``name[key]=value``."""

_OF_THAT_STYLE: Final = re.compile(r"([^\[\]]+)\[[^\[\]]+\]")


async def only_known_parameters(request: Request, _: CallerDep) -> None:
    """Refuse a query with a name in it that the route does not document. Who asks is looked at first.

    Raises:
        RequestValidationError: There is one; each is named.
    """
    if not request.query_params:
        return
    route: APIRoute = request.scope["route"]
    plain, keyed = set(_plain_names(route.dependant)), set(_keyed_names(route))
    unknown = [name for name in request.query_params if name not in plain and _key_holder(name) not in keyed]
    if unknown:
        told = ", ".join([*sorted(plain), *(f"{name}[…]" for name in sorted(keyed))])
        message = f"there is no parameter of this name; there are {told}" if told else "there are no parameters here"
        raise RequestValidationError(
            [{"type": "unknown_parameter", "loc": ("query", name), "msg": message} for name in unknown]
        )


def _plain_names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from _plain_names(below)


def _keyed_names(route: APIRoute) -> Iterator[str]:
    by_hand: list[dict[str, Any]] = (route.openapi_extra or {}).get("parameters", [])
    yield from (one["name"] for one in by_hand if one["in"] == "query" and one.get("style") == _KEYED)


def _key_holder(name: str) -> str | None:
    found = _OF_THAT_STYLE.fullmatch(name)
    return found[1] if found is not None else None
