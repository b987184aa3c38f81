"""What an encoder holds counts as worked on."""

import pytest

from media.lookahead import frames_taken_in


@pytest.mark.parametrize(
    ("preset", "put_out", "expected"),
    [
        pytest.param("fast", 0, 0, id="nobody knows before the first has come out"),
        pytest.param("fast", 10, 40, id="it looks ahead"),
        pytest.param("ultrafast", 10, 10, id="this one does not"),
        pytest.param("fast", 140, 150, id="never beyond the chunk"),
        pytest.param("a preset to come", 10, 10, id="of what is not known it is told what came out"),
    ],
)
def test_frames_that_an_encoder_holds_are_told_as_worked_on(preset: str, put_out: int, expected: int) -> None:
    assert frames_taken_in(preset, put_out, 150) == expected
