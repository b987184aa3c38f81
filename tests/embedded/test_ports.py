"""Which ports the stack listens on."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.ports import LOOPBACK, Ports, PortTaken


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_given_as_asked() -> None:
    wanted = Ports().free(purpose="a test")
    assert Ports().take(wanted, host=LOOPBACK, setting="RUSHES_PORT", purpose="the api") == wanted


def test_a_taken_port_is_refused_with_the_port_and_the_setting(taken_port: int) -> None:
    with pytest.raises(PortTaken) as failure:
        Ports().take(taken_port, host=LOOPBACK, setting="RUSHES_PORT", purpose="the api")
    assert str(failure.value) == (
        f"Port {taken_port} (the api) is taken: another program listens on {LOOPBACK}:{taken_port}. Stop it, or set "
        "RUSHES_PORT to another port, or to 0 for any free one."
    )


def test_zero_takes_any_free_port() -> None:
    port = Ports().take(0, host=LOOPBACK, setting="RUSHES_PORT", purpose="the api")
    with socket.socket() as listener:
        listener.bind((LOOPBACK, port))


def test_one_port_asked_for_twice_is_refused() -> None:
    ports = Ports()
    port = ports.take(0, host=LOOPBACK, setting="RUSHES_PORT", purpose="the api")
    with pytest.raises(PortTaken, match="asked for twice: for the api and for Temporal"):
        ports.take(port, host=LOOPBACK, setting="RUSHES_TEMPORAL_PORT", purpose="Temporal")


def test_free_ports_differ_and_no_connection_can_take_them() -> None:
    ports = Ports()
    found = {ports.free(purpose="a test") for _ in range(50)}
    assert len(found) == 50
    first, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert first < 10_100 or max(found) < first


def test_an_address_that_is_not_ours_is_refused_in_words() -> None:
    with pytest.raises(PortTaken, match=r"192\.0\.2\.1:8000 \(the api, RUSHES_PORT\)"):
        Ports().take(8000, host="192.0.2.1", setting="RUSHES_PORT", purpose="the api")
