"""Requests made from the OpenAPI document, with a key and without one: ``python -m tests.fuzz.schema``.

No answer may be a fault of the server's, and each has to come in time. The sort of stack is the one that people start.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.end_to_end.conftest import serving, with_everything_allowed

_SCHEMATHESIS: Final = Path(sys.executable).with_name("schemathesis")
_ANSWER_SECONDS: Final = 20
_ENDLESS: Final = "/events$"
"""Streams, which don't end by themselves."""


async def fuzz(api: str, examples: int, seed: int, key: str | None) -> bool:
    """Whether every answer was fine; schemathesis prints those that were not, and how to ask for them again."""
    options = {
        "--checks": "not_a_server_error",
        "--max-examples": examples,
        "--seed": seed,
        "--phases": "examples,coverage,fuzzing,stateful",
        "--request-timeout": _ANSWER_SECONDS,
        "--exclude-path-regex": _ENDLESS,
        **({} if key is None else {"--header": f"Authorization: Bearer {key}"}),
    }
    given = [str(text) for option in options.items() for text in option]
    process = await asyncio.create_subprocess_exec(
        *(str(_SCHEMATHESIS), "run", f"{api}/openapi.json", "--no-color", *given),
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks"},
    )
    return await process.wait() == 0


async def with_and_without_a_key(examples: int, seed: int) -> bool:
    """First as who needs no key, then as an administrator, a user, and as somebody whose key is none."""
    with tempfile.TemporaryDirectory(prefix="rushes-fuzz-") as name:
        home = with_everything_allowed(Path(name))
        async with serving(home) as service:
            held = await fuzz(service.run.api, examples, seed, None)
            for number, whose in enumerate((("ann", "--admin"), ("bea",)), start=1):
                made = await home.rushes("keys", "create", "--json", "--user", *whose)
                held &= await fuzz(service.run.api, examples, seed + number, json.loads(made.out)["key"])
            held &= await fuzz(service.run.api, max(1, examples // 10), seed, "rushes_none")
            await service.http.get("/healthz")
    return held


def main() -> int:
    """1 if a request was not answered well."""
    parser = argparse.ArgumentParser(prog="tests.fuzz.schema", description=__doc__)
    parser.add_argument("--examples", type=int, default=50, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    return int(not asyncio.run(with_and_without_a_key(arguments.examples, arguments.seed)))


if __name__ == "__main__":
    sys.exit(main())
