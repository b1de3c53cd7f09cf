"""The data folder: one launcher at a time, files for the owner alone, paths that fit."""

import json
import os
import stat
from pathlib import Path

import pytest

from assistant.config import read_state
from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home, State, write_owner_only


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(folder=tmp_path / "home")
    home.prepare()
    return home


def test_only_one_launcher_holds_it(home: Home) -> None:
    with home.lock():
        with pytest.raises(CannotStart, match=rf"already runs in .* \(process {os.getpid()}\)"):
            home.lock()


def test_it_can_be_held_again_after_it_was_let_go(home: Home) -> None:
    home.lock().close()
    home.lock().close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotStart, match="Choose another with CLOISTER_HOME"):
        Home(folder=tmp_path / "file" / "home").prepare()


def test_a_socket_in_a_deep_folder_gets_a_short_path(tmp_path: Path) -> None:
    deep = Home(folder=tmp_path / ("deep" * 30))
    path = deep.socket("scout")
    assert len(os.fsencode(path)) < 108
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path != Home(folder=tmp_path / ("else" * 30)).socket("scout")
    path.parent.rmdir()
    Home(folder=tmp_path / ("else" * 30)).socket("scout").parent.rmdir()


def test_a_secret_file_is_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_owner_only(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_the_state_says_what_runs_now(home: Home) -> None:
    state = State(home, "http://127.0.0.1:8000")
    state.set_pid("web", 17)
    state.set_pid("valkey", 18)
    state.set_pid("web", None)
    state.set(redis="redis://127.0.0.1:1/0")
    said = read_state(home.folder)
    assert said["pids"] == {"launcher": os.getpid(), "valkey": 18}
    assert said["redis"] == "redis://127.0.0.1:1/0"
    assert json.loads(home.state_file.read_text()) == said
    state.remove()
    assert read_state(home.folder) == {}
