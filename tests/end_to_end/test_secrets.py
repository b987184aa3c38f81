"""After a day's work with keys, a bucket, a link and an import, no secret stands anywhere that people look at."""

from pathlib import Path

import pytest

from tests.end_to_end.days_work import days_work
from tests.fixtures.bucket import BucketServer
from tests.fixtures.clips import Clips

pytestmark = pytest.mark.timeout(180)


async def test_no_secret_is_in_logs_answers_histories_or_findings(
    tmp_path: Path, clips: Clips, shared_bucket_server: BucketServer
) -> None:
    done = await days_work(tmp_path, clips, shared_bucket_server)
    assert any(done.video_id in text for text in done.shown.values())
    runs = done.shown["histories of Temporal"]
    assert f"originals/{done.video_id}.mp4" in runs, "what steps are told is looked at"
    assert [what for what, secret in done.hidden.items() if not secret] == []
    assert done.found() == []
