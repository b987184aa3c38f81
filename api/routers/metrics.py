"""``/metrics``, for Prometheus."""

import asyncio
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from accounts.callers import Caller
from api.authentication import CallerDep, CallersDep
from api.services import ServicesDep
from contracts.refusals import RefusalCode, Refused
from telemetry.standing import Standing, Told

router = APIRouter(include_in_schema=False)


async def _reader(caller: CallerDep, callers: CallersDep) -> Caller:
    """An administrator; while there is no key, this machine."""
    if not caller.is_admin and await callers.keys_exist():
        raise Refused(
            RefusalCode.ADMINS_ONLY, "Metrics are of the whole service. Use a key of `rushes keys create --admin`."
        )
    return caller


async def _registry(request: Request) -> CollectorRegistry:
    return cast("CollectorRegistry", request.state.registry)


@router.get("/metrics", dependencies=[Depends(_reader)])
async def metrics(services: ServicesDep, registry: Annotated[CollectorRegistry, Depends(_registry)]) -> Response:
    """What this process measured, what the SDK did, and how the whole service stands."""
    standing = Standing(services.videos, services.events, services.webhooks, services.runs, services.storage)
    now = CollectorRegistry()
    now.register(Told(await standing.metrics()))
    text = await asyncio.to_thread(lambda: generate_latest(registry) + generate_latest(now))  # noqa: TID251  no file
    return Response(text, media_type=CONTENT_TYPE_LATEST)
