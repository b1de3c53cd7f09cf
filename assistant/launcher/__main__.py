"""`python -m assistant.launcher`: what `manage.py up` becomes."""

import argparse
import asyncio
import os
import sys

from pydantic import ValidationError

from assistant.config import Config, get_config
from assistant.launcher.screen import say
from assistant.launcher.supervisor import Supervisor


def main() -> int:
    """Read the command line and run until stopped."""
    parser = argparse.ArgumentParser(prog="manage.py up")
    parser.add_argument("--port", type=int, help="port of the web server")
    parser.add_argument("--no-model", action="store_true", help="start without vLLM")
    parser.add_argument("--demo", action="store_true", help="demo content on first start")
    chosen = parser.parse_args()
    os.umask(0o077)
    try:
        config = _config(chosen.port)
    except ValidationError as error:
        say(f"A setting cannot be used: {error}")
        return 2
    supervisor = Supervisor(config, with_model=not chosen.no_model, with_demo=chosen.demo)
    return asyncio.run(supervisor.run())


def _config(port: int | None) -> Config:
    config = get_config()
    return config if port is None else config.model_copy(update={"port": port})


if __name__ == "__main__":
    sys.exit(main())
