"""The dev server's command line, and what its clients may see of the environment."""

from dataclasses import replace
from pathlib import Path

from embedded.temporal import DYNAMIC_CONFIG, NO_HTTP_API, DevServer
from embedded.temporal_environment import namespace_of, without_connection

SERVER = DevServer(
    database=Path("/home of it/temporal.db"),
    namespace="default",
    port=7233,
    ui_port=8233,
    http_port=7001,
    metrics_port=7002,
)


def test_the_command_line_keeps_state_stays_on_loopback_and_registers_the_search_attributes() -> None:
    assert SERVER.command(Path("/bin/temporal")) == (
        *("/bin/temporal", "server", "start-dev", "--ui-disable-news-fetch", "--ui-port", "8233"),
        *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
        *("--ip", "127.0.0.1", "--port", "7233", "--http-port", "7001", "--metrics-port", "7002"),
        *("--namespace", "default", "--db-filename", "/home of it/temporal.db"),
        *("--log-format", "json", "--log-level", "warn"),
        *(text for value in (*DYNAMIC_CONFIG, NO_HTTP_API) for text in ("--dynamic-config-value", value)),
        *("--search-attribute", "VideoStatus=Keyword"),
        *("--search-attribute", "VideoErrorCode=Keyword"),
        *("--search-attribute", "UserId=Keyword"),
    )
    assert (SERVER.address, SERVER.ui_url) == ("127.0.0.1:7233", "http://127.0.0.1:8233")


def test_the_web_ui_can_be_left_out() -> None:
    without = replace(SERVER, ui_port=None)
    assert "--headless" in without.command(Path("/bin/temporal"))
    assert without.ui_url == ""


def test_credentials_for_another_server_never_reach_the_dev_server_s_clients() -> None:
    environment = {"TEMPORAL_API_KEY": "secret", "TEMPORAL_TLS": "true", "TEMPORAL_CONFIG_FILE": "/etc/t", "HOME": "/h"}
    assert without_connection(environment) == {"HOME": "/h", "TEMPORAL_CONFIG_FILE": "/dev/null"}


def test_the_namespace_is_the_one_asked_for_or_temporal_s_default() -> None:
    assert namespace_of({"TEMPORAL_NAMESPACE": "films"}) == "films"
    assert namespace_of({"TEMPORAL_NAMESPACE": ""}) == "default"
    assert namespace_of({}) == "default"
