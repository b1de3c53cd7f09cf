"""Gives up, for good, what reading a file does not need: network, programs, files, memory, time.

Runs inside the reading process. Every measure that the kernel refuses is reported, not hidden; the
limits on memory, time and size hold everywhere.

Sources: Linux man-pages prctl(2), seccomp(2), landlock(7), unshare(2), setrlimit(2).
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from assistant.documents.parse.values import Limits

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
OPEN_FILES = 64
CPU_GRACE_SECONDS = 2

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_RULE_PATH_BENEATH = 1
LANDLOCK_EVERYTHING_V1 = (1 << 13) - 1
LANDLOCK_READ = (1 << 2) | (1 << 3)

# Calls that start programs or processes, open sockets, signal or look into other processes.
# fmt: off
REFUSED_CALLS = {
    "x86_64": (
        0xC000003E,
        # socket connect sendto bind clone fork vfork execve kill ptrace mount tkill tgkill
        # kexec_load unshare setns process_vm_readv process_vm_writev bpf execveat userfaultfd
        # pidfd_send_signal io_uring_setup clone3
        (41, 42, 44, 49, 56, 57, 58, 59, 62, 101, 165, 200, 234,
         246, 272, 308, 310, 311, 321, 322, 323, 424, 425, 435),
    ),
    "aarch64": (
        0xC00000B7,
        # the same calls; fork and vfork do not exist here
        (198, 203, 206, 200, 220, 221, 129, 117, 40, 130, 131,
         104, 97, 268, 270, 271, 280, 281, 282, 424, 425, 435),
    ),
}
# fmt: on
BPF_LOAD, BPF_EQUAL, BPF_AT_LEAST, BPF_RETURN = 0x20, 0x15, 0x35, 0x06
SECCOMP_ALLOW, SECCOMP_ERRNO, SECCOMP_KILL = 0x7FFF0000, 0x00050000, 0x80000000
X32_CALLS = 0x40000000
EPERM = 1


def die_with_parent() -> None:
    """Ends this process when the one that started it ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(PR_SET_DUMPABLE, 0)


def leave_network() -> bool:
    """Moves this process into a network of its own with nothing in it. False if not allowed.

    Must be called while the process has one thread.
    """
    libc = _libc()
    return bool(libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)


def confine(limits: Limits, *, readable: Sequence[Path]) -> dict[str, bool]:
    """Confines this process until it ends. Says which measures hold."""
    no_new_privileges = _prctl(PR_SET_NO_NEW_PRIVS, 1) == 0
    files = no_new_privileges and _only_these_files(readable)
    _set_limits(limits)
    calls = no_new_privileges and _refuse_calls()
    return {"no_new_privileges": no_new_privileges, "files": files, "calls": calls}


def _set_limits(limits: Limits) -> None:
    cpu = limits.cpu_seconds
    for what, soft, hard in (
        (resource.RLIMIT_CPU, cpu, cpu + CPU_GRACE_SECONDS),
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
    ):
        resource.setrlimit(what, (soft, hard))


def _only_these_files(readable: Sequence[Path]) -> bool:
    """Landlock: no file may be written, and only these trees may be read."""
    libc = _libc()
    handled = struct.pack("=Q", LANDLOCK_EVERYTHING_V1)
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            if not path.is_dir():
                continue
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", LANDLOCK_READ, folder)
            added = libc.syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
            os.close(folder)
            if added != 0:
                return False
        return bool(libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _refuse_calls() -> bool:
    """seccomp: the calls above fail with EPERM; another architecture's calls end the process."""
    known = REFUSED_CALLS.get(platform.machine())
    if known is None or sys.platform != "linux":
        return False
    architecture, refused = known
    lines = [
        (BPF_LOAD, 0, 0, 4),
        (BPF_EQUAL, 1, 0, architecture),
        (BPF_RETURN, 0, 0, SECCOMP_KILL),
        (BPF_LOAD, 0, 0, 0),
        (BPF_AT_LEAST, len(refused) + 1, 0, X32_CALLS),
    ]
    lines += [(BPF_EQUAL, len(refused) - at, 0, call) for at, call in enumerate(refused)]
    lines += [(BPF_RETURN, 0, 0, SECCOMP_ALLOW), (BPF_RETURN, 0, 0, SECCOMP_ERRNO | EPERM)]
    code = b"".join(struct.pack("=HBBI", *line) for line in lines)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(lines), ctypes.addressof(buffer))
    return _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) == 0


def _prctl(option: int, value: int, pointer: bytes | None = None) -> int:
    libc = _libc()
    libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p, *[ctypes.c_ulong] * 2]
    return int(libc.prctl(option, value, pointer, 0, 0))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
