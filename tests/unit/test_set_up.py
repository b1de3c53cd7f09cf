"""Set-up steps run once, refuse in time, and complain in sentences."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import machine
from deploy.steps import CHECKOUT, SetupError, Step, explain, run, run_side_by_side

MakeStep = Callable[..., Step]


@pytest.fixture
def make_step(tmp_path: Path) -> MakeStep:
    """A step that leaves `tmp_path/product` behind."""

    def make(key: str = "lock 1", *, fails: bool = False, bytes_needed: int = 0) -> Step:
        def work() -> None:
            if fails:
                raise SetupError("It did not work. Do something.")
            (tmp_path / "product").write_text((tmp_path / "product").read_text() + "made ")

        return Step(
            title="a step",
            work=work,
            stamp=tmp_path / "stamp",
            key=key,
            product=tmp_path / "product",
            bytes_needed=bytes_needed,
        )

    (tmp_path / "product").write_text("")
    return make


def made(folder: Path) -> int:
    return (folder / "product").read_text().count("made")


def test_a_step_runs_once(make_step: MakeStep, tmp_path: Path) -> None:
    make_step().run()
    make_step().run()
    assert made(tmp_path) == 1


def test_a_step_runs_again_for_another_lock(make_step: MakeStep, tmp_path: Path) -> None:
    make_step("lock 1").run()
    make_step("lock 2").run()
    assert made(tmp_path) == 2


def test_a_step_runs_again_when_its_product_was_removed(
    make_step: MakeStep, tmp_path: Path
) -> None:
    make_step().run()
    (tmp_path / "product").unlink()
    assert not make_step().is_done


def test_a_step_that_failed_is_not_done(make_step: MakeStep, tmp_path: Path) -> None:
    make_step("lock 1").run()
    with pytest.raises(SetupError):
        make_step("lock 2", fails=True).run()
    assert not make_step("lock 1").is_done
    assert not make_step("lock 2").is_done


def test_rows_run_at_the_same_time_and_an_error_is_not_lost(
    make_step: MakeStep, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match="Do something"):
        run_side_by_side([], [make_step(fails=True)])


def test_too_small_a_disk_is_refused_before_anything_is_done(
    make_step: MakeStep, tmp_path: Path
) -> None:
    huge = make_step(bytes_needed=10**18)
    with pytest.raises(SetupError, match=r"GB free and the set-up needs .* CLOISTER_HOME"):
        machine.check_disk(tmp_path / "not" / "made" / "yet", [huge])


def test_what_is_done_needs_no_disk(make_step: MakeStep, tmp_path: Path) -> None:
    make_step(bytes_needed=10**18).run()
    machine.check_disk(tmp_path, [make_step(bytes_needed=10**18)])


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full."),
        ("error: Failed to fetch: Connection refused", "The package index cannot be reached."),
        ("Temporary failure in name resolution: could not resolve host", "PIP_INDEX_URL"),
        ("hash mismatch in foo", "`uv pip install` failed"),
    ],
)
def test_a_tools_complaint_becomes_a_sentence(output: str, sentence: str) -> None:
    said = explain(["uv", "pip", "install"], output)
    assert sentence in said.replace(" ...`", "`")


def test_a_command_that_cannot_be_run_is_a_sentence() -> None:
    with pytest.raises(SetupError, match="cannot be run: No such file"):
        run(["/does/not/exist"], environment={})


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(SetupError, match="took longer than 0 seconds"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], environment={}, seconds=0.2)


def test_an_unknown_model_ends_with_exit_code_2_and_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.bootstrap", "run", "--model", "gpt"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "There is no small model 'gpt'. MODEL is one of: smollm2-135m" in done.stdout


def test_the_bootstrap_needs_nothing_but_python() -> None:
    """It runs before anything is installed: `-I -S` hides every installed package."""
    script = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); "
        "import deploy.bootstrap; "
        "print([m for m in sys.modules if 'site-packages' in str(getattr(sys.modules[m], "
        "'__file__', ''))])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
