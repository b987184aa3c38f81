"""What was told once is never taken back, for as many things as are remembered."""

from runs.high_water import HighWater


def test_a_value_never_falls() -> None:
    told = HighWater()
    assert [told.raised("a", value) for value in (0.2, 0.5, 0.1, 0.6)] == [0.2, 0.5, 0.5, 0.6]
    assert told.raised("b", 0.1) == 0.1


def test_what_nobody_asked_for_the_longest_is_forgotten_first() -> None:
    told = HighWater(most_kept=2)
    told.raised("a", 0.9)
    told.raised("b", 0.9)
    told.raised("a", 0.1)
    told.raised("c", 0.9)
    assert (told.raised("a", 0.1), told.raised("b", 0.1)) == (0.9, 0.1)
