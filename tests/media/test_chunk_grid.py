"""Where a long picture is cut, and what of it goes into a run's history."""

from itertools import pairwise
from typing import Any

import pytest
from temporalio.converter import DataConverter

from media.chunking import MOST_CHUNKS, chunk_starts
from media.model import MediaProbe, OtherStream
from media.plan import TranscodePlan
from media.planning import plan
from media.profile import Profile
from tests.media.probing import WEB, a_probe, a_profile, a_survey, a_track, a_video


def a_film(seconds: float, rate: float = 25.0, **fields: Any) -> MediaProbe:
    """One that has to be encoded, though it could be cut."""
    return a_probe(a_video(seconds=seconds, rate=rate, codec="hevc", **fields))


@pytest.mark.parametrize(
    ("seconds", "rate", "chunks", "chunk_frames"),
    [
        (9.0, 25.0, 1, 225),
        (9.04, 25.0, 2, 150),
        (48.0, 25.0, 8, 150),
        (48.0, 30000 / 1001, 8, 180),
        (48.0, 60.0, 8, 360),
        (600.0, 1.0, 100, 6),
        (7200.0, 25.0, 120, 1500),
        (21_600.0, 60.0, 120, 10_800),
        (21_600.0, 24000 / 1001, 120, 4_320),
        (21_000.0, 25.0, 120, 4_400),
    ],
)
def test_a_long_picture_is_cut_on_a_grid_of_whole_gops(
    seconds: float, rate: float, chunks: int, chunk_frames: int
) -> None:
    decided = plan(a_film(seconds, rate), WEB)
    assert decided.chunk_starts == tuple(chunk_frames * number for number in range(chunks))
    assert chunks == 1 or chunk_frames % decided.picture.encoding.gop_frames == 0
    assert chunks <= MOST_CHUNKS


