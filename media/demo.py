"""The clip that ``rushes demo`` draws when it is given none."""

from pathlib import Path


def demo_clip_command(ffmpeg: Path, target: Path) -> list[str]:
    """Draw a clip of 10 s, 1280x720, 30 frames a second, with sound: a moving test card and a beep a second."""
    return [
        *[str(ffmpeg), "-hide_banner", "-loglevel", "error", "-nostdin"],
        *["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=10"],
        *["-f", "lavfi", "-i", "sine=frequency=220:beep_factor=4:sample_rate=48000:duration=10"],
        *["-map", "0:v", "-map", "1:a"],
        *["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p"],
        *["-c:a", "aac", "-b:a", "128k", "-ac", "2"],
        *["-movflags", "+faststart", "-f", "mp4", "-y", f"file:{target}"],
    ]
