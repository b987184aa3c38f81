"""ffmpeg's progress report is read as it comes, and told only when there is more of the output."""

from media.progress import Advance, ProgressReader


def _block(frames: str, out_time_us: str, speed: str, ending: str = "continue") -> list[str]:
    return [f"frame={frames}", "fps=0.0", f"out_time_us={out_time_us}", f"speed= {speed}", f"progress={ending}"]


def test_each_advance_is_told_once_and_what_is_not_known_yet_counts_as_nothing() -> None:
    told: list[Advance] = []
    reader = ProgressReader(told.append)
    blocks = [
        _block("0", "N/A", "N/A"),
        _block("12", "480000", "1.5x"),
        _block("12", "480000", "0.9x"),
        _block("11", "470000", "1x"),
        _block("25", "1000000", "N/A", "end"),
    ]
    for line in (line for block in blocks for line in block):
        reader.read_line(line)
    assert told == [Advance(12, 0.48, 1.5), Advance(25, 1.0, None)]
    assert reader.advance == told[-1]


def test_a_speed_that_ffmpeg_divides_by_next_to_nothing_is_not_told() -> None:
    reader = ProgressReader()
    for line in _block("12", "480000", "3.32e+11x"):
        reader.read_line(line)
    assert reader.advance == Advance(12, 0.48, None)


def test_nothing_is_told_before_a_block_is_complete() -> None:
    told: list[Advance] = []
    reader = ProgressReader(told.append)
    for line in _block("12", "480000", "1x")[:-1]:
        reader.read_line(line)
    assert told == []


def test_sound_advances_by_its_time_alone() -> None:
    reader = ProgressReader()
    for line in ("out_time_us=500000", "progress=continue"):
        reader.read_line(line)
    assert reader.advance == Advance(0, 0.5, None)