@pytest.mark.parametrize(
    ("keyframe_seconds", "starts_seconds"),
    [
        (1.0, (0, 6, 12, 18, 24, 30, 36, 40, 44, 48, 52, 56)),
        (5.12, (0, 6, 16, 26, 32, 42, 52)),
        (250 / 30, (0, 10, 18, 26, 34, 42, 52)),
        (20.0, (0, 4, 12, 22, 32, 42, 50)),
    ],
)
def test_chunks_begin_soon_after_a_keyframe_of_the_source(
    keyframe_seconds: float, starts_seconds: tuple[int, ...]
) -> None:
    keyframes = [keyframe_seconds * number for number in range(100)]
    starts = chunk_starts(1800, 60, 30.0, wanted_seconds=6.0, keyframes=keyframes, margin_seconds=0.25)
    assert [start // 30 for start in starts] == list(starts_seconds)


@pytest.mark.parametrize("seconds", range(34, 97, 2))
def test_a_few_chunks_occupy_four_workers_until_the_end(seconds: int) -> None:
    keyframes = [2.0 * number for number in range(seconds)]
    starts = chunk_starts(30 * seconds, 60, 30.0, wanted_seconds=6.0, keyframes=keyframes, margin_seconds=0.25)
    lengths = [(end - begin) // 30 for begin, end in pairwise((*starts, 30 * seconds))]
    workers = [0, 0, 0, 0]
    for length in lengths:
        workers[workers.index(min(workers))] += length
    assert max(workers) <= seconds / 4 + 4, lengths
    assert min(lengths) >= 4


def test_chunks_do_not_end_together_at_the_price_of_decoding_much_in_vain() -> None:
    keyframes = [250 / 30 * number for number in range(10)]
    starts = chunk_starts(1200, 60, 30.0, wanted_seconds=6.0, keyframes=keyframes, margin_seconds=0.25)
    assert [start // 30 for start in starts] == [0, 10, 18, 26, 34]


@pytest.mark.parametrize("rate", [1.0, 24.0, 30000 / 1001, 60.0])
@pytest.mark.parametrize("keyframe_seconds", [0.5, 3.3, 8.33, 20.0])
@pytest.mark.parametrize("seconds", [9.1, 61.7, 1000.0, 21_600.0])
def test_wherever_keyframes_lie_chunks_are_whole_gops_and_not_too_many(
    rate: float, keyframe_seconds: float, seconds: float
) -> None:
    frames, gop = round(seconds * rate), max(1, round(2 * rate))
    keyframes = [keyframe_seconds * number for number in range(int(seconds / keyframe_seconds) + 1)]
    starts = chunk_starts(frames, gop, rate, wanted_seconds=6.0, keyframes=keyframes, margin_seconds=0.25)
    assert starts[0] == 0
    assert all(start % gop == 0 for start in starts)
    assert all(before < after for before, after in pairwise((*starts, frames)))
    assert len(starts) <= MOST_CHUNKS


def test_keyframes_are_counted_on_the_outputs_clock() -> None:
    keyframes = tuple(1.4 + 8 * number for number in range(8))
    film = a_film(60.0, begin=1.4, survey=a_survey(seconds=60, packets=1500, begin=1.4, keyframes=keyframes))
    assert [start // 25 for start in plan(film, WEB).chunk_starts] == [0, 10, 18, 26, 34, 42, 50]


def test_chunks_follow_each_other_without_gap_or_overlap() -> None:
    decided = plan(a_film(61.0, 30000 / 1001), WEB)
    chunks = decided.chunks
    assert chunks[0].first_frame == 0
    for before, after in pairwise(chunks):
        assert after.first_frame == before.first_frame + before.frames
        assert after.number == before.number + 1
    assert chunks[-1].first_frame + chunks[-1].frames == decided.picture.encoding.frames == round(61 * 30000 / 1001)
    assert [chunk.number for chunk in chunks if chunk.is_last] == [len(chunks)]


@pytest.mark.parametrize(
    ("profile", "chunks"),
    [
        (a_profile(chunk_seconds=20.0), 3),
        (a_profile(chunk_threshold_seconds=61.0), 1),
        (a_profile(gop_seconds=4.0), 8),
        (a_profile(gop_seconds=4.0, chunk_seconds=4.0), 15),
    ],
)
def test_a_profile_says_how_long_chunks_are_and_from_when_on(profile: Profile, chunks: int) -> None:
    decided = plan(a_film(60.0), profile)
    assert len(decided.chunks) == chunks
    assert decided.picture.encoding.gop_frames == profile.gop_seconds * 25


@pytest.mark.parametrize(
    "probe",
    [
        a_probe(a_video(seconds=60, codec="mpeg2video"), container="mpegts"),
        a_film(60, survey=None),
        a_film(60, survey=a_survey(seconds=60, packets=1500, in_order=False)),
        a_film(60, survey=a_survey(seconds=60, packets=1500, starts_with_keyframe=False)),
        a_film(60, survey=a_survey(seconds=60, packets=1500, hidden=3)),
        a_film(60, survey=a_survey(seconds=60, packets=1500, keyframe_gap_seconds=20.1)),
        a_film(60, new_parameters=True),
    ],
    ids=["container", "unsurveyed", "disorder", "no keyframe", "hidden", "far keyframes", "parameters change"],
)
def test_what_can_not_be_cut_well_is_encoded_in_one_piece(probe: MediaProbe) -> None:
    assert len(plan(a_film(60), WEB).chunks) == 12, "as it would be"
    (whole,) = plan(probe, WEB).chunks
    assert (whole.frames, whole.is_last) == (1500, True)


@pytest.mark.parametrize(
    "decided",
    [
        plan(a_probe(None, a_track()), WEB),
        plan(a_probe(), WEB).encoding_what_was_copied(),
        plan(
            a_probe(
                a_video(seconds=7200, codec="hevc", colour_transfer="smpte2084", rate=60000 / 1001),
                a_track(seconds=7200, codec="opus", channels=6),
                a_track(seconds=7200, index=2),
                others=[OtherStream(3 + number, "subtitle", "mov_text") for number in range(8)],
            ),
            a_profile(loudness_lufs=-16.0),
        ),
    ],
    ids=["copied", "silent", "two hours"],
)
async def test_a_plan_goes_through_the_history_unchanged_and_is_small(decided: TranscodePlan) -> None:
    payloads = await DataConverter.default.encode([decided])
    assert await DataConverter.default.decode(payloads, [TranscodePlan]) == [decided]
    assert len(payloads[0].data) < 4_000
