"""``rushes doctor``: what it looks at, and what it says where something is missing."""

import json
import re
from pathlib import Path

import pytest

from tests.fixtures.stack import Home

pytestmark = pytest.mark.timeout(120)


async def test_doctor_finds_a_running_stack_well(stack: Home) -> None:
    told = await stack.rushes("doctor")
    assert told.code == 0, told
    for subject in (
        "ffmpeg",
        "Sandbox",
        "Profiles",
        "Temporal",
        "Search attributes",
        "Queue video-media",
        "Queue webhooks",
        "Database",
        "Tables",
        "Uploads",
        "Api",
    ):
        assert re.search(rf"^(ok|warn) +{subject} ", told.out, re.MULTILINE), subject


async def test_doctor_tells_programs_what_it_found(stack: Home) -> None:
    findings = json.loads((await stack.rushes("doctor", "--json")).out)
    found = {finding["subject"]: finding for finding in findings}
    assert {"subject": "Tables", "verdict": "ok"}.items() <= found["Tables"].items()
    assert "no new privileges" in found["Sandbox"]["found"], "which protections are on"


async def test_doctor_says_how_to_mend_what_is_missing(home: Home, tmp_path: Path) -> None:
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho not ffmpeg\n")
    old.chmod(0o755)
    profiles = tmp_path / "profiles.toml"
    profiles.write_text("[web]\nmax_short_side = 7\n")
    settings = {"RUSHES_FFMPEG": str(old), "RUSHES_PROFILES": str(profiles), "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    told = await home.with_settings(**settings).rushes("doctor")
    assert told.code == 1
    for subject in ("ffmpeg", "Profiles", "Temporal", "Database"):
        assert re.search(rf"^fail +{subject} ", told.out, re.MULTILINE), subject
    assert "DATABASE_URL" in told.out
    assert "TEMPORAL_ADDRESS" in told.out
