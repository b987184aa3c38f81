"""From the first quarter of a long encode on it is known, nearly, how long it will take."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from runs.time_left import Stretch, made_by_now, time_left_seconds

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 100


def as_ever(_passed: float) -> float:
    return 20.0


def slower(passed: float) -> float:
    """What is encoded gets harder."""
    return 20.0 + passed / 200


def others_have_gone(passed: float) -> float:
    """The machine had something else to do, for a while."""
    return 40.0 if passed < 400 else 15.0


def encode(seconds_of_a_chunk: Callable[[float], float]) -> list[tuple[float, float]]:
    """When each chunk begins and ends, on two workers."""
    clocks, spans = [0.0, 0.0], []
    for _ in range(COUNT):
        worker = clocks.index(min(clocks))
        begun = clocks[worker]
        clocks[worker] += seconds_of_a_chunk(begun)
        spans.append((begun, clocks[worker]))
    return spans


@pytest.mark.parametrize("kind", [as_ever, slower, others_have_gone])
@pytest.mark.parametrize("part", [0.25, 0.4, 0.6, 0.8, 0.95])
def test_the_time_left_of_a_long_encode_is_near_the_truth(kind: Callable[[float], float], part: float) -> None:
    spans = encode(kind)
    whole = max(end for _, end in spans)
    passed = whole * (max(part, 0.7) if kind is others_have_gone else part)  # who knows that they will go?
    stretches = [
        Stretch(BEGUN + timedelta(seconds=begun), min(end, passed) - begun, (min(end, passed) - begun) / (end - begun))
        for begun, end in spans
        if begun < passed
    ]
    told = time_left_seconds(stretches, COUNT, BEGUN + timedelta(seconds=passed))
    assert told == pytest.approx(whole - passed, rel=0.3)


@pytest.mark.parametrize("passed", [23, 31, 43, 47])
def test_the_last_chunk_has_nobody_beside_it(passed: float) -> None:
    """Five chunks of 20 s on two workers take 60 s, and not 50."""
    spans = [(0, 20), (0, 20), (20, 40), (20, 40), (40, 60)]
    stretches = [
        Stretch(BEGUN + timedelta(seconds=begun), min(end, passed) - begun, (min(end, passed) - begun) / (end - begun))
        for begun, end in spans
        if begun < passed
    ]
    assert time_left_seconds(stretches, 5, BEGUN + timedelta(seconds=passed)) == pytest.approx(60 - passed, abs=0.2)


@pytest.mark.parametrize(
    ("fraction", "told_seconds", "seconds", "expected"),
    [
        pytest.param(0.4, 4, 6, 0.6, id="it went on since"),
        pytest.param(0.9, 4, 6, 0.98, id="but is not whole before it is done"),
        pytest.param(1.0, 4, 4, 0.98, id="whatever it told"),
        pytest.param(0.3, 0, 1, 0.3, id="an attempt that told nothing has what the one before it told"),
    ],
)
def test_what_was_made_since_it_was_told_counts(
    fraction: float, told_seconds: float, seconds: float, expected: float
) -> None:
    assert made_by_now(fraction, told_seconds, seconds) == pytest.approx(expected)


def test_at_the_beginning_nobody_knows() -> None:
    assert time_left_seconds([], COUNT, BEGUN) is None
    assert time_left_seconds([Stretch(BEGUN, 3, 1.0)] * 10, COUNT, BEGUN + timedelta(seconds=3)) is None
    assert time_left_seconds([Stretch(BEGUN, 60, 0.5)], COUNT, BEGUN + timedelta(seconds=60)) is None


def test_an_encode_that_stands_still_tells_nothing() -> None:
    hour_ago = Stretch(BEGUN, 60, 1.0)
    assert time_left_seconds([hour_ago] * 10, COUNT, BEGUN + timedelta(hours=1)) is None
