"""What a file is, in the few words that its owner may want."""

from dataclasses import dataclass

from media.model import MediaProbe


@dataclass(frozen=True)
class FileFacts:
    """A file that has a picture. It is kept in the run's history.

    Attributes:
        container: ffprobe's ``format_name``, such as ``mov,mp4,m4a,3gp,3g2,mj2``.
        size_bytes: Of the whole file.
        duration_seconds: Of the whole file.
        picture_codec: Such as ``h264``.
        width: Pixels, as displayed.
        height: Pixels, as displayed.
        frame_rate: Frames a second on average, or None where nothing tells.
        sound_codec: Such as ``aac``, of the track that the file marks, else its first; None for a silent film.
        channels: Of that track.
        sample_rate_hertz: Of that track.
    """

    container: str
    size_bytes: int
    duration_seconds: float
    picture_codec: str
    width: int
    height: int
    frame_rate: float | None
    sound_codec: str | None
    channels: int | None
    sample_rate_hertz: int | None


def facts_of(probe: MediaProbe) -> FileFacts:
    """What the probe says of it."""
    picture = probe.video
    width, height = picture.display_size
    sound = next((track for track in probe.audio if track.is_default), probe.audio[0] if probe.audio else None)
    surveyed = picture.survey.rate if picture.survey is not None else None
    return FileFacts(
        container=probe.container,
        size_bytes=probe.size_bytes,
        duration_seconds=probe.duration_seconds,
        picture_codec=picture.codec,
        width=width,
        height=height,
        frame_rate=picture.frame_rate or surveyed,
        sound_codec=sound.codec if sound is not None else None,
        channels=sound.channels if sound is not None else None,
        sample_rate_hertz=sound.sample_rate_hertz if sound is not None else None,
    )
