"""The capacity model, against figures worked out by hand."""

import pytest

from bench.capacity.assumptions import MILLION_A_DAY, MIX, PRICES, Day, Kind
from bench.capacity.model import cores, cost, limits, mean_usage, tiered
from bench.capacity.predicting import other_share, work_of
from bench.capacity.simulation import Work, arrivals_of_a_day, rate_at, simulate
from bench.capacity.usage import Sample, Usage, Way, usage_at

SAMPLES = (
    Sample(Way.COPIED, 10, 10, 0, 1, Usage(actions=12, media_seconds=1)),
    Sample(Way.COPIED, 30, 30, 0, 1, Usage(actions=14, media_seconds=2)),
    Sample(Way.ENCODED, 10, 10, 2, 1, Usage(actions=16, media_seconds=21)),
    Sample(Way.ENCODED, 30, 30, 6, 1, Usage(actions=36, media_seconds=62)),
)
DAY = Day(videos=86_400, peak=2.0, peak_hour=20.0, busy=0.5, views=1.0)


@pytest.mark.parametrize(
    ("way", "seconds", "actions", "media"),
    [(Way.COPIED, 20, 13, 1.5), (Way.COPIED, 50, 16, 3), (Way.ENCODED, 20, 26, 41.5), (Way.COPIED, 10, 12, 1)],
)
def test_other_lengths_are_read_from_the_line_through_the_measured_ones(
    way: Way, seconds: float, actions: float, media: float
) -> None:
    usage = usage_at(SAMPLES, way, seconds)
    assert (usage.actions, usage.media_seconds) == pytest.approx((actions, media))


def test_a_line_that_falls_below_nothing_is_nothing() -> None:
    assert usage_at(SAMPLES, Way.ENCODED, 0.01).media_seconds == pytest.approx(0.5205)
    assert usage_at(SAMPLES, Way.ENCODED, -5).media_seconds == 0


def test_one_measured_length_makes_no_line() -> None:
    with pytest.raises(ValueError, match="two lengths"):
        usage_at(SAMPLES[:1], Way.COPIED, 10)


def test_the_mean_video_uses_its_share_of_each_kind() -> None:
    mix = (Kind("copied", Way.COPIED, 10, 0.75), Kind("encoded", Way.ENCODED, 30, 0.25))
    usage = mean_usage(SAMPLES, mix)
    assert (usage.actions, usage.media_seconds) == pytest.approx((18, 16.25))
    with pytest.raises(ValueError, match="shares"):
        mean_usage(SAMPLES, mix[:1])


def test_the_mix_has_the_published_share_that_is_copied() -> None:
    assert sum(kind.share for kind in MIX if kind.way is Way.COPIED) == pytest.approx(0.82)
    assert sum(kind.share for kind in other_share(0.6) if kind.way is Way.COPIED) == pytest.approx(0.6)
    assert sum(kind.share for kind in other_share(0.6)) == pytest.approx(1)


def test_cores_are_enough_for_the_peak_with_room_left() -> None:
    # One video a second, two at the peak, cores half busy: four times a video's seconds.
    found = cores(Usage(media_seconds=16, worker_seconds=0.5, api_seconds=0.25, postgres_seconds=0.25), DAY)
    assert (found.media, found.worker, found.api, found.postgres) == (64, 2, 1, 1)
    assert (found.ours, found.machines) == (68, 4.25)


def test_each_part_of_an_amount_has_its_own_tiers_price() -> None:
    # 5 million at 50, 5 at 45, 1.25 at 40: the example of Temporal's own page.
    assert tiered(11.25, PRICES.action_tiers) == pytest.approx(525)
    assert tiered(5, PRICES.action_tiers) == 250


def test_a_month_costs_what_is_multiplied_out_by_hand() -> None:
    usage = Usage(actions=10, writes=10, reads=50, stored_bytes=2e6, media_seconds=16, history_bytes=0)
    found = cost(usage, DAY, PRICES, published_bytes=1e6, open_seconds=30)
    # 2,592,000 videos: 28.512 million actions with fairness; 250 + 225 + 400 + 297.92, and 500 of the plan.
    assert found.temporal == pytest.approx(250 + 225 + 400 + 8.512 * 35 + 500)
    assert found.requests == pytest.approx(2_592_000 * (10 * 0.005 + 50 * 0.0004) / 1000)
    assert found.storage == pytest.approx(5184 * 0.023)
    assert found.egress == pytest.approx(2592 * 0.09)
    assert found.cores_at_peak == pytest.approx(64 * 720 * 0.0425)
    assert found.cores_by_need == pytest.approx(32 * 720 * 0.0425)


def test_what_carries_the_fewest_videos_is_full_first() -> None:
    found = limits(Usage(actions=20, media_seconds=10, postgres_seconds=0.01, api_seconds=0.1, writes=7), DAY)
    assert [limit.name for limit in found][:2] == ["ffmpeg", "api"]
    # Half a core at the peak's double rate: 0.5 / 10 / 2 a second.
    assert found[0].videos_a_day == pytest.approx(2160)
    # 500 actions a second are 25 videos a second at the peak, half of that in the mean.
    assert next(one for one in found if one.name.startswith("Temporal")).videos_a_day == pytest.approx(1_080_000)


def test_an_encode_is_shared_by_its_chunks_and_the_rest_is_what_a_copy_takes() -> None:
    work = work_of(SAMPLES, "encoded", Way.ENCODED, 30, whole=True)
    assert (work.look, work.parts, work.finish) == (1, (10,) * 6, 1)
    assert work_of(SAMPLES, "copied", Way.COPIED, 30, whole=True).parts == ()


def test_one_core_serves_one_after_the_other() -> None:
    work = Work("a", 5, look=1, parts=(2,), finish=1)
    course = simulate([(0, work), (0, work)], servers=1)
    # Looks of both (0-1, 1-2), a part and its end (2-4, 4-5), the other's (5-7, 7-8): ends come before parts.
    assert course.ready == [5, 8]
    assert course.waits == {"a": [5, 8]}
    assert (course.most_waiting, course.busy) == (2, 1)


def test_chunks_are_made_side_by_side_and_a_slower_core_takes_longer() -> None:
    work = Work("a", 5, look=1, parts=(4, 4), finish=1)
    assert simulate([(0, work)], servers=2).ready == [6]
    assert simulate([(0, work)], servers=2, speed=0.5).ready == [12]


def test_a_new_short_video_overtakes_the_chunks_of_a_film() -> None:
    film, short = Work("film", 900, look=1, parts=(10,) * 4, finish=1), Work("short", 30, 1, (), 1)
    course = simulate([(0, film), (2, short)], servers=1)
    assert course.waits == {"short": [11], "film": [44]}


def test_the_day_has_its_peak_where_it_should_and_as_many_videos_as_it_should() -> None:
    assert rate_at(DAY, 20 * 3600) == pytest.approx(2)
    assert rate_at(DAY, 8 * 3600) == pytest.approx(0)
    arrivals = list(arrivals_of_a_day(DAY, [(Work("a", 5, 1, (), 1), 1.0)], seed=1, one_in=10))
    assert len(arrivals) == pytest.approx(8640, rel=0.05)
    evening = sum(18 * 3600 <= moment < 22 * 3600 for moment, _ in arrivals)
    assert evening / len(arrivals) == pytest.approx(0.326, rel=0.1)  # 4/24 + sin(30 degrees) * 2 / (2 pi)


def test_the_assumed_day_is_a_million_videos() -> None:
    assert MILLION_A_DAY.videos == 1_000_000
