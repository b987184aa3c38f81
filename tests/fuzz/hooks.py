"""What schemathesis does not know by itself: how the bytes of an upload are sent."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(_context: Any, value: Any) -> bytes:
    """Whatever was made, as bytes."""
    return value if isinstance(value, bytes) else str(value).encode()
