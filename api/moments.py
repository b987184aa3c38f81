"""Moments as callers give them: a date, or a date and a time; of UTC where they name no zone."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema


def _of_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


Moment = Annotated[
    datetime, AfterValidator(_of_utc), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]
"""Always with a zone."""

MOMENT_DESCRIPTION = "`2026-11-30T14:20:00Z`, or `2026-11-30`: UTC where no zone is named."
