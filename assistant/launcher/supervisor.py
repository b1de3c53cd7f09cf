"""Bring an installation up in order, watch it, take it down in reverse order."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from assistant.config import Config, read_state
from assistant.launcher import application, models, postgres, valkey
from assistant.launcher.demo import show_demo
from assistant.launcher.errors import CannotStart
from assistant.launcher.home import Home, State
from assistant.launcher.keeper import Keeper
from assistant.launcher.leftovers import end_leftovers
from assistant.launcher.part import Part
from assistant.launcher.ports import free_port, holder, is_taken
from assistant.launcher.screen import say, step

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOADING_EVERY_SECONDS = 15
# The ledger takes down what the others say as they stop.
_LAST = ("sequencer", "signer", "valkey", "postgres")


class Supervisor:
    """One run of an installation, from the first check to the last process ended."""

    def __init__(self, config: Config, *, with_model: bool, with_demo: bool) -> None:
        self._config = config
        self._home = Home(folder=config.home.resolve())
        self._with_model = with_model
        self._with_demo = with_demo
        self._address = f"http://{_shown_host(config.host)}:{config.port}"
        self._keepers: list[Keeper] = []
        self._background: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Run until a stop signal. Give the exit code: 0 stopped as asked, 2 could not start."""
        stop = asyncio.Event()
        for number in _STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            self._home.prepare()
            lock = self._home.lock()
        except CannotStart as error:
            say(str(error))
            return 2
        with lock:
            return await self._until_stopped(stop)

    async def _until_stopped(self, stop: asyncio.Event) -> int:
        up = asyncio.create_task(self._bring_up())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({up, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if up.done():
                up.result()
                await stopping
            return 0
        except CannotStart as error:
            say(f"\n{error}")
            return 2
        finally:
            up.cancel()
            stopping.cancel()
            await asyncio.gather(up, return_exceptions=True)
            await self._take_down()

    async def _bring_up(self) -> None:
        self._refuse_taken_port()
        served = models.wanted(self._config, self._home) if self._with_model else []
        _refuse_missing(served)
        before = read_state(self._home.folder)
        await asyncio.to_thread(end_leftovers, self._home)
        _refuse_little_memory(served)
        self._state = State(self._home, self._address)
        await asyncio.gather(self._start_database(before), self._start_valkey(before))
        self._state.set(models={one.name: models.address(self._home, one) for one in served})
        await asyncio.gather(self._prepare(), *(self._verify(one) for one in served))
        sequencer = self._begin(application.sequencer(self._config, self._home))
        signer = self._begin(application.signer(self._config, self._home))
        web = self._begin(application.web(self._config, self._home))
        documents = self._begin(application.documents(self._config, self._home))
        answers = self._begin(application.answers(self._config, self._home))
        for number, one in enumerate(one for one in served if one.folder):
            self._start_model(one, name="vllm" if number == 0 else f"vllm-{one.name}")
        await web.wait_ready()
        say(f"\n  Cloister is at {self._address}\n")
        parts = (documents, answers, sequencer, signer)
        await asyncio.gather(*(part.wait_ready() for part in parts))
        if self._with_demo:
            await show_demo(self._config, self._home)
        say("  Ctrl-C stops everything.")

    # --- Embedded services ---------------------------------------------------------------

    async def _start_database(self, before: dict[str, object]) -> None:
        if self._config.database_url:
            say("  PostgreSQL: the one in DATABASE_URL")
            return
        port = free_port(_port_of(before.get("databases"), "app"))
        with step("PostgreSQL data folder"):
            cluster = await asyncio.to_thread(postgres.locate, self._home, port=port)
        await self._begin(postgres.part(cluster)).wait_ready()
        await asyncio.to_thread(postgres.ensure_roles, cluster)
        roles = ("superuser", *postgres.ROLES)
        self._state.set(databases={role: cluster.address(role) for role in roles})

    async def _start_valkey(self, before: dict[str, object]) -> None:
        if self._config.redis_url:
            say("  Valkey: the one in REDIS_URL")
            return
        port = free_port(_port_of(before, "redis"))
        await self._begin(valkey.part(self._home, port=port)).wait_ready()
        self._state.set(redis=valkey.address(self._home, port=port))

    # --- Our own parts -------------------------------------------------------------------

    async def _prepare(self) -> None:
        """Tables and static files, by a process that brings Django and takes it away again."""
        with step("database tables and static files"):
            code, _ = await application.run_once(
                *application.manage("prepare"), config=self._config, home=self._home, log="prepare"
            )
            if code:
                log = self._home.logs / "prepare.log"
                tail = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-6:])
                raise CannotStart(f"The database could not be prepared. {log} ends with:\n{tail}")

    async def _verify(self, served: models.Served) -> None:
        """Refuse to serve weights that are not the ones the set-up has made."""
        command = models.verify_command(served)
        if not command:
            return
        with step(f"digests of {served.name}"):
            code, _ = await application.run_once(
                *command, config=self._config, home=self._home, log="weights"
            )
            if code:
                raise CannotStart((self._home.logs / "weights.log").read_text().splitlines()[-1])

    def _start_model(self, served: models.Served, *, name: str) -> None:
        keeper = self._begin(models.part(self._home, served, name=name))
        task = asyncio.create_task(_watch_loading(keeper))
        self._background.add(task)

    def _begin(self, part: Part) -> Keeper:
        keeper = Keeper(part, home=self._home, set_pid=self._state.set_pid)
        self._keepers.append(keeper)
        keeper.begin()
        return keeper

    # --- Refusals and the end ------------------------------------------------------------

    def _refuse_taken_port(self) -> None:
        port = self._config.port
        if not is_taken(self._config.host, port):
            return
        by = holder(port)
        # What an interrupted launcher has left behind may hold it, and is ended before we start.
        pids = read_state(self._home.folder).get("pids", {}).values()
        if not any(by.startswith(f"process {pid} ") for pid in pids):
            raise CannotStart(
                f"Port {port} is taken{f' by {by}' if by else ''}. "
                f"Stop it, or choose another: make run PORT={port + 10}"
            )

    async def _take_down(self) -> None:
        for task in self._background:
            task.cancel()
        if not self._keepers:
            return
        say("\n  stopping")
        start = time.monotonic()
        by_name = {keeper.part.name: keeper for keeper in self._keepers}
        last = [by_name.pop(name) for name in _LAST if name in by_name]
        await asyncio.gather(*(keeper.stop() for keeper in by_name.values()))
        for keeper in last:
            await keeper.stop()
        self._state.remove()
        say(f"  stopped in {time.monotonic() - start:.1f} s")


