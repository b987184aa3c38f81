"""What makes videos of files asserts as it goes; its assertions say what was compared, as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.media.making")
