"""The processes of the prediction service as the operating system counts them."""

import os
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class ServiceProcess:
    """One process of the service."""

    pid: int
    role: str
    """'supervisor', 'worker', or 'helper': it starts workers, or is a server that the supervisor has started."""
    answers_this: bool
    """Whether it is the worker that has answered this very request."""
    resident_mb: float
    own_mb: float | None
    """Resident memory with each shared page divided among its users (PSS); null where the system does not tell."""
    cpu_seconds: float
    """Since its start, of all cores."""
    threads: int


def service_processes(supervisor: int) -> tuple[ServiceProcess, ...]:
    """The supervisor and everything that it has started, in the order of their ids; none if it is gone."""
    try:
        root = psutil.Process(supervisor)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return ()
    workers = _workers(processes)
    found = (_counted(each, supervisor, workers) for each in processes)
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.pid))


def _workers(processes: list[psutil.Process]) -> set[int]:
    """The workers: the children of the process that forks them."""
    servers = {each.pid for each in processes if _is_fork_server(each)}
    return {each.pid for each in processes if _parent(each) in servers}


def _is_fork_server(process: psutil.Process) -> bool:
    try:
        return any("forkserver" in word for word in process.cmdline()) and not any(
            "forkserver" in word for word in _parent_words(process)
        )
    except psutil.Error:
        return False


def _parent_words(process: psutil.Process) -> list[str]:
    parent = process.parent()
    return list(parent.cmdline()) if parent is not None else []


def _parent(process: psutil.Process) -> int | None:
    try:
        parent: int = process.ppid()
        return parent
    except psutil.Error:
        return None


def _counted(process: psutil.Process, supervisor: int, workers: set[int]) -> ServiceProcess | None:
    """The figures of a process; ``None`` if it has ended meanwhile."""
    role = "supervisor" if process.pid == supervisor else "helper"
    try:
        with process.oneshot():
            times = process.cpu_times()
            return ServiceProcess(
                pid=process.pid,
                role="worker" if process.pid in workers else role,
                answers_this=process.pid == os.getpid(),
                resident_mb=round(process.memory_info().rss / 1e6, 1),
                own_mb=_own_mb(process),
                cpu_seconds=round(times.user + times.system, 2),
                threads=process.num_threads(),
            )
    except psutil.Error:
        return None


def _own_mb(process: psutil.Process) -> float | None:
    try:
        return round(float(process.memory_full_info().pss) / 1e6, 1)
    except (psutil.Error, AttributeError):
        return None
