"""From the id in an activity's input to the one of a row."""

from uuid import UUID

from contracts.errors import StatusConflict


def row_id(video_id: str) -> UUID:
    """The id as rows have it.

    Raises:
        StatusConflict: No row can have it, or only one whose files have other keys. However often this run asks, there
            is nothing to do for it.
    """
    try:
        parsed = UUID(video_id)
    except ValueError:
        parsed = None
    if parsed is None or str(parsed) != video_id:
        raise StatusConflict(f"There is no video {video_id[:80]!r}: that is not the id of one.")
    return parsed
