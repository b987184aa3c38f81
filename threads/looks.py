"""Looks at the processes of this machine, in threads that no work on files takes.

Whoever watches over them has to go on doing so while all of those hang at a disk. Each look takes milliseconds.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

_THREADS: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="looks")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def looked(look: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """What ``look`` returns. It must ask no disk."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(look, *args, **kwargs))
