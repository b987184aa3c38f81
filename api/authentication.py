"""Who asks, told from the request: a key, a session's cookie, or nothing on a machine where there is no key yet.

Every route that is about videos depends on ``CallerDep``; it is solved before the request's body is read.
"""

import ipaddress
from typing import Annotated, Final, cast

import structlog
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from accounts.callers import LOCAL_USER, Caller, Callers
from api.connections import OF_A_CALLER
from api.openapi import problem_answers
from api.other_websites import SAFE_METHODS, is_loopback_name
from api.problems import Problem
from contracts.refusals import RefusalCode, Refused

SESSION_COOKIE: Final = "rushes_session"
CSRF_HEADER: Final = "X-CSRF-Token"
OF_CALLERS: Final = problem_answers(RefusalCode.UNAUTHENTICATED, RefusalCode.CSRF_REFUSED, RefusalCode.QUOTA_EXCEEDED)
"""What any route may answer that depends on who asks."""

_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="A key, as `rushes keys create` showed it: `rushes_…`."
)
_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    scheme_name="session",
    description=f"What `POST /api/v1/session` gave; what changes anything needs `{CSRF_HEADER}` too.",
)

_OF_PROXIES: Final = frozenset({b"forwarded", b"via", b"x-real-ip"})
"""Headers by which one says that it passes on what another machine asked."""

BearerDep = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
CookieDep = Annotated[str | None, Depends(_cookie)]


async def _callers(request: Request) -> Callers:
    return cast("Callers", request.state.callers)


CallersDep = Annotated[Callers, Depends(_callers)]


async def _known_caller(request: Request, callers: CallersDep, bearer: BearerDep, cookie: CookieDep) -> Caller | None:
    if bearer is not None:
        caller = await _of_key(callers, bearer.credentials)
    elif cookie is not None:
        changes = request.method not in SAFE_METHODS
        caller = await callers.of_session(cookie, request.headers.get(CSRF_HEADER), changes=changes)
    elif not await callers.keys_exist() and _is_this_machine(request):
        caller = Caller(LOCAL_USER)
    else:
        return None
    structlog.contextvars.bind_contextvars(user_id=caller.user_id)
    request.scope[OF_A_CALLER] = True
    return caller


async def _caller(known: Annotated[Caller | None, Depends(_known_caller)], callers: CallersDep) -> Caller:
    if known is not None:
        return known
    if await callers.keys_exist():
        raise unauthenticated("Send a key as `Authorization: Bearer rushes_…`.")
    raise unauthenticated(
        "There is no key yet, and without one only this machine itself is served, as localhost and past no proxy. Make "
        "one with `rushes keys create --user NAME`."
    )


async def _viewer(request: Request, callers: CallersDep, bearer: BearerDep, cookie: CookieDep) -> Caller | None:
    try:
        return await _known_caller(request, callers, bearer, cookie)
    except Refused as refused:
        if refused.code != RefusalCode.UNAUTHENTICATED:
            raise
        return None


CallerDep = Annotated[Caller, Depends(_caller)]
"""Who asks; 401 for nobody."""

ViewerDep = Annotated[Caller | None, Depends(_viewer)]
"""Who asks, or None: for what anybody may ask, and only some may have."""


async def _key_holder(request: Request, callers: CallersDep, bearer: BearerDep) -> Caller:
    if bearer is None:
        raise unauthenticated("A session begins with a key: send it as `Authorization: Bearer rushes_…`.")
    caller = await _of_key(callers, bearer.credentials)
    request.scope[OF_A_CALLER] = True
    return caller


KeyHolderDep = Annotated[Caller, Depends(_key_holder)]
"""Who came with a key, and not with a session."""


async def _of_key(callers: Callers, text: str) -> Caller:
    try:
        return await callers.of_key(text)
    except Refused as refused:
        if refused.code != RefusalCode.UNAUTHENTICATED:
            raise
        raise unauthenticated(refused.detail) from refused


def unauthenticated(detail: str) -> Problem:
    """The answer to somebody who is not known, with the challenge that RFC 9110 asks for."""
    return Problem(RefusalCode.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": "Bearer"})


def _is_this_machine(request: Request) -> bool:
    """A name that is not the machine's own is one that a website has let point here; past a proxy anybody may come."""
    is_passed_on = any(name in _OF_PROXIES or name.startswith(b"x-forwarded-") for name, _ in request.headers.raw)
    return came_over_loopback(request) and is_loopback_name(request.headers.get("host", "")) and not is_passed_on


def came_over_loopback(request: Request) -> bool:
    """Whether the connection was accepted on a loopback address, so that it comes from this machine."""
    server = request.scope.get("server")
    try:
        return server is not None and ipaddress.ip_address(server[0]).is_loopback
    except ValueError:
        return False
