"""Which models an installation serves, from its settings."""

from pathlib import Path

import pytest

from assistant.config import Config
from assistant.launcher import models
from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(folder=tmp_path)


def wanted(home: Home, *, model: str = "smollm2-135m", names: str = "") -> list[models.Served]:
    return models.wanted(Config(home=home.folder, model=model, models=names), home)


def test_a_single_small_model_is_scout(home: Home) -> None:
    folder = home.folder / "models" / "qwen2.5-coder-1.5b"
    assert wanted(home, model="qwen2.5-coder-1.5b") == [models.Served(name="scout", folder=folder)]


def test_both_small_models_are_scout_and_maverick(home: Home) -> None:
    served = {one.name: one.folder and one.folder.name for one in wanted(home, model="both")}
    assert served == {"scout": "smollm2-135m", "maverick": "qwen2.5-coder-1.5b"}


def test_an_unknown_small_model_is_refused_by_name(home: Home) -> None:
    with pytest.raises(CannotStart, match="No small model is called 'gpt'"):
        wanted(home, model="gpt")


def test_addresses_are_used_as_they_are(home: Home) -> None:
    served = wanted(home, names="scout=http://10.0.0.5:8001/v1, maverick=unix:///run/m.sock")
    found = {one.name: models.address(home, one) for one in served}
    assert found == {"scout": "http://10.0.0.5:8001/v1", "maverick": "unix:///run/m.sock"}


def test_one_address_alone_may_leave_out_the_name(home: Home) -> None:
    assert wanted(home, names="http://10.0.0.5/v1?a=b")[0].address == "http://10.0.0.5/v1?a=b"


def test_of_several_entries_each_has_a_name(home: Home) -> None:
    with pytest.raises(CannotStart, match="name=address or name=folder"):
        wanted(home, names="http://10.0.0.5/v1,maverick=http://10.0.0.6/v1")


def test_a_folder_is_served_on_a_socket_here(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    [served] = wanted(home, names=f"scout={folder}")
    assert served.folder == folder
    assert models.address(home, served) == f"unix://{home.folder}/run/scout.sock"


def test_a_folder_without_a_model_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"config\.json"):
        wanted(home, names=f"scout={tmp_path}")


def test_the_engine_gets_none_of_our_secrets(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOISTER_SECRET_KEY", "ours")
    monkeypatch.setenv("DATABASE_URL", "postgres://ours")
    home.engine_python.parent.mkdir(parents=True)
    home.engine_python.touch()
    part = models.part(home, wanted(home)[0], name="vllm")
    assert not [value for value in part.environment.values() if "ours" in value]


def test_the_engine_listens_on_a_socket_and_logs_no_request(home: Home) -> None:
    home.engine_python.parent.mkdir(parents=True)
    home.engine_python.touch()
    command = models.part(home, wanted(home)[0], name="vllm").command
    assert command[command.index("--uds") + 1] == f"{home.folder}/run/scout.sock"
    assert not {"--host", "--port"} & set(command)
    assert {"--no-enable-log-requests", "--disable-uvicorn-access-log"} <= set(command)


def test_a_missing_engine_is_said_with_the_way_out(home: Home) -> None:
    with pytest.raises(CannotStart, match="Run `make setup`"):
        models.part(home, wanted(home)[0], name="vllm")
