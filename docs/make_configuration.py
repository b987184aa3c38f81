"""Write ``docs/configuration.md`` from ``configuration/``: ``make docs``. With ``--check``, say whether it is current.

A setting's description and default are taken from its field, its heading from the comment above its group.
"""

import inspect
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from generated import write_or_check
from pydantic_core import to_json

from configuration.group import MEBIBYTE
from settings import Settings

TARGET: Final = Path(__file__).with_name("configuration.md")

_HEAD: Final = """\
# Configuration

<!-- Made from configuration/ by `make docs`. Edit the file there instead of this one. -->

Every setting is an environment variable, and every one has a default that works on one machine. A value that can't be
used is named when a process starts:

```
$ RUSHES_PORT=eighty rushes up
RUSHES_PORT: Input should be a valid integer, unable to parse string as an integer
```

The embedded stack (`make up`, `make demo`) runs its own PostgreSQL unless `DATABASE_URL` is set, and its own Temporal
unless `RUSHES_EMBEDDED_TEMPORAL` is false. Two defaults differ in that stack: scratch is `scratch` in RUSHES_HOME, and
its worker gets 3 seconds of grace. A worker that is started on the RUSHES_HOME of a running stack takes from its
`run.json` what is not set: Temporal, database, folders or bucket, profiles. Elsewhere, api and workers need
`TEMPORAL_ADDRESS` and `DATABASE_URL`; media workers only the first.
"""

_TAIL: Final = """
## Temporal

Read by `temporalio.envconfig`, as the `temporal` command and every other Temporal tool reads them. The embedded
Temporal server ignores all of them but `TEMPORAL_NAMESPACE`.

| variable | default | meaning |
| --- | --- | --- |
| `TEMPORAL_ADDRESS` | `127.0.0.1:7233` | The server, as `host:port`, for everything that speaks with one. |
| `TEMPORAL_NAMESPACE` | `default` | The namespace; it has to know our [search attributes](monitoring.md). |
| `TEMPORAL_API_KEY` | none | Bearer token, for Temporal Cloud; turns TLS on. |
| `TEMPORAL_TLS` | off | `true` speaks TLS. |
| `TEMPORAL_TLS_SERVER_CA_CERT_PATH` | the system's | Certificate authority of the server's certificate. |
| `TEMPORAL_TLS_SERVER_NAME` | from the address | Name that the server's certificate has to have. |
| `TEMPORAL_TLS_CLIENT_CERT_PATH` | none | Client certificate, for mutual TLS. |
| `TEMPORAL_TLS_CLIENT_KEY_PATH` | none | Its key. |
| `TEMPORAL_CONFIG_FILE` | the user's `temporal.toml` | A file with the same settings. |
| `TEMPORAL_PROFILE` | `default` | Which profile of that file. |

## Containers

`docker-compose.temporal.yml` has variables of its own (passwords, published ports, retention); they are in
[deploy/env.example](../deploy/env.example), and [deployment](deployment.md) explains them.
"""

_GROUP: Final = re.compile(r"    # (?P<title>.+)")
_FIELD: Final = re.compile(r"    (?P<name>[a-z_]+): ")


def variable_of(name: str) -> str:
    """The environment variable that sets the field ``name``."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"RUSHES_{name.upper()}"


def page() -> str:
    """The whole document."""
    lines = [_HEAD]
    for title, names in _groups():
        lines += [f"## {title}", "", "| variable | default | meaning |", "| --- | --- | --- |"]
        lines += [_row(name) for name in names]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n" + _TAIL


def _groups() -> list[tuple[str, list[str]]]:
    groups: list[tuple[str, list[str]]] = []
    for line in "\n".join(map(inspect.getsource, Settings.__bases__)).splitlines():
        if heading := _GROUP.fullmatch(line):
            groups.append((heading["title"], []))
        elif (field := _FIELD.match(line)) and field["name"] in Settings.model_fields:
            groups[-1][1].append(field["name"])
    return groups


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    meaning, _, told = (field.description or "").partition(" Default: ")
    default = told.rstrip(".") if told else _written(name, field.default)
    if choices := get_args(field.annotation) if get_origin(field.annotation) is Literal else ():
        meaning += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
    return f"| `{variable_of(name)}` | {default} | {meaning} |"


def _written(name: str, default: Any) -> str:
    """The default as one would write it; places that differ by machine by their names."""
    if default is None:
        return "none"
    if isinstance(default, Path):
        return f"`{default}`".replace(tempfile.gettempdir(), "$TMPDIR")
    if isinstance(default, str):
        return f"`{default}`"
    text = f"`{to_json(default).decode()}`"
    return f"{text} ({default // MEBIBYTE} MiB)" if name.endswith("_bytes") else text


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, page(), "configuration/", __doc__ or ""))
