"""What holds for the options of every activity."""

from typing import Any

import pytest

from workflows import activity_options

FIXED = {name: value for name, value in vars(activity_options).items() if name.isupper() and isinstance(value, dict)}
MADE = {
    "look": activity_options.look_options("ann"),
    "finish": activity_options.finish_options("ann", 60.0),
    "encode": activity_options.encode_options("ann", 60.0, 1920 * 1080, 60.0),
    "send": activity_options.send_options("webhook", 0.05),
}


@pytest.mark.parametrize("name", sorted(FIXED | MADE))
def test_a_lost_worker_is_missed_in_seconds_whatever_it_had_in_hand(name: str) -> None:
    options: dict[str, Any] = dict((FIXED | MADE)[name])
    assert options["heartbeat_timeout"].total_seconds() <= 8
