"""What every test of the workflow begins with."""

import pytest

from tests.workflows.scripted import ScriptedActivities


@pytest.fixture
def script() -> ScriptedActivities:
    """Activities that all succeed; the picture is encoded in one piece and the sound copied."""
    return ScriptedActivities()
