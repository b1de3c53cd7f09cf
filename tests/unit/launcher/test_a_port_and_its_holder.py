"""A taken port is recognised, and the sentence about it names who holds it."""

import subprocess
import sys

from assistant.launcher.ports import free_port, holder, is_taken


def test_the_holder_of_a_port_is_named() -> None:
    port = free_port()
    script = (
        "import socket, time\n"
        f"server = socket.create_server(('127.0.0.1', {port})); print(flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            assert is_taken("127.0.0.1", port)
            assert holder(port).startswith(f"process {process.pid} ({sys.executable}")
        finally:
            process.kill()
    assert not is_taken("127.0.0.1", port)


def test_the_port_of_an_earlier_run_is_preferred() -> None:
    port = free_port()
    assert free_port(port) == port
