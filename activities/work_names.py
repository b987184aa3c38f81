"""Names of work files: by what made them, so that a file that is there is the one that is wanted."""

import hashlib
import json

from pydantic_core import to_jsonable_python

from contracts.storage_keys import work_key

_DIGITS = 16


def named_by_what_makes_it(video_id: str, kind: str, suffix: str, *what: object) -> str:
    """The storage key of a work file.

    Args:
        video_id: Whose.
        kind: What it is, for people who look into the folder.
        suffix: With its dot.
        what: Everything that its content depends on: dataclasses, lists, numbers, text.
    """
    digest = hashlib.sha256(json.dumps(to_jsonable_python(what), sort_keys=True).encode()).hexdigest()[:_DIGITS]
    return work_key(video_id, f"{kind}-{digest}{suffix}")
