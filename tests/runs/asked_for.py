"""What a run is asked for with."""

from uuid import uuid4

from contracts.processing import VideoProcessingInput


def a_request(attempt: int = 1) -> VideoProcessingInput:
    """Of a video that nobody else has."""
    video_id = str(uuid4())
    return VideoProcessingInput(
        video_id=video_id, user_id="local", original_key=f"originals/{video_id}.mp4", attempt=attempt
    )