async def _watch_loading(keeper: Keeper) -> None:
    """Show that a model is loading; nothing waits for it."""
    start = time.monotonic()
    while True:
        with suppress(TimeoutError):
            try:
                async with asyncio.timeout(_LOADING_EVERY_SECONDS):
                    await keeper.wait_ready()
            except CannotStart as error:
                say(f"  {error}\n  Everything else runs; it is tried again.")
            return
        say(f"  {keeper.part.title}: loading, {time.monotonic() - start:.0f} s")


def _refuse_missing(served: list[models.Served]) -> None:
    for one in served:
        if sentence := models.missing_weights(one):
            raise CannotStart(sentence)


def _refuse_little_memory(served: list[models.Served]) -> None:
    needed = sum(models.memory_needed_gib(one) for one in served)
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    with suppress(OSError, ValueError), Path("/proc/meminfo").open() as file:
        fields = dict(line.split(":", 1) for line in file)
        free = int(fields["MemAvailable"].split()[0]) / 2**20
    if needed > free:
        raise CannotStart(
            f"Serving {', '.join(one.name for one in served)} takes about {needed:.0f} GiB of "
            f"memory and {free:.1f} GiB are free. Close other programs, choose a smaller "
            "model (MODEL=smollm2-135m), or start without one: `manage.py up --no-model`."
        )


def _port_of(values: object, key: str) -> int | None:
    """The port in an address that an earlier run has written down."""
    address = values.get(key) if isinstance(values, dict) else None
    with suppress(ValueError, AttributeError, IndexError):
        return int(str(address).rsplit("@", 1)[1].split("/")[0].rsplit(":", 1)[1])
    return None


def _shown_host(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
