"""Model servers: which ones are asked for, and vLLM for those that are folders here."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from assistant.config import CHECKOUT, Config
from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home
from assistant.launcher.part import Log, Part
from assistant.launcher.probe import http_status

SMALL_MODELS = ("smollm2-135m", "qwen2.5-coder-1.5b")
FIRST_NAME, SECOND_NAME = "scout", "maverick"
_ADDRESS = re.compile(r"^(https?|unix)://")
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
# GiB for keys and values of each server, and what a server needs besides its weights (measured:
# 4.5 GiB for SmolLM2 with 2 GiB of keys and values).
_KV_GIB = 2
_BESIDE_WEIGHTS_GIB = 4.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model by the name it is asked for: `address` of a server, or `folder` to serve here."""

    name: str
    address: str | None = None
    folder: Path | None = None


def wanted(config: Config, home: Home) -> list[Served]:
    """The models this installation offers. Raises CannotStart on a setting that means nothing."""
    if config.models.strip():
        entries = [entry.strip() for entry in config.models.split(",") if entry.strip()]
        return [_read(entry, alone=len(entries) == 1) for entry in entries]
    small = SMALL_MODELS if config.model == "both" else (config.model,)
    if unknown := set(small) - set(SMALL_MODELS):
        raise CannotStart(
            f"No small model is called {unknown.pop()!r}. "
            f"CLOISTER_MODEL is one of: {', '.join(SMALL_MODELS)}, both."
        )
    folders = [home.folder / "models" / name for name in small]
    return [
        Served(name=name, folder=folder)
        for name, folder in zip((FIRST_NAME, SECOND_NAME), folders, strict=False)
    ]


def _read(entry: str, *, alone: bool) -> Served:
    name, separator, where = entry.partition("=")
    if not separator or not _NAME.match(name):
        if not alone:
            raise CannotStart(
                f"CLOISTER_MODELS has {entry!r}. Each entry is name=address or name=folder."
            )
        name, where = FIRST_NAME, entry
    if _ADDRESS.match(where):
        return Served(name=name, address=where)
    folder = Path(where).expanduser().resolve()
    if not (folder / "config.json").exists():
        raise CannotStart(
            f"CLOISTER_MODELS names {where}, which is neither an address (http://...) "
            "nor a folder with a model in it (config.json)."
        )
    return Served(name=name, folder=folder)


def address(home: Home, served: Served) -> str:
    """Where a model answers: `unix://` and a socket's path, or the address given."""
    return served.address or f"unix://{home.socket(served.name)}"


def part(home: Home, served: Served, *, name: str) -> Part:
    """vLLM for one folder, as a part to keep running. It listens on a UNIX socket only."""
    if served.folder is None:
        raise ValueError(f"{served.name} is served elsewhere")
    if not home.engine_python.exists():
        raise CannotStart(
            f"The environment of vLLM is not installed in {home.folder / 'engine'}. "
            "Run `make setup`, or start without a model: `manage.py up --no-model`."
        )
    socket = home.socket(served.name)

    async def ready(_log: Log) -> bool:
        return await http_status(socket, "/health") == 200

    return Part(
        name=name,
        title=f"model {served.name} ({served.folder.name})",
        command=(
            str(home.engine_python),
            *("-m", "vllm.entrypoints.openai.api_server"),
            *("--model", str(served.folder)),
            *("--served-model-name", served.name),
            *("--uds", str(socket)),
            *("--dtype", "bfloat16"),
            *("--max-model-len", "8192"),
            *("--max-num-seqs", "32"),
            *("--prefix-caching-hash-algo", "sha256"),
            "--enforce-eager",
            "--enable-prefix-caching",
            "--no-enable-log-requests",
            "--disable-uvicorn-access-log",
        ),
        environment=_environment(home),
        ready=ready,
        ready_within_seconds=900,
        stop_within_seconds=8,
        folder=home.folder,
        socket=socket,
    )


def verify_command(served: Served) -> tuple[str, ...]:
    """The command that checks a folder's digests, if it was made by the set-up; else nothing."""
    if served.folder is None or not (served.folder / "weights.json").exists():
        return ()
    return (sys.executable, "-m", "inference.weights", "verify", str(served.folder))


def memory_needed_gib(served: Served) -> float:
    """What serving a folder takes, roughly: its weights and the engine around them."""
    if served.folder is None:
        return 0
    weights = sum(file.stat().st_size for file in served.folder.glob("*.safetensors"))
    return weights / 2**30 + _BESIDE_WEIGHTS_GIB


def _environment(home: Home) -> dict[str, str]:
    """Only what vLLM needs: no secrets of ours, no reporting, no way out of this machine."""
    cache = home.folder / "engine-cache"
    passed = ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "TMPDIR")
    return {key: os.environ[key] for key in passed if key in os.environ} | {
        "HOME": str(cache),
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        # Without it vLLM opens a UDP socket towards a public address to learn its own.
        "VLLM_HOST_IP": "127.0.0.1",
        "VLLM_CPU_KVCACHE_SPACE": str(_KV_GIB),
        "VLLM_CPU_OMP_THREADS_BIND": _cores(),
    }


def _cores() -> str:
    """The cores to compute on. On few cores vLLM's own choice leaves one of them idle."""
    cores = sorted(os.sched_getaffinity(0))
    return ",".join(map(str, cores)) if len(cores) <= 4 else "auto"


def missing_weights(served: Served) -> str:
    """A sentence when a folder to serve is not there, else nothing."""
    if served.folder is None or (served.folder / "config.json").exists():
        return ""
    return (
        f"The weights of {served.folder.name} are not installed in {served.folder}. "
        f"Run `make setup MODEL={served.folder.name}` (checkout: {CHECKOUT}), or start "
        "without a model: `manage.py up --no-model`."
    )
