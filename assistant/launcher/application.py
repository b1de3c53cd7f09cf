"""Our own parts: the web server and the two workers, and commands that run once."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from assistant.config import CHECKOUT, Config, ledger_address
from assistant.launcher.home import Home
from assistant.launcher.part import Log, Part, follow, marks, open_log
from assistant.launcher.probe import http_status

_ONCE_SECONDS = 600


def web(config: Config, home: Home) -> Part:
    """Pages and sockets, one process."""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host  # noqa: S104

    async def ready(_log: Log) -> bool:
        return await http_status((host, config.port), "/") < 500

    return Part(
        name="web",
        title="web",
        command=(
            *(sys.executable, "-m", "uvicorn", "assistant.asgi:application"),
            *("--host", config.host, "--port", str(config.port)),
            *("--loop", "uvloop", "--http", "httptools", "--log-level", "warning"),
            *("--timeout-graceful-shutdown", "4", "--no-server-header", "--no-access-log"),
            # Client certificates are believed from the other end of the connection, not from whom
            # a header names. Django reads the forwarded scheme itself.
            "--no-proxy-headers",
        ),
        environment=environment(config, home, threads=1),
        ready=ready,
        folder=CHECKOUT,
        stop_within_seconds=6,
    )


def answers(config: Config, home: Home) -> Part:
    """Answers: one process, 64 at a time."""
    pool = ("--pool", "threads", "--concurrency", "64")
    return _worker("answers", pool, environment(config, home, threads=_half_the_cores()))


def documents(config: Config, home: Home) -> Part:
    """Intake: one document at a time, in a process that may die of it."""
    pool = ("--pool", "prefork", "--concurrency", "1")
    return _worker("documents", pool, environment(config, home, threads=_cores()))


def sequencer(config: Config, home: Home) -> Part:
    """Gives the record's events their numbers."""
    return _ledger("sequencer", config, home)


def signer(config: Config, home: Home) -> Part:
    """Signs the record's heads and watches over it."""
    return _ledger("signer", config, home)


def _ledger(name: str, config: Config, home: Home) -> Part:
    async def ready(log: Log) -> bool:
        return " ready." in log.text()

    address = ledger_address(config, home.folder, name)
    return Part(
        name=name,
        title=name,
        command=(sys.executable, "-m", f"compliance.ledger.{name}"),
        environment=environment(config, home, threads=1) | {"CLOISTER_LEDGER_DATABASE": address},
        ready=ready,
        folder=CHECKOUT,
        stop_within_seconds=6,
    )


def _worker(queue: str, pool: tuple[str, ...], variables: dict[str, str]) -> Part:
    async def ready(log: Log) -> bool:
        # Celery writes this once it is connected to the broker and takes work.
        return " ready." in log.text()

    return Part(
        name=queue,
        title=f"worker {queue}",
        command=(
            *(sys.executable, "-m", "celery", "--app", "assistant.celery:app", "worker"),
            *("--queues", queue, "--hostname", f"{queue}@%h", *pool),
            *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
            "--without-heartbeat",
        ),
        environment=variables,
        ready=ready,
        folder=CHECKOUT,
        stop_within_seconds=6,
    )


def environment(config: Config, home: Home, *, threads: int) -> dict[str, str]:
    """Our processes' variables: what the operator gave, and how to be small and silent."""
    return dict(os.environ) | {
        "CLOISTER_HOME": str(home.folder),
        "CLOISTER_HOST": config.host,
        "CLOISTER_PORT": str(config.port),
        "DJANGO_SETTINGS_MODULE": "assistant.settings",
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
    }


async def run_once(*arguments: str, config: Config, home: Home, log: str) -> tuple[int, bytes]:
    """Run a command of ours to its end; give its exit code and output. Errors go to a log file."""
    launcher = os.getpid()
    with open_log(home.logs / f"{log}.log") as errors:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=environment(config, home, threads=_cores()) | marks(home, log),
            cwd=CHECKOUT,
            process_group=0,
            preexec_fn=lambda: follow(launcher, signal.SIGTERM),
        )
        try:
            async with asyncio.timeout(_ONCE_SECONDS):
                output, _ = await process.communicate()
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
    return process.returncode or 0, output


def manage(*words: str) -> tuple[str, ...]:
    """A `manage.py` command, in full."""
    return (sys.executable, str(Path(CHECKOUT, "manage.py")), *words)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _half_the_cores() -> int:
    return max(1, _cores() // 2)
