"""A tiny parent for a server, run as a script: the server cannot outlive the process that asked for it.

Run as ``python -I -S guard.py JSON`` with the standard library alone (8 MB, 30 ms). It holds the read
end of a pipe whose only write end is in the asking process: end of file means that process is gone,
however it went. Three nets, since a forked child may hold a copy of the pipe and the guard itself may
be killed: the pipe, the parent's id once a second, and on Linux the kernel's parent-death signal on
the server. The server gets its stop signal, after a grace SIGKILL, with its whole process group; on
Linux the guard is also the reaper of descendants that left the group, and takes them down too.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform == "linux"
_LOOK_EVERY = 0.5
"""The seconds between looks at the parent's id; the pipe and the server's end wake the guard at once."""


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _become_server(order: dict[str, Any], guard: int) -> NoReturn:
    """Turn the forked child into the server: a process group, a user and a log of its own, then its command."""
    try:
        os.setpgid(0, 0)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        os.chdir(order["cwd"])
        if order["uid"] is not None:
            os.setgroups([])
            os.setgid(order["gid"])
            os.setuid(order["uid"])
        # After setuid: the kernel forgets the death signal when credentials change.
        _prctl(_PR_SET_PDEATHSIG, order["stop_signal"])
        if os.getppid() != guard:  # it was killed before the kernel knew
            os._exit(127)
        os.execvp(order["command"][0], order["command"])
    except OSError as error:
        os.write(2, f"cannot start {order['command'][0]}: {error}\n".encode())
    os._exit(127)


def _children() -> list[int]:
    """Living children of the guard, orphans of the server included (Linux)."""
    if not _LINUX:
        return []
    with open(f"/proc/self/task/{os.getpid()}/children") as stream:
        return [int(word) for word in stream.read().split()]


def _signal_group(server: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server, number)


def _reap() -> dict[int, int]:
    """Wait for whatever has ended; exit codes by process id."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def _stop(server: int, order: dict[str, Any]) -> None:
    """The stop signal to the server, and its grace to follow it."""
    os.kill(server, order["stop_signal"])  # not reaped yet, so the id is still the server's
    until = time.monotonic() + order["grace"]
    while time.monotonic() < until and server not in _reap():
        time.sleep(0.02)


def _sweep(server: int) -> None:
    """SIGKILL to the server's group and to every descendant that is left."""
    _signal_group(server, signal.SIGKILL)
    until = time.monotonic() + 2.0
    while _children() and time.monotonic() < until:
        for child in _children():
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
        _reap()


def main() -> int:
    """Start the server, tell its process id on standard output, watch both sides."""
    order = json.loads(sys.argv[1])
    asked_to_stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: asked_to_stop.append(got))
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(
        signal.SIGCHLD, lambda _got, _frame: None
    )  # that it arrives wakes the select below
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()
    server = os.fork()
    if server == 0:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        _become_server(order, guard)
    os.write(1, f"{server}\n".encode())
    os.close(1)
    while True:
        readable, _, _ = select.select([order["pipe"], woken], [], [], _LOOK_EVERY)
        with contextlib.suppress(BlockingIOError):
            os.read(woken, 512)
        ended = _reap()
        if server in ended:
            _sweep(server)
            code = ended[server]
            return code if code >= 0 else 128 - code
        if order["pipe"] in readable or asked_to_stop or os.getppid() != order["parent"]:
            _stop(server, order)
            _sweep(server)
            return 0


if __name__ == "__main__":
    sys.exit(main())
