"""A model server is asked whether it is ready, and refused when it serves another model."""

import socket
from pathlib import Path

import pytest

from inference.client import Client
from inference.errors import Refused, Timeout, Unavailable
from inference.health import check, served_names
from tests.model_server import ModelServer


def test_it_tells_what_is_served(server: ModelServer, client: Client) -> None:
    health = check(client)
    assert health.ready
    assert health.served_models == ("small",)
    assert health.max_model_len == 8192
    assert health.version == "0.0-mock"
    assert 0 < health.seconds < 1


def test_it_refuses_a_server_of_another_model(server: ModelServer) -> None:
    with pytest.raises(Refused, match="serves small, not large"):
        check(Client(server.address, model="large"))


def test_a_server_that_starts_is_not_ready(server: ModelServer, client: Client) -> None:
    server.set_healthy(False)
    health = check(client)
    assert not health.ready
    assert "503" in health.reason


def test_a_server_that_is_gone_is_not_ready(tmp_path: Path) -> None:
    health = check(Client(f"unix://{tmp_path}/none.sock", model="small"))
    assert not health.ready
    assert "No model server answers" in health.reason


def test_it_tells_the_name_for_an_address_without_one(server: ModelServer) -> None:
    assert served_names(server.address) == ("small",)


def test_names_of_a_server_that_is_gone_or_starts_are_unavailable(
    server: ModelServer, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable):
        served_names(f"unix://{tmp_path}/none.sock")
    server.set_healthy(False)
    with pytest.raises(Unavailable):
        served_names(server.address)


def test_names_of_a_silent_server_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(Timeout):
            served_names(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", seconds=0.2)
