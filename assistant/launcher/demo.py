"""Demo people on the first start: made once, their passwords kept where only the owner reads."""

import json

from assistant.config import Config
from assistant.launcher.application import manage, run_once
from assistant.launcher.home import Home, write_owner_only
from assistant.launcher.screen import say, step

ACCOUNTS = "demo-accounts.jsonl"


async def show_demo(config: Config, home: Home) -> None:
    """Make demo content if this home has none yet; say how to sign in."""
    kept = home.folder / "secrets" / ACCOUNTS
    if not kept.exists():
        with step("demo people and documents"):
            command = manage("demo", "--json")
            code, output = await run_once(*command, config=config, home=home, log="demo")
        if code:
            say(f"  The demo content could not be made; see {home.logs / 'demo.log'}.")
            return
        write_owner_only(kept, output.decode())
        _show_people(output.decode())
    say(f"  Sign in with one of the accounts in {kept}")


def _show_people(lines: str) -> None:
    say(f"\n  {'user':<24}{'password':<28}{'role':<20}matters")
    for person in map(json.loads, filter(str.strip, lines.splitlines())):
        matters = ", ".join(map(str, person.get("matters", [])))
        say(f"  {person['user']:<24}{person['password']:<28}{person['role']:<20}{matters}")
    say()
