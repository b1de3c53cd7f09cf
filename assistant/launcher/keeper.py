"""Keep one part running: start it, say when it is ready, start it again when it dies."""

import asyncio
import time
from collections.abc import Callable

from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home
from assistant.launcher.part import Part, Running, start
from assistant.launcher.screen import done, say

_FIRST_PAUSE_SECONDS = 0.3
_LONGEST_PAUSE_SECONDS = 30.0
# A part that ran this long was well: its next death starts with the shortest pause again.
_WELL_AFTER_SECONDS = 60.0
_TRIES_BEFORE_GIVING_UP = 4


class Keeper:
    """Runs a part and restarts it with growing pauses until it is told to stop."""

    def __init__(
        self, part: Part, *, home: Home, set_pid: Callable[[str, int | None], None]
    ) -> None:
        self.part = part
        self._home = home
        self._set_pid = set_pid
        self._ready = asyncio.Event()
        self._running: Running | None = None
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._trouble = ""
        self._gave_trouble = asyncio.Event()

    def begin(self) -> None:
        """Start the part and keep it running from now on."""
        self._task = asyncio.create_task(self._keep(), name=self.part.name)

    async def wait_ready(self) -> None:
        """Wait for the first answer. Raises CannotStart when the part fails again and again."""
        ready = asyncio.create_task(self._ready.wait())
        trouble = asyncio.create_task(self._gave_trouble.wait())
        try:
            await asyncio.wait({ready, trouble}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            trouble.cancel()
        if not self._ready.is_set():
            raise CannotStart(self._trouble)

    async def stop(self) -> None:
        """Stop restarting, then stop the process."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._running:
            await self._running.stop()
            self._set_pid(self.part.name, None)

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            life = await self._start()
            well = await life.becomes_ready()
            if well:
                self._announce(life)
            else:
                self._report(life)
                await life.stop()
            code = await life.ended()
            self._bury(life)
            if well:
                say(f"  {self.part.title} ended (code {code}); starting it again")
            if time.monotonic() - life.started > _WELL_AFTER_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _start(self) -> Running:
        self._running = await start(self.part, self._home)
        self._set_pid(self.part.name, self._running.pid)
        return self._running

    def _announce(self, life: Running) -> None:
        done(self.part.title, time.monotonic() - life.started)
        self._failures = 0
        self._ready.set()

    def _report(self, life: Running) -> None:
        self._failures += 1
        self._trouble = (
            f"{self.part.title} does not start. Its log, {life.log.path}, ends with:\n"
            f"{life.log.last_lines()}"
        )
        if self._ready.is_set():  # nobody waits for it any more, but somebody should know
            say(f"  {self._trouble}")
        if self._failures == _TRIES_BEFORE_GIVING_UP:
            self._gave_trouble.set()

    def _bury(self, life: Running) -> None:
        life.kill_group()
        self._set_pid(self.part.name, None)
        self._running = None
