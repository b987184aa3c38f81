"""Temporal in the containers takes turns as the embedded one does."""

import yaml

from contracts.temporal_names import MEDIA_QUEUE
from embedded.temporal import DYNAMIC_CONFIG
from tests.deploy.files import ROOT


def test_the_containers_heed_priorities_and_users_on_the_queue_of_media_as_the_embedded_server_does() -> None:
    written = yaml.safe_load((ROOT / "deploy" / "temporal" / "dynamic-config.yaml").read_text())
    embedded = dict(entry.split("=") for entry in DYNAMIC_CONFIG if entry.startswith("matching."))
    for name, value in embedded.items():
        (setting,) = written[name]
        assert str(setting["value"]).lower() == value, name
        assert setting.get("constraints", {}).get("taskQueueName", MEDIA_QUEUE) == MEDIA_QUEUE, name
