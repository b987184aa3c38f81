"""``/api/v1/session`` and ``/api/v1/me``: who one is, and how a browser stays it."""

from datetime import datetime
from typing import Final, Literal

import structlog
from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, Field

from accounts.callers import SESSION_LIFE
from api.authentication import (
    SESSION_COOKIE,
    BearerDep,
    CallerDep,
    CallersDep,
    CookieDep,
    KeyHolderDep,
    unauthenticated,
)
from api.openapi import problem_answers
from api.services import ServicesDep
from contracts.errors import ErrorCode

router = APIRouter(prefix="/api/v1", tags=["accounts"])

_PROBLEMS: Final = problem_answers(ErrorCode.DATABASE_UNAVAILABLE)
_audit = structlog.stdlib.get_logger("audit")


class SessionView(BaseModel):
    """A session of a browser; the cookie has it, and no script can read that."""

    user_id: str
    csrf_token: str = Field(description="Send it as `X-CSRF-Token` with whatever changes anything.")
    expires_at: datetime | None = Field(description="When the session ends; null where it was only asked for.")


class LimitsView(BaseModel):
    """How much the caller may use; null leaves it open."""

    max_uploads_in_flight: int | None
    max_stored_bytes: int | None
    max_minutes_a_day: int | None
    max_requests_a_second: int | None


class UsageView(BaseModel):
    """How much the caller uses."""

    uploads_in_flight: int
    stored_bytes: int = Field(
        description="Size of the uploaded files that are kept, of what is published of them, and of those announced."
    )
    minutes_today: int = Field(
        description="Minutes of video made in the last 24 hours; with a limit also of what is being made."
    )


class MeView(BaseModel):
    """Who the caller is."""

    user_id: str
    known_by: Literal["key", "session", "machine"] = Field(
        description="What the caller came with; `machine` where there is no key yet, and it is this machine's user."
    )
    is_admin: bool = Field(description="Whether the caller sees everybody's videos.")
    limits: LimitsView
    usage: UsageView


@router.post(
    "/session",
    operation_id="begin_session",
    summary="Turn a key into a browser's session",
    status_code=status.HTTP_201_CREATED,
    responses=_PROBLEMS,
)
async def begin_session(request: Request, response: Response, caller: KeyHolderDep, callers: CallersDep) -> SessionView:
    """Sets a cookie that scripts can't read and that no other site's request carries."""
    session = await callers.begin_session(caller)
    response.set_cookie(
        SESSION_COOKIE,
        session.token,
        max_age=int(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=_is_over_tls(request),
    )
    _audit.info("session begun", user_id=caller.user_id, key_id=caller.key_id)
    return SessionView(user_id=caller.user_id, csrf_token=session.csrf_token, expires_at=session.expires_at)


def _is_over_tls(request: Request) -> bool:
    """As the proxy says that ends it, and where that is not believed or says nothing, as the browser does."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


@router.get("/session", operation_id="get_session", summary="Ask for the session's token", responses=_PROBLEMS)
async def get_session(caller: CallerDep, callers: CallersDep, cookie: CookieDep) -> SessionView:
    """For a page that was loaded anew, and forgot it."""
    if cookie is None:
        raise unauthenticated("There is no session. Begin one with a key.")
    return SessionView(user_id=caller.user_id, csrf_token=await callers.csrf_token_of(cookie), expires_at=None)


@router.delete(
    "/session",
    operation_id="end_session",
    summary="End the browser's session",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problem_answers(),
)
async def end_session(response: Response) -> None:
    """Takes the cookie away, whether it held or not."""
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")


@router.get("/me", operation_id="get_me", summary="Read who one is, and what one may use", responses=_PROBLEMS)
async def get_me(caller: CallerDep, services: ServicesDep, bearer: BearerDep) -> MeView:
    """Limits are set with `rushes users`."""
    limits, usage = await services.accounts.user(caller.user_id)
    return MeView(
        user_id=caller.user_id,
        known_by="machine" if caller.key_id is None else "key" if bearer is not None else "session",
        is_admin=caller.is_admin,
        limits=LimitsView.model_validate(limits, from_attributes=True),
        usage=UsageView.model_validate(usage, from_attributes=True),
    )
