"""Every setting, one place, from the environment; what they are is said by the groups in ``configuration/``.

Read by the entry points (``worker.py``, ``api``, ``cli``, ``embedded``) and passed on as values. Temporal's own
settings (``TEMPORAL_ADDRESS``, ``TEMPORAL_NAMESPACE``, ``TEMPORAL_API_KEY``, TLS) are read by ``temporal_client.py``
the way every Temporal tool reads them. ``docs/configuration.md`` is made from the groups by ``make docs``.
"""

import re
from typing import Final

from pydantic import ValidationError
from pydantic_settings import SettingsError as PydanticSettingsError

from configuration.api import ApiSettings
from configuration.embedded_stack import EmbeddedStackSettings
from configuration.errors import SettingsError
from configuration.media import MediaSettings
from configuration.places import PlaceSettings
from configuration.watching import WatchingSettings
from configuration.work import WorkSettings

__all__ = ["Settings", "SettingsError", "load_settings"]


class Settings(PlaceSettings, ApiSettings, WorkSettings, MediaSettings, WatchingSettings, EmbeddedStackSettings):
    """The service's settings; each has a default that works on one machine."""


_OURS: Final = "Value error, "
"""What pydantic puts before a sentence of a validator of ours."""

_UNREADABLE: Final = re.compile(r'field "(\w+)"')
"""What is no JSON is told in a sentence alone."""


def load_settings() -> Settings:
    """Read every setting from the environment.

    Raises:
        SettingsError: One or more can't be used; the message has a line for each.
    """
    try:
        return Settings()
    except (ValidationError, PydanticSettingsError) as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError | PydanticSettingsError) -> str:
    if isinstance(error, PydanticSettingsError):
        found = _UNREADABLE.search(str(error))
        return f'{_variable(found.groups() if found else ())}: not valid JSON; a list is written as ["one","two"]'
    return "\n".join(
        f"{_variable(problem['loc'])}: {problem['msg'].removeprefix(_OURS)}"
        for problem in error.errors(include_input=False)
    )


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    return name if name.isupper() else f"RUSHES_{name.upper()}"
